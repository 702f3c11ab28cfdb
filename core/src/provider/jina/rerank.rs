//! Jina reranking, which many hosts speak.

use serde_json::{Value, json};

use crate::provider::embeddings::of_input;
use crate::provider::endpoint::assemble;
use crate::provider::json::{count, field, owned};
use crate::provider::rerank::{DecodedRanking, RerankAdapter, ranked, url};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{Error, Meter, ReportedUsage, RerankRequest, Result};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 4] = ["results", "usage", "meta", "model"];

/// The format.
pub(in crate::provider) struct Rerank;

impl RerankAdapter for Rerank {
    fn encode(&self, target: &Target<'_>, request: &RerankRequest) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        body.insert("model".to_owned(), target.model.into());
        body.insert("query".to_owned(), request.query.as_str().into());
        body.insert("documents".to_owned(), json!(request.documents));
        body.entry("return_documents").or_insert(Value::Bool(false));
        if let Some(top_n) = request.top_n {
            body.insert("top_n".to_owned(), top_n.into());
        }
        assemble(target, url(target, "/rerank")?, &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedRanking, Flaw> {
        let document = Flaw::read(target, head, body, &["results"])?;
        let value = &document.value;
        let usage = read_usage(value, target, &document.text);
        if let Some(error) = openai::error::embedded(target, head, value) {
            return Err(Flaw::stated(error, usage));
        }
        if !value.get("results").is_some_and(Value::is_array) {
            let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no results");
            return Err(Flaw { usage: usage.map(Box::new), ..flaw });
        }
        Ok(DecodedRanking { model: owned(value, "model"), ranked: ranked(value, "results"), usage })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}

/// Reads tokens where hosts of the format put them, and the searches of those that bill by them.
fn read_usage(value: &Value, target: &Target<'_>, text: &[u8]) -> Option<ReportedUsage> {
    let meta = field(value, "meta");
    let places = [field(value, "usage"), meta.and_then(|meta| field(meta, "billed_units"))];
    let searches = places.into_iter().flatten().find_map(|place| count(place, "search_units"));
    let tokens = meta.and_then(|meta| field(meta, "tokens")).and_then(|tokens| count(tokens, "input_tokens"));
    let mut reported = openai::usage::read_answer(target, value, text).map(of_input);
    if reported.is_none() && (searches.is_some() || tokens.is_some()) {
        reported = Some(of_input(ReportedUsage { input: tokens.or(Some(0)), ..ReportedUsage::default() }));
    }
    if let (Some(reported), Some(searches)) = (&mut reported, searches) {
        reported.counts.insert(Meter::SearchUnit, searches.into());
    }
    reported
}
