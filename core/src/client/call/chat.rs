//! The calls for chats, whole and streamed.

use crate::client::engine::{Tollway, check_options, refuse_first};
use crate::client::work::chat::{Chat, ChatStream, Delivery};
use crate::provider::Framing;
use crate::types::{CallOptions, ChatReply, ChatRequest, Result};

impl Tollway {
    /// Sends a chat request and returns the whole reply, settled.
    ///
    /// Dropping the future gives the call up: it is cancelled at the provider and billed by its abandon policy. Fails
    /// with the kinds of [`ErrorKind`](crate::types::ErrorKind) that the design of the call names: budgets, routing, and the
    /// provider's.
    pub async fn chat(&self, request: ChatRequest, options: CallOptions) -> Result<ChatReply> {
        self.start_chat(request, options, Framing::Json)?.reply().await
    }

    /// Sends a chat request and returns its reply piece by piece.
    ///
    /// It returns at once; a failure before the first piece is the stream's first item. Dropping the stream gives the
    /// call up: it is billed by its abandon policy.
    #[expect(clippy::unused_async, reason = "every call of the surface is awaited, in every language")]
    pub async fn chat_stream(&self, request: ChatRequest, options: CallOptions) -> Result<ChatStream> {
        self.start_chat(request, options, Framing::EventStream)
    }

    pub(in crate::client) fn start_chat(
        &self,
        request: ChatRequest,
        options: CallOptions,
        framing: Framing,
    ) -> Result<ChatStream> {
        self.engine.check()?;
        check_request(&request)?;
        let options = check_options(options)?;
        let request_id = self.engine.environment.unique_id();
        let (delivery, stream) = Delivery::new(&request_id, framing, self.engine.stopping.clone());
        let sink = delivery.sink();
        super::start(&self.engine, Chat::new(request, framing, delivery), options, request_id, sink);
        Ok(stream)
    }
}

/// Refuses what no provider and no budget could make sense of.
pub(in crate::client) fn check_request(request: &ChatRequest) -> Result<()> {
    request.check_levels()?;
    refuse_first(&[
        (request.messages.is_empty(), "`messages` is empty; give at least one message"),
        // Some formats read a limit of zero as none at all, which no bound would hold.
        (request.max_tokens == Some(0), "`max_tokens` is zero; give at least one, or leave it out"),
        (request.n == Some(0), "`n` is zero; give at least one, or leave it out"),
    ])
}
