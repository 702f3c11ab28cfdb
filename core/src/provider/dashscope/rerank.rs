//! Model Studio reranking.

use serde_json::{Map, Value, json};

use super::url;
use crate::provider::embeddings::of_input;
use crate::provider::endpoint::assemble;
use crate::provider::json::field;
use crate::provider::rerank::{DecodedRanking, RerankAdapter, ranked};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{Error, RerankRequest, Result};

/// Where the service stands, beside the address at which the same host speaks OpenAI's format.
const PATH: &str = "/api/v1/services/rerank/text-rerank/text-rerank";

/// The fields of which every answer has at least one.
const FIELDS: [&str; 3] = ["output", "usage", "request_id"];

/// The format.
pub(in crate::provider) struct Rerank;

impl RerankAdapter for Rerank {
    fn encode(&self, target: &Target<'_>, request: &RerankRequest) -> Result<EncodedRequest> {
        let mut parameters = request.extra.clone();
        parameters.entry("return_documents").or_insert(Value::Bool(false));
        if let Some(top_n) = request.top_n {
            parameters.insert("top_n".to_owned(), top_n.into());
        }
        let body = Map::from_iter([
            ("model".to_owned(), target.model.into()),
            ("input".to_owned(), json!({"query": request.query, "documents": request.documents})),
            ("parameters".to_owned(), parameters.into()),
        ]);
        assemble(target, url(target, PATH)?, &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedRanking, Flaw> {
        let document = Flaw::read(target, head, body, &["output"])?;
        let value = &document.value;
        let usage = openai::usage::read_answer(target, value, &document.text).map(of_input);
        let Some(output) = field(value, "output").filter(|output| output.get("results").is_some_and(Value::is_array))
        else {
            if let Some(error) = openai::error::embedded(target, head, value) {
                return Err(Flaw::stated(error, usage));
            }
            let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no results");
            return Err(Flaw { usage: usage.map(Box::new), ..flaw });
        };
        Ok(DecodedRanking { model: None, ranked: ranked(output, "results"), usage })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}
