//! Names: what many rows say is kept once, and stands in them as a number that is never used again.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use super::failure::damaged;
use super::row_key::RowKey;
use super::tables;
use crate::types::Result;

/// The space of words of the ledger: statuses, currencies, meters.
pub(super) const WORDS: u64 = 1;
/// The space of users.
pub(super) const USERS: u64 = 2;
/// The space of the keys of tags. The values of a tag have its key as their space.
pub(super) const TAG_KEYS: u64 = 3;
/// The space of providers, and of models without them.
pub(super) const MODELS: u64 = 4;
/// The space of texts that records say of themselves: what facts are, notes, groups of modifiers.
pub(super) const TEXTS: u64 = 5;
/// The space of what errors say. Some name the request, so that there is no end of them.
pub(super) const ERRORS: u64 = 6;
/// Numbers below this one are spaces.
pub(super) const FIRST: u64 = 16;
/// No name.
pub(super) const NOTHING: u64 = 0;

/// How many users have numbers. What comes beyond is kept as it is, and rollups do not count by it.
const MOST_USERS: u64 = if cfg!(test) { 40 } else { 1 << 20 };
/// How many words have numbers. There are not so many.
const MOST_WORDS: u64 = 1 << 16;
/// How many values of one tag have numbers, and how many names of any other space.
const MOST_OTHERS: u64 = if cfg!(test) { 20 } else { 1 << 14 };
/// How many sentences of errors have numbers.
const MOST_ERRORS: u64 = if cfg!(test) { 4 } else { 1 << 9 };
/// How many names of a space are kept in memory.
const KEPT: usize = 8_192;

/// Returns how many names a space takes.
pub(super) const fn most(space: u64) -> u64 {
    match space {
        WORDS => MOST_WORDS,
        USERS => MOST_USERS,
        ERRORS => MOST_ERRORS,
        _ => MOST_OTHERS,
    }
}

/// Returns the digest under which a name is found.
pub(super) fn digest(key: &RowKey, space: u64, value: &[u8]) -> u64 {
    let [first @ .., _, _, _, _, _, _, _, _] = key.tag(tables::NAMES.shape().name, &space.to_le_bytes(), value);
    u64::from_le_bytes(first)
}

/// The numbers of names, by their spaces.
pub(super) type Numbers = BTreeMap<u64, HashMap<Box<[u8]>, u64>>;

/// Names that were committed, which never change. It is safe to forget any of them.
#[derive(Default)]
pub(super) struct KnownNames {
    numbers: Mutex<Numbers>,
    values: Mutex<HashMap<u64, Arc<[u8]>>>,
}

impl KnownNames {
    /// Returns the number of a name, if it is known.
    pub(super) fn number(&self, space: u64, value: &[u8]) -> Option<u64> {
        let numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        numbers.get(&space).and_then(|numbers| numbers.get(value)).copied()
    }

    /// Returns the name of a number, if it is known.
    pub(super) fn value(&self, number: u64) -> Option<Arc<[u8]>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).get(&number).map(Arc::clone)
    }

    /// Keeps a name that was read in a transaction which changed nothing of it.
    pub(super) fn keep_number(&self, space: u64, value: &[u8], number: u64) {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        keep(numbers.entry(space).or_default(), value.into(), number);
    }

    /// Keeps a name, as [`Self::keep_number`] does.
    pub(super) fn keep_value(&self, number: u64, value: &Arc<[u8]>) {
        keep(&mut self.values.lock().unwrap_or_else(PoisonError::into_inner), number, Arc::clone(value));
    }
}

fn keep<K: Eq + Hash, V>(known: &mut HashMap<K, V>, key: K, value: V) {
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, value);
}

/// Returns a name as text.
pub(super) fn text(value: &[u8]) -> Result<&str> {
    str::from_utf8(value).map_err(|_| damaged(tables::NAMES.shape().name, "a name is no text"))
}
