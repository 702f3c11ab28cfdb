//! The tables of a write transaction: rows, which are signed where they are written and checked where they are read, and indexes.
#![expect(clippy::needless_pass_by_value, reason = "keys are given as the tables of the storage engine take them")]

use std::cell::{Cell, OnceCell};
use std::marker::PhantomData;
use std::ops::RangeBounds;

use redb::{AccessGuard, Key, ReadableTable, Table, TableDefinition, Value, WriteTransaction};

use super::codec::{Row, decode, encode};
use super::containment::Held;
use super::failure::{Failure, closed};
use super::row_key::RowKey;
use super::state::{STATE_KEY, State, TableSum};
use super::tables::{self, BalanceKey, META_TABLE, RowTable, is_unsigned};
use crate::types::Result;

/// What all tables of a transaction share.
#[derive(Clone, Copy)]
pub(super) struct Writing<'t> {
    pub(super) transaction: &'t WriteTransaction,
    pub(super) key: &'t RowKey,
    pub(super) state: &'t State,
    /// Set by every write, so that an operation that fails half way is never committed.
    pub(super) changed: &'t Cell<bool>,
}

impl<'t> Writing<'t> {
    /// Returns a table of rows.
    pub(super) fn rows<K: Key + 'static, R>(self, definition: RowTable<K>) -> Rows<'t, K, R> {
        Rows { table: OpenTable::new(self.transaction, definition), writing: self, row: PhantomData }
    }

    /// Returns a secondary index.
    pub(super) fn index<K: Key + 'static, V: Value + 'static>(
        self,
        definition: TableDefinition<'static, K, V>,
    ) -> Index<'t, K, V> {
        Index { table: OpenTable::new(self.transaction, definition), changed: self.changed }
    }
}

/// A table of the storage engine, which is opened when it is first used: a commit uses few of them.
struct OpenTable<'t, K: Key + 'static, V: Value + 'static> {
    transaction: &'t WriteTransaction,
    definition: TableDefinition<'static, K, V>,
    table: OnceCell<Held<Table<'t, K, V>>>,
}

impl<'t, K: Key + 'static, V: Value + 'static> OpenTable<'t, K, V> {
    fn new(transaction: &'t WriteTransaction, definition: TableDefinition<'static, K, V>) -> Self {
        Self { transaction, definition, table: OnceCell::new() }
    }

    fn get(&self) -> Result<&Table<'t, K, V>> {
        if let Some(table) = self.table.get() {
            return table.get();
        }
        let table = self.transaction.open_table(self.definition).map_err(Failure::error)?;
        self.table.get_or_init(|| Held::new(table)).get()
    }

    fn get_mut(&mut self) -> Result<&mut Table<'t, K, V>> {
        self.get()?;
        self.table.get_mut().ok_or_else(closed)?.get_mut()
    }
}

/// A table of rows.
pub(super) struct Rows<'t, K: Key + 'static, R> {
    table: OpenTable<'t, K, &'static [u8]>,
    writing: Writing<'t>,
    row: PhantomData<fn() -> R>,
}

impl<K: Key + 'static, R: Row> Rows<'_, K, R> {
    pub(super) fn get(&self, key: K::SelfType<'_>) -> Result<Option<R>> {
        let row = self.table.get()?.get(&key).map_err(Failure::error)?;
        row.map(|row| self.open(&key, row.value())).transpose()
    }

    /// Reads a row that stands at a key, if it was written there.
    fn open(&self, key: &K::SelfType<'_>, signed: &[u8]) -> Result<R> {
        decode(self.writing.key.open(R::TABLE, K::as_bytes(key).as_ref(), signed)?)
    }

    pub(super) fn put(&mut self, key: K::SelfType<'_>, row: &R) -> Result<()> {
        let signed = self.writing.key.sign(R::TABLE, K::as_bytes(&key).as_ref(), encode(row)?);
        self.writing.changed.set(true);
        let before = self.table.get_mut()?.insert(&key, signed.as_slice()).map_err(Failure::error)?;
        self.writing.state.count(R::TABLE, before.as_ref().map(AccessGuard::value), Some(&signed));
        Ok(())
    }

    pub(super) fn remove(&mut self, key: K::SelfType<'_>) -> Result<()> {
        self.writing.changed.set(true);
        let before = self.table.get_mut()?.remove(&key).map_err(Failure::error)?;
        self.writing.state.count(R::TABLE, before.as_ref().map(AccessGuard::value), None);
        Ok(())
    }
}

impl<R: Row> Rows<'_, u64, R> {
    /// Visits all rows in the order of their ids until the visitor returns an error. Fails with `corrupted_file` if one is
    /// missing.
    pub(super) fn each(&self, mut visit: impl FnMut(u64, R) -> Result<()>) -> Result<()> {
        let mut read = TableSum::default();
        for entry in self.table.get()?.iter().map_err(Failure::error)? {
            let (key, row) = entry.map_err(Failure::error)?;
            visit(key.value(), self.open(&key.value(), row.value())?)?;
            read = read.replace(None, Some(row.value()));
        }
        self.writing.state.sum(R::TABLE).check(R::TABLE, read)
    }

    pub(super) fn all(&self) -> Result<Vec<(u64, R)>> {
        let mut rows = Vec::new();
        self.each(|id, row| {
            rows.push((id, row));
            Ok(())
        })?;
        Ok(rows)
    }
}

impl<R: Row> Rows<'_, BalanceKey, R> {
    /// Returns the keys of one budget.
    pub(super) fn windows(&self, budget: u64) -> Result<Vec<BalanceKey>> {
        let range = self.table.get()?.range((budget, i64::MIN)..=(budget, i64::MAX)).map_err(Failure::error)?;
        range.map(|entry| Ok(entry.map_err(Failure::error)?.0.value())).collect()
    }
}

/// A secondary index.
pub(super) struct Index<'t, K: Key + 'static, V: Value + 'static> {
    table: OpenTable<'t, K, V>,
    changed: &'t Cell<bool>,
}

impl<K: Key + 'static, V: Value + 'static> Index<'_, K, V> {
    pub(super) fn put(&mut self, key: K::SelfType<'_>, value: V::SelfType<'_>) -> Result<()> {
        self.changed.set(true);
        self.table.get_mut()?.insert(key, value).map_err(Failure::error)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, key: K::SelfType<'_>) -> Result<()> {
        self.changed.set(true);
        self.table.get_mut()?.remove(key).map_err(Failure::error)?;
        Ok(())
    }

    /// Visits the keys of a range in order.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::SelfType<'a>> + 'a,
        mut visit: impl FnMut(K::SelfType<'_>) -> Result<()>,
    ) -> Result<()>
    where
        K::SelfType<'a>: 'a,
    {
        for entry in self.table.get()?.range(range).map_err(Failure::error)? {
            visit(entry.map_err(Failure::error)?.0.value())?;
        }
        Ok(())
    }
}

impl<K: Key + 'static> Index<'_, K, u64> {
    pub(super) fn get(&self, key: K::SelfType<'_>) -> Result<Option<u64>> {
        Ok(self.table.get()?.get(key).map_err(Failure::error)?.map(|id| id.value()))
    }
}

impl Index<'_, (i64, &'static str), ()> {
    /// Returns the first names up to a time, inclusive, and no more than so many.
    pub(super) fn names_until(&self, time: i64, most: usize) -> Result<Vec<String>> {
        let range = self.table.get()?.range((i64::MIN, "")..=(time, "\u{10FFFF}")).map_err(Failure::error)?;
        range.take(most).map(|entry| Ok(entry.map_err(Failure::error)?.0.value().1.to_owned())).collect()
    }
}

impl Index<'_, (i64, u64), ()> {
    /// Returns the greatest time.
    pub(super) fn last_time(&self) -> Result<Option<i64>> {
        Ok(self.table.get()?.last().map_err(Failure::error)?.map(|(key, _)| key.value().0))
    }
}

/// The values of `meta`. All but those that are read before the key is known are signed.
pub(super) struct Meta<'t> {
    table: OpenTable<'t, &'static str, &'static [u8]>,
    writing: Writing<'t>,
}

impl<'t> Meta<'t> {
    /// Opens the table, and reads the state of the file.
    pub(super) fn open(writing: Writing<'t>) -> Result<Self> {
        let meta = Self { table: OpenTable::new(writing.transaction, tables::META), writing };
        if let Some(state) = meta.get(STATE_KEY)? {
            writing.state.load(&state)?;
        }
        Ok(meta)
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let value = self.table.get()?.get(key).map_err(Failure::error)?;
        value.map(|value| self.writing.key.open_meta(key, value.value()).map(<[u8]>::to_vec)).transpose()
    }

    pub(super) fn put(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.writing.changed.set(true);
        let signed = if is_unsigned(key) {
            value.to_vec()
        } else {
            self.writing.key.sign(META_TABLE, key.as_bytes(), value.to_vec())
        };
        let before = self.table.get_mut()?.insert(key, signed.as_slice()).map_err(Failure::error)?;
        if !is_unsigned(key) && key != STATE_KEY {
            self.writing.state.count(META_TABLE, before.as_ref().map(AccessGuard::value), Some(&signed));
        }
        Ok(())
    }

    /// Writes the state of the file, if it has changed.
    pub(super) fn put_state(&mut self) -> Result<()> {
        if self.writing.state.has_changed() {
            let state = self.writing.state.row()?;
            self.put(STATE_KEY, &state)?;
        }
        Ok(())
    }
}
