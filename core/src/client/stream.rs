//! The caller's end of a call.

use tokio::sync::mpsc;

use crate::types::{Result, StreamEvent};

/// A streamed call. Dropping it gives the call up: it is billed by its abandon policy.
#[derive(Debug)]
pub struct ChatStream {
    request_id: String,
    events: mpsc::Receiver<Result<StreamEvent>>,
}

impl ChatStream {
    pub(super) fn new(request_id: String, events: mpsc::Receiver<Result<StreamEvent>>) -> Self {
        Self { request_id, events }
    }

    /// Returns the id of the call, which its usage records carry.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Waits for the next event; after [`StreamEvent::Done`] or an error it returns nothing.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<StreamEvent>> {
        self.events.recv().await
    }

    /// Waits for an event and returns it with all others that are ready, `maximum` at the most; empty at the end.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next_batch(&mut self, maximum: usize) -> Vec<Result<StreamEvent>> {
        let mut batch = Vec::new();
        self.events.recv_many(&mut batch, maximum).await;
        batch
    }

    /// Returns the events that are ready, `maximum` at the most, without waiting.
    pub fn ready_batch(&mut self, maximum: usize) -> Vec<Result<StreamEvent>> {
        std::iter::from_fn(|| self.events.try_recv().ok()).take(maximum).collect()
    }
}
