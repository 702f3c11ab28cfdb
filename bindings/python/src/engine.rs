//! An open file, and calls under way.

use std::path::PathBuf;
use std::sync::mpsc;

use pyo3::prelude::*;
use tollway_common::{ErrorInfo, Outcome, StartedCall};

use crate::fetch::Fetch;
use crate::logs::Logs;
use crate::queue::CompletionQueue;
use crate::stream::Stream;
use crate::wait;

/// A result and an error, as JSON text; exactly one of them is there.
type Pair = (Option<String>, Option<String>);

/// A handle of one file.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct Engine(tollway_common::Engine);

/// A call under way. When it is collected, the call is given up.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct Call(StartedCall);

/// Splits an outcome into what Python unpacks.
pub(crate) fn pair(outcome: Outcome) -> Pair {
    match outcome {
        Ok(text) => (Some(text), None),
        Err(error) => (None, Some(error.to_json())),
    }
}

#[pymethods]
impl Engine {
    /// Makes a handle of a path, whose work logs to a queue; opens nothing. Returns the handle, or an error as JSON text.
    #[staticmethod]
    #[expect(clippy::needless_pass_by_value, reason = "Python's paths convert into owned ones only")]
    fn create(path: PathBuf, options: &str, logs: &Logs) -> (Option<Self>, Option<String>) {
        match tollway_common::Engine::new(&path, options, None) {
            Ok(engine) => (Some(Self(engine.logging_to(&logs.0))), None),
            Err(error) => (None, Some(error.to_json())),
        }
    }

    /// Returns the path of the file, for people.
    fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Runs a verb and waits for its end with the interpreter released. Ctrl-C gives the call up.
    fn call(&self, python: Python<'_>, verb: &str, arguments: &str) -> PyResult<Pair> {
        waited(python, |deliver| self.0.start(verb, arguments, deliver))
    }

    /// Starts a verb, whose end is put on a queue under a ticket.
    fn start(&self, verb: &str, arguments: &str, queue: &CompletionQueue, ticket: u64) -> Call {
        let sender = queue.sender();
        Call(self.0.start(verb, arguments, move |outcome| sender.push(ticket, pair(outcome))))
    }

    /// Starts a streamed chat.
    fn stream(&self, arguments: &str) -> Stream {
        Stream::new(self.0.stream(arguments))
    }

    /// Answers a request of a vendor's own library, whose head is JSON.
    fn fetch(&self, head: &str, body: &[u8]) -> Fetch {
        Fetch::new(self.0.fetch(head, body.to_vec()))
    }
}

/// Runs a verb about files that nobody has open, as [`Engine::call`] does.
#[pyfunction]
pub(crate) fn call(python: Python<'_>, verb: &str, arguments: &str) -> PyResult<Pair> {
    waited(python, |deliver| tollway_common::start_apart(verb, arguments, deliver))
}

/// Starts a verb about files that nobody has open, as [`Engine::start`] does.
#[pyfunction]
pub(crate) fn start(verb: &str, arguments: &str, queue: &CompletionQueue, ticket: u64) -> Call {
    let sender = queue.sender();
    Call(tollway_common::start_apart(verb, arguments, move |outcome| sender.push(ticket, pair(outcome))))
}

/// Starts a call and waits for its end with the interpreter released. Ctrl-C gives the call up.
fn waited(
    python: Python<'_>,
    start: impl FnOnce(Box<dyn FnOnce(Outcome) + Send>) -> StartedCall + Send,
) -> PyResult<Pair> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let _call = python.detach(|| {
        start(Box::new(move |outcome| {
            // The receiver is gone if Ctrl-C ended the wait.
            let _ = sender.send(pair(outcome));
        }))
    });
    Ok(wait::receive(python, receiver)?.unwrap_or_else(|| pair(Err(lost()))))
}

#[pymethods]
impl Call {
    /// Gives the call up; nothing happens if it has ended.
    fn cancel(&self) {
        self.0.cancel();
    }
}

fn lost() -> ErrorInfo {
    // The facade delivers every outcome, so that this is a defect if it is ever seen.
    ErrorInfo::internal("the call ended without an outcome; report it, with what was called")
}
