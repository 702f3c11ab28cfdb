//! The balances of accounts and their journal in a write transaction: each is read once, and what the operations of the transaction
//! make of it is written once, when the transaction ends.
//!
//! Buckets that have ended are folded away: their balances are removed, their journal stays. A clock that is set back, or that of
//! an operation which came late, comes into them again, and then the end of the journal tells what they had.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::rows::{BalanceRow, Movement, MovementsRow, first_of_row};
use super::tables::{self, BalanceKey, MovementKey};
use super::writing::{Rows, Writing};
use crate::types::{Balance, Decimal, Result};

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

/// Returns the balance of a bucket in which nothing is held any more.
fn ended((settled, movements): (Decimal, u64)) -> BalanceRow {
    BalanceRow::new(Balance { settled, ..Balance::default() }, movements)
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

    /// Returns what the journal of a balance ends with, for one that was folded away.
    pub(super) fn folded(&self, key: AccountKey<'_>) -> Result<Option<BalanceRow>> {
        let pending = self.with(key, |kept| kept.movements.last().map(|(number, last)| (last.balance, *number)))?;
        if let Some(last) = pending {
            return Ok(Some(ended(last)));
        }
        let (kind, number, part, start) = key;
        let mut row = None;
        self.movements.last_in(
            (kind, number, part, start, 0)..=(kind, number, part, start, u64::MAX),
            |key, last| {
                row = last.last(key.4)?.map(ended);
                Ok(())
            },
        )?;
        Ok(row)
    }

    /// Returns whether there are buckets of a part of an account that begin after one.
    pub(super) fn has_later(&self, (kind, number, part, start): AccountKey<'_>) -> Result<bool> {
        let mut has = false;
        self.each_balance((kind, number, part, start.saturating_add(1))..(kind, number, part, i64::MAX), |_, _| {
            has = true;
            Ok(false)
        })?;
        Ok(has)
    }

    /// Visits what the journals of a part of an account end with, in the buckets from one up to another that were folded away.
    pub(super) fn each_folded(
        &self,
        first: i64,
        (kind, number, part, last): AccountKey<'_>,
        mut visit: impl FnMut(&BalanceRow) -> Result<()>,
    ) -> Result<()> {
        let mut starts = BTreeSet::new();
        self.movements.each_in((kind, number, part, first, 0)..=(kind, number, part, last, u64::MAX), |key, _| {
            starts.insert(key.3);
            Ok(true)
        })?;
        let own = |start| own((kind, number, part, start));
        starts.extend(self.kept.borrow().range(own(first)..=own(last)).map(|((.., start), _)| *start));
        for start in starts {
            let key = (kind, number, part, start);
            if let Some(row) = if self.has_balance(key)? { None } else { self.folded(key)? } {
                visit(&row)?;
            }
        }
        Ok(())
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
