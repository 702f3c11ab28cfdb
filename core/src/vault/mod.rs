//! The vault: sealing of secrets, the sources of the master key, and its rotation.
//!
//! Two keys are at work. The **data key**, 32 random bytes made once per file, seals every secret of the file. The
//! **master key**, which the caller holds, seals only the data key; the result is the *envelope*, one value of `meta`.
//! A new master key therefore needs a new envelope and nothing else: no row is sealed again.

mod envelope;
mod key;
mod master_key;
mod seal;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use blake2::{Blake2b512, Digest};
use secrecy::SecretString;
use zeroize::Zeroizing;

pub use master_key::{MasterKey, MasterKeyCallback};

use self::key::{Key, new_key};
use crate::environment::Environment;
use crate::types::{Error, ErrorKind, Result};

/// The length of the key that rows are signed with, in bytes.
const ROW_KEY_LENGTH: usize = 16;
/// The length of a fingerprint, in bytes.
const FINGERPRINT_LENGTH: usize = 32;

/// Seals and opens the secrets of one file. It shows nothing of its key, and dropping it wipes the key from memory.
///
/// Nonces are 96 random bits, so one file may seal about four thousand million (2^32) secrets before the chance that
/// two share a nonce is worth a thought.
pub struct Vault {
    data_key: Key,
    /// Whether the envelope that it was opened with says that the rows of its file are signed.
    is_bound: bool,
    environment: Arc<dyn Environment>,
}

impl Vault {
    /// Makes the vault of a new file, and the envelope that opens it again, which belongs in the file's `meta`.
    ///
    /// A passphrase is stretched, which takes tens of milliseconds and 19 MiB: call this off the async threads. Fails
    /// with [`ErrorKind::InvalidRequest`] if the master key is too short or its variable is not set, and with what a
    /// callback fails with.
    pub fn create(master_key: &MasterKey, environment: &Arc<dyn Environment>) -> Result<(Self, Vec<u8>)> {
        let mut data_key = new_key();
        environment.fill_random(data_key.as_mut_slice());
        let vault = Self { data_key, is_bound: true, environment: Arc::clone(environment) };
        let envelope = vault.wrap_again(master_key)?;
        Ok((vault, envelope))
    }

    /// Opens the vault of an existing file by its envelope; as costly as [`Self::create`].
    ///
    /// Fails with [`ErrorKind::WrongMasterKey`] if the key is another one, with [`ErrorKind::CorruptedFile`] if the
    /// envelope is truncated or damaged, with [`ErrorKind::NewerFile`] if a newer version wrote it, and as
    /// [`Self::create`] does if the key cannot be read.
    pub fn open(envelope: &[u8], master_key: &MasterKey, environment: &Arc<dyn Environment>) -> Result<Self> {
        let material = master_key.material(environment.as_ref())?;
        let (data_key, is_bound) = envelope::open(envelope, &material)?;
        Ok(Self { data_key, is_bound, environment: Arc::clone(environment) })
    }

    /// Makes an envelope for another master key. Once it has replaced the old one in `meta`, only the new key opens
    /// the file.
    ///
    /// The data key stays as it is, so no sealed row changes and the rotation is one small write. It does not help
    /// against someone who copied the file **and** had the old master key: such a copy stays readable, and the API keys
    /// in it must be replaced at their providers. Fails as [`Self::create`] does.
    pub fn wrap_again(&self, new_master_key: &MasterKey) -> Result<Vec<u8>> {
        let material = new_master_key.material(self.environment.as_ref())?;
        envelope::seal(&self.data_key, &material, self.environment.as_ref())
    }

    /// Returns whether the envelope says that the rows of the file are signed. That of an earlier version does not.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.is_bound
    }

    /// Returns the key that the rows of the file are signed with. It is worked out from the data key, which it does not tell.
    #[must_use]
    pub fn row_key(&self) -> Zeroizing<[u8; ROW_KEY_LENGTH]> {
        let digest = self.digest("rows", &[]);
        Zeroizing::new(std::array::from_fn(|index| digest[index]))
    }

    /// Digests a text so that only the file's key can tell what was digested.
    #[must_use]
    pub fn fingerprint(&self, text: &[u8]) -> [u8; FINGERPRINT_LENGTH] {
        let digest = self.digest("fingerprint", text);
        std::array::from_fn(|index| digest[index])
    }

    /// Digests a text under the data key, for one purpose. Unlike SHA-2, `BLAKE2b` is a sound MAC with the key put before the
    /// text.
    fn digest(&self, purpose: &str, text: &[u8]) -> Zeroizing<[u8; 64]> {
        let mut hasher = Blake2b512::new();
        hasher.update(self.data_key.as_slice());
        hasher.update(b"tollway subkey\0");
        hasher.update(purpose.as_bytes());
        hasher.update([0]);
        hasher.update(text);
        Zeroizing::new(hasher.finalize().into())
    }

    /// Seals a secret for the row and field that `identity` names, such as `ai_model_config/17/api_key`.
    ///
    /// What it returns opens under the same identity only.
    pub fn seal(&self, identity: &str, secret: &[u8]) -> Result<Vec<u8>> {
        seal::seal(&self.data_key, identity, secret, self.environment.as_ref())
    }

    /// Opens a sealed secret; dropping the result wipes it.
    ///
    /// Fails with [`ErrorKind::CorruptedFile`] if the bytes were damaged or were sealed for another identity or by
    /// another file, and with [`ErrorKind::NewerFile`] if a newer version wrote them.
    pub fn unseal(&self, identity: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        seal::unseal(&self.data_key, identity, sealed)
    }

    /// Opens a sealed text. Fails as [`Self::unseal`] does, and with [`ErrorKind::Internal`] if what was sealed is no
    /// text.
    pub fn unseal_text(&self, identity: &str, sealed: &[u8]) -> Result<SecretString> {
        let secret = self.unseal(identity, sealed)?;
        let text = std::str::from_utf8(&secret).map_err(|_| {
            Error::new(ErrorKind::Internal, format!("what was sealed as {identity} is not text; report this defect"))
        })?;
        Ok(SecretString::from(text))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Vault(..)")
    }
}
