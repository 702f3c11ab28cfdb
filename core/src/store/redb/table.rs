//! One open table of redb, whose keys and values go in and out as bytes.

use std::ops::Bound;

use redb::{
    AccessGuard, Key, ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, Table, TableDefinition,
    TableError, Value, WriteTransaction,
};

use super::containment::Held;
use super::failure::Failure;
use crate::store::failure::misused;
use crate::store::key::Part;
use crate::store::storage::{Before, Receive, Visit};
use crate::store::tables::Shape;
use crate::store::value::ValueKind;
use crate::types::Result;

/// An open table, whose keys and values go in and out as bytes.
pub(super) trait ReadTable {
    fn get(&self, key: &[u8], receive: &mut Receive<'_>) -> Result<()>;
    fn range(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()>;
    fn range_back(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()>;
    fn count(&self) -> Result<u64>;
}

pub(super) trait WriteTable: ReadTable {
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

    fn range_back(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        range_back(self, ends, visit)
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

    fn range_back(&self, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        range_back(self.get()?, ends, visit)
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

fn range_back<K: Key + 'static, V: Value + 'static>(
    table: &impl ReadableTable<K, V>,
    ends: (Bound<&[u8]>, Bound<&[u8]>),
    visit: &mut Visit<'_>,
) -> Result<()> {
    let ends = (ends.0.map(K::from_bytes), ends.1.map(K::from_bytes));
    for entry in table.range(ends).map_err(Failure::error)?.rev() {
        let (key, value) = entry.map_err(Failure::error)?;
        if !visit(K::as_bytes(&key.value()).as_ref(), V::as_bytes(&value.value()).as_ref())? {
            break;
        }
    }
    Ok(())
}

fn tell<V: Value + 'static>(replaced: Option<&AccessGuard<'_, V>>, before: &mut Before<'_>) {
    match replaced {
        Some(value) => before(Some(V::as_bytes(&value.value()).as_ref())),
        None => before(None),
    }
}

/// Opens a table whose types are known.
pub(super) trait Open {
    /// The open table.
    type Opened;
    /// Opens it.
    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened>;
}

/// Opens a table to read it; nothing if the file does not have it.
pub(super) struct OpenToRead<'t>(pub(super) &'t ReadTransaction);

impl Open for OpenToRead<'_> {
    type Opened = Option<Box<dyn ReadTable>>;

    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened> {
        match self.0.open_table(definition) {
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            opened => Ok(Some(Box::new(opened.map_err(Failure::error)?))),
        }
    }
}

/// Opens a table to change it, and makes it where the file does not have it.
pub(super) struct OpenToWrite<'t>(pub(super) &'t WriteTransaction);

impl<'t> Open for OpenToWrite<'t> {
    type Opened = Box<dyn WriteTable + 't>;

    fn open<K: Key + 'static, V: Value + 'static>(self, definition: TableDefinition<'_, K, V>) -> Result<Self::Opened> {
        Ok(Box::new(Held::new(self.0.open_table(definition).map_err(Failure::error)?)))
    }
}

/// Opens a table with the types that its shape stands for in the file.
pub(super) fn with_types<O: Open>(shape: &Shape, open: O) -> Result<O::Opened> {
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
        ([Number, Int64, Number], ValueKind::Row) => open!((u64, i64, u64), &[u8]),
        ([Number, Number, Text, Int64], ValueKind::Row) => open!((u64, u64, &str, i64), &[u8]),
        ([Number, Number, Text, Int64, Number], ValueKind::Row) => open!((u64, u64, &str, i64, u64), &[u8]),
        ([Int32, Number, Number, Number], ValueKind::Row) => open!((i32, u64, u64, u64), &[u8]),
        ([Int32, Text, Number, Text, Text], ValueKind::Row) => open!((i32, &str, u64, &str, &str), &[u8]),
        ([Number], ValueKind::Number) => open!(u64, u64),
        ([Text], ValueKind::Number) => open!(&str, u64),
        ([Number], ValueKind::Nothing) => open!(u64, ()),
        ([Text, Text], ValueKind::Number) => open!((&str, &str), u64),
        ([Number, Text], ValueKind::Nothing) => open!((u64, &str), ()),
        ([Number, Number], ValueKind::Nothing) => open!((u64, u64), ()),
        ([Int64, Text], ValueKind::Nothing) => open!((i64, &str), ()),
        _ => Err(misused("a table is of a shape that no file has")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::key::{self, compare};
    use crate::store::tables::{BalanceKey, DailyKey, MovementKey, PostingKey, RollupKey};

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
            same!(BalanceKey, BalanceKey, |part| (part.3 % 2, part.3 % 3, part.0.as_str(), part.4));
            same!(MovementKey, MovementKey, |part| (part.3 % 2, part.3 % 3, part.0.as_str(), part.4 % 2, part.3));
            same!((u64, u64), (u64, u64), |part| (part.3 % 2, part.3));
            same!(PostingKey, PostingKey, |part| (part.3 % 2, part.4 % 2, part.3));
            same!((u64, &'static str), (u64, &'static str), |part| (part.3 % 2, part.0.as_str()));
            same!((i64, &'static str), (i64, &'static str), |part| (part.4 % 2, part.0.as_str()));
            same!((&'static str, &'static str), (&'static str, &'static str), |part| (part.0.as_str(), part.1.as_str()));
            same!(RollupKey, RollupKey, |part| (part.5 % 2, part.3 % 2, part.3 % 3, part.3));
            same!(DailyKey, DailyKey, |part| (part.5 % 2, part.0.as_str(), part.3 % 2, part.1.as_str(), part.2.as_str()));
        }
    }
}
