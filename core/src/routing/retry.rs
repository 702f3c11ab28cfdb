//! What to do when an attempt fails: give up, go on to the next candidate, or wait and try again.

use std::time::Duration;

use crate::environment::Environment;
use crate::types::{Error, ErrorKind};

/// A provider that asks for a longer wait is not waited for; the error says how long it asks.
pub const LONGEST_WAIT: Duration = Duration::from_mins(2);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_BACKOFF: Duration = Duration::from_secs(8);

/// What to do after an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No candidate can do better: the request itself is wrong or was refused.
    GiveUp,
    /// Another candidate may do better; this one cannot.
    NextCandidate,
    /// Another candidate may do better, and so may this one later.
    TryAgain,
}

/// Judges the error of an attempt.
#[must_use]
pub fn judge(error: &Error) -> Verdict {
    match error.kind() {
        ErrorKind::InvalidRequest
        | ErrorKind::ContentFiltered
        | ErrorKind::Cancelled
        | ErrorKind::IdempotencyConflict
        | ErrorKind::Internal
        | ErrorKind::Storage
        | ErrorKind::StorageBusy
        | ErrorKind::CorruptedFile
        | ErrorKind::Forked
        | ErrorKind::Closed => Verdict::GiveUp,
        // Who wants to wait for room in it says so, and has waited then.
        ErrorKind::BudgetExceeded => Verdict::NextCandidate,
        _ if error.is_retryable() => Verdict::TryAgain,
        _ => Verdict::NextCandidate,
    }
}

/// Returns how long to wait before the round of attempts with this number, from 0.
///
/// The provider's wait is obeyed up to [`LONGEST_WAIT`]; nothing is returned if it asks for more. Without one, waits
/// double from half a second to eight seconds, each shortened by up to a quarter at random, so that callers spread.
#[must_use]
pub fn wait(round: u32, asked: Option<Duration>, environment: &dyn Environment) -> Option<Duration> {
    if let Some(asked) = asked {
        return (asked <= LONGEST_WAIT).then_some(asked);
    }
    let doubled = FIRST_WAIT.saturating_mul(1_u32.checked_shl(round).unwrap_or(u32::MAX)).min(LONGEST_BACKOFF);
    let jitter = environment.random_below(250);
    Some(doubled.mul_f64(1.0 - f64::from(u32::try_from(jitter).unwrap_or_default()) / 1_000.0))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::environment::TestEnvironment;

    #[test]
    fn waits_double_to_a_ceiling_and_obey_the_provider() {
        let world = TestEnvironment::new(Timestamp::UNIX_EPOCH);
        for (round, longest) in [(0, 500), (1, 1_000), (2, 2_000), (4, 8_000), (40, 8_000)] {
            let waited = wait(round, None, &world).unwrap().as_millis();
            assert!(waited <= longest && waited >= longest * 3 / 4, "{round}: {waited}");
        }
        assert_eq!(wait(0, Some(Duration::from_mins(1)), &world), Some(Duration::from_mins(1)));
        assert_eq!(wait(0, Some(Duration::from_secs(121)), &world), None);
    }

    #[test]
    fn each_error_kind_is_repeated_falls_back_or_ends_the_call() {
        let verdict = |kind| judge(&Error::new(kind, ""));
        assert_eq!(verdict(ErrorKind::InvalidRequest), Verdict::GiveUp);
        assert_eq!(verdict(ErrorKind::Authentication), Verdict::NextCandidate);
        assert_eq!(verdict(ErrorKind::ContextLengthExceeded), Verdict::NextCandidate);
        assert_eq!(verdict(ErrorKind::RateLimited), Verdict::TryAgain);
        assert_eq!(judge(&Error::new(ErrorKind::RateLimited, "").with_retryable(Some(false))), Verdict::NextCandidate);
    }
}
