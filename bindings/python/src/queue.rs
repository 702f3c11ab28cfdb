//! The way from the runtime's threads to an event loop: a list of finished calls, and one byte when it stops being empty.
//!
//! The loop watches the other end of a socket pair; where a loop cannot watch a file descriptor, a thread waits instead.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

type Completion = (u64, Option<String>, Option<String>);

/// The finished calls of one event loop.
#[pyclass(frozen, module = "tollway._native")]
pub(crate) struct CompletionQueue(Sender);

/// The end that the runtime's threads hold. It keeps the socket pair alive, so that no byte goes to a reused descriptor.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    #[cfg(unix)]
    wake: Wake,
}

#[derive(Default)]
struct State {
    finished: Vec<Completion>,
    wake_is_pending: bool,
    is_closed: bool,
}

#[cfg(unix)]
struct Wake {
    read: std::os::unix::net::UnixStream,
    write: std::os::unix::net::UnixStream,
}

#[cfg(unix)]
impl Wake {
    fn new() -> std::io::Result<Self> {
        let (read, write) = std::os::unix::net::UnixStream::pair()?;
        read.set_nonblocking(true)?;
        write.set_nonblocking(true)?;
        Ok(Self { read, write })
    }

    fn raise(&self) {
        // If the buffer is full, bytes that wake the loop are in it already.
        let _ = std::io::Write::write(&mut &self.write, &[1]);
    }

    fn lower(&self) {
        let mut bytes = [0; 64];
        while matches!(std::io::Read::read(&mut &self.read, &mut bytes), Ok(count) if count == bytes.len()) {}
    }
}

impl Sender {
    /// Puts a finished call on the queue, and wakes the loop unless a wake is pending.
    pub(crate) fn push(&self, ticket: u64, (result, error): (Option<String>, Option<String>)) {
        let mut state = self.lock();
        state.finished.push((ticket, result, error));
        if std::mem::replace(&mut state.wake_is_pending, true) {
            return;
        }
        drop(state);
        self.0.changed.notify_all();
        #[cfg(unix)]
        self.0.wake.raise();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CompletionQueue {
    pub(crate) fn sender(&self) -> Sender {
        self.0.clone()
    }
}

#[pymethods]
impl CompletionQueue {
    #[new]
    fn new() -> PyResult<Self> {
        Ok(Self(Sender(Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            #[cfg(unix)]
            wake: Wake::new()?,
        }))))
    }

    /// Returns the descriptor that becomes readable when calls have finished; nothing where there is none.
    #[cfg_attr(unix, expect(clippy::unnecessary_wraps, reason = "other platforms have no descriptor"))]
    #[cfg_attr(not(unix), expect(clippy::unused_self, reason = "this platform has no descriptor"))]
    fn fileno(&self) -> Option<i32> {
        #[cfg(unix)]
        return Some(std::os::fd::AsRawFd::as_raw_fd(&self.0.0.wake.read));
        #[cfg(not(unix))]
        None
    }

    /// Takes all finished calls, each as its ticket, its result and its error.
    fn drain(&self) -> Vec<Completion> {
        #[cfg(unix)]
        self.0.0.wake.lower();
        let mut state = self.0.lock();
        state.wake_is_pending = false;
        std::mem::take(&mut state.finished)
    }

    /// Waits, with the interpreter released, until calls have finished; returns false once the queue is closed.
    fn wait(&self, python: Python<'_>) -> bool {
        let sender = &self.0;
        python.detach(|| {
            let waiting = |state: &mut State| state.finished.is_empty() && !state.is_closed;
            let state = sender.0.changed.wait_while(sender.lock(), waiting);
            !state.unwrap_or_else(PoisonError::into_inner).is_closed
        })
    }

    /// Ends the wait of the thread that stands in for the loop.
    fn close(&self) {
        self.0.lock().is_closed = true;
        self.0.0.changed.notify_all();
    }
}
