//! Master keys as callers give them.

use secrecy::{ExposeSecret, SecretString};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{Error, ErrorKind};
use tollway::vault::MasterKeyCallback;

use crate::error::ErrorInfo;

/// Returns the key that a caller gave as a text, where `env:NAME` names an environment variable, or by a function.
///
/// Fails with `invalid_request` if it was given twice, or not at all.
pub(crate) fn resolved(
    text: Option<SecretString>,
    callback: Option<&MasterKeyCallback>,
) -> Result<SecretString, ErrorInfo> {
    let invalid = |detail: String| ErrorInfo::new(ErrorKind::InvalidRequest, detail);
    match (text, callback) {
        (Some(text), None) => match text.expose_secret().strip_prefix("env:") {
            Some(name) => SystemEnvironment.variable(name).map(SecretString::from).ok_or_else(|| {
                invalid(format!("master_key: the environment variable {name} is not set; set it to the master key"))
            }),
            None if text.expose_secret().is_empty() => {
                Err(invalid("master_key is empty; give a key or a passphrase".into()))
            }
            None => Ok(text),
        },
        (None, Some(callback)) => callback().map_err(|error: Error| error.into()),
        (Some(_), Some(_)) => Err(invalid("master_key was given both as a string and as a function; give one".into())),
        (None, None) => {
            Err(invalid("master_key is missing; give a key, a passphrase, or \"env:NAME\" of a variable".into()))
        }
    }
}
