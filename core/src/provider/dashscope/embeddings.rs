//! Model Studio embeddings, in its own format.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::url;
use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, of_input, texts};
use crate::provider::endpoint::assemble;
use crate::provider::json::{count, field};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedUsage, Result, Vector};

/// Where the service stands, beside the address at which the same host speaks OpenAI's format.
const PATH: &str = "/api/v1/services/embeddings/text-embedding/text-embedding";

/// The fields of which every answer has at least one.
const FIELDS: [&str; 3] = ["output", "usage", "request_id"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let mut parameters = request.extra.clone();
        if let Some(dimensions) = request.dimensions {
            parameters.insert("dimension".to_owned(), dimensions.into());
        }
        if let Some(kind) = request.input_type {
            parameters.insert("text_type".to_owned(), kind.word(["query", "document", "document", "document"]).into());
        }
        let body = Map::from_iter([
            ("model".to_owned(), target.model.into()),
            ("input".to_owned(), json!({"texts": texts(target, inputs)?})),
            ("parameters".to_owned(), parameters.into()),
        ]);
        assemble(target, url(target, PATH)?, &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        let Ok(Answer { output: Output { mut embeddings }, usage }) = serde_json::from_slice::<Answer>(body) else {
            return Err(flaw(target, head, body));
        };
        embeddings.sort_by_key(|item| item.text_index);
        let usage = read_usage(&json!({"usage": usage}));
        Ok(DecodedEmbeddings {
            model: None,
            vectors: embeddings.into_iter().map(|item| item.embedding).collect(),
            usage,
        })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}

/// An answer. Its vectors are read without a tree, since they are nearly all of it.
#[derive(Deserialize)]
struct Answer {
    output: Output,
    #[serde(default)]
    usage: Value,
}

#[derive(Deserialize)]
struct Output {
    embeddings: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    embedding: Vector,
    #[serde(default)]
    text_index: usize,
}

fn read_usage(answer: &Value) -> Option<ReportedUsage> {
    let total = count(field(answer, "usage")?, "total_tokens");
    total.map(|total| of_input(ReportedUsage { total: Some(total), ..ReportedUsage::default() }))
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["output"]) {
        Ok(document) => document,
        Err(flaw) => return flaw,
    };
    let usage = read_usage(&document.value);
    if let Some(error) = openai::error::embedded(target, head, &document.value) {
        return Flaw::stated(error, usage);
    }
    let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no vectors that can be read");
    Flaw { usage: usage.map(Box::new), ..flaw }
}
