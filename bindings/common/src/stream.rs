//! A streamed chat, as bindings read it: batches of events that are ready, and a call when some become ready.
//!
//! A task on the runtime reads the engine's stream into a bounded buffer, so that a reader who finds events there needs no
//! turn of any event loop, and one who waits gets all that came in one delivery.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::future::poll_fn;
use tokio::sync::Notify;
use tollway::client::ChatStream;
use tollway::types::{ErrorKind, StreamEvent};

use crate::error::ErrorInfo;
use crate::runtime::{AbortOnDrop, Runtime, process_id};

/// How many events may wait for the reader before the provider's stream is no longer read.
const CAPACITY: usize = 256;

type Waiter = Box<dyn FnOnce() + Send>;

/// What a stream has at hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Batch {
    /// Events, as the text of a JSON array.
    Events(String),
    /// Nothing yet.
    Pending,
    /// The stream failed; nothing follows.
    Failed(ErrorInfo),
    /// The stream is over.
    End,
}

/// A streamed chat with one reader. Dropping or closing it gives the call up; it is then settled by its abandon policy.
pub struct Stream {
    buffer: Arc<Buffer>,
    task: AbortOnDrop,
}

struct Buffer {
    state: Mutex<State>,
    room: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<String>,
    failure: Option<ErrorInfo>,
    ended: bool,
    waiter: Option<Waiter>,
}

impl Stream {
    pub(crate) fn start(open: impl Future<Output = Result<ChatStream, ErrorInfo>> + Send + 'static) -> Self {
        Self::start_with(move |end| async move {
            let mut stream = match open.await {
                Ok(stream) => stream,
                Err(error) => return end.fail(error),
            };
            loop {
                let batch = stream.next_batch(CAPACITY).await;
                if batch.is_empty() {
                    return end.finish();
                }
                let mut events = Vec::with_capacity(batch.len());
                for item in batch {
                    match item.map_err(ErrorInfo::from).and_then(|event| text_of(&event)) {
                        Ok(event) => events.push(event),
                        Err(error) => {
                            end.push(events).await;
                            return end.fail(error);
                        }
                    }
                }
                end.push(events).await;
            }
        })
    }

    fn start_with<F: Future<Output = ()> + Send + 'static>(read: impl FnOnce(WriteEnd) -> F) -> Self {
        let buffer = Arc::new(Buffer { state: Mutex::default(), room: Notify::new() });
        let end = WriteEnd(Arc::clone(&buffer));
        let task = match Runtime::current() {
            Ok(runtime) => runtime.spawn_abortable(read(end)),
            Err(error) => {
                end.fail(error);
                AbortOnDrop::none(process_id())
            }
        };
        Self { buffer, task }
    }

    /// Takes up to `maximum` events that are ready, without waiting.
    #[must_use]
    pub fn try_next_batch(&self, maximum: usize) -> Batch {
        if self.task.is_inherited() {
            return Batch::Failed(ErrorInfo::forked());
        }
        let mut state = self.buffer.lock();
        let count = state.events.len().min(maximum.max(1));
        if count > 0 {
            let mut text = String::from("[");
            for (place, event) in state.events.drain(..count).enumerate() {
                if place > 0 {
                    text.push(',');
                }
                text.push_str(&event);
            }
            text.push(']');
            drop(state);
            self.buffer.room.notify_one();
            Batch::Events(text)
        } else if let Some(error) = state.failure.take() {
            Batch::Failed(error)
        } else if state.ended {
            Batch::End
        } else {
            Batch::Pending
        }
    }

    /// Calls a function once there is something other than [`Batch::Pending`] to take: at once, or from a thread of the
    /// runtime. There is one reader: a function that was given before is dropped.
    pub fn when_ready(&self, ready: impl FnOnce() + Send + 'static) {
        if !self.task.is_inherited() {
            let mut state = self.buffer.lock();
            if !state.is_ready() {
                state.waiter = Some(Box::new(ready));
                return;
            }
        }
        ready();
    }

    /// Waits for events and takes up to `maximum` of them as a JSON array; nothing at the end. Dropping the future loses
    /// no event.
    pub async fn next_batch(&self, maximum: usize) -> Result<Option<String>, ErrorInfo> {
        poll_fn(|context| {
            loop {
                match self.try_next_batch(maximum) {
                    Batch::Events(events) => return std::task::Poll::Ready(Ok(Some(events))),
                    Batch::Failed(error) => return std::task::Poll::Ready(Err(error)),
                    Batch::End => return std::task::Poll::Ready(Ok(None)),
                    Batch::Pending => {}
                }
                let mut state = self.buffer.lock();
                if !state.is_ready() {
                    let waker = context.waker().clone();
                    state.waiter = Some(Box::new(move || waker.wake()));
                    return std::task::Poll::Pending;
                }
            }
        })
        .await
    }

    /// Gives the call up and ends the stream; events that were not taken are dropped.
    pub fn close(&self) {
        self.task.abort();
        if self.task.is_inherited() {
            return;
        }
        self.buffer.change(|state| {
            state.events.clear();
            state.failure = None;
            state.ended = true;
        });
    }
}

impl Buffer {
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
    fn is_ready(&self) -> bool {
        self.ended || !self.events.is_empty()
    }
}

/// The end of the buffer that the reading task holds. However the task ends, the reader hears of it.
struct WriteEnd(Arc<Buffer>);

impl WriteEnd {
    /// Appends events, after waiting until the reader has taken enough of those before.
    async fn push(&self, events: Vec<String>) {
        if events.is_empty() {
            return;
        }
        while self.0.lock().events.len() >= CAPACITY {
            self.0.room.notified().await;
        }
        self.0.change(|state| {
            // A stream that was closed meanwhile takes nothing more.
            if !state.ended {
                state.events.extend(events);
            }
        });
    }

    fn finish(&self) {
        self.0.change(|state| state.ended = true);
    }

    fn fail(&self, error: ErrorInfo) {
        self.0.change(|state| {
            if !state.ended {
                state.failure = Some(error);
                state.ended = true;
            }
        });
    }
}

impl Drop for WriteEnd {
    fn drop(&mut self) {
        self.fail(ErrorInfo::lost());
    }
}

fn text_of(event: &StreamEvent) -> Result<String, ErrorInfo> {
    serde_json::to_string(event)
        .map_err(|error| ErrorInfo::new(ErrorKind::Internal, format!("an event cannot be written as JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    fn next(stream: &Stream, maximum: usize) -> Result<Option<String>, ErrorInfo> {
        futures_executor::block_on(stream.next_batch(maximum))
    }

    #[test]
    fn ready_events_come_in_one_batch_and_then_the_end() {
        let stream = Stream::start_with(|end| async move {
            end.push(vec!["1".into(), "2".into(), "3".into()]).await;
            end.finish();
        });
        assert_eq!(next(&stream, 2).unwrap().unwrap(), "[1,2]");
        assert_eq!(next(&stream, 2).unwrap().unwrap(), "[3]");
        assert_eq!(next(&stream, 2).unwrap(), None);
        assert_eq!(stream.try_next_batch(2), Batch::End);
    }

    #[test]
    fn a_failure_comes_after_the_events_before_it_and_once() {
        let stream = Stream::start_with(|end| async move {
            end.push(vec!["1".into()]).await;
            end.fail(ErrorInfo::new(ErrorKind::ProviderUnavailable, "gone"));
        });
        assert_eq!(next(&stream, 9).unwrap().unwrap(), "[1]");
        assert_eq!(next(&stream, 9).unwrap_err().code, "provider_unavailable");
        assert_eq!(next(&stream, 9).unwrap(), None);
    }

    #[test]
    fn a_waiting_reader_is_called_when_events_arrive() {
        let (go, wait) = tokio::sync::oneshot::channel::<()>();
        let stream = Stream::start_with(|end| async move {
            let _ = wait.await;
            end.push(vec!["1".into()]).await;
            std::future::pending::<()>().await;
        });
        let (sender, receiver) = mpsc::channel();
        stream.when_ready(move || sender.send(()).unwrap());
        assert!(receiver.try_recv().is_err());
        go.send(()).unwrap();
        receiver.recv_timeout(Duration::from_secs(5)).unwrap();
        assert_eq!(stream.try_next_batch(9), Batch::Events("[1]".into()));
        assert_eq!(stream.try_next_batch(9), Batch::Pending);
        stream.close();
        assert_eq!(stream.try_next_batch(9), Batch::End);
    }

    #[test]
    fn a_slow_reader_holds_the_provider_back() {
        let (sender, pushed) = mpsc::channel();
        let stream = Stream::start_with(|end| async move {
            for _ in 0..3 {
                end.push(vec!["1".into(); CAPACITY]).await;
                sender.send(()).unwrap();
            }
            end.finish();
        });
        pushed.recv_timeout(Duration::from_secs(5)).unwrap();
        assert!(pushed.recv_timeout(Duration::from_millis(50)).is_err());
        let mut count = 0;
        while let Some(events) = next(&stream, 100).unwrap() {
            count += events.matches('1').count();
        }
        assert_eq!(count, 3 * CAPACITY);
    }

    #[test]
    fn a_reader_hears_of_a_panic() {
        let stream = Stream::start_with(|end| async move {
            let _end = end;
            panic!("on purpose")
        });
        assert_eq!(next(&stream, 1).unwrap_err().code, "internal");
    }
}
