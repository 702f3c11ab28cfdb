//! Reply bodies: whole ones at once, paced ones piece by piece with the fault at their end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::counts::Guard;

/// Whether the connection's socket is to be reset, instead of closed, when it is dropped.
pub(crate) type ResetFlag = Arc<AtomicBool>;

/// How a paced body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Complete,
    Hang,
    Close,
    Reset,
}

/// A reply body.
pub(crate) enum ReplyBody {
    Whole(Option<Bytes>),
    Paced(Box<Paced>),
}

/// A body that is sent in pieces.
pub(crate) struct Paced {
    pub(crate) pieces: Arc<[Bytes]>,
    pub(crate) next: usize,
    pub(crate) delay: Duration,
    pub(crate) end: End,
    /// The length to promise in the head, where it is promised.
    pub(crate) length: Option<u64>,
    pub(crate) guard: Guard,
    pub(crate) reset: ResetFlag,
    pub(crate) pause: Option<Pin<Box<Sleep>>>,
    pub(crate) flushed: bool,
}

/// The connection is broken off on purpose.
#[derive(Debug)]
pub(crate) struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the script breaks the connection off here")
    }
}

impl std::error::Error for Broken {}

impl From<Infallible> for Broken {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl Paced {
    /// The wait between the last piece and a broken connection, in which the pieces leave the process.
    const FLUSH: Duration = Duration::from_millis(20);

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            if let Some(piece) = self.pieces.get(self.next) {
                self.next += 1;
                if self.next < self.pieces.len() && !self.delay.is_zero() {
                    self.pause = Some(Box::pin(sleep(self.delay)));
                }
                self.guard.sent(piece.len());
                return Poll::Ready(Some(Ok(piece.clone())));
            }
            match self.end {
                End::Complete => {
                    self.guard.completed();
                    return Poll::Ready(None);
                }
                // The connection wakes this task when the client hangs up.
                End::Hang => return Poll::Pending,
                End::Close | End::Reset if !self.flushed => {
                    self.flushed = true;
                    self.pause = Some(Box::pin(sleep(Self::FLUSH)));
                }
                End::Close | End::Reset => {
                    self.reset.store(self.end == End::Reset, Ordering::Release);
                    self.guard.faulted();
                    return Poll::Ready(Some(Err(Broken)));
                }
            }
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Poll::Ready(body.take().map(|body| Ok(Frame::data(body)))),
            Self::Paced(paced) => paced.poll_next(context).map_ok(Frame::data),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Paced(paced) => paced.length.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

/// Waits. The server plays delays in real time; nothing in it depends on the clock otherwise.
#[expect(clippy::disallowed_methods, reason = "this process has no client, hence no environment to ask")]
pub(crate) fn sleep(duration: Duration) -> Sleep {
    tokio::time::sleep(duration)
}
