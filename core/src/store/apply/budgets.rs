//! Budgets: put and delete. A new one starts with what was used and is held in its running window.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::{self, Bucket, Changes};
use super::counted::{in_currency, of_meters};
use super::{invalid, not_found};
use crate::budget::admission::asked;
use crate::budget::window::{bucket_at, window_bounds};
use crate::store::codec::{Row, kept, micros, time};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::{BudgetRow, ReservationRow, UsageRecordRow};
use crate::store::{Hold, Reservation};
use crate::types::{AccountId, AccountUnit, BilledBy, BudgetId, BudgetTerms, Currency, Dimensions, Result, exact_add};

pub(super) fn put(ledger: &mut Ledger<'_>, terms: &BudgetTerms, now: Timestamp) -> Result<BudgetId> {
    if terms.limit.amount() < Decimal::ZERO {
        return Err(invalid(format!("the limit {} is below zero; give zero or more", terms.limit.amount())));
    }
    if terms.scope.tags.keys().any(String::is_empty) {
        return Err(invalid("the budget's tag has no key; give the key and the value of a tag"));
    }
    window_bounds(terms.window, &terms.time_zone, now)?;
    let mut row = BudgetRow::new(terms, micros(now), micros(now));
    if let Some((id, old)) = ledger.budget_rows.all()?.into_iter().find(|(_, other)| other.is_same_budget(&row)) {
        row.created_at = old.created_at;
        ledger.budget_rows.put(id, &row)?;
        ledger.configuration_changed()?;
        return Ok(BudgetId::new(id));
    }

    let id = BudgetId::new(ledger.budget_rows.next_id()?);
    let mut start = Start { terms, account: AccountId::Budget(id), changes: Changes::default() };
    start.add_used(ledger, now)?;
    let held = start.adopt(ledger, now)?;
    let changes = start.changes;
    ledger.budget_rows.take_id()?;
    ledger.budget_rows.put(id.get(), &row)?;
    changes.write(ledger, 0, now)?;
    for reservation in held {
        ledger.reservations.put(reservation.id.get(), &ReservationRow::new(&reservation)?)?;
    }
    ledger.configuration_changed()?;
    Ok(id)
}

pub(super) fn delete(ledger: &mut Ledger<'_>, id: BudgetId) -> Result<()> {
    ledger.budget_rows.get(id.get())?.ok_or_else(|| not_found(&format!("budget {id}")))?;
    ledger.budget_rows.remove(id.get())?;
    balance::remove_all(ledger, AccountId::Budget(id))?;
    ledger.configuration_changed()
}

/// What a new budget begins with.
struct Start<'t> {
    terms: &'t BudgetTerms,
    account: AccountId,
    changes: Changes,
}

impl Start<'_> {
    /// Adds up what the records of the running window used.
    ///
    /// A correction counts where the record that it corrects lies.
    fn add_used(&mut self, ledger: &Ledger<'_>, now: Timestamp) -> Result<()> {
        let terms = self.terms;
        let mut sums = BTreeMap::<(String, Option<Timestamp>), Decimal>::new();
        let first = window_bounds(terms.window, &terms.time_zone, now)?.map(|bounds| bounds.first);
        let mut add = |id: u64| -> Result<()> {
            let Some(row) = ledger.records.get(id)? else { return Ok(()) };
            let tags = row.tags.iter().cloned().collect();
            let Some(part) = terms.scope.part_of(&dimensions(&row, &tags)) else { return Ok(()) };
            let at = match &row.adjusts {
                Some(corrected) => corrected_at(ledger, corrected)?.unwrap_or(row.created_at),
                None => row.created_at,
            };
            let at = time(UsageRecordRow::TABLE, at)?;
            if first.is_some_and(|first| at < first) {
                return Ok(());
            }
            let bucket = bucket_at(terms.window, &terms.time_zone, at)?;
            let sum = sums.entry((part, bucket)).or_default();
            *sum = exact_add(*sum, used(ledger, &row, id, terms.limit.unit())?)?;
            Ok(())
        };
        match (first, terms.scope.user.as_deref().filter(|user| *user != crate::types::EACH)) {
            (Some(first), _) => ledger.records_by_time.each((micros(first), 0).., |(_, id)| add(id))?,
            (None, Some(user)) => {
                ledger.records_by_user.each((user, 0)..=(user, u64::MAX), |(_, id)| add(id))?;
            }
            (None, None) => ledger.records_by_time.each(.., |(_, id)| add(id))?,
        }
        for ((part, bucket), used) in sums {
            let bucket = Bucket::new(self.account, &part, bucket.map(kept));
            self.changes.settle(ledger, &bucket, used, Cause::Opening)?;
        }
        Ok(())
    }

    /// Lets the reservations that are open hold their worst case in the new budget too.
    fn adopt(&mut self, ledger: &Ledger<'_>, now: Timestamp) -> Result<Vec<Reservation>> {
        let terms = self.terms;
        let unit = terms.limit.unit();
        let bounds = window_bounds(terms.window, &terms.time_zone, now)?;
        let bucket = bounds.map(|bounds| kept(bounds.bucket));
        if !terms.scope.is_template() {
            self.changes.touch(ledger, &Bucket::new(self.account, "", bucket))?;
        }
        let mut held = Vec::new();
        for (number, row) in ledger.reservations.all()? {
            let mut reservation = row.reservation(number)?;
            let request = &reservation.request;
            let Some(part) = terms.scope.part_of(&request.dimensions()) else { continue };
            let rates = |from, to| ledger.exchange(from, to, request.now);
            let (amount, exchange) = asked(&request.demand(), unit, &rates)?;
            let amount = amount.unwrap_or_default();
            let own = Bucket::new(self.account, &part, bucket);
            self.changes.hold(ledger, &own, (amount, false), None)?;
            reservation.holds.push(Hold { account: self.account, part, bucket, unit, amount, closes: false, exchange });
            held.push(reservation);
        }
        Ok(held)
    }
}

/// Returns what scopes see of a record.
fn dimensions<'a>(row: &'a UsageRecordRow, tags: &'a BTreeMap<String, String>) -> Dimensions<'a> {
    Dimensions { user: row.user.as_deref(), tags, provider: Some(&row.provider), model: Some(&row.model) }
}

/// Returns when a record was made that another corrects.
fn corrected_at(ledger: &Ledger<'_>, uid: &str) -> Result<Option<i64>> {
    let Some(id) = ledger.records_by_uid.get(uid)? else { return Ok(None) };
    Ok(ledger.records.get(id)?.map(|row| row.created_at))
}

/// Returns what a record counts in a unit.
fn used(ledger: &Ledger<'_>, row: &UsageRecordRow, id: u64, unit: AccountUnit) -> Result<Decimal> {
    match unit {
        AccountUnit::Money(currency) => money_of(ledger, row, currency),
        AccountUnit::Tokens => Ok(row.tokens().unwrap_or(0).into()),
        AccountUnit::Requests => {
            let record = row.clone().record(id)?;
            Ok(u64::from(record.adjusts.is_none() && record.billed_by != BilledBy::NotBilled).into())
        }
        AccountUnit::Meter(_) | AccountUnit::AudioSeconds => of_meters(&row.clone().record(id)?.usage, unit),
    }
}

/// Returns what a record cost in a currency: by the rate that is frozen in it, or else by that of its time; nothing without.
fn money_of(ledger: &Ledger<'_>, row: &UsageRecordRow, currency: Currency) -> Result<Decimal> {
    let Some(cost) = row.cost()? else { return Ok(Decimal::ZERO) };
    let frozen = row.conversions.iter().find(|conversion| conversion.exchange.to == currency.code());
    let frozen = frozen.cloned().map(|row| row.conversion(UsageRecordRow::TABLE)).transpose()?;
    let started_at = time(UsageRecordRow::TABLE, row.facts.started_at)?;
    let frozen = frozen.map(|conversion| conversion.exchange);
    let counted = in_currency(ledger, cost, currency, frozen, started_at)?;
    Ok(counted.map_or(Decimal::ZERO, |counted| counted.amount))
}
