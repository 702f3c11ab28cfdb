//! Arguments as they are taken.

use std::time::Duration;

use napi::{Error, Result, Status};
use zeroize::Zeroizing;

/// Takes a text that may hold a key, and wipes it when it is dropped.
pub(crate) fn wiped(text: String) -> Zeroizing<String> {
    Zeroizing::new(text)
}

/// Reads a time; fails if it is none.
pub(crate) fn seconds(timeout: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(timeout)
        .map_err(|_| Error::new(Status::InvalidArg, "timeout must be a positive number of seconds"))
}
