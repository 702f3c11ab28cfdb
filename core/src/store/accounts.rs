//! The balances of accounts and their journal in a write transaction: each is read once, and what the operations of the transaction
//! make of it is written once, when the transaction ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;

use super::rows::{BalanceRow, Movement, MovementsRow, first_of_row};
use super::tables::{self, BalanceKey, MovementKey};
use super::writing::{Rows, Writing};
use crate::types::Result;

/// The key of a balance.
pub(super) type AccountKey<'a> = (u64, u64, &'a str, i64);
type OwnKey = (u64, u64, String, i64);

/// Balances and their journal.
pub(super) struct Accounts<'t> {
    balances: Rows<'t, BalanceKey, BalanceRow>,
    movements: Rows<'t, MovementKey, MovementsRow>,
    writing: Writing<'t>,
    kept: RefCell<BTreeMap<OwnKey, Kept>>,
}

/// A balance that was read, and what is to be written.
struct Kept {
    /// Absent where there is none.
    row: Option<BalanceRow>,
    has_changed: bool,
    /// Movements that follow those of the journal, with their numbers.
    movements: Vec<(u64, Movement)>,
}

fn own((kind, number, part, start): AccountKey<'_>) -> OwnKey {
    (kind, number, part.to_owned(), start)
}

impl<'t> Accounts<'t> {
    pub(super) fn open(writing: Writing<'t>) -> Self {
        Self {
            balances: writing.rows(tables::BALANCES),
            movements: writing.rows(tables::MOVEMENTS),
            writing,
            kept: RefCell::default(),
        }
    }

    /// Does something with a balance, which is read if it was not.
    fn with<T>(&self, key: AccountKey<'_>, use_it: impl FnOnce(&mut Kept) -> T) -> Result<T> {
        let own = own(key);
        if let Some(kept) = self.kept.borrow_mut().get_mut(&own) {
            return Ok(use_it(kept));
        }
        let row = self.balances.get(key)?;
        let mut kept = self.kept.borrow_mut();
        let kept = kept.entry(own).or_insert(Kept { row, has_changed: false, movements: Vec::new() });
        Ok(use_it(kept))
    }

    /// Returns a balance, if there is one.
    pub(super) fn balance(&self, key: AccountKey<'_>) -> Result<Option<BalanceRow>> {
        self.with(key, |kept| kept.row.clone())
    }

    /// Returns whether there is a balance.
    pub(super) fn has_balance(&self, key: AccountKey<'_>) -> Result<bool> {
        self.with(key, |kept| kept.row.is_some())
    }

    pub(super) fn put_balance(&mut self, key: AccountKey<'_>, row: BalanceRow) -> Result<()> {
        self.writing.changed.set(true);
        self.with(key, |kept| {
            kept.row = Some(row);
            kept.has_changed = true;
        })
    }

    /// Removes a balance; its journal stays.
    pub(super) fn remove_balance(&mut self, key: AccountKey<'_>) -> Result<()> {
        self.with(key, |kept| {
            kept.row = None;
            kept.has_changed = false;
        })?;
        self.balances.remove(key)
    }

    /// Puts a movement of a number behind those of a balance's journal.
    pub(super) fn put_movement(&mut self, key: AccountKey<'_>, number: u64, movement: Movement) -> Result<()> {
        self.writing.changed.set(true);
        self.with(key, |kept| kept.movements.push((number, movement)))
    }

    /// Puts a row of the journal of a balance, of which nothing else is written in the transaction.
    pub(super) fn put_movements(&mut self, key: (u64, u64, &str, i64, u64), row: &MovementsRow) -> Result<()> {
        self.movements.put(key, row)
    }

    /// Visits the balances of a range until `visit` returns false: first those that the transaction did not look at, then the others.
    pub(super) fn each_balance(
        &self,
        range: Range<AccountKey<'_>>,
        mut visit: impl FnMut(AccountKey<'_>, &BalanceRow) -> Result<bool>,
    ) -> Result<()> {
        let kept = self.kept.borrow();
        let (first, end) = (own(range.start), own(range.end));
        if first >= end {
            return Ok(());
        }
        let mut goes_on = true;
        self.balances.each_in(range, |key, row| {
            goes_on = kept.contains_key(&own(key)) || visit(key, &row)?;
            Ok(goes_on)
        })?;
        for ((kind, number, part, start), kept) in kept.range(first..end) {
            let Some(row) = kept.row.as_ref().filter(|_| goes_on) else { continue };
            goes_on = visit((*kind, *number, part, *start), row)?;
        }
        Ok(())
    }

    /// Writes what the operations have made of the balances and their journal.
    pub(super) fn write(&mut self) -> Result<()> {
        for ((kind, number, part, start), kept) in self.kept.take() {
            if let Some(row) = kept.row.filter(|_| kept.has_changed) {
                self.balances.put((kind, number, &part, start), &row)?;
            }
            let mut movements = kept.movements.into_iter().peekable();
            while let Some((place, movement)) = movements.next() {
                let first = first_of_row(place);
                let key = (kind, number, part.as_str(), start, first);
                let mut more = vec![movement];
                while let Some((_, movement)) = movements.next_if(|(place, _)| first_of_row(*place) == first) {
                    more.push(movement);
                }
                let before = if place == first { None } else { self.movements.get(key)? };
                let row = before.unwrap_or_else(MovementsRow::empty).with(&more)?;
                self.movements.put(key, &row)?;
            }
        }
        Ok(())
    }
}
