//! The tables of a transaction of redb, each opened when it is first used: a transaction uses few of them.

use std::cell::{OnceCell, RefCell};
use std::ops::Bound;

use redb::{
    AccessGuard, Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition,
    TableError, Value, WriteTransaction,
};

use super::containment::Held;
use super::failure::Failure;
use crate::store::failure::misused;
use crate::store::key::{Part, ValueKind};
use crate::store::storage::{Before, ReadTables, Receive, Visit, WriteTables};
use crate::store::tables::{ALL, META_TABLE, Shape};
use crate::types::Result;

/// The table of settings and counters, which is read before the rest of the file is known to be ours.
pub(super) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new(META_TABLE);

/// Makes all tables that do not exist.
pub(super) fn create_all(transaction: &WriteTransaction) -> Result<()> {
    let tables = Writes::new(transaction);
    ALL.iter().try_for_each(|table| tables.table(table).map(drop))
}

/// The tables of a read transaction.
pub(super) struct Reads<'t> {
    transaction: &'t ReadTransaction,
    /// Each at its place; nothing where the file does not have it.
    open: [OnceCell<Option<Box<dyn ReadTable>>>; ALL.len()],
}

/// The tables of a write transaction.
pub(super) struct Writes<'t> {
    transaction: &'t WriteTransaction,
    open: [OnceCell<RefCell<Box<dyn WriteTable + 't>>>; ALL.len()],
}

impl<'t> Reads<'t> {
    pub(super) fn new(transaction: &'t ReadTransaction) -> Self {
        Self { transaction, open: [const { OnceCell::new() }; ALL.len()] }
    }

    fn table(&self, shape: &Shape) -> Result<Option<&dyn ReadTable>> {
        let cell = self.open.get(shape.place).ok_or_else(|| misused("a table has no place"))?;
        if cell.get().is_none() {
            let opened = with_types(shape, OpenToRead(self.transaction))?;
            // A file that an earlier version made has not all tables of rows before its first change.
            let may_be_missing = shape.value == ValueKind::Row && shape.name != META_TABLE;
            if opened.is_none() && !may_be_missing {
                return Err(TableError::TableDoesNotExist(shape.name.to_owned()).error());
            }
            return Ok(cell.get_or_init(|| opened).as_deref());
        }
        Ok(cell.get().and_then(Option::as_deref))
    }
}

impl<'t> Writes<'t> {
    pub(super) fn new(transaction: &'t WriteTransaction) -> Self {
        Self { transaction, open: [const { OnceCell::new() }; ALL.len()] }
    }

    fn table(&self, shape: &Shape) -> Result<&RefCell<Box<dyn WriteTable + 't>>> {
        let cell = self.open.get(shape.place).ok_or_else(|| misused("a table has no place"))?;
        if let Some(table) = cell.get() {
            return Ok(table);
        }
        let opened = with_types(shape, OpenToWrite(self.transaction))?;
        Ok(cell.get_or_init(|| RefCell::new(opened)))
    }

    fn look<T>(&self, shape: &Shape, look: impl FnOnce(&(dyn WriteTable + 't)) -> Result<T>) -> Result<T> {
        look(&**self.table(shape)?.try_borrow().map_err(|_| in_use())?)
    }

    fn change<T>(&self, shape: &Shape, change: impl FnOnce(&mut (dyn WriteTable + 't)) -> Result<T>) -> Result<T> {
        change(&mut **self.table(shape)?.try_borrow_mut().map_err(|_| in_use())?)
    }
}

fn in_use() -> crate::types::Error {
    misused("a table was changed while it was visited")
}

impl ReadTables for Reads<'_> {
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.get(key, receive))
    }

    fn range(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.range(ends, visit))
    }

    fn last(&self, table: &Shape, receive: &mut Receive<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.last(receive))
    }

    fn count(&self, table: &Shape) -> Result<u64> {
        self.table(table)?.map_or(Ok(0), ReadTable::count)
    }
}

impl ReadTables for Writes<'_> {
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        self.look(table, |table| table.get(key, receive))
    }

    fn range(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        self.look(table, |table| table.range(ends, visit))
    }

    fn last(&self, table: &Shape, receive: &mut Receive<'_>) -> Result<()> {
        self.look(table, |table| table.last(receive))
    }

    fn count(&self, table: &Shape) -> Result<u64> {
        self.look(table, ReadTable::count)
    }
}

impl WriteTables for Writes<'_> {
    fn put(&self, table: &Shape, key: &[u8], value: &[u8], before: &mut Before<'_>) -> Result<()> {
        self.change(table, |table| table.put(key, value, before))
    }

    fn remove(&self, table: &Shape, key: &[u8], before: &mut Before<'_>) -> Result<()> {
        self.change(table, |table| table.remove(key, before))
    }
}

/// An open table, whose keys and values go in and out as bytes.
trait ReadTable {
    fn get(&self, key: &[u8], receive: &mut Receive<'_>) -> Result<()>;
    fn range(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()>;
    fn last(&self, receive: &mut Receive<'_>) -> Result<()>;
    fn count(&self) -> Result<u64>;
}

trait WriteTable: ReadTable {
    fn put(&mut self, key: &[u8], value: &[u8], before: &mut Before<'_>) -> Result<()>;
    fn remove(&mut self, key: &[u8], before: &mut Before<'_>) -> Result<()>;
}

impl<K: Key + 'static, V: Value + 'static> ReadTable for ReadOnlyTable<K, V> {
    fn get(&self, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        get(self, key, receive)
    }

    fn range(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        range(self, ends, visit)
    }

    fn last(&self, receive: &mut Receive<'_>) -> Result<()> {
        last(self, receive)
    }

    fn count(&self) -> Result<u64> {
        self.len().map_err(Failure::error)
    }
}

impl<K: Key + 'static, V: Value + 'static> ReadTable for Held<Table<'_, K, V>> {
    fn get(&self, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        get(self.get()?, key, receive)
    }

    fn range(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        range(self.get()?, ends, visit)
    }

    fn last(&self, receive: &mut Receive<'_>) -> Result<()> {
        last(self.get()?, receive)
    }

    fn count(&self) -> Result<u64> {
        self.get()?.len().map_err(Failure::error)
    }
}

impl<K: Key + 'static, V: Value + 'static> WriteTable for Held<Table<'_, K, V>> {
    fn put(&mut self, key: &[u8], value: &[u8], before: &mut Before<'_>) -> Result<()> {
        let replaced = self.get_mut()?.insert(K::from_bytes(key), V::from_bytes(value)).map_err(Failure::error)?;
        tell(replaced.as_ref(), before);
        Ok(())
    }

    fn remove(&mut self, key: &[u8], before: &mut Before<'_>) -> Result<()> {
        let removed = self.get_mut()?.remove(K::from_bytes(key)).map_err(Failure::error)?;
        tell(removed.as_ref(), before);
        Ok(())
    }
}

fn get<K: Key + 'static, V: Value + 'static>(
    table: &impl ReadableTable<K, V>,
    key: &[u8],
    receive: &mut Receive<'_>,
) -> Result<()> {
    let found = table.get(K::from_bytes(key)).map_err(Failure::error)?;
    found.map_or(Ok(()), |value| receive(V::as_bytes(&value.value()).as_ref()))
}

fn range<K: Key + 'static, V: Value + 'static>(
    table: &impl ReadableTable<K, V>,
    ends: (Bound<&[u8]>, Bound<&[u8]>),
    visit: &mut Visit<'_>,
) -> Result<()> {
    let ends = (ends.0.map(K::from_bytes), ends.1.map(K::from_bytes));
    for entry in table.range(ends).map_err(Failure::error)? {
        let (key, value) = entry.map_err(Failure::error)?;
        if !visit(K::as_bytes(&key.value()).as_ref(), V::as_bytes(&value.value()).as_ref())? {
            break;
        }
    }
    Ok(())
}

fn last<K: Key + 'static, V: Value + 'static>(
    table: &impl ReadableTable<K, V>,
    receive: &mut Receive<'_>,
) -> Result<()> {
    let last = table.last().map_err(Failure::error)?;
    last.map_or(Ok(()), |(key, _)| receive(K::as_bytes(&key.value()).as_ref()))
}

fn tell<V: Value + 'static>(replaced: Option<&AccessGuard<'_, V>>, before: &mut Before<'_>) {
    match replaced {
        Some(value) => before(Some(V::as_bytes(&value.value()).as_ref())),
        None => before(None),
    }
}

/// Opens a table whose types are known.
trait Open {
    type Opened;
    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened>;
}

struct OpenToRead<'t>(&'t ReadTransaction);

impl Open for OpenToRead<'_> {
    type Opened = Option<Box<dyn ReadTable>>;

    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened> {
        match self.0.open_table(definition) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            opened => Ok(Some(Box::new(opened.map_err(Failure::error)?))),
        }
    }
}

struct OpenToWrite<'t>(&'t WriteTransaction);

impl<'t> Open for OpenToWrite<'t> {
    type Opened = Box<dyn WriteTable + 't>;

    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened> {
        Ok(Box::new(Held::new(self.0.open_table(definition).map_err(Failure::error)?)))
    }
}

/// Opens a table with the types that its shape stands for in the file.
fn with_types<O: Open>(shape: &Shape, open: O) -> Result<O::Opened> {
    use Part::{Int32, Int64, Number, Text};
    macro_rules! open {
        ($key:ty, $value:ty) => {
            open.open(TableDefinition::<$key, $value>::new(shape.name))
        };
    }
    match (shape.key, shape.value) {
        ([Number], ValueKind::Row) => open!(u64, &[u8]),
        ([Text], ValueKind::Row) => open!(&str, &[u8]),
        ([Number, Int64], ValueKind::Row) => open!((u64, i64), &[u8]),
        ([Int32, Text, Number, Text, Text], ValueKind::Row) => open!((i32, &str, u64, &str, &str), &[u8]),
        ([Number], ValueKind::Number) => open!(u64, u64),
        ([Text], ValueKind::Number) => open!(&str, u64),
        ([Text, Text], ValueKind::Number) => open!((&str, &str), u64),
        ([Text, Number], ValueKind::Nothing) => open!((&str, u64), ()),
        ([Number, Text], ValueKind::Nothing) => open!((u64, &str), ()),
        ([Int64, Number], ValueKind::Nothing) => open!((i64, u64), ()),
        ([Int64, Text], ValueKind::Nothing) => open!((i64, &str), ()),
        _ => Err(misused("a table is of a shape that no file has")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::key::{self, compare};
    use crate::store::tables::DailyKey;

    /// Checks that keys have the bytes and the order that the storage engine gives them.
    fn same<'k, O: key::Key, K>(keys: &[O::Of<'k>])
    where
        K: for<'a> Key<SelfType<'a> = O::Of<'a>> + 'static,
    {
        let bytes = |key: &O::Of<'k>| O::bytes(*key).as_ref().to_vec();
        for one in keys {
            assert_eq!(bytes(one), K::as_bytes(one).as_ref(), "{one:?}");
            let own = bytes(one);
            assert!(O::read(&own).is_some_and(|key| O::bytes(key).as_ref() == own), "{one:?}");
            for other in keys {
                let other = bytes(other);
                assert_eq!(compare(O::PARTS, &own, &other), K::compare(&own, &other), "{own:?} and {other:?}");
            }
        }
    }

    /// Texts about the lengths at which the bytes of a length change.
    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => "[a-c\u{e9}]{0,3}",
            1 => (250_usize..260).prop_map(|length| "b".repeat(length)),
            1 => (65_530_usize..65_540).prop_map(|length| "a".repeat(length)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn keys_have_the_bytes_and_the_order_of_the_file(
            parts in prop::collection::vec((text(), text(), text(), any::<u64>(), any::<i64>(), any::<i32>()), 1..6),
        ) {
            macro_rules! same {
                ($own:ty, $engine:ty, $key:expr) => {
                    same::<$own, $engine>(&parts.iter().map($key).collect::<Vec<_>>())
                };
            }
            same!(u64, u64, |part| part.3);
            same!(&'static str, &'static str, |part| part.0.as_str());
            same!((u64, i64), (u64, i64), |part| (part.3, part.4));
            same!((i64, u64), (i64, u64), |part| (part.4 % 2, part.3));
            same!((&'static str, u64), (&'static str, u64), |part| (part.0.as_str(), part.3));
            same!((u64, &'static str), (u64, &'static str), |part| (part.3 % 2, part.0.as_str()));
            same!((i64, &'static str), (i64, &'static str), |part| (part.4 % 2, part.0.as_str()));
            same!((&'static str, &'static str), (&'static str, &'static str), |part| (part.0.as_str(), part.1.as_str()));
            same!(DailyKey, DailyKey, |part| (part.5 % 2, part.0.as_str(), part.3 % 2, part.1.as_str(), part.2.as_str()));
        }
    }

    #[test]
    fn every_table_has_a_place_and_a_shape_that_a_file_has() {
        let folder = tempfile::tempdir().unwrap();
        let database = redb::Database::create(folder.path().join("file")).unwrap();
        let transaction = database.begin_write().unwrap();
        create_all(&transaction).unwrap();
        assert_eq!(transaction.list_tables().unwrap().count(), ALL.len());
        assert!(ALL.iter().enumerate().all(|(place, table)| table.place == place));
    }
}
