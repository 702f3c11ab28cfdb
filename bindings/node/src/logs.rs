//! What the engine logs.

use napi_derive::napi;
use tollway_common::LogLevel;

use crate::queue::CompletionQueue;

/// The records of the handles that were made with it, with one reader.
#[napi]
pub struct Logs(tollway_common::Logs);

/// What there was to be read.
#[napi(object, object_from_js = false)]
pub struct TakenRecords {
    /// Records, as the text of a JSON array.
    pub records: Option<String>,
    /// Whether nothing follows.
    pub ended: bool,
}

#[napi]
impl Logs {
    /// Makes an empty queue, for records of every level.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self(tollway_common::Logs::new(LogLevel::Debug))
    }

    pub(crate) fn inner(&self) -> &tollway_common::Logs {
        &self.0
    }

    /// Takes up to so many records that are ready, without waiting.
    #[napi]
    #[must_use]
    pub fn take(&self, maximum: u32) -> TakenRecords {
        let batch = self.0.take(usize::try_from(maximum).unwrap_or(usize::MAX));
        TakenRecords { records: batch.records, ended: batch.ended }
    }

    /// Puts a ticket on a queue once there is something to take; an earlier ticket that was not put is dropped.
    #[napi]
    pub fn notify(&self, queue: &CompletionQueue, ticket: f64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, Some(String::new()), None));
    }

    /// Ends the reading, after what is ready.
    #[napi]
    pub fn close(&self) {
        self.0.close();
    }
}
