//! The caller's end of a call.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::waiting::Waiting;
use crate::client::engine::broken_off;
use crate::types::{ChatReply, Error, ErrorKind, Result, StreamEvent};

/// Who answers a call, known from its first piece on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// `provider/model` of the config that was picked.
    pub target: String,
    /// The model as the provider names it, or as the config does where it does not say.
    pub model: String,
}

impl Answering {
    /// Returns who made a reply.
    pub(in crate::client) fn of(reply: &ChatReply) -> Self {
        Self {
            target: format!("{}/{}", reply.provider, reply.model),
            model: reply.served_model.clone().unwrap_or_else(|| reply.model.clone()),
        }
    }
}

/// A streamed call. Dropping it gives the call up: it is billed by its abandon policy.
#[derive(Debug)]
pub struct ChatStream {
    request_id: String,
    events: mpsc::Receiver<Result<StreamEvent>>,
    waiting: Arc<Waiting>,
    answering: Arc<OnceLock<Answering>>,
    /// Whether the last event was handed out.
    is_ended: bool,
}

impl ChatStream {
    pub(super) fn new(
        request_id: String,
        events: mpsc::Receiver<Result<StreamEvent>>,
        waiting: Arc<Waiting>,
        answering: Arc<OnceLock<Answering>>,
    ) -> Self {
        Self { request_id, events, waiting, answering, is_ended: false }
    }

    /// Returns the id of the call, which its usage records carry.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Returns who answers; nothing before the first piece of the answer.
    #[must_use]
    pub fn answering(&self) -> Option<&Answering> {
        self.answering.get()
    }

    /// Waits for the next event; after [`StreamEvent::Done`] or an error it returns nothing. A stream never ends without
    /// one of the two.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<StreamEvent>> {
        if self.is_ended {
            return None;
        }
        let event = self.events.recv().await.unwrap_or_else(|| Err(broken_off()));
        self.note(&event);
        Some(event)
    }

    /// Waits for an event and returns it with all others that are ready, `maximum` at the most; empty at the end.
    ///
    /// Cancel safe: no event is lost if the future is dropped.
    pub async fn next_batch(&mut self, maximum: usize) -> Vec<Result<StreamEvent>> {
        let mut batch = Vec::new();
        if self.is_ended {
            return batch;
        }
        if self.events.recv_many(&mut batch, maximum.max(1)).await == 0 {
            batch.push(Err(broken_off()));
        }
        for event in &batch {
            self.note(event);
        }
        batch
    }

    /// Reads to the end and returns the settled reply.
    pub(in crate::client) async fn reply(&mut self) -> Result<ChatReply> {
        loop {
            match self.next().await {
                Some(Ok(StreamEvent::Done(reply))) => return Ok(*reply),
                Some(Ok(StreamEvent::Delta(_))) => {}
                Some(Err(error)) => return Err(error),
                None => {
                    return Err(Error::new(ErrorKind::Internal, "the call ended without a reply; report this defect"));
                }
            }
        }
    }

    fn note(&mut self, event: &Result<StreamEvent>) {
        self.waiting.take(event);
        self.is_ended |= matches!(event, Ok(StreamEvent::Done(_)) | Err(_));
    }
}
