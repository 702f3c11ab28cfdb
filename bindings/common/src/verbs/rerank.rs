//! The verb `rerank`.

use tollway::client::Tollway;
use tollway::types::{self, RankedDocument, RerankRequest, Result};

use super::call::{Asked, Call};
use super::table::verbs;
use crate::results::whole_reply;

verbs! {
    /// Orders documents by how much they say to a query, and returns them once their cost is in the ledger.
    ///
    /// The best comes first.
    ///
    /// * `budget_exceeded` if a budget that applies would be passed.
    "rerank"(query, documents) => rerank(Box<Call<RerankRequest>>) -> types::RerankReply;
}

/// What reranking takes beside its query and documents: what the model is asked, and what Tollway does with it.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use")]
struct RerankParameters {
    /// What the model is asked.
    request: RerankRequest,
    /// Fields that only some providers know, by their own names.
    extra: Option<serde_json::Map<String, serde_json::Value>>,
    /// What Tollway does with the call.
    options: Option<types::CallOptions>,
}

#[cfg(feature = "schema")]
super::call::described_by!(Call<RerankRequest>, RerankParameters);

impl Asked for RerankRequest {}

pub(super) async fn rerank(client: &Tollway, arguments: Box<Call<RerankRequest>>) -> Result<types::RerankReply> {
    client.rerank(arguments.request, arguments.options).await
}

whole_reply! {
    /// The documents of a call in their order, and what that cost.
    RerankReply {
        /// The documents, the best first.
        results: &'a [RankedDocument],
    }
}
