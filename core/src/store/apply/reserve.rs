//! Reserve: holds the worst case of an attempt in every budget that applies, all or nothing.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{balance, invalid};
use crate::budget::admission::{Verdict, check_currency, check_price, describe, weigh};
use crate::budget::window::window_bounds;
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::rows::ReservationRow;
use crate::store::tables::BalanceKey;
use crate::store::{Hold, Reservation, ReserveRequest, Reserved};
use crate::types::{Balance, Budget, BudgetRefusal, Error, ErrorKind, Limit, ReservationId, Result, exact_add};

pub(super) fn reserve(ledger: &mut Ledger<'_>, request: ReserveRequest) -> Result<Reserved> {
    if request.worst_case.is_some_and(|worst| worst.amount < Decimal::ZERO) {
        return Err(invalid("the worst case of a call is below zero; give zero or more"));
    }
    if ledger.records_by_uid.get(request.record_uid.as_str())?.is_some() {
        return Err(invalid(format!(
            "record {} exists already; give each attempt a uid of its own",
            request.record_uid
        )));
    }
    let budgets = ledger.applying(request.user.as_deref(), &request.tags);
    let closes = check_price(&request.demand(), &budgets)?;
    check_currency(&request.demand(), &budgets, &|from, to| ledger.exchange(from, to, request.now))?;

    let mut holds = Vec::with_capacity(budgets.len());
    let mut balances: Vec<(BalanceKey, Balance)> = Vec::with_capacity(budgets.len());
    for budget in &budgets {
        let (hold, balance) = hold(ledger, budget, &request, closes)?;
        balances.push((balance::key(hold.budget_id, hold.window_start), balance));
        holds.push(hold);
    }

    let id = ReservationId::new(ledger.reservations.take_id()?);
    let budgets_apply = !holds.is_empty();
    let reservation = Reservation { id, session: ledger.session.id(), request, holds };
    ledger.reservations.put(id.get(), &ReservationRow::new(&reservation)?)?;
    for balance in balances {
        balance::write(ledger, balance)?;
    }
    Ok(Reserved { id, budgets_apply })
}

/// Works out what one budget holds, and its balance after that. Fails if the cap would be passed.
fn hold(ledger: &Ledger<'_>, budget: &Budget, request: &ReserveRequest, closes: bool) -> Result<(Hold, Balance)> {
    let bounds = window_bounds(budget.terms.window, &budget.terms.time_zone, request.now)?;
    let window_start = bounds.map(|(start, _)| kept(start));
    let mut balance = balance::read(ledger, balance::key(budget.id, window_start))?;
    let rates = |from, to| ledger.exchange(from, to, request.now);
    let Verdict { amount, currency, exchange, refusal } =
        weigh(&request.demand(), &budget.terms.limit, &balance, &rates)?;
    if let Some(why) = refusal {
        let (limit, currency) = match budget.terms.limit {
            Limit::Money(limit) => (limit.amount, Some(limit.currency)),
            Limit::Tokens(limit) => (limit.into(), None),
        };
        let Balance { settled, reserved, .. } = balance;
        let had =
            BudgetRefusal { budget_id: budget.id, limit, settled, reserved, asked: amount, currency, max_tokens: None };
        return Err(exceeded(budget, request, bounds, &why).with_budget(had));
    }
    let closes = closes && currency.is_some();
    balance.reserved = exact_add(balance.reserved, amount)?;
    balance.holds += u64::from(closes);
    Ok((Hold { budget_id: budget.id, window_start, amount, currency, closes, exchange }, balance))
}

fn exceeded(budget: &Budget, request: &ReserveRequest, bounds: Option<(Timestamp, Timestamp)>, why: &str) -> Error {
    let retry_after = bounds.map(|(_, end)| Duration::try_from(end.duration_since(request.now)).unwrap_or_default());
    Error::new(ErrorKind::BudgetExceeded, format!("{} {why}", describe(budget)))
        .with_target(&request.provider, &request.model)
        .with_retry_after(retry_after)
}
