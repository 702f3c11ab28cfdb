//! How much of an answer may come, and how much of it is read before others have their turn.

use crate::types::{Error, ErrorKind, Result};

/// The most bytes of an answer whose reader sets no other bound.
const MOST_BYTES: u64 = 256 << 20;

/// How many bytes are read before other work has its turn.
const TURN: usize = 256 << 10;

/// Counts the bytes of one answer.
#[derive(Debug)]
pub(super) struct Intake {
    most: u64,
    left: u64,
    turn: usize,
}

impl Default for Intake {
    fn default() -> Self {
        Self::new(MOST_BYTES)
    }
}

impl Intake {
    /// Lets so many bytes come.
    pub(super) const fn new(most: u64) -> Self {
        Self { most, left: most, turn: 0 }
    }

    /// Takes bytes that came; fails with `provider_unavailable` once there are too many. The same request would be answered alike.
    pub(super) fn take(&mut self, bytes: usize, host: &str) -> Result<()> {
        self.turn = self.turn.saturating_add(bytes);
        let left = u64::try_from(bytes).ok().and_then(|bytes| self.left.checked_sub(bytes));
        self.left = left.ok_or_else(|| {
            let detail = format!(
                "the answer of {host} is longer than {} bytes, and was read no further: a greater `max_tokens` allows more, \
                 up to the setting `maximum_answer_bytes`",
                self.most
            );
            Error::new(ErrorKind::ProviderUnavailable, detail).with_retryable(Some(false))
        })?;
        Ok(())
    }

    /// Lets other work have its turn, if much was read since it had one.
    pub(super) async fn pause(&mut self) {
        if self.turn >= TURN {
            self.turn = 0;
            tokio::task::yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn an_answer_longer_than_allowed_is_an_error() {
        let mut intake = Intake::new(10);
        assert!(intake.take(10, "h").is_ok());
        assert!(intake.take(0, "h").is_ok());
        let error = intake.take(1, "h").unwrap_err();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::ProviderUnavailable, false));
        assert!(error.detail().contains("longer than 10 bytes") && error.detail().contains("maximum_answer_bytes"));
    }

    #[test]
    fn reading_yields_to_other_tasks_after_many_bytes() {
        let mut intake = Intake::default();
        intake.take(TURN - 1, "h").unwrap();
        assert!(intake.pause().now_or_never().is_some());
        intake.take(1, "h").unwrap();
        assert!(intake.pause().now_or_never().is_none());
        assert!(intake.pause().now_or_never().is_some());
    }
}
