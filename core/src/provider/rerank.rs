//! Reranking: how documents are handed over, and how their order comes back. Each format has the same functions in the same order.

use serde_json::Value;

use super::endpoint;
use super::exchange::{EncodedRequest, ResponseHead};
use super::flaw::Flaw;
use super::json::{count, get, items};
use super::target::Target;
use crate::types::{Error, ReportedUsage, RerankRequest, Result};

/// What an answer brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedRanking {
    /// The model that the provider says it served.
    pub model: Option<String>,
    /// The places of documents and their scores, in the provider's order.
    pub ranked: Vec<(u32, f64)>,
    /// What it consumed; absent if the provider did not say.
    pub usage: Option<ReportedUsage>,
}

/// A format of reranking.
pub trait RerankAdapter: Send + Sync {
    /// Encodes a request.
    fn encode(&self, target: &Target<'_>, request: &RerankRequest) -> Result<EncodedRequest>;

    /// Decodes an answer of status 200. An error in its body, or a body that is no answer, is a flaw.
    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedRanking, Flaw>;

    /// Decodes the answer of a status that is not a success.
    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error;
}

/// Returns the address that paths are appended to, without a slash at its end, and its query.
pub(super) fn base_url<'a>(target: &Target<'a>) -> Result<(&'a str, Option<&'a str>)> {
    super::embeddings::base_url(target)
}

/// Reads the places and scores of a list.
pub(super) fn ranked(list: &Value, field: &str) -> Vec<(u32, f64)> {
    let one = |item: &Value| {
        let index = u32::try_from(count(item, "index")?).ok()?;
        let score = get(item, "relevance_score").or_else(|| get(item, "score"))?.as_f64()?;
        Some((index, score))
    };
    items(list, field).iter().filter_map(one).collect()
}

/// Returns the search for an address: paths come behind the version.
pub(super) fn url(target: &Target<'_>, path: &str) -> Result<String> {
    let (base, query) = base_url(target)?;
    let base = base.strip_suffix(path).unwrap_or(base);
    Ok(endpoint::join_query(&format!("{base}{path}"), query))
}
