//! Ollama embeddings, in its own format.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, base_url, of_input, texts};
use crate::provider::endpoint::{assemble, join_query};
use crate::provider::json::count;
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedUsage, Result, Vector};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 4] = ["embeddings", "embedding", "model", "total_duration"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        body.insert("model".to_owned(), target.model.into());
        body.insert("input".to_owned(), json!(texts(target, inputs)?));
        if let Some(dimensions) = request.dimensions {
            body.insert("dimensions".to_owned(), dimensions.into());
        }
        let (base, query) = base_url(target)?;
        let host = ["/v1", "/api"].iter().find_map(|path| base.strip_suffix(path)).unwrap_or(base);
        assemble(target, join_query(&format!("{host}/api/embed"), query), &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        match serde_json::from_slice::<Answer>(body) {
            Ok(Answer { embeddings, embedding, model, prompt_eval_count })
                if !embeddings.is_empty() || embedding.is_some() =>
            {
                let usage = read_usage(&json!({"prompt_eval_count": prompt_eval_count}));
                Ok(DecodedEmbeddings { model, vectors: embeddings.into_iter().chain(embedding).collect(), usage })
            }
            _ => Err(flaw(target, head, body)),
        }
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}

/// An answer. Its vectors are read without a tree, since they are nearly all of it.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    embeddings: Vec<Vector>,
    #[serde(default)]
    embedding: Option<Vector>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    prompt_eval_count: Option<u64>,
}

fn read_usage(answer: &Value) -> Option<ReportedUsage> {
    let input = count(answer, "prompt_eval_count");
    input.map(|input| of_input(ReportedUsage { input: Some(input), ..ReportedUsage::default() }))
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["embeddings"]) {
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
