//! What ends the command early.

use std::fmt;

/// What ends the command early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The engine refused, with its reason.
    Engine(tollway::types::Error),
    /// The output cannot be written, or the input cannot be read.
    Output(std::io::Error),
    /// What was asked for is not there.
    Missing(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Engine(error) => write!(formatter, "{}: {}", error.code(), error.detail()),
            Self::Output(error) => error.fmt(formatter),
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
