//! The errors that more than one station of a call makes.

use crate::store::Outcome;
use crate::types::{Error, ErrorKind, Result};

/// Fails with `invalid_request` for the first problem that there is.
pub(in crate::client) fn refuse_first(problems: &[(bool, &str)]) -> Result<()> {
    match problems.iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, problem)) => Err(invalid(format!("field {problem}"))),
        None => Ok(()),
    }
}

pub(in crate::client) fn invalid(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}

/// The error of an outcome that its operation never has.
pub(in crate::client) fn unexpected(outcome: &Outcome) -> Error {
    Error::new(ErrorKind::Internal, format!("the store answered {outcome:?}, which does not belong to the operation"))
}

/// The end of a call whose task is gone without a word: its runtime was shut down, or the file was closed while the caller
/// read nothing.
pub(in crate::client) fn broken_off() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the call was broken off before its end reached the caller; its usage record tells what became of it",
    )
}
