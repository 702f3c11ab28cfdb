//! Cohere reranking, which is billed by searches.

use serde_json::{Value, json};

use super::usage;
use crate::provider::endpoint::{assemble, join_query, with_version};
use crate::provider::rerank::{DecodedRanking, RerankAdapter, base_url, ranked};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{Error, RerankRequest, Result};

const PATH: &str = "/rerank";

/// The fields of which every answer has at least one.
const FIELDS: [&str; 3] = ["results", "meta", "id"];

/// The format.
pub(in crate::provider) struct Rerank;

impl RerankAdapter for Rerank {
    fn encode(&self, target: &Target<'_>, request: &RerankRequest) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        body.insert("model".to_owned(), target.model.into());
        body.insert("query".to_owned(), request.query.as_str().into());
        body.insert("documents".to_owned(), json!(request.documents));
        if let Some(top_n) = request.top_n {
            body.insert("top_n".to_owned(), top_n.into());
        }
        let (base, query) = base_url(target)?;
        let base = with_version(base.strip_suffix(PATH).unwrap_or(base), "v2");
        assemble(target, join_query(&format!("{base}{PATH}"), query), &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedRanking, Flaw> {
        let document = Flaw::read(target, head, body, &["results"])?;
        let value = &document.value;
        let usage = usage::read(value);
        if let Some(error) = openai::error::embedded(target, head, value) {
            return Err(Flaw::stated(error, usage));
        }
        if !value.get("results").is_some_and(Value::is_array) {
            let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no results");
            return Err(Flaw { usage: usage.map(Box::new), ..flaw });
        }
        Ok(DecodedRanking { model: None, ranked: ranked(value, "results"), usage })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}
