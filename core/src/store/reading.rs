//! The tables of a read transaction, whose rows are checked where they are read.

use std::marker::PhantomData;
use std::ops::RangeBounds;
use std::sync::Arc;

use super::codec::{Row, decode};
use super::failure::damaged;
use super::key::{Ends, Key};
use super::names::{self, KnownNames};
use super::row_key::RowKey;
use super::rows::{NameRow, PackedRecordRow, UsageRecordRow};
use super::state::{STATE_KEY, State, TableSum};
use super::storage::ReadTables;
use super::tables::{self, RowTable, Shape, Table};
use super::value::Value;
use crate::types::Result;

/// A read transaction, and the key that its rows are signed with.
#[derive(Clone, Copy)]
pub(super) struct Reader<'t> {
    tables: &'t dyn ReadTables,
    key: &'t RowKey,
    names: Option<&'t KnownNames>,
}

/// A table of rows.
pub(super) struct SignedRows<'t, K, R> {
    table: RowTable<K>,
    reader: Reader<'t>,
    row: PhantomData<fn() -> R>,
}

/// A table as it is, whatever its values say.
pub(super) struct Entries<'t, K, V> {
    table: Table<K, V>,
    tables: &'t dyn ReadTables,
}

impl<'t> Reader<'t> {
    /// Reads in a transaction.
    pub(super) fn new(tables: &'t dyn ReadTables, key: &'t RowKey) -> Self {
        Self { tables, key, names: None }
    }

    /// Looks names up among those that are known before it reads them.
    pub(super) fn knowing(self, names: &'t KnownNames) -> Self {
        Self { names: Some(names), ..self }
    }

    /// Returns the number of a name, if it has one.
    pub(super) fn number(&self, space: u64, value: &[u8]) -> Result<Option<u64>> {
        if let Some(number) = self.names.and_then(|names| names.number(space, value)) {
            return Ok(Some(number));
        }
        let digest = names::digest(self.key, space, value);
        let (rows, mut found) = (self.rows::<u64, NameRow>(tables::NAMES), None);
        self.entries(tables::NAMES_BY_DIGEST).each((digest, 0)..=(digest, u64::MAX), |(_, number), ()| {
            let row = rows.get(number)?.ok_or_else(|| damaged(NameRow::TABLE, "a name is missing"))?;
            found = (row.space == space && row.value == value).then_some(number);
            Ok(found.is_none())
        })?;
        if let (Some(number), Some(names)) = (found, self.names) {
            names.keep_number(space, value, number);
        }
        Ok(found)
    }

    /// Returns the name of a number. Fails with `corrupted_file` if it has none.
    pub(super) fn name(&self, number: u64) -> Result<Arc<[u8]>> {
        if let Some(value) = self.names.and_then(|names| names.value(number)) {
            return Ok(value);
        }
        let row = self.rows::<u64, NameRow>(tables::NAMES).get(number)?;
        let value = row.map(|row| Arc::from(row.value)).ok_or_else(|| damaged(NameRow::TABLE, "a name is missing"))?;
        if let Some(names) = self.names {
            names.keep_value(number, &value);
        }
        Ok(value)
    }

    /// Returns whether a space of names takes no more, so that what is in it may not be all.
    pub(super) fn is_full(&self, space: u64) -> Result<bool> {
        let members = self.rows::<u64, NameRow>(tables::NAMES).get(space)?.map_or(0, |row| row.members);
        Ok(members >= names::most(space))
    }

    /// Reads a usage record.
    pub(super) fn record(&self, id: u64) -> Result<Option<UsageRecordRow>> {
        let row = self.rows::<u64, PackedRecordRow>(tables::RECORDS).get(id)?;
        row.map(|row| row.record_row(&|number| self.name(number))).transpose()
    }

    /// Visits usage records in the order of their ids until `visit` returns false.
    pub(super) fn each_record(
        &self,
        ids: impl RangeBounds<u64>,
        mut visit: impl FnMut(u64, UsageRecordRow) -> Result<bool>,
    ) -> Result<()> {
        let ids = (ids.start_bound().cloned(), ids.end_bound().cloned());
        self.rows::<u64, PackedRecordRow>(tables::RECORDS)
            .each(ids, |id, row| visit(id, row.record_row(&|number| self.name(number))?))
    }

    /// Returns the key that rows are signed with.
    pub(super) fn key(&self) -> &RowKey {
        self.key
    }

    /// Returns a table of rows.
    pub(super) fn rows<K: Key, R>(&self, table: RowTable<K>) -> SignedRows<'t, K, R> {
        SignedRows { table, reader: *self, row: PhantomData }
    }

    /// Returns a secondary index, or a table of rows as it is.
    pub(super) fn entries<K: Key, V: Value>(&self, table: Table<K, V>) -> Entries<'t, K, V> {
        Entries { table, tables: self.tables }
    }

    /// Reads a value of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.tables.get(tables::META.shape(), key.as_bytes(), &mut |value| {
            found = Some(self.key.open_meta(key, value)?.to_vec());
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads the state of the file; that of a new one is empty.
    pub(super) fn state(&self) -> Result<State> {
        let state = State::default();
        if let Some(row) = self.meta(STATE_KEY)? {
            state.load(&row)?;
        }
        Ok(state)
    }

    /// Reads a whole table in the order of its ids. Fails with `corrupted_file` if a row is missing.
    pub(super) fn all<R: Row, T>(&self, table: RowTable<u64>, plain: impl Fn(R, u64) -> Result<T>) -> Result<Vec<T>> {
        let (mut read, mut all) = (TableSum::default(), Vec::new());
        self.rows(table).each_signed(.., |id, row, signed| {
            read = read.replace(None, Some(signed));
            all.push(plain(row, id)?);
            Ok(true)
        })?;
        self.state()?.sum(R::TABLE).check(R::TABLE, read)?;
        Ok(all)
    }
}

impl<K: Key, R: Row> SignedRows<'_, K, R> {
    /// Reads a row.
    pub(super) fn get(&self, key: K::Of<'_>) -> Result<Option<R>> {
        let (key, mut found) = (K::bytes(key), None);
        self.reader.tables.get(self.table.shape(), key.as_ref(), &mut |signed| {
            found = Some(self.decode(key.as_ref(), signed)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Visits the rows of a range in the order of their keys until `visit` returns false.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, R) -> Result<bool>,
    ) -> Result<()> {
        self.each_signed(range, |key, row, _| visit(key, row))
    }

    /// Visits rows as [`Self::each`] does, each also with its bytes as they stand in the file.
    pub(super) fn each_signed<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, R, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.reader.tables.range(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, signed| {
            visit(key_of::<K>(shape, key)?, self.decode(key, signed)?, signed)
        })
    }

    /// Visits all rows, whole or not, each with its bytes as they stand in the file.
    pub(super) fn each_whatever(&self, mut visit: impl FnMut(K::Of<'_>, Result<R>, &[u8]) -> Result<()>) -> Result<()> {
        let shape = self.table.shape();
        self.reader.tables.range(shape, Ends::<K>::of(&..).as_bytes(), &mut |key, signed| {
            visit(key_of::<K>(shape, key)?, self.decode(key, signed), signed).map(|()| true)
        })
    }

    fn decode(&self, key: &[u8], signed: &[u8]) -> Result<R> {
        decode(self.reader.key.open(R::TABLE, key, signed)?)
    }
}

impl<K: Key, V: Value> Entries<'_, K, V> {
    /// Returns the name of the table.
    pub(super) fn name(&self) -> &'static str {
        self.table.shape().name
    }

    /// Returns how many keys there are.
    pub(super) fn count(&self) -> Result<u64> {
        self.tables.count(self.table.shape())
    }

    /// Returns whether there is a key.
    pub(super) fn has(&self, key: K::Of<'_>) -> Result<bool> {
        let mut has = false;
        self.tables.get(self.table.shape(), K::bytes(key).as_ref(), &mut |_| {
            has = true;
            Ok(())
        })?;
        Ok(has)
    }

    /// Visits the keys and values of a range in order until `visit` returns false.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, V::Of<'_>) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.tables.range(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, value| {
            visit(key_of::<K>(shape, key)?, value_of::<V>(shape, value)?)
        })
    }

    /// Visits the keys and values of a range from its end until `visit` returns false.
    pub(super) fn each_back<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, V::Of<'_>) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.tables.range_back(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, value| {
            visit(key_of::<K>(shape, key)?, value_of::<V>(shape, value)?)
        })
    }
}

/// Reads a key of a table.
pub(super) fn key_of<'a, K: Key>(table: &Shape, bytes: &'a [u8]) -> Result<K::Of<'a>> {
    K::read(bytes).ok_or_else(|| damaged(table.name, "a key is malformed"))
}

/// Reads a value of a table.
pub(super) fn value_of<'a, V: Value>(table: &Shape, bytes: &'a [u8]) -> Result<V::Of<'a>> {
    V::read(bytes).ok_or_else(|| damaged(table.name, "a value is malformed"))
}
