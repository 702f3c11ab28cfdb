//! The key under which rows are authenticated: SipHash-2-4 with 128 bits, over the table, the key and the row.
//!
//! A tag tells that a row was written by someone who could open the file's secrets, for the place where it stands. It stands
//! behind the row's bytes.

use std::fmt;
use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};
use zeroize::Zeroizing;

use super::failure::damaged;
use super::tables::{META_TABLE, is_unsigned};
use crate::types::Result;

/// The length of a key, in bytes.
const KEY_LENGTH: usize = 16;
/// The length of a tag, in bytes.
pub(super) const TAG_LENGTH: usize = 16;

/// The tag of a row.
pub(super) type Tag = [u8; TAG_LENGTH];

/// The key under which the rows of one file are authenticated. It shows nothing of itself, and dropping it wipes it.
pub struct RowKey(Box<Zeroizing<[u8; KEY_LENGTH]>>);

impl RowKey {
    /// Makes a key of its bytes.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_LENGTH]) -> Self {
        Self(Box::new(Zeroizing::new(*bytes)))
    }

    /// Returns the tag of a row that stands at a key of a table.
    pub(super) fn tag(&self, table: &str, key: &[u8], row: &[u8]) -> Tag {
        #[cfg(feature = "measured")]
        for _ in 0..super::measured::more_checks() {
            std::hint::black_box(self.made(table, key, row));
        }
        self.made(table, key, row)
    }

    fn made(&self, table: &str, key: &[u8], row: &[u8]) -> Tag {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        // The lengths keep two splits of the same bytes from having one tag.
        let lengths = (table.len() as u64) << 32 | (key.len() as u64 & 0xFFFF_FFFF);
        hasher.write(&lengths.to_le_bytes());
        hasher.write(table.as_bytes());
        hasher.write(key);
        hasher.write(row);
        hasher.finish128().as_bytes()
    }

    /// Appends its tag to a row.
    pub(super) fn sign(&self, table: &str, key: &[u8], mut row: Vec<u8>) -> Vec<u8> {
        let tag = self.tag(table, key, &row);
        row.extend_from_slice(&tag);
        row
    }

    /// Returns a row without its tag. Fails with `corrupted_file` if the tag is not the row's.
    pub(super) fn open<'a>(&self, table: &str, key: &[u8], signed: &'a [u8]) -> Result<&'a [u8]> {
        match signed.split_last_chunk::<TAG_LENGTH>() {
            Some((row, tag)) if self.tag(table, key, row) == *tag => Ok(row),
            _ => Err(damaged(table, "a row is not as Tollway wrote it; it was edited or moved, or the disk failed")),
        }
    }

    /// Returns a value of `meta` without its tag, if it has one. Fails as [`Self::open`] does.
    pub(super) fn open_meta<'a>(&self, key: &str, value: &'a [u8]) -> Result<&'a [u8]> {
        if is_unsigned(key) { Ok(value) } else { self.open(META_TABLE, key.as_bytes(), value) }
    }

    /// Returns the link of a chain that follows another.
    pub(super) fn link(&self, before: &Tag, id: u64, text: &str) -> Tag {
        self.tag("chain", before, &[&id.to_le_bytes(), text.as_bytes()].concat())
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RowKey(..)")
    }
}

/// Returns the tag of a signed row, whatever it is.
pub(super) fn tag_of(signed: &[u8]) -> Tag {
    signed.split_last_chunk::<TAG_LENGTH>().map_or([0; TAG_LENGTH], |(_, tag)| *tag)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ErrorKind;

    #[test]
    fn a_row_opens_at_its_place_only_and_as_it_was_written_only() {
        let key = RowKey::new(&[7; KEY_LENGTH]);
        let signed = key.sign("budgets", b"1", b"five dollars".to_vec());
        assert_eq!(key.open("budgets", b"1", &signed).unwrap(), b"five dollars");
        let refused = |key: &RowKey, table: &str, place: &[u8], signed: &[u8]| {
            let error = key.open(table, place, signed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CorruptedFile);
            assert!(error.detail().contains(table), "{error}");
        };
        refused(&RowKey::new(&[8; KEY_LENGTH]), "budgets", b"1", &signed);
        refused(&key, "budgets", b"2", &signed);
        refused(&key, "budget", b"s1", &signed);
        refused(&key, "budgets", b"", &[b"1", signed.as_slice()].concat());
        for place in 0..signed.len() {
            for bit in 0..8 {
                let mut flipped = signed.clone();
                flipped[place] ^= 1 << bit;
                refused(&key, "budgets", b"1", &flipped);
            }
            refused(&key, "budgets", b"1", &signed[..place]);
        }
    }

    #[test]
    fn debug_output_of_a_row_key_shows_no_byte_of_it() {
        assert_eq!(format!("{:?}", RowKey::new(&[7; KEY_LENGTH])), "RowKey(..)");
    }
}
