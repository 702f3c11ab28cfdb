//! Budgets: put and delete. A new one starts with what was used and is held in its running window.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::{self, Bucket, Changes};
use super::{invalid, not_found};
use crate::budget::admission::asked;
use crate::budget::window::window_bounds;
use crate::store::codec::{kept, micros};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::{BudgetRow, ReservationRow};
use crate::store::used::{Sums, Used};
use crate::store::{Hold, Reservation};
use crate::types::{AccountId, BudgetId, BudgetTerms, Result};

/// Puts a budget. What a new one begins with may have been worked out before; where that does not stand any more, nothing is put, and
/// nothing is returned.
pub(super) fn put(
    ledger: &mut Ledger<'_>,
    terms: &BudgetTerms,
    now: Timestamp,
    used: Option<Used>,
) -> Result<Option<BudgetId>> {
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
        return Ok(Some(BudgetId::new(id)));
    }

    let Some(used) = used_now(ledger, terms, now, used)? else { return Ok(None) };
    let id = BudgetId::new(ledger.budget_rows.next_id()?);
    let mut start = Start { terms, account: AccountId::Budget(id), changes: Changes::default() };
    for ((part, bucket), used) in used {
        start.changes.settle(ledger, &Bucket::new(start.account, &part, bucket), used, Cause::Opening)?;
    }
    let held = start.adopt(ledger, now)?;
    let changes = start.changes;
    ledger.budget_rows.take_id()?;
    ledger.budget_rows.put(id.get(), &row)?;
    changes.write(ledger, 0, now)?;
    for reservation in held {
        ledger.reservations.put(reservation.id.get(), &ReservationRow::new(&reservation)?)?;
    }
    ledger.configuration_changed()?;
    Ok(Some(id))
}

/// Returns what records add up to now; nothing if what was worked out before does not stand any more.
fn used_now(ledger: &Ledger<'_>, terms: &BudgetTerms, now: Timestamp, used: Option<Used>) -> Result<Option<Sums>> {
    let reader = ledger.reader();
    let Some(mut used) = used else {
        return Used::work_out(&mut |query| query(&reader), terms, now).map(|used| Some(used.sums));
    };
    Ok(used.put_right(&reader, terms, now)?.then_some(used.sums))
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
