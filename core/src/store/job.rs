//! An operation that waits for the writer, and the word between it and its caller on whether it is still wanted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::oneshot;

use super::used::Used;
use super::{Operation, Outcome};
use crate::environment::BoxFuture;
use crate::types::{Error, Result};

/// An operation that waits, and where its outcome goes.
pub(super) struct Job {
    pub(super) operation: Operation,
    /// What a new budget begins with, where it was worked out before.
    pub(super) used: Option<Used>,
    pub(super) outcome: oneshot::Sender<Result<Outcome>>,
    pub(super) claim: Claim,
}

/// Whether an operation is still waited for: it is begun by the writer or withdrawn by its caller, never both.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim(Arc<AtomicU8>);

const WAITING: u8 = 0;
const BEGUN: u8 = 1;
const WITHDRAWN: u8 = 2;

impl Claim {
    /// Begins the operation; returns whether it is to be done.
    pub(super) fn begin(&self) -> bool {
        self.leave(BEGUN)
    }

    /// Withdraws the operation; returns whether it had not begun, so that nothing comes of it.
    pub(super) fn withdraw(&self) -> bool {
        self.leave(WITHDRAWN)
    }

    fn leave(&self, to: u8) -> bool {
        self.0.compare_exchange(WAITING, to, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// An operation that did not end in the time that there was for it.
pub struct Late {
    /// Says so.
    pub error: Error,
    /// What comes of the operation yet; absent where nothing does, since it was withdrawn or was refused.
    pub outcome: Option<BoxFuture<'static, Result<Outcome>>>,
}

impl From<Error> for Late {
    fn from(error: Error) -> Self {
        Self { error, outcome: None }
    }
}

impl Late {
    /// Returns the error, and leaves what comes of the operation yet to itself: it is done all the same.
    #[must_use]
    pub fn into_error(self) -> Error {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_begun_or_withdrawn_and_never_both() {
        let claim = Claim::default();
        assert!(claim.begin() && !claim.withdraw() && !claim.begin());
        let claim = Claim::default();
        let other = claim.clone();
        assert!(other.withdraw() && !claim.begin() && !claim.withdraw());
    }
}
