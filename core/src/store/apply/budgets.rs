//! Budgets: put and delete. A new one starts with what was used and is held in its running window.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{balance, invalid, not_found};
use crate::budget::admission::asked;
use crate::budget::window::window_bounds;
use crate::store::codec::{Row, micros, time};
use crate::store::ledger::Ledger;
use crate::store::rows::{BudgetRow, HoldRow, ReservationRow, UsageRecordRow};
use crate::store::{Hold, Reservation};
use crate::types::{Balance, BudgetId, BudgetTerms, Currency, Limit, Result, Scope, exact_add};

pub(super) fn put(ledger: &mut Ledger<'_>, terms: &BudgetTerms, now: Timestamp) -> Result<BudgetId> {
    if let Limit::Money(money) = terms.limit
        && money.amount < Decimal::ZERO
    {
        return Err(invalid(format!("the limit {money} is below zero; give zero or more")));
    }
    if let Scope::Tag { key, .. } = &terms.scope
        && key.is_empty()
    {
        return Err(invalid("the budget's tag has no key; give the key and the value of a tag"));
    }
    let bounds = window_bounds(terms.window, &terms.time_zone, now)?;
    let mut row = BudgetRow::new(terms, micros(now), micros(now))?;
    let same = |other: &BudgetRow| {
        (&other.scope, &other.scope_key, &other.scope_value, &other.window, &other.time_zone, &other.currency)
            == (&row.scope, &row.scope_key, &row.scope_value, &row.window, &row.time_zone, &row.currency)
    };
    if let Some((id, old)) = ledger.budget_rows.all()?.into_iter().find(|(_, other)| same(other)) {
        row.created_at = old.created_at;
        ledger.budget_rows.put(id, &row)?;
        ledger.configuration_changed()?;
        return Ok(BudgetId::new(id));
    }

    let id = BudgetId::new(ledger.budget_rows.next_id()?);
    let mut start = Balance { settled: used(ledger, terms, bounds)?, ..Balance::default() };
    let held = adopt(ledger, terms, id, bounds, &mut start)?;
    ledger.budget_rows.take_id()?;
    ledger.budget_rows.put(id.get(), &row)?;
    balance::write(ledger, (balance::key(id, bounds.map(|(start, _)| start)), start))?;
    for reservation in held {
        ledger.reservations.put(reservation.id.get(), &ReservationRow::new(&reservation)?)?;
    }
    ledger.configuration_changed()?;
    Ok(id)
}

pub(super) fn delete(ledger: &mut Ledger<'_>, id: BudgetId) -> Result<()> {
    ledger.budget_rows.get(id.get())?.ok_or_else(|| not_found(&format!("budget {id}")))?;
    ledger.budget_rows.remove(id.get())?;
    for key in ledger.balances.windows(id.get())? {
        ledger.balances.remove(key)?;
    }
    ledger.configuration_changed()
}

fn currency_of(terms: &BudgetTerms) -> Option<Currency> {
    match terms.limit {
        Limit::Money(money) => Some(money.currency),
        Limit::Tokens(_) => None,
    }
}

/// Adds up what the records of the running window used.
fn used(ledger: &Ledger<'_>, terms: &BudgetTerms, bounds: Option<(Timestamp, Timestamp)>) -> Result<Decimal> {
    let mut total = Decimal::ZERO;
    let mut add = |row: &UsageRecordRow| {
        let tags = row.tags.iter().map(|(key, value)| (key, value));
        if terms.scope.covers(row.user.as_deref(), tags) {
            let amount = match terms.limit {
                Limit::Money(limit) => money_of(ledger, row, limit.currency)?,
                Limit::Tokens(_) => row.tokens().unwrap_or(0).into(),
            };
            total = exact_add(total, amount)?;
        }
        Ok(())
    };
    let mut add_by_id = |id: u64| ledger.records.get(id)?.map_or(Ok(()), |row| add(&row));
    match (bounds, &terms.scope) {
        (Some((start, end)), _) => {
            ledger.records_by_time.each((micros(start), 0)..(micros(end), 0), |(_, id)| add_by_id(id))?;
        }
        (None, Scope::User { user }) => {
            ledger.records_by_user.each((user.as_str(), 0)..=(user.as_str(), u64::MAX), |(_, id)| add_by_id(id))?;
        }
        (None, _) => ledger.records.each(|_, row| add(&row))?,
    }
    Ok(total)
}

/// Returns what a record cost in a currency: by the rate that is frozen in it, or else by that of its time; nothing without.
fn money_of(ledger: &Ledger<'_>, row: &UsageRecordRow, currency: Currency) -> Result<Decimal> {
    let Some(cost) = row.cost()? else { return Ok(Decimal::ZERO) };
    let frozen = row.conversions.iter().find(|conversion| conversion.exchange.to == currency.code());
    let frozen = frozen.cloned().map(|row| row.conversion(UsageRecordRow::TABLE)).transpose()?;
    let started_at = time(UsageRecordRow::TABLE, row.facts.started_at)?;
    let frozen = frozen.map(|conversion| conversion.exchange);
    let counted = balance::in_currency(ledger, cost, currency, frozen, started_at)?;
    Ok(counted.map_or(Decimal::ZERO, |counted| counted.amount))
}

/// Lets the reservations that are open hold their worst case in the new budget too.
fn adopt(
    ledger: &Ledger<'_>,
    terms: &BudgetTerms,
    id: BudgetId,
    bounds: Option<(Timestamp, Timestamp)>,
    balance: &mut Balance,
) -> Result<Vec<Reservation>> {
    let mut held = Vec::new();
    for (number, row) in ledger.reservations.all()? {
        let mut reservation = row.reservation(number)?;
        let request = &reservation.request;
        if !terms.scope.covers(request.user.as_deref(), request.tags.iter()) {
            continue;
        }
        let currency = currency_of(terms);
        let (amount, exchange) =
            asked(&request.demand(), currency, &|from, to| ledger.exchange(from, to, request.now))?;
        balance.reserved = exact_add(balance.reserved, amount)?;
        let window_start = bounds.map(|(start, _)| start);
        reservation.holds.push(Hold { budget_id: id, window_start, amount, currency, closes: false, exchange });
        held.push(reservation);
    }
    Ok(held)
}

/// Returns the holds that a record without a cost keeps: those in money, which its price will move.
pub(super) fn money_holds(holds: &[Hold]) -> Vec<HoldRow> {
    holds.iter().filter(|hold| hold.currency.is_some()).map(HoldRow::new).collect()
}
