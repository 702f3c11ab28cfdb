//! A streamed chat.

use std::sync::mpsc;

use pyo3::prelude::*;
use tollway_common::Batch;

use crate::queue::CompletionQueue;
use crate::wait;

/// A streamed chat with one reader. When it is collected, the call is given up.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct Stream(tollway_common::Stream);

impl Stream {
    pub(crate) const fn new(stream: tollway_common::Stream) -> Self {
        Self(stream)
    }
}

#[pymethods]
impl Stream {
    /// Takes what is ready, without waiting: a JSON array of events, an error as JSON text, and whether the stream is over.
    fn take(&self, maximum: usize) -> (Option<String>, Option<String>, bool) {
        match self.0.try_next_batch(maximum) {
            Batch::Events(events) => (Some(events), None, false),
            Batch::Pending => (None, None, false),
            Batch::Failed(error) => (None, Some(error.to_json()), true),
            Batch::End => (None, None, true),
        }
    }

    /// Waits until there is something to take, with the interpreter released. Ctrl-C ends the wait and gives the call up.
    fn wait(&self, python: Python<'_>) -> PyResult<()> {
        let (sender, receiver) = mpsc::sync_channel(1);
        self.0.when_ready(move || {
            // The receiver is gone if Ctrl-C ended the wait.
            let _ = sender.send(());
        });
        wait::receive(python, receiver).map(drop).inspect_err(|_| self.0.close())
    }

    /// Puts a ticket on a queue once there is something to take.
    fn notify(&self, queue: &CompletionQueue, ticket: u64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, (Some(String::new()), None)));
    }

    /// Gives the call up and ends the stream.
    fn close(&self) {
        self.0.close();
    }
}
