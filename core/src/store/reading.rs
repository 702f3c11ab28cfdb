//! The tables of a read transaction, whose rows are checked where they are read.
#![expect(clippy::needless_pass_by_value, reason = "keys are given as the tables of the storage engine take them")]

use std::marker::PhantomData;
use std::ops::RangeBounds;

use redb::{AccessGuard, Key, ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, TableError, Value};

use super::codec::{Row, decode};
use super::failure::Failure;
use super::row_key::RowKey;
use super::state::{STATE_KEY, State, TableSum};
use super::tables::{self, RowTable};
use crate::types::Result;

/// A read transaction, and the key that its rows are signed with.
pub(super) struct Reader<'t> {
    transaction: &'t ReadTransaction,
    key: &'t RowKey,
}

/// A table of rows; one that the file does not have is empty.
pub(super) struct SignedRows<'t, K: Key + 'static, R> {
    table: Option<ReadOnlyTable<K, &'static [u8]>>,
    key: &'t RowKey,
    row: PhantomData<fn() -> R>,
}

impl<'t> Reader<'t> {
    /// Reads in a transaction.
    pub(super) fn new(transaction: &'t ReadTransaction, key: &'t RowKey) -> Self {
        Self { transaction, key }
    }

    /// Returns the key that rows are signed with.
    pub(super) fn key(&self) -> &RowKey {
        self.key
    }

    /// Opens a table of rows.
    pub(super) fn rows<K: Key + 'static, R>(&self, definition: RowTable<K>) -> Result<SignedRows<'t, K, R>> {
        Ok(SignedRows { table: self.open(definition)?, key: self.key, row: PhantomData })
    }

    /// Opens a secondary index.
    pub(super) fn index<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<ReadOnlyTable<K, V>> {
        self.transaction.open_table(definition).map_err(Failure::error)
    }

    /// Opens a table; a file that an earlier version made has not all of them before its first change.
    fn open<K: Key + 'static, V: Value + 'static>(
        &self,
        definition: TableDefinition<'static, K, V>,
    ) -> Result<Option<ReadOnlyTable<K, V>>> {
        match self.transaction.open_table(definition) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            opened => opened.map(Some).map_err(Failure::error),
        }
    }

    /// Reads a value of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.index(tables::META)?.get(key).map_err(Failure::error)?;
        value.map(|value| self.key.open_meta(key, value.value()).map(<[u8]>::to_vec)).transpose()
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
        self.rows(table)?.each_signed(.., |id, row, signed| {
            read = read.replace(None, Some(signed));
            all.push(plain(row, id)?);
            Ok(true)
        })?;
        self.state()?.sum(R::TABLE).check(R::TABLE, read)?;
        Ok(all)
    }
}

impl<K: Key + 'static, R: Row> SignedRows<'_, K, R> {
    /// Reads a row.
    pub(super) fn get(&self, key: K::SelfType<'_>) -> Result<Option<R>> {
        let Some(table) = &self.table else { return Ok(None) };
        let row = table.get(&key).map_err(Failure::error)?;
        row.map(|row| self.decode(&key, row.value())).transpose()
    }

    /// Visits the rows of a range in the order of their keys until `visit` returns false.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::SelfType<'a>> + 'a,
        mut visit: impl FnMut(K::SelfType<'_>, R) -> Result<bool>,
    ) -> Result<()>
    where
        K::SelfType<'a>: 'a,
    {
        self.each_signed(range, |key, row, _| visit(key, row))
    }

    /// Visits rows as [`Self::each`] does, each also with its bytes as they stand in the file.
    pub(super) fn each_signed<'a>(
        &self,
        range: impl RangeBounds<K::SelfType<'a>> + 'a,
        mut visit: impl FnMut(K::SelfType<'_>, R, &[u8]) -> Result<bool>,
    ) -> Result<()>
    where
        K::SelfType<'a>: 'a,
    {
        let Some(table) = &self.table else { return Ok(()) };
        for entry in table.range(range).map_err(Failure::error)? {
            let (key, row): (AccessGuard<'_, K>, _) = entry.map_err(Failure::error)?;
            let decoded = self.decode(&key.value(), row.value())?;
            if !visit(key.value(), decoded, row.value())? {
                break;
            }
        }
        Ok(())
    }

    /// Visits all rows, whole or not, each with its bytes as they stand in the file.
    pub(super) fn each_whatever(
        &self,
        mut visit: impl FnMut(K::SelfType<'_>, Result<R>, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let Some(table) = &self.table else { return Ok(()) };
        for entry in table.iter().map_err(Failure::error)? {
            let (key, row): (AccessGuard<'_, K>, _) = entry.map_err(Failure::error)?;
            visit(key.value(), self.decode(&key.value(), row.value()), row.value())?;
        }
        Ok(())
    }

    fn decode(&self, key: &K::SelfType<'_>, signed: &[u8]) -> Result<R> {
        decode(self.key.open(R::TABLE, K::as_bytes(key).as_ref(), signed)?)
    }
}
