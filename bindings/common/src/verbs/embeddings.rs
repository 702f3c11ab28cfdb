//! The verb `embed`.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{CallOptions, EmbedReply, EmbedRequest, Result};

/// A request for embeddings, and the choices of its caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmbedArguments {
    request: EmbedRequest,
    #[serde(default)]
    options: Option<CallOptions>,
}

/// Makes a vector of each input.
pub(super) async fn embed(client: &Tollway, arguments: EmbedArguments) -> Result<EmbedReply> {
    client.embed(arguments.request, arguments.options.unwrap_or_default()).await
}
