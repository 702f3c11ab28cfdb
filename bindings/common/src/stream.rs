//! A streamed chat, as bindings read it: batches of events that are ready, and a call when some become ready.

use std::future::Future;

use tollway::client::ChatStream;

use crate::buffer::{CAPACITY, Reader, Taken, WriteEnd};
use crate::error::ErrorInfo;
use crate::results::Shown;
use crate::verbs::text_of;

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
pub struct Stream(Reader<String>);

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
                    match item.map_err(ErrorInfo::from).and_then(|event| text_of(&event.shown())) {
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

    fn start_with<F: Future<Output = ()> + Send + 'static>(read: impl FnOnce(WriteEnd<String>) -> F) -> Self {
        Self(Reader::start(read))
    }

    /// Takes up to `maximum` events that are ready, without waiting.
    #[must_use]
    pub fn try_next_batch(&self, maximum: usize) -> Batch {
        batch(self.0.take(maximum))
    }

    /// Calls a function once there is something other than [`Batch::Pending`] to take: at once, or from a thread of the
    /// runtime. There is one reader: a function that was given before is dropped.
    pub fn when_ready(&self, ready: impl FnOnce() + Send + 'static) {
        self.0.when_ready(ready);
    }

    /// Waits for events and takes up to `maximum` of them as a JSON array; nothing at the end. Dropping the future loses
    /// no event.
    pub async fn next_batch(&self, maximum: usize) -> Result<Option<String>, ErrorInfo> {
        match batch(self.0.next(maximum).await) {
            Batch::Events(events) => Ok(Some(events)),
            Batch::Failed(error) => Err(error),
            Batch::End | Batch::Pending => Ok(None),
        }
    }

    /// Gives the call up and ends the stream; events that were not taken are dropped.
    pub fn close(&self) {
        self.0.close();
    }
}

fn batch(taken: Taken<String>) -> Batch {
    match taken {
        Taken::Items(events) => Batch::Events(format!("[{}]", events.join(","))),
        Taken::Pending => Batch::Pending,
        Taken::Failed(error) => Batch::Failed(error),
        Taken::End => Batch::End,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tollway::types::ErrorKind;

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
    fn an_error_is_delivered_once_and_after_the_events_before_it() {
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
    fn a_panic_reaches_the_reader_of_a_stream_as_an_error() {
        let stream = Stream::start_with(|end| async move {
            let _end = end;
            panic!("on purpose")
        });
        assert_eq!(next(&stream, 1).unwrap_err().code, "internal");
    }
}
