//! The master key as a platform's key store gives it.

use std::sync::Arc;

use secrecy::SecretString;
use tollway::types::{Error, ErrorKind};
use tollway_common::MasterKeyCallback;
use uniffi::UnexpectedUniFFICallbackError;

/// What gives a master key, such as a key store. It is asked once for each opening, on the thread that opens.
#[uniffi::export(foreign)]
pub trait MasterKeySource: Send + Sync {
    /// Returns the key, in any form that the option `master_key` has.
    fn master_key(&self) -> Result<String, SourceError>;
}

/// Why a source gave nothing.
#[derive(Debug, uniffi::Error)]
pub enum SourceError {
    /// It failed.
    Unavailable {
        /// What went wrong, for people. It is shown, so it must hold no secret.
        reason: String,
    },
}

impl From<UnexpectedUniFFICallbackError> for SourceError {
    fn from(error: UnexpectedUniFFICallbackError) -> Self {
        Self::Unavailable { reason: error.reason }
    }
}

impl std::fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self::Unavailable { reason } = self;
        formatter.write_str(reason)
    }
}

impl std::error::Error for SourceError {}

/// Makes what the engine asks of a source.
pub(crate) fn asked(source: Arc<dyn MasterKeySource>) -> MasterKeyCallback {
    Arc::new(move || {
        source.master_key().map(SecretString::from).map_err(|error| {
            let detail = format!("the source of the master key failed: {error}; mend it, then open the file again");
            Error::new(ErrorKind::InvalidRequest, detail)
        })
    })
}
