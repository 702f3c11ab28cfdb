//! How far a request came: set by the transport alone, and what decides whether an attempt can have cost anything.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::connection::Connections;
use crate::environment::Environment;

/// How soon a kept connection breaks that its server had closed already. Its close and the request crossed on the way, so that
/// the time is that of a way there and back.
const CROSSING: Duration = Duration::from_millis(500);

/// The mark of a request that was withdrawn before a connection took it; none takes it any more.
const WITHDRAWN: u8 = u8::MAX;

/// How far a request came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No byte of it left: no connection was made, or none that took it. It can have cost nothing.
    #[default]
    NotSent,
    /// It was handed to a connection, and nothing is known of what became of it.
    Sent,
    /// The head of an answer came.
    Answered,
}

/// The stage of one request, seen by whoever waits for it while it moves on.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    stage: AtomicU8,
    /// Whether the request is the first of its connection; it goes over a kept one otherwise.
    is_first: AtomicBool,
    /// The monotonic milliseconds at which a connection took it.
    sent_at: AtomicU64,
}

impl Progress {
    /// Returns the stage that was reached.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.0.stage.load(Ordering::Acquire) {
            0 | WITHDRAWN => Stage::NotSent,
            1 => Stage::Sent,
            _ => Stage::Answered,
        }
    }

    /// Fixes the stage of a request that nobody waits for any more: one that was not sent never will be, though a connection may
    /// be about to take it.
    pub fn withdraw(&self) {
        let _ = self.0.stage.compare_exchange(0, WITHDRAWN, Ordering::AcqRel, Ordering::Acquire);
    }

    /// Moves on to a stage; never back.
    pub(super) fn reach(&self, stage: Stage) {
        self.0.stage.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// Notes that the request is the first of its connection.
    pub(super) fn note_first(&self) {
        self.0.is_first.store(true, Ordering::Release);
    }

    /// Notes when a connection took the request. Returns whether it may, which it may not once the request was withdrawn.
    fn note_sent(&self, now: Duration) -> bool {
        self.0.sent_at.store(u64::try_from(now.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
        self.0.stage.fetch_max(Stage::Sent as u8, Ordering::AcqRel) != WITHDRAWN
    }

    /// Returns whether a request whose connection broke without an answer met one that was closed before: a kept one that broke
    /// at once. Its server never took the request.
    pub(super) fn met_closed_connection(&self, now: Duration) -> bool {
        let sent_at = Duration::from_millis(self.0.sent_at.load(Ordering::Acquire));
        self.stage() == Stage::Sent
            && !self.0.is_first.load(Ordering::Acquire)
            && now.saturating_sub(sent_at) < CROSSING
    }

    /// Notes that no server took the request after all.
    pub(super) fn never_left(&self) {
        self.0.stage.store(Stage::NotSent as u8, Ordering::Release);
    }
}

/// A body that tells when a connection takes it, which no connection does before it is made.
pub(super) struct WatchedBody {
    bytes: Option<Bytes>,
    progress: Progress,
    connections: Connections,
    environment: Arc<dyn Environment>,
}

impl WatchedBody {
    /// Watches a body. No connection asks for one that is empty: its request counts as sent from now on.
    pub(super) fn new(
        bytes: Bytes,
        progress: Progress,
        connections: Connections,
        environment: Arc<dyn Environment>,
    ) -> Self {
        if bytes.is_empty() {
            progress.note_sent(environment.monotonic());
        }
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), progress, connections, environment }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.bytes.is_some() && self.connections.carry() {
            self.progress.note_first();
        }
        if !self.progress.note_sent(self.environment.monotonic()) {
            return Poll::Ready(Some(Err(io::Error::other("the request was withdrawn"))));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kept_connection_that_breaks_at_once_was_closed_before() {
        let second = Duration::from_secs(1);
        for (is_first, stage, after, met) in [
            (false, Stage::Sent, Duration::from_millis(90), true),
            (false, Stage::Sent, second, false),
            (true, Stage::Sent, Duration::from_millis(90), false),
            (false, Stage::Answered, Duration::from_millis(90), false),
        ] {
            let progress = Progress::default();
            if is_first {
                progress.note_first();
            }
            progress.note_sent(second);
            progress.reach(stage);
            assert_eq!(progress.met_closed_connection(second + after), met, "{is_first} {stage:?} {after:?}");
        }
    }

    #[test]
    fn a_request_that_was_withdrawn_is_taken_by_no_connection() {
        let mut context = Context::from_waker(std::task::Waker::noop());
        for (is_taken_first, stage) in [(false, Stage::NotSent), (true, Stage::Sent)] {
            let progress = Progress::default();
            let world = Arc::new(crate::environment::SystemEnvironment);
            let mut body = WatchedBody::new(Bytes::from_static(b"{}"), progress.clone(), Connections::default(), world);
            let mut take = || Pin::new(&mut body).poll_frame(&mut context);
            if is_taken_first {
                assert!(matches!(take(), Poll::Ready(Some(Ok(_)))));
            }
            progress.withdraw();
            assert_eq!(matches!(take(), Poll::Ready(Some(Err(_)))), !is_taken_first);
            assert_eq!(progress.stage(), stage);
        }
    }

    #[test]
    fn a_stage_never_goes_back() {
        let progress = Progress::default();
        assert_eq!(progress.stage(), Stage::NotSent);
        for (reached, stage) in [
            (Stage::Sent, Stage::Sent),
            (Stage::NotSent, Stage::Sent),
            (Stage::Answered, Stage::Answered),
            (Stage::Sent, Stage::Answered),
        ] {
            progress.reach(reached);
            assert_eq!(progress.stage(), stage);
        }
    }
}
