//! Reranking: documents, ordered by how much they say to a query.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::call_reply::whole_reply;

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

whole_reply! {
    /// The documents of a request in their order, and what that cost.
    RerankReply {
        /// The documents, the best first.
        results: Vec<RankedDocument>,
    }
}
