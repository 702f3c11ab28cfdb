//! The tables of a write transaction: rows, which are signed where they are written and checked where they are read, and indexes.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use super::codec::{Row, decode, encode};
use super::failure::damaged;
use super::key::{Ends, Key};
use super::reading::{key_of, value_of};
use super::row_key::RowKey;
use super::state::{STATE_KEY, State, TableSum};
use super::storage::WriteTables;
use super::tables::{self, META_TABLE, RowTable, Table, is_unsigned};
use super::value::Value;
use crate::types::Result;

/// What all tables of a transaction share.
#[derive(Clone, Copy)]
pub(super) struct Writing<'t> {
    pub(super) tables: &'t dyn WriteTables,
    pub(super) key: &'t RowKey,
    pub(super) state: &'t State,
    /// Set by every write, so that an operation that fails half way is never committed.
    pub(super) changed: &'t Cell<bool>,
    pub(super) counters: &'t Counters,
}

/// The last ids that tables gave, by the names of the tables. What many operations of a transaction take of them is written once.
#[derive(Default)]
pub(super) struct Counters(RefCell<BTreeMap<&'static str, Counter>>);

/// The last id that a table gave, and whether that is to be written.
#[derive(Clone, Copy)]
struct Counter {
    last: u64,
    has_changed: bool,
}

impl<'t> Writing<'t> {
    /// Returns a table of rows.
    pub(super) fn rows<K: Key, R>(self, table: RowTable<K>) -> Rows<'t, K, R> {
        Rows { table, writing: self, row: PhantomData }
    }

    /// Returns a secondary index.
    pub(super) fn index<K: Key, V: Value>(self, table: Table<K, V>) -> Index<'t, K, V> {
        Index { table, writing: self }
    }
}

/// A table of rows.
pub(super) struct Rows<'t, K, R> {
    table: RowTable<K>,
    writing: Writing<'t>,
    row: PhantomData<fn() -> R>,
}

impl<K: Key, R: Row> Rows<'_, K, R> {
    pub(super) fn get(&self, key: K::Of<'_>) -> Result<Option<R>> {
        let (key, mut found) = (K::bytes(key), None);
        self.writing.tables.get(self.table.shape(), key.as_ref(), &mut |signed| {
            found = Some(self.open(key.as_ref(), signed)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Reads a row that stands at a key, if it was written there.
    fn open(&self, key: &[u8], signed: &[u8]) -> Result<R> {
        decode(self.writing.key.open(R::TABLE, key, signed)?)
    }

    /// Visits the rows of a range in the order of their keys until `visit` returns false.
    pub(super) fn each_in<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, R) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.writing.tables.range(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, signed| {
            visit(key_of::<K>(shape, key)?, self.open(key, signed)?)
        })
    }

    /// Hands on the last row of a range, if there is one.
    pub(super) fn last_in<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut receive: impl FnMut(K::Of<'_>, R) -> Result<()>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.writing.tables.range_back(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, signed| {
            receive(key_of::<K>(shape, key)?, self.open(key, signed)?).map(|()| false)
        })
    }

    pub(super) fn put(&mut self, key: K::Of<'_>, row: &R) -> Result<()> {
        let key = K::bytes(key);
        let signed = self.writing.key.sign(R::TABLE, key.as_ref(), encode(row)?);
        self.writing.changed.set(true);
        self.writing.tables.put(self.table.shape(), key.as_ref(), &signed, &mut |before| {
            self.writing.state.count(R::TABLE, before, Some(&signed));
        })
    }

    pub(super) fn remove(&mut self, key: K::Of<'_>) -> Result<()> {
        self.writing.changed.set(true);
        self.writing.tables.remove(self.table.shape(), K::bytes(key).as_ref(), &mut |before| {
            self.writing.state.count(R::TABLE, before, None);
        })
    }
}

impl<R: Row> Rows<'_, u64, R> {
    /// Returns the id that the next row will get, without taking it.
    pub(super) fn next_id(&self) -> Result<u64> {
        let known = self.writing.counters.0.borrow().get(R::TABLE).copied();
        if let Some(Counter { last, .. }) = known {
            return Ok(last + 1);
        }
        let last = number(Meta(self.writing).get(&counter(R::TABLE))?.as_deref())?;
        self.writing.counters.0.borrow_mut().insert(R::TABLE, Counter { last, has_changed: false });
        Ok(last + 1)
    }

    /// Takes an id. It is never given again, even if its row is deleted.
    pub(super) fn take_id(&mut self) -> Result<u64> {
        let id = self.next_id()?;
        self.writing.changed.set(true);
        self.writing.counters.0.borrow_mut().insert(R::TABLE, Counter { last: id, has_changed: true });
        Ok(id)
    }

    /// Visits all rows in the order of their ids until the visitor returns an error. Fails with `corrupted_file` if one is
    /// missing.
    pub(super) fn each(&self, mut visit: impl FnMut(u64, R) -> Result<()>) -> Result<()> {
        let mut read = TableSum::default();
        self.writing.tables.range(self.table.shape(), Ends::<u64>::of(&..).as_bytes(), &mut |key, signed| {
            visit(key_of::<u64>(self.table.shape(), key)?, self.open(key, signed)?)?;
            read = read.replace(None, Some(signed));
            Ok(true)
        })?;
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

/// Returns the name in `meta` of the last id that a table gave.
fn counter(table: &str) -> String {
    format!("last_id:{table}")
}

/// Reads a counter or another number of `meta`; an absent one is zero.
pub(super) fn number(value: Option<&[u8]>) -> Result<u64> {
    value.map_or(Ok(0), |bytes| {
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| damaged(META_TABLE, "a number has no 8 bytes"))
    })
}

/// A secondary index.
pub(super) struct Index<'t, K, V> {
    table: Table<K, V>,
    writing: Writing<'t>,
}

impl<K: Key, V: Value> Index<'_, K, V> {
    pub(super) fn put(&mut self, key: K::Of<'_>, value: V::Of<'_>) -> Result<()> {
        self.writing.changed.set(true);
        let (key, value) = (K::bytes(key), V::bytes(value));
        self.writing.tables.put(self.table.shape(), key.as_ref(), value.as_ref(), &mut |_| {})
    }

    pub(super) fn remove(&mut self, key: K::Of<'_>) -> Result<()> {
        self.writing.changed.set(true);
        self.writing.tables.remove(self.table.shape(), K::bytes(key).as_ref(), &mut |_| {})
    }

    /// Returns whether there is a key.
    pub(super) fn has(&self, key: K::Of<'_>) -> Result<bool> {
        let mut has = false;
        self.writing.tables.get(self.table.shape(), K::bytes(key).as_ref(), &mut |_| {
            has = true;
            Ok(())
        })?;
        Ok(has)
    }

    /// Visits the keys of a range in order.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>) -> Result<()>,
    ) -> Result<()> {
        self.each_until(range, |key| visit(key).map(|()| true))
    }

    fn each_until<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        self.writing
            .tables
            .range(shape, Ends::<K>::of(&range).as_bytes(), &mut |key, _| visit(key_of::<K>(shape, key)?))
    }
}

impl<K: Key> Index<'_, K, u64> {
    /// Visits the keys and numbers of a range in order until `visit` returns false.
    pub(super) fn each_number<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, u64) -> Result<bool>,
    ) -> Result<()> {
        let (shape, ends) = (self.table.shape(), Ends::<K>::of(&range));
        self.writing.tables.range(shape, ends.as_bytes(), &mut |key, value| {
            visit(key_of::<K>(shape, key)?, value_of::<u64>(shape, value)?)
        })
    }

    pub(super) fn get(&self, key: K::Of<'_>) -> Result<Option<u64>> {
        let (shape, mut found) = (self.table.shape(), None);
        self.writing.tables.get(shape, K::bytes(key).as_ref(), &mut |id| {
            found = Some(value_of::<u64>(shape, id)?);
            Ok(())
        })?;
        Ok(found)
    }
}

impl Index<'_, (u64, u64), ()> {
    /// Returns the last key of a range, if there is one.
    pub(super) fn last(&self, range: impl RangeBounds<(u64, u64)>) -> Result<Option<(u64, u64)>> {
        let (shape, mut found) = (self.table.shape(), None);
        let ends = Ends::<(u64, u64)>::of(&range);
        self.writing.tables.range_back(shape, ends.as_bytes(), &mut |key, _| {
            found = Some(key_of::<(u64, u64)>(shape, key)?);
            Ok(false)
        })?;
        Ok(found)
    }
}

impl Index<'_, (i64, &'static str), ()> {
    /// Returns the first names up to a time, inclusive, and no more than so many.
    pub(super) fn names_until(&self, time: i64, most: usize) -> Result<Vec<String>> {
        let mut names = Vec::new();
        if most > 0 {
            self.each_until((i64::MIN, "")..=(time, "\u{10FFFF}"), |(_, name)| {
                names.push(name.to_owned());
                Ok(names.len() < most)
            })?;
        }
        Ok(names)
    }
}

impl<K: Key> Index<'_, K, &'static [u8]> {
    /// Visits the keys and values of a range in order until `visit` returns false.
    pub(super) fn each_value<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut visit: impl FnMut(K::Of<'_>, &[u8]) -> Result<bool>,
    ) -> Result<()> {
        let shape = self.table.shape();
        let ends = Ends::<K>::of(&range);
        self.writing.tables.range(shape, ends.as_bytes(), &mut |key, value| visit(key_of::<K>(shape, key)?, value))
    }

    /// Hands on the last key of a range and its value, if there is one.
    pub(super) fn last_value<'a>(
        &self,
        range: impl RangeBounds<K::Of<'a>>,
        mut receive: impl FnMut(K::Of<'_>, &[u8]) -> Result<()>,
    ) -> Result<()> {
        let shape = self.table.shape();
        let ends = Ends::<K>::of(&range);
        self.writing.tables.range_back(shape, ends.as_bytes(), &mut |key, value| {
            receive(key_of::<K>(shape, key)?, value).map(|()| false)
        })
    }
}

/// The values of `meta`. All but those that are read before the key is known are signed.
pub(super) struct Meta<'t>(pub(super) Writing<'t>);

impl Meta<'_> {
    /// Reads the state of the file; that of a new one is empty.
    pub(super) fn load_state(&self) -> Result<()> {
        self.get(STATE_KEY)?.map_or(Ok(()), |state| self.0.state.load(&state))
    }

    pub(super) fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.0.tables.get(tables::META.shape(), key.as_bytes(), &mut |value| {
            found = Some(self.0.key.open_meta(key, value)?.to_vec());
            Ok(())
        })?;
        Ok(found)
    }

    pub(super) fn put(&self, key: &str, value: &[u8]) -> Result<()> {
        self.0.changed.set(true);
        let signed =
            if is_unsigned(key) { value.to_vec() } else { self.0.key.sign(META_TABLE, key.as_bytes(), value.to_vec()) };
        self.0.tables.put(tables::META.shape(), key.as_bytes(), &signed, &mut |before| {
            if !is_unsigned(key) && key != STATE_KEY {
                self.0.state.count(META_TABLE, before, Some(&signed));
            }
        })
    }

    /// Writes the last ids that tables gave, where they gave some.
    pub(super) fn put_counters(&self) -> Result<()> {
        for (table, Counter { last, .. }) in self.0.counters.0.take().into_iter().filter(|(_, own)| own.has_changed) {
            self.put(&counter(table), &last.to_le_bytes())?;
        }
        Ok(())
    }

    /// Writes the state of the file, if it has changed.
    pub(super) fn put_state(&self) -> Result<()> {
        if self.0.state.has_changed() {
            let state = self.0.state.row()?;
            self.put(STATE_KEY, &state)?;
        }
        Ok(())
    }
}
