//! The delivery of an answer: its pieces, handed to the caller while the provider is read.

use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::assembly::whole_deltas;
use super::stream::{Answering, ChatStream};
use super::waiting::{Waiting, weight};
use crate::provider::Framing;
use crate::types::{Choice, Delta, Result, StreamEvent};

/// How many events may wait for a slow caller before the provider is read no further, if they are not too great before.
const EVENTS_AHEAD: usize = 256;

/// The writing end of a call, whose reading end its caller has.
pub(in crate::client) struct Delivery {
    sink: mpsc::Sender<Result<StreamEvent>>,
    /// How much waits for the caller.
    waiting: Arc<Waiting>,
    /// Whether the caller wants pieces.
    is_streamed: bool,
    /// Whether a piece of an answer reached the caller.
    has_delivered: bool,
    /// Who answers; its caller may look at it.
    answering: Arc<OnceLock<Answering>>,
    stopping: CancellationToken,
}

impl Delivery {
    /// Makes both ends.
    pub(in crate::client) fn new(
        request_id: &str,
        framing: Framing,
        stopping: CancellationToken,
    ) -> (Self, ChatStream) {
        let (sink, events) = mpsc::channel(EVENTS_AHEAD);
        let (waiting, answering) = (Arc::new(Waiting::default()), Arc::new(OnceLock::new()));
        let stream = ChatStream::new(request_id.to_owned(), events, Arc::clone(&waiting), Arc::clone(&answering));
        let is_streamed = framing == Framing::EventStream;
        (Self { sink, waiting, is_streamed, has_delivered: false, answering, stopping }, stream)
    }

    /// Returns where the last event goes.
    pub(in crate::client) fn sink(&self) -> mpsc::Sender<Result<StreamEvent>> {
        self.sink.clone()
    }

    /// Returns whether the caller wants pieces.
    pub(super) fn is_streamed(&self) -> bool {
        self.is_streamed
    }

    /// Returns whether a piece of an answer reached the caller.
    pub(super) fn has_delivered(&self) -> bool {
        self.has_delivered
    }

    /// Notes who answers, with the first piece of the answer.
    pub(super) fn note_answering(&self, answering: Answering) {
        let _ = self.answering.set(answering);
    }

    /// Hands a piece of an answer to the caller, waiting while too many are unread, or too much.
    pub(super) async fn deliver(&mut self, delta: Delta) {
        let weight = weight(&delta);
        if !self.waiting.has_room(weight) {
            tokio::select! {
                biased;
                () = self.waiting.room(weight) => {}
                () = self.sink.closed() => {}
                () = self.stopping.cancelled() => {}
            }
        }
        self.waiting.add(weight);
        let event = match self.sink.try_send(Ok(StreamEvent::Delta(delta))) {
            Ok(()) => {
                self.has_delivered = true;
                return;
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return,
            Err(mpsc::error::TrySendError::Full(event)) => event,
        };
        tokio::select! {
            biased;
            sent = self.sink.send(event) => self.has_delivered |= sent.is_ok(),
            () = self.stopping.cancelled() => {}
        }
    }

    /// Hands answers that are known whole to the caller as the pieces of a stream.
    pub(super) async fn deliver_whole(&mut self, choices: &[Choice]) {
        for choice in choices {
            for delta in whole_deltas(choice) {
                self.deliver(delta).await;
            }
        }
    }
}
