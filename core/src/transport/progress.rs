//! How far a request came: set by the transport alone, and what decides whether an attempt can have cost anything.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

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
pub struct Progress(Arc<AtomicU8>);

impl Progress {
    /// Returns the stage that was reached.
    #[must_use]
    pub fn stage(&self) -> Stage {
        match self.0.load(Ordering::Acquire) {
            0 => Stage::NotSent,
            1 => Stage::Sent,
            _ => Stage::Answered,
        }
    }

    /// Moves on to a stage; never back.
    pub(super) fn reach(&self, stage: Stage) {
        self.0.fetch_max(stage as u8, Ordering::AcqRel);
    }

    /// Notes that no connection was made after all.
    pub(super) fn never_left(&self) {
        self.0.store(Stage::NotSent as u8, Ordering::Release);
    }
}

/// A body that tells when a connection takes it, which no connection does before it is made.
pub(super) struct WatchedBody {
    bytes: Option<Bytes>,
    progress: Progress,
}

impl WatchedBody {
    /// Watches a body. No connection asks for one that is empty: its request counts as sent from now on.
    pub(super) fn new(bytes: Bytes, progress: Progress) -> Self {
        if bytes.is_empty() {
            progress.reach(Stage::Sent);
        }
        Self { bytes: Some(bytes).filter(|bytes| !bytes.is_empty()), progress }
    }
}

impl Body for WatchedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.progress.reach(Stage::Sent);
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
