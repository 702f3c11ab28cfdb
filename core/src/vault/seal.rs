//! Sealed secrets: one version byte, a 12-byte nonce, then the AES-256-GCM ciphertext and its 16-byte tag.
//!
//! The version byte and the identity of the row and field are associated data, so a sealed secret that is moved to
//! another row, or to another file, does not open there.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use zeroize::Zeroizing;

use super::key::Key;
use crate::environment::Environment;
use crate::types::{Error, ErrorKind, Result};

/// The length of a nonce, in bytes.
pub(super) const NONCE_LENGTH: usize = 12;
/// The length of a tag, in bytes.
pub(super) const TAG_LENGTH: usize = 16;

const VERSION: u8 = 1;
/// What tells the associated data of a sealed row from that of an envelope.
const CONTEXT: &str = "tollway sealed\0";

pub(super) fn seal(key: &Key, identity: &str, secret: &[u8], environment: &dyn Environment) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LENGTH];
    environment.fill_random(&mut nonce);
    // The room for everything is taken at once: growing would leave a copy of the secret in freed memory.
    let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + secret.len() + TAG_LENGTH);
    sealed.push(VERSION);
    sealed.extend_from_slice(&nonce);
    let start = sealed.len();
    sealed.extend_from_slice(secret);
    let (_, ciphertext) = sealed.split_at_mut(start);
    let tag = Aes256Gcm::new((&***key).into())
        .encrypt_inout_detached(&Nonce::from(nonce), &associated(identity), ciphertext.into())
        .map_err(|_| {
            Error::new(ErrorKind::InvalidRequest, format!("{identity} is too long to be sealed; shorten it"))
        })?;
    sealed.extend_from_slice(&tag);
    Ok(sealed)
}

pub(super) fn unseal(key: &Key, identity: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (version, rest) = sealed.split_first().ok_or_else(|| does_not_open(identity))?;
    match *version {
        VERSION => {}
        0 => return Err(does_not_open(identity)),
        newer => {
            return Err(Error::new(
                ErrorKind::NewerFile,
                format!("{identity} was sealed in version {newer}, this one reads up to {VERSION}; upgrade Tollway"),
            ));
        }
    }
    let (nonce, rest) = rest.split_first_chunk::<NONCE_LENGTH>().ok_or_else(|| does_not_open(identity))?;
    let (ciphertext, tag) = rest.split_last_chunk::<TAG_LENGTH>().ok_or_else(|| does_not_open(identity))?;
    let mut secret = Zeroizing::new(ciphertext.to_vec());
    Aes256Gcm::new((&***key).into())
        .decrypt_inout_detached(
            &Nonce::from(*nonce),
            &associated(identity),
            secret.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| does_not_open(identity))?;
    Ok(secret)
}

fn associated(identity: &str) -> Vec<u8> {
    [CONTEXT.as_bytes(), &[VERSION], identity.as_bytes()].concat()
}

fn does_not_open(identity: &str) -> Error {
    Error::new(
        ErrorKind::CorruptedFile,
        format!(
            "the sealed value of {identity} does not open: it is truncated or damaged, or was sealed for another row or \
             file; set it anew or restore the file from a copy"
        ),
    )
}
