//! How the rows of a table are read for another file, and taken in by it.

use std::ops::Bound;

use serde::Serialize;
use serde_json::Value;

use crate::store::Entry;
use crate::store::codec::{Row, decode};
use crate::store::failure::damaged;
use crate::store::key::Key;
use crate::store::ledger::Ledger;
use crate::store::postings::enter::Entries;
use crate::store::reading::{Reader, key_of};
use crate::store::row_key::TAG_LENGTH;
use crate::store::tables::RowTable;
use crate::types::{Result, UsageRecord};

/// The rows of a table that another file takes.
pub(super) trait Carried {
    /// The type of their keys.
    type Key: Key;
    /// The rows.
    type Row: Row + Clone;
    /// The table.
    const TABLE: RowTable<Self::Key>;

    /// Returns what a row says, for whoever reads it without Tollway.
    fn shown(_reader: &Reader<'_>, _key: <Self::Key as Key>::Of<'_>, _row: Self::Row) -> Result<Option<Value>> {
        Ok(None)
    }

    /// Writes a row, and enters it under what it is found by.
    fn write(
        ledger: &mut Ledger<'_>,
        bringing: &mut Bringing,
        key: <Self::Key as Key>::Of<'_>,
        row: &Self::Row,
    ) -> Result<()>;
}

/// Reads rows after a key until there are so many of all tables.
type Read = fn(&Reader<'_>, Option<&[u8]>, usize, &mut Vec<Entry>) -> Result<()>;

/// How the rows of one table are read and taken in.
pub(super) struct Carrier {
    /// The name of the table.
    pub(super) name: &'static str,
    /// Whether the file keeps count of those of its rows that are taken.
    pub(super) is_counted: bool,
    /// Reads rows after a key until there are so many of all tables.
    pub(super) read: Read,
    /// Takes a row in.
    pub(super) bring: fn(&mut Ledger<'_>, &mut Bringing, &Entry) -> Result<()>,
}

/// Rows that are taken in together.
pub(super) struct Bringing {
    digested: u64,
    postings: Entries,
}

impl Bringing {
    pub(super) fn new(digested: u64) -> Self {
        Self { digested, postings: Entries::default() }
    }

    /// Enters a record under what it has in common with others, if the rollups that come with it count it. Others follow later.
    pub(super) fn post(&mut self, ledger: &Ledger<'_>, record: &UsageRecord) -> Result<()> {
        if record.id.get() <= self.digested { self.postings.add(ledger, record) } else { Ok(()) }
    }

    pub(super) fn end(self, ledger: &mut Ledger<'_>) -> Result<()> {
        self.postings.write(ledger)
    }
}

/// Returns a value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<Option<Value>> {
    serde_json::to_value(value).map(Some).map_err(|error| damaged("meta", &format!("a row has no JSON: {error}")))
}

/// Reads rows of a table after a key.
pub(super) fn read<C: Carried>(
    reader: &Reader<'_>,
    after: Option<&[u8]>,
    most: usize,
    entries: &mut Vec<Entry>,
) -> Result<()> {
    let shape = C::TABLE.shape();
    let start = match after {
        Some(key) => Bound::Excluded(key_of::<C::Key>(shape, key)?),
        None => Bound::Unbounded,
    };
    reader.rows::<C::Key, C::Row>(C::TABLE).each_signed((start, Bound::Unbounded), |key, row, signed| {
        entries.push(Entry {
            table: shape.name.to_owned(),
            key: C::Key::bytes(key).as_ref().to_vec(),
            row: signed.split_last_chunk::<TAG_LENGTH>().map_or(signed, |(row, _)| row).to_vec(),
            shown: C::shown(reader, key, row)?,
        });
        Ok(entries.len() < most)
    })
}

/// Takes a row of a table in.
pub(super) fn bring<C: Carried>(ledger: &mut Ledger<'_>, bringing: &mut Bringing, entry: &Entry) -> Result<()> {
    let key = key_of::<C::Key>(C::TABLE.shape(), &entry.key)?;
    let row: C::Row = decode(&entry.row)?;
    C::write(ledger, bringing, key, &row)?;
    if C::shown(&ledger.reader(), key, row)? != entry.shown {
        return Err(damaged(&entry.table, "a row is another than is shown of it"));
    }
    Ok(())
}
