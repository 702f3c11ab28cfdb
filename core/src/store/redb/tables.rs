//! The tables of a transaction of redb, each opened when it is first used: a transaction uses few of them.

use std::cell::{OnceCell, RefCell};
use std::ops::Bound;

use redb::{ReadTransaction, TableDefinition, TableError, WriteTransaction};

use super::failure::Failure;
use super::table::{OpenToRead, OpenToWrite, ReadTable, WriteTable, with_types};
use crate::store::failure::misused;
use crate::store::storage::{Before, ReadTables, Receive, Visit, WriteTables};
use crate::store::tables::{ALL, META_TABLE, Shape};
use crate::store::value::ValueKind;
use crate::types::{Error, Result};

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

fn in_use() -> Error {
    misused("a table was changed while it was visited")
}

impl ReadTables for Reads<'_> {
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.get(key, receive))
    }

    fn range(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.range(ends, visit))
    }

    fn range_back(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        self.table(table)?.map_or(Ok(()), |table| table.range_back(ends, visit))
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

    fn range_back(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        self.look(table, |table| table.range_back(ends, visit))
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

#[cfg(test)]
mod tests {
    use super::*;

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
