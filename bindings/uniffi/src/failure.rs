//! Errors as they cross.

use tollway_common::ErrorInfo;

/// An error of the engine.
#[derive(Debug, uniffi::Error)]
pub enum NativeError {
    /// It was refused, or failed.
    Failed {
        /// What went wrong, as JSON text.
        info: String,
    },
}

impl From<ErrorInfo> for NativeError {
    fn from(error: ErrorInfo) -> Self {
        Self::Failed { info: error.to_json() }
    }
}

impl std::fmt::Display for NativeError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Failed { info } = self;
        formatter.write_str(info)
    }
}

impl std::error::Error for NativeError {}
