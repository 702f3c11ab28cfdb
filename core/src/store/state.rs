//! What the file says of itself as a whole: how many rows each table has, what they add up to, and the head of the ledger.
//!
//! A row that is missing leaves no trace where it stood. So the number of rows of each table, and the sum of their tags, stand in
//! `meta`, and are compared where a whole table is read.

use std::cell::Cell;

use super::codec::{decode, encode};
use super::failure::damaged;
use super::row_key::{RowKey, Tag, tag_of};
use super::rows::LedgerStateRow;
use super::tables::SIGNED_TABLES;
use crate::types::Result;

/// The key in `meta` of the state.
pub(super) const STATE_KEY: &str = "ledger_state";
/// How many records lie between two heads that are kept.
pub(super) const HEADS_EVERY: u64 = 256;

/// How many rows a table has, and the sum of their tags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct TableSum {
    pub(super) rows: u64,
    tags: u128,
}

impl TableSum {
    /// Counts a row that takes the place of another, or of none.
    pub(super) fn replace(self, before: Option<&[u8]>, after: Option<&[u8]>) -> Self {
        let tag = |row: Option<&[u8]>| row.map_or(0, |row| u128::from_le_bytes(tag_of(row)));
        Self {
            rows: self.rows.wrapping_sub(before.is_some().into()).wrapping_add(after.is_some().into()),
            tags: self.tags.wrapping_sub(tag(before)).wrapping_add(tag(after)),
        }
    }

    /// Fails with `corrupted_file` if a table that was read whole is another than was written.
    pub(super) fn check(self, table: &str, read: Self) -> Result<()> {
        match self == read {
            true => Ok(()),
            false if self.rows == read.rows => Err(damaged(table, "it holds rows of an earlier time")),
            false => Err(damaged(table, &format!("it has {} rows, and {} were written", read.rows, self.rows))),
        }
    }
}

/// The head of the ledger: its last record, and the link of the chain that all records make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) record: u64,
    pub(super) link: Tag,
}

/// The state of the file, as a transaction sees and changes it.
#[derive(Debug, Default)]
pub(super) struct State {
    sums: [Cell<TableSum>; SIGNED_TABLES.len()],
    head: Cell<Head>,
    /// The first record from which on ids have no gap.
    first_record: Cell<u64>,
    /// The last record that the rollups count.
    digested: Cell<u64>,
    has_changed: Cell<bool>,
}

impl State {
    /// Reads the state that a transaction finds.
    pub(super) fn load(&self, row: &[u8]) -> Result<()> {
        let row: LedgerStateRow = decode(row)?;
        for (number, rows, tags) in row.tables {
            if let Some(sum) = self.sums.get(usize::from(number)) {
                sum.set(TableSum { rows, tags: u128::from_le_bytes(tags) });
            }
        }
        self.head.set(Head { record: row.head_record, link: row.head_link });
        self.first_record.set(row.first_record);
        self.digested.set(row.digested_record);
        self.has_changed.set(false);
        Ok(())
    }

    /// Returns the bytes of the state, without a tag.
    pub(super) fn row(&self) -> Result<Vec<u8>> {
        let sums = (0_u8..).zip(&self.sums).map(|(number, sum)| (number, sum.get().rows, sum.get().tags.to_le_bytes()));
        let Head { record, link } = self.head.get();
        encode(&LedgerStateRow {
            tables: sums.collect(),
            head_record: record,
            head_link: link,
            first_record: self.first_record.get(),
            digested_record: self.digested.get(),
        })
    }

    /// Returns the sum of a table.
    pub(super) fn sum(&self, table: &str) -> TableSum {
        place(table).and_then(|place| self.sums.get(place)).map_or_else(TableSum::default, Cell::get)
    }

    /// Counts a row of a table that takes the place of another, or of none.
    pub(super) fn count(&self, table: &str, before: Option<&[u8]>, after: Option<&[u8]>) {
        if let Some(sum) = place(table).and_then(|place| self.sums.get(place)) {
            sum.set(sum.get().replace(before, after));
            self.has_changed.set(true);
        }
    }

    /// Returns whether it differs from what was loaded.
    pub(super) fn has_changed(&self) -> bool {
        self.has_changed.get()
    }

    /// Returns the head of the ledger.
    pub(super) fn head(&self) -> Head {
        self.head.get()
    }

    /// Returns the first record from which on ids have no gap.
    pub(super) fn first_record(&self) -> u64 {
        self.first_record.get()
    }

    /// Returns the last record that the rollups count; those behind it are added to what they say.
    pub(super) fn digested(&self) -> u64 {
        self.digested.get()
    }

    /// Says that the rollups count all records up to one.
    pub(super) fn set_digested(&self, record: u64) {
        self.digested.set(record);
        self.has_changed.set(true);
    }

    /// Says that ids have gaps up to a record, since some were archived.
    pub(super) fn leave_gaps_until(&self, record: u64) {
        self.first_record.set(self.first_record.get().max(record + 1));
        self.has_changed.set(true);
    }

    /// Forgets the rows of a table that was emptied.
    pub(super) fn forget(&self, table: &str) {
        if let Some(sum) = place(table).and_then(|place| self.sums.get(place)) {
            sum.set(TableSum::default());
            self.has_changed.set(true);
        }
    }

    /// Links a new record to the chain. Returns the head where it is to be kept.
    pub(super) fn link(&self, key: &RowKey, id: u64, uid: &str) -> Option<Head> {
        let head = Head { record: id, link: key.link(&self.head.get().link, id, uid) };
        if id != self.head.get().record + 1 {
            self.first_record.set(id);
        }
        self.head.set(head);
        self.has_changed.set(true);
        id.is_multiple_of(HEADS_EVERY).then_some(head)
    }
}

fn place(table: &str) -> Option<usize> {
    SIGNED_TABLES.iter().position(|name| *name == table)
}
