//! The names of a write transaction: those that were committed, and those that it gives.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::codec::Row as _;
use super::failure::damaged;
use super::names::{self, KnownNames, Numbers};
use super::row_key::RowKey;
use super::rows::NameRow;
use super::tables;
use super::writing::{Index, Rows, Writing};
use crate::types::Result;

/// Numbers of names, and names of numbers. A name gets a number when it is first asked for.
pub(super) struct NameBook<'t> {
    rows: RefCell<Rows<'t, u64, NameRow>>,
    by_digest: RefCell<Index<'t, (u64, u64), ()>>,
    key: &'t RowKey,
    known: &'t KnownNames,
    /// The first number that this transaction gave, and what it gave: nobody else may know of them before they are committed.
    first_new: Cell<Option<u64>>,
    new: RefCell<Numbers>,
}

impl<'t> NameBook<'t> {
    pub(super) fn open(writing: Writing<'t>, known: &'t KnownNames) -> Self {
        Self {
            rows: RefCell::new(writing.rows(tables::NAMES)),
            by_digest: RefCell::new(writing.index(tables::NAMES_BY_DIGEST)),
            key: writing.key,
            known,
            first_new: Cell::new(None),
            new: RefCell::default(),
        }
    }

    fn is_committed(&self, number: u64) -> bool {
        self.first_new.get().is_none_or(|first| number < first)
    }

    /// Returns the number of a name, if it has one.
    pub(super) fn known_number(&self, space: u64, value: &[u8]) -> Result<Option<u64>> {
        if let Some(number) = self.known.number(space, value) {
            return Ok(Some(number));
        }
        if let Some(number) = self.new.borrow().get(&space).and_then(|numbers| numbers.get(value)) {
            return Ok(Some(*number));
        }
        let found = self.number_of_digest(names::digest(self.key, space, value), space, value)?;
        if let Some(number) = found.filter(|number| self.is_committed(*number)) {
            self.known.keep_number(space, value, number);
        }
        Ok(found)
    }

    /// Writes a name under the number that it had in another file, or a space of names.
    pub(super) fn put(&self, number: u64, row: &NameRow) -> Result<()> {
        self.rows.borrow_mut().put(number, row)?;
        if number < names::FIRST {
            return Ok(());
        }
        self.by_digest.borrow_mut().put((names::digest(self.key, row.space, &row.value), number), ())
    }

    /// Returns the number of a name, which it gets if it has none; nothing if its space takes no more.
    pub(super) fn number(&self, space: u64, value: &[u8]) -> Result<Option<u64>> {
        if let Some(number) = self.known_number(space, value)? {
            return Ok(Some(number));
        }
        let mut rows = self.rows.borrow_mut();
        let mut row = rows.get(space)?.unwrap_or(NameRow { space: 0, value: Vec::new(), members: 0 });
        if row.members >= names::most(space) {
            return Ok(None);
        }
        row.members += 1;
        rows.put(space, &row)?;
        let number = rows.take_id()? + names::FIRST;
        rows.put(number, &NameRow { space, value: value.to_vec(), members: 0 })?;
        self.by_digest.borrow_mut().put((names::digest(self.key, space, value), number), ())?;
        self.first_new.set(self.first_new.get().or(Some(number)));
        self.new.borrow_mut().entry(space).or_default().insert(value.into(), number);
        Ok(Some(number))
    }

    fn number_of_digest(&self, digest: u64, space: u64, value: &[u8]) -> Result<Option<u64>> {
        let mut numbers = Vec::new();
        self.by_digest.borrow().each((digest, 0)..=(digest, u64::MAX), |(_, number)| {
            numbers.push(number);
            Ok(())
        })?;
        for number in numbers {
            let row = self.row(number)?;
            if row.space == space && row.value == value {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Returns the name of a number. Fails with `corrupted_file` if it has none.
    pub(super) fn name(&self, number: u64) -> Result<Arc<[u8]>> {
        if let Some(value) = self.known.value(number) {
            return Ok(value);
        }
        let value = Arc::from(self.row(number)?.value);
        if self.is_committed(number) {
            self.known.keep_value(number, &value);
        }
        Ok(value)
    }

    fn row(&self, number: u64) -> Result<NameRow> {
        self.rows.borrow().get(number)?.ok_or_else(|| damaged(NameRow::TABLE, "a name is missing"))
    }
}
