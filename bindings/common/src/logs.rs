//! What the engine logs, as bindings read it: records that are ready, and a call when some become ready.
//!
//! The queue is bounded, and nothing that logs ever waits for its reader: what does not fit is counted, and the count is a record. It
//! belongs to one process; a forked child begins with an empty one.

mod record;
mod subscriber;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use arc_swap::ArcSwap;
use futures_util::future::poll_fn;
use tracing::Span;
use tracing::level_filters::LevelFilter;

use self::record::Record;
pub(crate) use self::subscriber::listen_on_this_thread;
use crate::process::process_id;

/// How many records may wait for the reader before more are dropped.
const CAPACITY: usize = 1_024;
/// How many bytes of records may wait for the reader before more are dropped.
const CAPACITY_BYTES: usize = 1 << 20;

/// The levels by their number; the first is that of a queue whose reading has ended.
const FILTERS: [LevelFilter; 5] =
    [LevelFilter::OFF, LevelFilter::ERROR, LevelFilter::WARN, LevelFilter::INFO, LevelFilter::DEBUG];

/// From which level on records are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum LogLevel {
    /// What must be looked into.
    Error = 1,
    /// What works in another way than it was set up, too.
    Warn,
    /// What is to be expected now and then, too.
    Info,
    /// What helps to find a defect, too.
    Debug,
}

impl LogLevel {
    /// Returns the level of a name: `error`, `warn`, `info` or `debug`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "error" => Some(Self::Error),
            "warn" => Some(Self::Warn),
            "info" => Some(Self::Info),
            "debug" => Some(Self::Debug),
            _ => None,
        }
    }
}

/// The records of the handles that were given it, with one reader. Clones share it.
#[derive(Clone)]
pub struct Logs(Arc<Shared>);

/// What a reader of records gets without waiting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogBatch {
    /// Records, as the text of a JSON array; absent if none are ready. Each has `time`, `level`, `target`, `message` and `fields`.
    pub records: Option<String>,
    /// Whether nothing follows.
    pub ended: bool,
}

struct Shared {
    number: u64,
    level: AtomicU8,
    queue: ArcSwap<Queue>,
}

struct Queue {
    process: u32,
    state: Mutex<State>,
}

type Waiter = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    records: VecDeque<String>,
    /// The bytes of all records.
    bytes: usize,
    /// How many records did not fit since the last that did.
    dropped: u64,
    ended: bool,
    waiter: Option<Waiter>,
}

impl Logs {
    /// Makes an empty queue, for records from a level on.
    #[must_use]
    pub fn new(level: LogLevel) -> Self {
        let logs = Self(Arc::new(Shared {
            number: subscriber::next_number(),
            level: AtomicU8::new(level as u8),
            queue: ArcSwap::new(Queue::new()),
        }));
        subscriber::add(&logs.0);
        logs
    }

    /// Changes from which level on records are wanted.
    pub fn set_level(&self, level: LogLevel) {
        self.0.set_level(level as u8);
    }

    /// Takes up to `maximum` records that are ready, without waiting.
    #[must_use]
    pub fn take(&self, maximum: usize) -> LogBatch {
        let queue = self.0.queue();
        let mut state = queue.lock();
        let count = state.records.len().min(maximum.max(1));
        let mut taken: Vec<String> = state.records.drain(..count).collect();
        state.bytes -= taken.iter().map(String::len).sum::<usize>();
        if state.records.is_empty() {
            taken.extend(state.told_of_dropped());
        }
        let ended = state.ended && state.records.is_empty();
        LogBatch { records: (!taken.is_empty()).then(|| format!("[{}]", taken.join(","))), ended }
    }

    /// Calls a function once there is something to take, or the end: at once, or from a thread of the runtime. There is one reader: a
    /// function that was given before is dropped.
    pub fn when_ready(&self, ready: impl FnOnce() + Send + 'static) {
        let queue = self.0.queue();
        let mut state = queue.lock();
        if !state.is_ready() {
            state.waiter = Some(Box::new(ready));
            return;
        }
        drop(state);
        ready();
    }

    /// Waits until there is something to take, or the end, and takes up to `maximum` records. Dropping the future loses none.
    pub async fn next(&self, maximum: usize) -> LogBatch {
        poll_fn(|context| {
            let batch = self.take(maximum);
            if batch.records.is_some() || batch.ended {
                return Poll::Ready(batch);
            }
            let waker = context.waker().clone();
            self.when_ready(move || waker.wake());
            Poll::Pending
        })
        .await
    }

    /// Ends the reading, after what is ready; what is logged later is dropped.
    pub fn close(&self) {
        self.0.set_level(0);
        self.0.queue().change(|state| state.ended = true);
    }

    /// Returns the span in which whatever is logged comes here.
    pub(crate) fn span(&self) -> Span {
        subscriber::span(self.0.number)
    }
}

impl Shared {
    fn level(&self) -> LevelFilter {
        FILTERS[usize::from(self.level.load(Ordering::Relaxed)) % FILTERS.len()]
    }

    fn set_level(&self, level: u8) {
        if self.level.swap(level, Ordering::Relaxed) != level {
            subscriber::rate();
        }
    }

    /// Returns the queue of this process. One that a fork left is leaked: a thread that does not exist here may hold its lock.
    fn queue(&self) -> Arc<Queue> {
        loop {
            let seen = self.queue.load_full();
            if seen.process == process_id() {
                return seen;
            }
            let previous = self.queue.compare_and_swap(&seen, Queue::new());
            if Arc::ptr_eq(&previous, &seen) {
                std::mem::forget(seen);
            }
        }
    }

    fn push(&self, record: &Record) {
        let text = record.to_json();
        self.queue().change(|state| state.push(text));
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        subscriber::rate();
    }
}

impl Queue {
    fn new() -> Arc<Self> {
        Arc::new(Self { process: process_id(), state: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and then calls the waiting reader, outside the lock, because it may come back for more at once.
    fn change(&self, change: impl FnOnce(&mut State)) {
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

impl State {
    fn push(&mut self, record: String) {
        if self.ended {
            return;
        }
        if self.records.len() >= CAPACITY || self.bytes + record.len() > CAPACITY_BYTES {
            self.dropped += 1;
            return;
        }
        for record in self.told_of_dropped().into_iter().chain([record]) {
            self.bytes += record.len();
            self.records.push_back(record);
        }
    }

    /// Returns the record of how many did not fit, once.
    fn told_of_dropped(&mut self) -> Option<String> {
        let dropped = std::mem::take(&mut self.dropped);
        (dropped > 0).then(|| Record::of_dropped(dropped).to_json())
    }

    fn is_ready(&self) -> bool {
        self.ended || !self.records.is_empty() || self.dropped > 0
    }
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
