//! The call for embeddings.

use tokio::sync::mpsc;

use crate::client::engine::{Tollway, broken_off, check_options, refuse_first};
use crate::client::work::embeddings::Embeddings;
use crate::types::{CallOptions, EmbedInput, EmbedReply, EmbedRequest, Result};

impl Tollway {
    /// Makes a vector of each input, and returns them settled.
    ///
    /// Inputs beyond what the provider takes at once go in several requests of one attempt, which is one record and one bill.
    /// Dropping the future gives the call up: what was embedded by then is billed. Fails as a chat does.
    pub async fn embed(&self, request: EmbedRequest, options: CallOptions) -> Result<EmbedReply> {
        self.engine.check()?;
        check_request(&request)?;
        let options = check_options(options)?;
        let request_id = self.engine.environment.unique_id();
        let (sink, mut replies) = mpsc::channel(1);
        super::start(&self.engine, Embeddings::new(request), options, request_id, sink);
        replies.recv().await.unwrap_or_else(|| Err(broken_off()))
    }
}

/// Refuses what no provider could make sense of.
fn check_request(request: &EmbedRequest) -> Result<()> {
    let is_empty = |input: &EmbedInput| match input {
        EmbedInput::Text(text) => text.is_empty(),
        EmbedInput::Tokens(tokens) => tokens.is_empty(),
    };
    refuse_first(&[
        (request.input.is_empty(), "`input` is empty; give at least one string"),
        (request.input.iter().any(is_empty), "`input` has an empty string, which has no vector; leave it out"),
        (request.dimensions == Some(0), "`dimensions` is zero; give at least one, or leave it out"),
    ])
}
