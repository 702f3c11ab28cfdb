//! What ends the command early.

use std::fmt;
use std::path::{Path, PathBuf};

/// What ends the command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused, with its reason.
    Engine(tollway::types::Error),
    /// The output cannot be written, or the input cannot be read.
    Output(std::io::Error),
    /// A file that was named cannot be written.
    File(PathBuf, std::io::Error),
    /// What was asked for is not there.
    Missing(String),
}

impl Failure {
    /// Says which file could not be written.
    pub(crate) fn of_file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::File(path.to_owned(), error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => write!(formatter, "{}: {}", error.code(), error.detail()),
            Self::Output(error) => error.fmt(formatter),
            Self::File(path, error) => write!(formatter, "{}: {error}; check the path", path.display()),
            Self::Missing(detail) => formatter.write_str(detail),
        }
    }
}

impl From<tollway::types::Error> for Failure {
    fn from(error: tollway::types::Error) -> Self {
        Self::Engine(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}
