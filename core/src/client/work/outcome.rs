//! How an attempt ended, and what it is billed by.

use std::time::Duration;

use jiff::Timestamp;

use crate::transport::Stage;
use crate::types::{AbandonPolicy, BilledBy, Error, ErrorKind, RecordStatus, Usage};

/// How the exchange with a provider ended.
pub(in crate::client) enum Ended {
    /// The answer is complete.
    Complete,
    /// The provider, the connection or the answer was faulty.
    Failed(Error),
    /// The caller went, or the file is being closed.
    GivenUp,
    /// The call's time ran out.
    TimedOut,
}

impl Ended {
    /// Returns the status of the record. `is_drained` tells that nobody wanted the answer any more.
    pub(in crate::client) fn status(&self, has_delivered: bool, is_drained: bool) -> RecordStatus {
        let partial = if has_delivered { RecordStatus::Partial } else { RecordStatus::Cancelled };
        match self {
            Self::Complete if is_drained => partial,
            Self::Complete => RecordStatus::Success,
            Self::Failed(error) if error.kind() == ErrorKind::Timeout => RecordStatus::Timeout,
            Self::Failed(_) if has_delivered => RecordStatus::Partial,
            Self::Failed(_) => RecordStatus::Failed,
            Self::GivenUp => partial,
            Self::TimedOut => RecordStatus::Timeout,
        }
    }
}

/// What is known of an attempt when it has ended, beside what came.
pub(in crate::client) struct Account<'a> {
    pub(in crate::client) ended: &'a Ended,
    /// How far its request came.
    pub(in crate::client) stage: Stage,
    /// Whether budgets hold its worst case.
    pub(in crate::client) is_capped: bool,
    /// Whether it was read to its end after the caller had gone.
    pub(in crate::client) is_drained: bool,
    /// What becomes of an attempt that its caller gives up.
    pub(in crate::client) on_abandon: AbandonPolicy,
    /// How long it took.
    pub(in crate::client) elapsed: Duration,
}

/// What an attempt is billed by.
pub(in crate::client) enum Basis {
    Usage(Usage),
    /// Work of which nobody knows what it costs.
    Unpriced(Usage),
    Reservation,
    Nothing,
}

/// What an attempt used, and what it brought.
pub(in crate::client) struct Used<A> {
    pub(in crate::client) basis: Basis,
    pub(in crate::client) billed_by: BilledBy,
    pub(in crate::client) answer: A,
    pub(in crate::client) served: Served,
    pub(in crate::client) provider_request_id: Option<String>,
    /// Whether what failed cannot have been charged, so that it may be tried again.
    pub(in crate::client) may_be_repeated: bool,
}

/// What an answer showed of what was served, and when.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct Served {
    pub(in crate::client) model: Option<String>,
    pub(in crate::client) tier: Option<String>,
    /// How much context its searches brought.
    pub(in crate::client) search_size: Option<String>,
    pub(in crate::client) first_token_at: Option<Timestamp>,
}

/// The error of a call that the closing of the file gave up.
pub(in crate::client) fn file_closed() -> Error {
    Error::new(ErrorKind::Closed, "the file was closed while the call was under way")
}

/// The error of a call that its caller gave up.
pub(in crate::client) fn given_up() -> Error {
    Error::new(ErrorKind::Cancelled, "the caller gave the call up")
}

/// The error of a call, or of an attempt, whose code panicked.
pub(in crate::client) fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "the call was broken off by a defect of its code; report it")
}

/// The error of a call whose time ran out.
pub(in crate::client) fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "the call's time ran out; allow more with `timeout`")
}
