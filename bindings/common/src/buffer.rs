//! What a task of the runtime has read and a binding has not taken yet.
//!
//! The buffer is bounded, so that a slow reader holds the provider back. A reader who finds items there needs no turn of any
//! event loop, and one who waits gets all that came in one delivery.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use futures_util::future::poll_fn;
use tokio::sync::Notify;

use crate::error::ErrorInfo;
use crate::process::process_id;
use crate::runtime::{AbortOnDrop, Runtime};

/// How many items may wait for the reader before no more is read.
pub(crate) const CAPACITY: usize = 256;
/// How many bytes may wait for the reader before no more is read: items may be large.
const CAPACITY_BYTES: usize = 1 << 20;

/// What can wait for a reader.
pub(crate) trait Weighed: Send + 'static {
    /// Returns how many bytes it has.
    fn bytes(&self) -> usize;
}

impl Weighed for String {
    fn bytes(&self) -> usize {
        self.len()
    }
}

type Waiter = Box<dyn FnOnce() + Send>;

/// What is at hand.
pub(crate) enum Taken<Item> {
    Items(Vec<Item>),
    Pending,
    Failed(ErrorInfo),
    End,
}

/// The one reader of a task. Dropping or closing it gives the task up.
pub(crate) struct Reader<Item> {
    buffer: Arc<Buffer<Item>>,
    task: AbortOnDrop,
}

struct Buffer<Item> {
    state: Mutex<State<Item>>,
    room: Notify,
}

struct State<Item> {
    items: VecDeque<Item>,
    /// The bytes of all items.
    bytes: usize,
    failure: Option<ErrorInfo>,
    ended: bool,
    waiter: Option<Waiter>,
}

impl<Item: Weighed> Reader<Item> {
    /// Starts a task that writes.
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(write: impl FnOnce(WriteEnd<Item>) -> F) -> Self {
        let state = State { items: VecDeque::new(), bytes: 0, failure: None, ended: false, waiter: None };
        let buffer = Arc::new(Buffer { state: Mutex::new(state), room: Notify::new() });
        let end = WriteEnd(Arc::clone(&buffer));
        let task = match Runtime::current() {
            Ok(runtime) => runtime.spawn_abortable(write(end)),
            Err(error) => {
                end.fail(error);
                AbortOnDrop::none(process_id())
            }
        };
        Self { buffer, task }
    }

    /// Waits until there is something to take, and takes up to `maximum` items: anything but [`Taken::Pending`]. Dropping the future loses
    /// no item.
    pub(crate) async fn next(&self, maximum: usize) -> Taken<Item> {
        poll_fn(|context| match self.take(maximum) {
            Taken::Pending => {
                let waker = context.waker().clone();
                self.when_ready(move || waker.wake());
                Poll::Pending
            }
            taken => Poll::Ready(taken),
        })
        .await
    }

    /// Takes up to `maximum` items that are ready, without waiting. A failure comes after the items before it, once.
    pub(crate) fn take(&self, maximum: usize) -> Taken<Item> {
        if self.task.is_inherited() {
            return Taken::Failed(ErrorInfo::forked());
        }
        let mut state = self.buffer.lock();
        let count = state.items.len().min(maximum.max(1));
        if count > 0 {
            let items: Vec<Item> = state.items.drain(..count).collect();
            state.bytes -= items.iter().map(Weighed::bytes).sum::<usize>();
            drop(state);
            self.buffer.room.notify_one();
            Taken::Items(items)
        } else if let Some(error) = state.failure.take() {
            Taken::Failed(error)
        } else if state.ended {
            Taken::End
        } else {
            Taken::Pending
        }
    }

    /// Calls a function once there is something to take: at once, or from a thread of the runtime. A function that was given
    /// before is dropped.
    pub(crate) fn when_ready(&self, ready: impl FnOnce() + Send + 'static) {
        if !self.task.is_inherited() {
            let mut state = self.buffer.lock();
            if !state.is_ready() {
                state.waiter = Some(Box::new(ready));
                return;
            }
        }
        ready();
    }

    /// Gives the task up and ends the reading; items that were not taken are dropped.
    pub(crate) fn close(&self) {
        self.task.abort();
        if self.task.is_inherited() {
            return;
        }
        self.buffer.change(|state| {
            state.items.clear();
            state.bytes = 0;
            state.failure = None;
            state.ended = true;
        });
    }
}

impl<Item> Buffer<Item> {
    fn lock(&self) -> MutexGuard<'_, State<Item>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and then calls the waiting reader, outside the lock, because it may come back for more at once.
    fn change(&self, change: impl FnOnce(&mut State<Item>)) {
        let waiter = {
            let mut state = self.lock();
            change(&mut state);
            if state.is_ready() { state.waiter.take() } else { None }
        };
        if let Some(waiter) = waiter {
            waiter();
        }
    }
}

impl<Item> State<Item> {
    fn is_ready(&self) -> bool {
        self.ended || !self.items.is_empty()
    }

    fn is_full(&self) -> bool {
        self.items.len() >= CAPACITY || self.bytes >= CAPACITY_BYTES
    }
}

/// The end of the buffer that the writing task holds. However the task ends, the reader hears of it.
pub(crate) struct WriteEnd<Item>(Arc<Buffer<Item>>);

impl<Item: Weighed> WriteEnd<Item> {
    /// Appends items, after waiting until the reader has taken enough of those before.
    pub(crate) async fn push(&self, items: Vec<Item>) {
        if items.is_empty() {
            return;
        }
        while self.0.lock().is_full() {
            self.0.room.notified().await;
        }
        self.0.change(|state| {
            // A reader that was closed meanwhile takes nothing more.
            if !state.ended {
                state.bytes += items.iter().map(Weighed::bytes).sum::<usize>();
                state.items.extend(items);
            }
        });
    }
}

impl<Item> WriteEnd<Item> {
    /// Ends the reading well.
    pub(crate) fn finish(&self) {
        self.0.change(|state| state.ended = true);
    }

    /// Ends the reading with an error.
    pub(crate) fn fail(&self, error: ErrorInfo) {
        self.0.change(|state| {
            if !state.ended {
                state.failure = Some(error);
                state.ended = true;
            }
        });
    }
}

impl<Item> Drop for WriteEnd<Item> {
    fn drop(&mut self) {
        self.fail(ErrorInfo::lost());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn large_items_hold_the_writer_back_before_their_number_does() {
        const SIZE: usize = CAPACITY_BYTES / 4;
        let pushed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pushed);
        let reader = Reader::start(move |end| async move {
            for _ in 0..20 {
                end.push(vec!["x".repeat(SIZE)]).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
            end.finish();
        });
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(pushed.load(Ordering::SeqCst), 4);
        let mut taken = 0;
        for _ in 0..1_000 {
            match reader.take(3) {
                Taken::Items(items) => taken += items.len(),
                Taken::Pending => std::thread::sleep(Duration::from_millis(5)),
                Taken::Failed(error) => panic!("{error:?}"),
                Taken::End => break,
            }
        }
        assert_eq!(taken, 20);
    }
}
