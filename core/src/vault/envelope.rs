//! The envelope: the data key, sealed by the master key, as one value of `meta`.
//!
//! Version 2, all numbers little-endian. Version 1 is laid out alike, and does not say that the rows of the file are signed:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version: 2 |
//! | 1 | form: 0 the master key is a key itself, 1 it is a passphrase |
//! | 16 + 4 + 4 + 4 | only in form 1: salt, Argon2id memory in KiB, passes, lanes |
//! | 12 | nonce |
//! | 32 + 16 | the data key under AES-256-GCM, and its tag; everything before the nonce is associated data |
//! | 8 | checksum: the start of BLAKE2b-512 of all bytes before it |
//!
//! The checksum stands last in every version. It holds no secret and guards against no one: it tells a damaged
//! envelope from a wrong master key, which AES-GCM alone cannot.

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use argon2::{Algorithm, Argon2, Params, Version};
use blake2::{Blake2b512, Digest};
use secrecy::{ExposeSecret, SecretString};

use super::key::{KEY_LENGTH, Key, new_key};
use super::master_key::Material;
use super::seal::{NONCE_LENGTH, TAG_LENGTH};
use crate::environment::Environment;
use crate::types::{Error, ErrorKind, Result};

const VERSION: u8 = 2;
/// The version of files whose rows were not signed.
const UNSIGNED_VERSION: u8 = 1;
const FORM_KEY: u8 = 0;
const FORM_PASSPHRASE: u8 = 1;
const SALT_LENGTH: usize = 16;
const CHECKSUM_LENGTH: usize = 8;
/// What tells the associated data of an envelope from that of a sealed row.
const CONTEXT: &[u8] = b"tollway envelope\0";

/// The most memory that an envelope may ask for, in KiB: 256 MiB.
const MAXIMUM_MEMORY: u32 = 256 * 1024;
/// The most passes or lanes that an envelope may ask for.
const MAXIMUM_PASSES_OR_LANES: u32 = 16;
/// The most work that an envelope may ask for, in KiB that are passed over: about a second.
const MAXIMUM_WORK: u32 = 1024 * 1024;

/// How a passphrase is stretched.
#[derive(Clone, Copy)]
struct Stretching {
    salt: [u8; SALT_LENGTH],
    memory: u32,
    passes: u32,
    lanes: u32,
}

/// Seals the data key with a master key.
pub(super) fn seal(data_key: &Key, material: &Material, environment: &dyn Environment) -> Result<Vec<u8>> {
    let mut envelope = Vec::with_capacity(128);
    envelope.push(VERSION);
    let stretched;
    let wrapping_key = match material {
        Material::Key(key) => {
            envelope.push(FORM_KEY);
            key
        }
        Material::Passphrase(passphrase) => {
            let mut stretching = Stretching { salt: [0; SALT_LENGTH], memory: 19 * 1024, passes: 2, lanes: 1 };
            environment.fill_random(&mut stretching.salt);
            stretched = stretching.stretch(passphrase)?;
            envelope.push(FORM_PASSPHRASE);
            stretching.write(&mut envelope);
            &stretched
        }
    };
    let associated = [CONTEXT, &envelope].concat();
    let mut nonce = [0; NONCE_LENGTH];
    environment.fill_random(&mut nonce);
    let mut sealed_key = data_key.clone();
    let tag = Aes256Gcm::new((&***wrapping_key).into())
        .encrypt_inout_detached(&Nonce::from(nonce), &associated, sealed_key.as_mut_slice().into())
        .map_err(|_| Error::new(ErrorKind::Internal, "the data key could not be sealed; report this defect"))?;
    envelope.extend_from_slice(&nonce);
    envelope.extend_from_slice(sealed_key.as_slice());
    envelope.extend_from_slice(&tag);
    let checksum = checksum(&envelope);
    envelope.extend_from_slice(&checksum);
    Ok(envelope)
}

/// Opens an envelope and returns the data key, and whether the rows of its file are signed.
pub(super) fn open(envelope: &[u8], material: &Material) -> Result<(Key, bool)> {
    let (contents, stored_checksum) = envelope.split_last_chunk::<CHECKSUM_LENGTH>().ok_or_else(damaged)?;
    if checksum(contents) != *stored_checksum {
        return Err(damaged());
    }
    let mut reader = Reader(contents);
    let version = reader.byte()?;
    match version {
        UNSIGNED_VERSION | VERSION => {}
        0 => return Err(damaged()),
        newer => {
            return Err(Error::new(
                ErrorKind::NewerFile,
                format!("the file's key envelope has version {newer}, this one reads up to {VERSION}; upgrade Tollway"),
            ));
        }
    }
    let form = reader.byte()?;
    let stretched;
    let wrapping_key = match (form, material) {
        (FORM_KEY, Material::Key(key)) => key,
        (FORM_PASSPHRASE, Material::Passphrase(passphrase)) => {
            stretched = Stretching::read(&mut reader)?.stretch(passphrase)?;
            &stretched
        }
        (FORM_KEY, Material::Passphrase(_)) => {
            return Err(wrong_key(
                "the file is sealed with a 32-byte key, but the master key given is no such key and was read as a \
                 passphrase",
            ));
        }
        (FORM_PASSPHRASE, Material::Key(_)) => {
            return Err(wrong_key("the file is sealed with a passphrase, but the master key given is a 32-byte key"));
        }
        _ => return Err(damaged()),
    };
    let header_length = contents.len() - reader.0.len();
    let associated = [CONTEXT, &contents[..header_length]].concat();
    let nonce = reader.bytes::<NONCE_LENGTH>()?;
    let mut data_key = new_key();
    data_key.copy_from_slice(&reader.bytes::<KEY_LENGTH>()?);
    let tag = reader.bytes::<TAG_LENGTH>()?;
    if !reader.0.is_empty() {
        return Err(damaged());
    }
    Aes256Gcm::new((&***wrapping_key).into())
        .decrypt_inout_detached(&Nonce::from(nonce), &associated, data_key.as_mut_slice().into(), &Tag::from(tag))
        .map_err(|_| wrong_key("the master key is another one than the file was sealed with"))?;
    Ok((data_key, version != UNSIGNED_VERSION))
}

impl Stretching {
    fn stretch(&self, passphrase: &SecretString) -> Result<Key> {
        let failed = |error: argon2::Error| {
            Error::new(
                ErrorKind::Internal,
                format!("the passphrase could not be stretched: {error}; report this defect"),
            )
        };
        let parameters = Params::new(self.memory, self.passes, self.lanes, Some(KEY_LENGTH)).map_err(failed)?;
        let mut key = new_key();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.expose_secret().as_bytes(), &self.salt, key.as_mut_slice())
            .map_err(failed)?;
        Ok(key)
    }

    fn write(&self, envelope: &mut Vec<u8>) {
        envelope.extend_from_slice(&self.salt);
        for number in [self.memory, self.passes, self.lanes] {
            envelope.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// Reads what [`Self::write`] wrote, within bounds: a forged envelope must not take all memory or hours.
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let salt = reader.bytes()?;
        let [memory, passes, lanes] = [reader.number()?, reader.number()?, reader.number()?];
        let sane = (8..=MAXIMUM_MEMORY).contains(&memory)
            && [passes, lanes].iter().all(|number| (1..=MAXIMUM_PASSES_OR_LANES).contains(number))
            && memory >= 8 * lanes
            && memory * passes <= MAXIMUM_WORK;
        if sane { Ok(Self { salt, memory, passes, lanes }) } else { Err(damaged()) }
    }
}

/// Takes fields from the front of the bytes; a missing one means a damaged envelope.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn bytes<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH]> {
        let (field, rest) = self.0.split_first_chunk::<LENGTH>().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*field)
    }

    fn byte(&mut self) -> Result<u8> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u32> {
        self.bytes().map(u32::from_le_bytes)
    }
}

fn checksum(contents: &[u8]) -> [u8; CHECKSUM_LENGTH] {
    let digest = Blake2b512::digest(contents);
    std::array::from_fn(|index| digest[index])
}

fn damaged() -> Error {
    Error::new(
        ErrorKind::CorruptedFile,
        "the file's key envelope is truncated or damaged, so none of its secrets can be opened; restore the file from a \
         copy",
    )
}

fn wrong_key(what: &str) -> Error {
    Error::new(ErrorKind::WrongMasterKey, format!("{what}; nothing was changed, give the master key of this file"))
}
