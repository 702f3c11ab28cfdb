//! The way from the runtime's threads to an event loop: a list of finished calls, and one wake-up when it stops being
//! empty.
//!
//! The main thread and each worker thread have an event loop, and so a queue, of their own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::Status;
use napi::bindgen_prelude::{Function, Result};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;

/// A ticket, a result and an error as JSON text; exactly one of the last two is there.
type Completion = (f64, Option<String>, Option<String>);

/// Wakes the loop, and does not keep it running: the shell does that while calls are pending.
type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// The finished calls of one event loop.
#[napi]
pub struct CompletionQueue(Sender);

/// The end that the runtime's threads hold.
#[derive(Clone)]
pub(crate) struct Sender(Arc<Shared>);

struct Shared {
    finished: Mutex<Vec<Completion>>,
    wake: Wake,
}

impl Sender {
    /// Puts a finished call on the queue, and wakes the loop unless a wake is pending.
    pub(crate) fn push(&self, ticket: f64, result: Option<String>, error: Option<String>) {
        let mut finished = self.lock();
        let wake_is_pending = !finished.is_empty();
        finished.push((ticket, result, error));
        drop(finished);
        if !wake_is_pending {
            // A loop that is gone, with its worker thread, takes no wake-up; nobody waits for the call any more.
            let _: Status = self.0.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Completion>> {
        self.0.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[napi]
impl CompletionQueue {
    /// Makes the queue of the calling thread's event loop; the function is called on that thread once calls have finished.
    #[napi(constructor)]
    pub fn new(wake: Function<'_, (), ()>) -> Result<Self> {
        let wake = wake.build_threadsafe_function::<()>().callee_handled::<false>().weak::<true>().build()?;
        Ok(Self(Sender(Arc::new(Shared { finished: Mutex::default(), wake }))))
    }

    /// Takes all finished calls, each as its ticket, its result and its error.
    #[napi]
    #[must_use]
    pub fn drain(&self) -> Vec<Completion> {
        std::mem::take(&mut *self.0.lock())
    }

    pub(crate) fn sender(&self) -> Sender {
        self.0.clone()
    }
}
