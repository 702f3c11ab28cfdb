//! The verb `embed`.

use tollway::client::Tollway;
use tollway::types::{self, EmbedRequest, Result, Vector};

use super::call::{Asked, Call};
use super::table::verbs;
use crate::results::whole_reply;

verbs! {
    /// Makes a vector of each text, and returns them once their cost is in the ledger.
    ///
    /// More texts than the provider takes at once go in several requests, under one bill.
    ///
    /// * `budget_exceeded` if a budget that applies would be passed.
    "embed"(input) => embed(Box<Call<EmbedRequest>>) -> types::EmbedReply;
}

/// What embedding takes beside its input: what the model is asked, and what Tollway does with it.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use")]
struct EmbedParameters {
    /// What the model is asked.
    request: EmbedRequest,
    /// Fields that only some providers know, by their own names.
    extra: Option<serde_json::Map<String, serde_json::Value>>,
    /// What Tollway does with the call.
    options: Option<types::CallOptions>,
}

#[cfg(feature = "schema")]
super::call::described_by!(Call<EmbedRequest>, EmbedParameters);

impl Asked for EmbedRequest {}

pub(super) async fn embed(client: &Tollway, arguments: Box<Call<EmbedRequest>>) -> Result<types::EmbedReply> {
    client.embed(arguments.request, arguments.options).await
}

whole_reply! {
    /// The embeddings of a call, and what they cost.
    EmbedReply {
        /// One vector for each input, in the order of the inputs, all of one length.
        embeddings: &'a [Vector],
    }
}
