//! An answer to a request of a vendor's own library.

use std::sync::mpsc;
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tollway_common::{Answer, Part};

use crate::queue::CompletionQueue;
use crate::wait;

/// A head, more of a body, and an error as JSON text, of which one at most is there; and whether the answer is over.
type Taken<'py> = (Option<String>, Option<Bound<'py, PyBytes>>, Option<String>, bool);

/// An answer with one reader. When it is collected, the call is given up.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct Fetch(tollway_common::Fetch);

impl Fetch {
    pub(crate) const fn new(fetch: tollway_common::Fetch) -> Self {
        Self(fetch)
    }
}

#[pymethods]
impl Fetch {
    /// Takes what is ready, without waiting: the head first, alone, then the body as it comes.
    fn take<'py>(&self, python: Python<'py>) -> Taken<'py> {
        match self.0.try_next() {
            Answer::Part(Part::Head(head)) => (Some(head), None, None, false),
            Answer::Part(Part::Body(body)) => (None, Some(PyBytes::new(python, &body)), None, false),
            Answer::Pending => (None, None, None, false),
            Answer::Failed(error) => (None, None, Some(error.to_json()), true),
            Answer::End => (None, None, None, true),
        }
    }

    /// Waits until there is something to take, with the interpreter released; returns false if the seconds ran out before.
    /// Ctrl-C ends the wait and gives the call up.
    fn wait(&self, python: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let timeout = timeout
            .map(Duration::try_from_secs_f64)
            .transpose()
            .map_err(|_| pyo3::exceptions::PyValueError::new_err("timeout must be a positive number of seconds"))?;
        let (sender, receiver) = mpsc::sync_channel(1);
        self.0.when_ready(move || {
            // The receiver is gone if the wait ended before.
            let _ = sender.send(());
        });
        wait::receive_within(python, receiver, timeout).inspect_err(|_| self.0.close())
    }

    /// Puts a ticket on a queue once there is something to take.
    fn notify(&self, queue: &CompletionQueue, ticket: u64) {
        let sender = queue.sender();
        self.0.when_ready(move || sender.push(ticket, (Some(String::new()), None)));
    }

    /// Gives the call up and ends the answer.
    fn close(&self) {
        self.0.close();
    }
}
