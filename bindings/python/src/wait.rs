//! Waiting without the interpreter, while Ctrl-C still works.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use pyo3::prelude::*;

/// How long Ctrl-C may go unnoticed.
const SIGNAL_INTERVAL: Duration = Duration::from_millis(50);

/// Waits for a message with the interpreter released; fails if a signal handler raised, such as Ctrl-C's.
///
/// Returns nothing if the sender is gone.
pub(crate) fn receive<T: Send>(python: Python<'_>, receiver: Receiver<T>) -> PyResult<Option<T>> {
    match receive_until(python, receiver, Duration::MAX)? {
        Ok(value) => Ok(Some(value)),
        Err(_) => Ok(None),
    }
}

/// Waits as [`receive`] does, at most for `timeout`; returns whether a message came.
pub(crate) fn receive_within<T: Send>(
    python: Python<'_>,
    receiver: Receiver<T>,
    timeout: Option<Duration>,
) -> PyResult<bool> {
    receive_until(python, receiver, timeout.unwrap_or(Duration::MAX)).map(|outcome| outcome.is_ok())
}

fn receive_until<T: Send>(
    python: Python<'_>,
    receiver: Receiver<T>,
    timeout: Duration,
) -> PyResult<Result<T, RecvTimeoutError>> {
    // A receiver is not `Sync`, and a detached closure may only hold what another thread could be given.
    let mut receiver = receiver;
    let mut left = timeout;
    loop {
        let borrowed = &mut receiver;
        let interval = left.min(SIGNAL_INTERVAL);
        match python.detach(move || borrowed.recv_timeout(interval)) {
            Err(RecvTimeoutError::Timeout) if left > interval => {
                left -= interval;
                python.check_signals()?;
            }
            outcome => return Ok(outcome),
        }
    }
}
