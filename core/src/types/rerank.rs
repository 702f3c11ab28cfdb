//! Reranking: documents, ordered by how much they say to a query.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::currency::Currency;
use super::receipt::{CostStatus, Receipt};
use super::reply::Attempt;
use super::usage::Usage;

/// A request to order documents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RerankRequest {
    /// The model, an alias, or a route; the default of the capability `rerank` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What is searched for.
    pub query: String,
    /// The documents.
    pub documents: Vec<String>,
    /// How many results come back at the most; all where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_n: Option<u32>,
    /// Every other field, which is passed on to the provider.
    #[serde(flatten)]
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub extra: Map<String, Value>,
}

/// One document in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RankedDocument {
    /// The place of the document in the request, from 0.
    pub index: u32,
    /// How much it says to the query, on the scale of the model: more is better.
    pub relevance_score: f64,
    /// The document.
    pub document: String,
}

/// The documents of a request in their order, and what that cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RerankReply {
    /// The id of the call, shared by all its attempts and records (UUIDv7).
    pub request_id: String,
    /// The provider that answered.
    pub provider: String,
    /// The model that was asked, without its provider.
    pub model: String,
    /// The model that the provider says it served.
    pub served_model: Option<String>,
    /// The documents, the best first.
    pub results: Vec<RankedDocument>,
    /// What the answer consumed.
    pub usage: Usage,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    pub cost: Option<Decimal>,
    /// The currency of `cost`.
    pub currency: Option<Currency>,
    /// Where the cost of the answer comes from.
    pub cost_status: CostStatus,
    /// One line per attempt and meter.
    pub receipt: Receipt,
    /// Every attempt, the failed ones included, in order.
    pub attempts: Vec<Attempt>,
    /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
    pub replayed: bool,
}
