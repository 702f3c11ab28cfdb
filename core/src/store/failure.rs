//! Failures of whatever keeps the tables, as errors that say what to do.

use std::io;

use crate::types::{Error, ErrorKind};

/// Turns a failure of the operating system into an error.
pub(super) fn of_io(what: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => Error::new(
            ErrorKind::Storage,
            format!("{what}: the disk is full; free some space, then try again ({error})"),
        ),
        io::ErrorKind::UnexpectedEof => corrupted("it is shorter than it says"),
        _ => Error::new(
            ErrorKind::Storage,
            format!("{what} ({error}); check the disk and the permissions, then try again"),
        ),
    }
}

/// Makes the error of a wait for a store that no other process keeps.
pub(super) fn busy_with_itself(process_id: u32) -> Error {
    Error::new(
        ErrorKind::Timeout,
        format!(
            "time ran out while the ledger was busy with what this process ({process_id}) reads and writes itself; allow more"
        ),
    )
}

/// Makes the error of a damaged file.
pub(super) fn corrupted(what: &str) -> Error {
    Error::new(
        ErrorKind::CorruptedFile,
        format!("the file is damaged ({what}); close every process that has it open and restore it from a copy"),
    )
}

/// Makes the error of a store that was shut down.
pub(super) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the file was closed; open it again")
}

/// Makes the error of a store that was used in a way that it is not made for.
pub(super) fn misused(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the store was used wrongly by its own code ({what}); report this defect"))
}

/// Makes the error of a table that holds what no version wrote.
pub(super) fn damaged(table: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::CorruptedFile,
        format!(
            "table {table} is damaged: {what}; close every process that has the file open and restore it from a copy"
        ),
    )
}

/// Makes the error of a table that holds what only a later version can have written.
pub(super) fn newer(table: &str, what: &str) -> Error {
    Error::new(
        ErrorKind::NewerFile,
        format!("table {table} holds {what}, which this version does not know; upgrade Tollway"),
    )
}
