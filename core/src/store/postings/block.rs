//! A block of postings.

use super::Place;
use crate::store::pack::{Packer, Unpacker};
use crate::store::tables;
use crate::types::Result;

/// How many bytes a block has, about.
const BYTES: usize = if cfg!(test) { 8 } else { 240 };

/// Some records that stand one behind the other: the first, the last, and the ids of all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) first: Place,
    pub(super) last: Place,
    pub(super) ids: Vec<u64>,
    length: usize,
}

impl Block {
    /// Makes a block of one record.
    pub(super) fn new(place: Place) -> Self {
        Self { first: place, last: place, ids: vec![place.1], length: 0 }
    }

    /// Makes a block of some records, of which the first and the last are known.
    pub(super) fn of(first: Place, last: Place, ids: Vec<u64>) -> Self {
        let mut block = Self { first, last, ids, length: 0 };
        block.length = block.bytes().len();
        block
    }

    pub(super) fn read(first: Place, bytes: &[u8]) -> Result<Self> {
        let mut unpacker = Unpacker::new(tables::POSTINGS.shape().name, bytes);
        let time = unpacker.distance(first.0)?;
        let mut ids = vec![first.1];
        let mut last = first.1;
        while !unpacker.is_at_end() {
            last = unpacker.distance(last.cast_signed())?.cast_unsigned();
            ids.push(last);
        }
        Ok(Self { first, last: (time, last), ids, length: bytes.len() })
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut packer = Packer::default();
        packer.distance(self.first.0, self.last.0);
        for pair in self.ids.windows(2) {
            packer.distance(pair[0].cast_signed(), pair[1].cast_signed());
        }
        packer.into_bytes()
    }

    /// Returns whether no more is put behind what it has.
    pub(super) fn is_full(&self) -> bool {
        self.length >= BYTES
    }

    /// Returns whether it is to be divided.
    pub(super) fn is_over_full(&self) -> bool {
        self.length >= 2 * BYTES
    }

    /// Puts a record behind the others.
    pub(super) fn push(&mut self, place: Place) {
        let mut packer = Packer::default();
        packer.distance(self.last.1.cast_signed(), place.1.cast_signed());
        self.length += packer.len();
        self.ids.push(place.1);
        self.last = place;
    }

    /// Puts a record among the others.
    pub(super) fn insert(&mut self, at: usize, place: Place) {
        self.ids.insert(at, place.1);
        if at == 0 {
            self.first = place;
        }
        self.length = self.bytes().len();
    }
}
