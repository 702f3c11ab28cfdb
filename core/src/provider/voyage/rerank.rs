//! Voyage reranking.

use serde_json::{Value, json};

use crate::provider::embeddings::of_input;
use crate::provider::endpoint::assemble;
use crate::provider::json::owned;
use crate::provider::rerank::{DecodedRanking, RerankAdapter, ranked, url};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{Error, RerankRequest, Result};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 4] = ["data", "usage", "object", "model"];

/// The format.
pub(in crate::provider) struct Rerank;

impl RerankAdapter for Rerank {
    fn encode(&self, target: &Target<'_>, request: &RerankRequest) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        body.insert("model".to_owned(), target.model.into());
        body.insert("query".to_owned(), request.query.as_str().into());
        body.insert("documents".to_owned(), json!(request.documents));
        if let Some(top_n) = request.top_n {
            body.insert("top_k".to_owned(), top_n.into());
        }
        assemble(target, url(target, "/rerank")?, &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedRanking, Flaw> {
        let document = Flaw::read(target, head, body, &["data"])?;
        let value = &document.value;
        let usage = openai::usage::read_answer(target, value, &document.text).map(of_input);
        if let Some(error) = openai::error::embedded(target, head, value) {
            return Err(Flaw::stated(error, usage));
        }
        if !value.get("data").is_some_and(Value::is_array) {
            let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no results");
            return Err(Flaw { usage: usage.map(Box::new), ..flaw });
        }
        Ok(DecodedRanking { model: owned(value, "model"), ranked: ranked(value, "data"), usage })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}
