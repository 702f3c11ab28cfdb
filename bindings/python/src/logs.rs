//! What the engine logs.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use tollway_common::LogLevel;

use crate::queue::CompletionQueue;

/// The records of the handles that were made with it, with one reader.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct Logs(pub(crate) tollway_common::Logs);

fn level_of(name: &str) -> PyResult<LogLevel> {
    LogLevel::from_name(name).ok_or_else(|| PyValueError::new_err("level must be error, warn, info or debug"))
}

#[pymethods]
impl Logs {
    #[new]
    fn new(level: &str) -> PyResult<Self> {
        Ok(Self(tollway_common::Logs::new(level_of(level)?)))
    }

    /// Changes from which level on records are wanted.
    fn set_level(&self, level: &str) -> PyResult<()> {
        self.0.set_level(level_of(level)?);
        Ok(())
    }

    /// Takes what is ready, without waiting: a JSON array of records, and whether nothing follows.
    fn take(&self, maximum: usize) -> (Option<String>, bool) {
        let batch = self.0.take(maximum);
        (batch.records, batch.ended)
    }

    /// Puts a ticket on a queue once there is something to take.
    fn notify(&self, queue: &CompletionQueue, ticket: u64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, (Some(String::new()), None)));
    }

    /// Ends the reading, after what is ready.
    fn close(&self) {
        self.0.close();
    }
}
