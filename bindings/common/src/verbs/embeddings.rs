//! The verb `embed`.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{self, CallOptions, EmbedRequest, Result, Vector};

use crate::results::whole_reply;

/// A request for embeddings, and the choices of its caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmbedArguments {
    request: EmbedRequest,
    #[serde(default)]
    options: Option<CallOptions>,
}

/// What embedding takes beside its input: what the model is asked, and what Tollway does with it.
#[cfg(feature = "schema")]
#[derive(Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
pub(super) struct EmbedParameters {
    #[serde(flatten)]
    request: EmbedRequest,
    /// Fields that only some providers know, by their own names.
    #[serde(default)]
    extra: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

/// Makes a vector of each input.
pub(super) async fn embed(client: &Tollway, arguments: EmbedArguments) -> Result<types::EmbedReply> {
    client.embed(arguments.request, arguments.options.unwrap_or_default()).await
}

whole_reply! {
    /// The embeddings of a call, and what they cost.
    EmbedReply {
        /// One vector for each input, in the order of the inputs, all of one length.
        embeddings: &'a [Vector],
    }
}
