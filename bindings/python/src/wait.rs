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
    // A receiver is not `Sync`, and a detached closure may only hold what another thread could be given.
    let mut receiver = receiver;
    loop {
        let borrowed = &mut receiver;
        match python.detach(move || borrowed.recv_timeout(SIGNAL_INTERVAL)) {
            Ok(value) => return Ok(Some(value)),
            Err(RecvTimeoutError::Disconnected) => return Ok(None),
            Err(RecvTimeoutError::Timeout) => python.check_signals()?,
        }
    }
}
