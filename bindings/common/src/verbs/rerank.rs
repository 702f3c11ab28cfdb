//! The verb `rerank`.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{self, CallOptions, RankedDocument, RerankRequest, Result};

use crate::results::whole_reply;

/// A request to order documents, and the choices of its caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RerankArguments {
    request: RerankRequest,
    #[serde(default)]
    options: Option<CallOptions>,
}

/// What reranking takes beside its query and documents: what the model is asked, and what Tollway does with it.
#[cfg(feature = "schema")]
#[derive(Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
pub(super) struct RerankParameters {
    #[serde(flatten)]
    request: RerankRequest,
    /// Fields that only some providers know, by their own names.
    #[serde(default)]
    extra: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

/// Orders documents by how much they say to a query.
pub(super) async fn rerank(client: &Tollway, arguments: RerankArguments) -> Result<types::RerankReply> {
    client.rerank(arguments.request, arguments.options.unwrap_or_default()).await
}

whole_reply! {
    /// The documents of a call in their order, and what that cost.
    RerankReply {
        /// The documents, the best first.
        results: &'a [RankedDocument],
    }
}
