//! The vault: sealing of secrets, the sources of the master key, and its rotation.
#![allow(missing_docs, clippy::todo, reason = "signatures first")]

use std::sync::Arc;

use secrecy::SecretString;

use crate::types::Result;

/// Gives the master key when the file is opened.
pub type MasterKeyCallback = Arc<dyn Fn() -> Result<SecretString> + Send + Sync>;

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKey {
    /// A text: 32 bytes as 64 hexadecimal digits or as base64, or else a passphrase.
    Text(SecretString),
    /// The name of an environment variable that holds such a text.
    Variable(String),
    /// A function that returns such a text; it is called when the file is opened.
    Callback(MasterKeyCallback),
}
