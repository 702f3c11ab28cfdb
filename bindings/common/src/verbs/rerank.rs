//! The verb `rerank`.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{CallOptions, RerankReply, RerankRequest, Result};

/// A request to order documents, and the choices of its caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RerankArguments {
    request: RerankRequest,
    #[serde(default)]
    options: Option<CallOptions>,
}

/// Orders documents by how much they say to a query.
pub(super) async fn rerank(client: &Tollway, arguments: RerankArguments) -> Result<RerankReply> {
    client.rerank(arguments.request, arguments.options.unwrap_or_default()).await
}
