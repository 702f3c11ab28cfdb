//! Failures of the storage engine and of the operating system, as errors that say what to do.

use std::io;
use std::path::Path;
use std::time::Duration;

use redb::{CommitError, DatabaseError, StorageError, TableError, TransactionError};

use super::holder::{Wait, holder};
use crate::store::failure::misused;
pub(super) use crate::store::failure::{closed, corrupted, of_io};
use crate::types::{Error, ErrorKind};

/// Turns a failure of the storage engine into an error.
pub(super) trait Failure {
    /// Returns the error.
    fn error(self) -> Error;
}

impl Failure for StorageError {
    fn error(self) -> Error {
        match self {
            Self::Io(error) if error.kind() == io::ErrorKind::TimedOut => busy("the file", None),
            Self::Io(error) => of_io("the file could not be read or written", &error),
            Self::Corrupted(what) => corrupted(&what),
            Self::LockPoisoned(_) | Self::PreviousIo => interrupted(),
            Self::DatabaseClosed => closed(),
            Self::ValueTooLarge(length) => {
                Error::new(ErrorKind::InvalidRequest, format!("a value of {length} bytes is too large for the file"))
            }
            other => Error::new(
                ErrorKind::Storage,
                format!("the storage does not work ({other}); put the file on a local disk and open it again"),
            ),
        }
    }
}

impl Failure for TransactionError {
    fn error(self) -> Error {
        match self {
            Self::Storage(error) => error.error(),
            other => misused(&other.to_string()),
        }
    }
}

impl Failure for TableError {
    fn error(self) -> Error {
        match self {
            Self::Storage(error) => error.error(),
            Self::TableAlreadyOpen(..) => misused(&self.to_string()),
            other => corrupted(&other.to_string()),
        }
    }
}

impl Failure for CommitError {
    fn error(self) -> Error {
        match self {
            Self::Storage(error) => error.error(),
            other => corrupted(&other.to_string()),
        }
    }
}

/// Turns a failure to open the file into an error.
pub(super) fn of_open(path: &Path, error: DatabaseError) -> Error {
    let shown = path.display();
    match error {
        DatabaseError::DatabaseAlreadyOpen => Error::new(
            ErrorKind::Storage,
            format!(
                "{shown} is open elsewhere in the other mode{}; close that handle, or open all of them with the same \
                 `exclusive` setting (an exclusive handle admits no other)",
                by_process(holder(path, &MODES))
            ),
        ),
        DatabaseError::LockProtocolMismatch => Error::new(
            ErrorKind::Storage,
            format!(
                "{shown} is open in a process with another version of Tollway; give all processes the same version"
            ),
        ),
        DatabaseError::UpgradeRequired(_) => not_ours(&shown.to_string()),
        DatabaseError::RepairAborted => corrupted("its repair was given up"),
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::TimedOut => {
            busy(&shown.to_string(), None)
        }
        DatabaseError::Storage(StorageError::Io(error)) => of_open_io(&shown.to_string(), &error),
        DatabaseError::Storage(error) => error.error(),
        other => misused(&other.to_string()),
    }
}

/// Turns a failure of the operating system to open or make the file into an error.
pub(super) fn of_open_io(path: &str, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            Error::new(ErrorKind::Storage, format!("the folder of {path} does not exist; make it, or correct the path"))
        }
        io::ErrorKind::IsADirectory => {
            Error::new(ErrorKind::Storage, format!("{path} is a folder; give the path of a file"))
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Error::new(
            ErrorKind::Storage,
            format!("{path} may not be written; give this user write access to the file and its folder ({error})"),
        ),
        io::ErrorKind::InvalidData => not_ours(path),
        io::ErrorKind::UnexpectedEof => corrupted("it is shorter than it says"),
        _ => of_io(&format!("{path} could not be opened"), error),
    }
}

/// Makes the error of an access that was broken off because another one failed.
pub(super) fn interrupted() -> Error {
    Error::new(
        ErrorKind::Storage,
        "an earlier access to the file failed, and this one with it; the file is opened afresh, so try again",
    )
}

/// Makes the error of a defect, after which the file was found to be whole.
pub(super) fn defect() -> Error {
    Error::new(
        ErrorKind::Internal,
        "the ledger's own code broke off; the file was checked and is whole, and nothing was written; report this defect",
    )
}

/// Where the storage engine locks who has a file open, and in which mode.
const MODES: Wait = Wait { first: 1 << 62, last: u64::MAX, is_shared: false, since: Duration::ZERO };

/// Makes the error of a file that another process has locked for longer than there was time to wait, and tells what is known of
/// that process.
pub(super) fn busy(shown: &str, by: Option<u32>) -> Error {
    let process = match by {
        Some(process) => format!("process {process}"),
        None => "another process (the system does not tell which)".to_owned(),
    };
    Error::new(
        ErrorKind::StorageBusy,
        format!("{shown} is locked by {process}; let that process go on, or end it, then try again"),
    )
}

fn by_process(process: Option<u32>) -> String {
    process.map_or_else(String::new, |process| format!(" (process {process})"))
}

/// Makes the error of a path that holds something else.
pub(super) fn not_ours(path: &str) -> Error {
    Error::new(
        ErrorKind::NotATollwayFile,
        format!("{path} is not a Tollway file; nothing was changed; check the path, or give one that does not exist"),
    )
}

/// Says that something is where a file was to be made.
pub(super) fn exists(path: &Path) -> Error {
    Error::new(
        ErrorKind::Storage,
        format!("{} exists, and is left as it is; give a path where nothing is", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_says_what_to_do() {
        let full = StorageError::Io(io::Error::from(io::ErrorKind::StorageFull)).error();
        assert_eq!(full.kind(), ErrorKind::Storage);
        assert!(full.detail().contains("free some space"));
        assert_eq!(StorageError::Corrupted("x".into()).error().kind(), ErrorKind::CorruptedFile);
        assert!(StorageError::PreviousIo.error().detail().contains("try again"));
        let denied = of_open_io("/etc/x", &io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied.kind(), ErrorKind::Storage);
        assert!(denied.detail().contains("/etc/x"));
        let elsewhere = of_open(Path::new("a"), DatabaseError::DatabaseAlreadyOpen);
        assert!(elsewhere.detail().contains("exclusive"));
    }
}
