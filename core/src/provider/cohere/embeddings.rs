//! Cohere embeddings.

use serde::Deserialize;
use serde_json::{Value, json};

use super::usage;
use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, base_url, put_choices, texts};
use crate::provider::endpoint::{assemble, join_query, with_version};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{EmbedInput, EmbedRequest, Error, Result, Vector};

const PATH: &str = "/embed";

/// What vectors are for where a request does not say it; the format wants to know.
const USUAL_TYPE: &str = "search_document";

/// The fields of which every answer has at least one.
const FIELDS: [&str; 4] = ["embeddings", "meta", "response_type", "id"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        body.insert("model".to_owned(), target.model.into());
        body.insert("texts".to_owned(), json!(texts(target, inputs)?));
        body.entry("input_type").or_insert_with(|| USUAL_TYPE.into());
        put_choices(target, request, &mut body);
        body.insert("embedding_types".to_owned(), json!(["float"]));
        let (base, query) = base_url(target)?;
        let base = with_version(base.strip_suffix(PATH).unwrap_or(base), "v2");
        assemble(target, join_query(&format!("{base}{PATH}"), query), &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        match serde_json::from_slice::<Answer>(body) {
            Ok(Answer { embeddings, meta }) => {
                let vectors = match embeddings {
                    ByType::Float { float } => float,
                    ByType::Plain(vectors) => vectors,
                };
                let usage = usage::read(&json!({"meta": meta}));
                Ok(DecodedEmbeddings { model: None, vectors, usage })
            }
            Err(_) => Err(flaw(target, head, body)),
        }
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}

#[derive(Deserialize)]
struct Answer {
    embeddings: ByType,
    #[serde(default)]
    meta: Value,
}

/// Vectors by their types, or without one as the first version has them.
#[derive(Deserialize)]
#[serde(untagged)]
enum ByType {
    Float { float: Vec<Vector> },
    Plain(Vec<Vector>),
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["embeddings"]) {
        Ok(document) => document,
        Err(flaw) => return flaw,
    };
    let usage = usage::read(&document.value);
    if let Some(error) = openai::error::embedded(target, head, &document.value) {
        return Flaw::stated(error, usage);
    }
    let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no vectors that can be read");
    Flaw { usage: usage.map(Box::new), ..flaw }
}
