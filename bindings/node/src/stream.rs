//! A streamed chat.

use napi_derive::napi;
use tollway_common::Batch;

use crate::queue::CompletionQueue;

/// A streamed chat with one reader. When it is collected, the call is given up.
#[napi]
pub struct Stream(tollway_common::Stream);

/// What a stream had at hand.
#[napi(object, object_from_js = false)]
pub struct Taken {
    /// Events, as the text of a JSON array.
    pub events: Option<String>,
    /// What went wrong, as JSON text.
    pub error: Option<String>,
    /// Whether nothing follows.
    pub ended: bool,
}

impl Stream {
    pub(crate) const fn new(stream: tollway_common::Stream) -> Self {
        Self(stream)
    }
}

#[napi]
impl Stream {
    /// Takes up to so many events that are ready, without waiting.
    #[napi]
    #[must_use]
    pub fn take(&self, maximum: u32) -> Taken {
        match self.0.try_next_batch(usize::try_from(maximum).unwrap_or(usize::MAX)) {
            Batch::Events(events) => Taken { events: Some(events), error: None, ended: false },
            Batch::Pending => Taken { events: None, error: None, ended: false },
            Batch::Failed(error) => Taken { events: None, error: Some(error.to_json()), ended: true },
            Batch::End => Taken { events: None, error: None, ended: true },
        }
    }

    /// Puts a ticket on a queue once there is something to take; an earlier ticket that was not put is dropped.
    #[napi]
    pub fn notify(&self, queue: &CompletionQueue, ticket: f64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, Some(String::new()), None));
    }

    /// Gives the call up and ends the stream.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}
