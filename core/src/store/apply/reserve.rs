//! Reserve: holds the worst case of an attempt in every budget that applies, all or nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{balance, invalid};
use crate::billing::exchange::{Towards, convert};
use crate::billing::window::window_bounds;
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::rows::ReservationRow;
use crate::store::tables::BalanceKey;
use crate::store::{Hold, Reservation, ReserveRequest, Reserved};
use crate::types::{
    Balance, Budget, Currency, Error, ErrorKind, Exchange, Limit, ReservationId, Result, Scope, UnpricedPolicy, Window,
    exact_add,
};

/// The counter of `reservations`.
pub(super) const COUNTER: &str = "last_id:reservations";

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
    let closes = check_price(&request, &budgets)?;
    check_currency(ledger, &request, &budgets)?;

    let mut holds = Vec::with_capacity(budgets.len());
    let mut balances: Vec<(BalanceKey, Balance)> = Vec::with_capacity(budgets.len());
    for budget in &budgets {
        let (hold, balance) = hold(ledger, budget, &request, closes)?;
        balances.push((balance::key(hold.budget_id, hold.window_start), balance));
        holds.push(hold);
    }

    let id = ReservationId::new(ledger.take_id(COUNTER)?);
    let budgets_apply = !holds.is_empty();
    let reservation = Reservation { id, session: ledger.session.id(), request, holds };
    ledger.reservations.put(id.get(), &ReservationRow::new(&reservation)?)?;
    for balance in balances {
        balance::write(ledger, balance)?;
    }
    Ok(Reserved { id, budgets_apply })
}

/// Applies the policy for a call without a price. Returns whether its money budgets close until it is priced.
fn check_price(request: &ReserveRequest, budgets: &[Budget]) -> Result<bool> {
    if request.worst_case.is_some() {
        return Ok(false);
    }
    let money = budgets.iter().find(|budget| matches!(budget.terms.limit, Limit::Money(_)));
    match (request.on_unpriced, money) {
        (Some(UnpricedPolicy::Allow), _) | (None, None) => Ok(false),
        (Some(UnpricedPolicy::Hold), money) => Ok(money.is_some()),
        (Some(UnpricedPolicy::Refuse), None) => Err(unpriced(request, "the call refuses to go without a price")),
        (_, Some(budget)) => Err(unpriced(request, &format!("{} caps money", describe(budget)))),
    }
}

fn unpriced(request: &ReserveRequest, why: &str) -> Error {
    Error::new(
        ErrorKind::Unpriced,
        format!(
            "{}/{} has no price, and {why}; add a price to model config {}, or pass on_unpriced \"hold\" or \"allow\"",
            request.provider, request.model, request.model_config_id
        ),
    )
    .with_target(&request.provider, &request.model)
}

/// Checks that every scope whose money is capped has a cap that the price, or what it converts to, counts in.
fn check_currency(ledger: &Ledger<'_>, request: &ReserveRequest, budgets: &[Budget]) -> Result<()> {
    let Some(worst) = request.worst_case else { return Ok(()) };
    let mut scopes: BTreeMap<&Scope, Vec<Currency>> = BTreeMap::new();
    for budget in budgets {
        if let Limit::Money(limit) = budget.terms.limit {
            scopes.entry(&budget.terms.scope).or_default().push(limit.currency);
        }
    }
    for (scope, currencies) in scopes {
        let counts = |currency: &Currency| {
            *currency == worst.currency || ledger.exchange(worst.currency, *currency, request.now).is_some()
        };
        if !currencies.iter().any(counts) {
            let capped: Vec<&str> = currencies.iter().map(Currency::code).collect();
            return Err(Error::new(
                ErrorKind::CurrencyMismatch,
                format!(
                    "{}/{} is priced in {}, but the money of {} is capped in {} only, and no exchange rate is in force; \
                     set a budget in {} for that scope, or a rate to the budget's currency with `fx`",
                    request.provider,
                    request.model,
                    worst.currency,
                    name(scope),
                    capped.join(" and "),
                    worst.currency
                ),
            )
            .with_target(&request.provider, &request.model));
        }
    }
    Ok(())
}

/// Works out what one budget holds, and its balance after that. Fails if the cap would be passed.
fn hold(ledger: &Ledger<'_>, budget: &Budget, request: &ReserveRequest, closes: bool) -> Result<(Hold, Balance)> {
    let bounds = window_bounds(budget.terms.window, &budget.terms.time_zone, request.now)?;
    let window_start = bounds.map(|(start, _)| kept(start));
    let mut balance = balance::read(ledger, balance::key(budget.id, window_start))?;
    let (limit, currency) = match budget.terms.limit {
        Limit::Tokens(limit) => (Decimal::from(limit), None),
        Limit::Money(limit) => (limit.amount, Some(limit.currency)),
    };
    let (amount, exchange) = held(ledger, request, currency)?;
    let closes = closes && currency.is_some();
    if currency.is_some() && balance.holds > 0 {
        return Err(exceeded(
            budget,
            request,
            bounds,
            &format!(
                "is closed by {} calls without a price; put a cost on their records to open it again",
                balance.holds
            ),
        ));
    }
    let unit = currency.map_or_else(|| "tokens".to_owned(), |currency| currency.to_string());
    let taken = exact_add(exact_add(balance.settled, balance.reserved)?, amount)?;
    // A call in a currency that has no rate asks nothing of this budget; its scope has one that it counts in.
    let is_native = currency.is_none() || request.worst_case.is_none_or(|worst| Some(worst.currency) == currency);
    let asks = is_native || exchange.is_some();
    if asks && taken > limit {
        return Err(exceeded(
            budget,
            request,
            bounds,
            &format!(
                "would be passed: limit {limit} {unit}, settled {} {unit}, reserved {} {unit}, asked {amount} {unit}; \
                 wait for the next window, raise the limit, or ask for less",
                balance.settled, balance.reserved
            ),
        ));
    }
    balance.reserved = exact_add(balance.reserved, amount)?;
    balance.holds += u64::from(closes);
    Ok((Hold { budget_id: budget.id, window_start, amount, currency, closes, exchange }, balance))
}

/// Returns what a budget in a currency, or in tokens, holds of a request, and the rate where it was converted.
pub(super) fn held(
    ledger: &Ledger<'_>,
    request: &ReserveRequest,
    currency: Option<Currency>,
) -> Result<(Decimal, Option<Exchange>)> {
    match (currency, request.worst_case) {
        (None, _) => Ok((request.worst_case_tokens.into(), None)),
        (Some(_), None) => Ok((Decimal::ZERO, None)),
        (Some(currency), Some(worst)) if worst.currency == currency => Ok((worst.amount, None)),
        (Some(currency), Some(worst)) => match ledger.exchange(worst.currency, currency, request.now) {
            Some(exchange) => Ok((convert(&exchange, worst.amount, Towards::Up)?, Some(exchange))),
            None => Ok((Decimal::ZERO, None)),
        },
    }
}

fn exceeded(budget: &Budget, request: &ReserveRequest, bounds: Option<(Timestamp, Timestamp)>, why: &str) -> Error {
    let retry_after = bounds.map(|(_, end)| Duration::try_from(end.duration_since(request.now)).unwrap_or_default());
    Error::new(ErrorKind::BudgetExceeded, format!("{} {why}", describe(budget)))
        .with_target(&request.provider, &request.model)
        .with_retry_after(retry_after)
}

fn describe(budget: &Budget) -> String {
    let window = match budget.terms.window {
        Window::Total => "the total".to_owned(),
        Window::Day => format!("the daily ({})", budget.terms.time_zone),
        Window::Month => format!("the monthly ({})", budget.terms.time_zone),
    };
    format!("{window} budget {} of {}", budget.id, name(&budget.terms.scope))
}

fn name(scope: &Scope) -> String {
    match scope {
        Scope::Everyone => "everyone".to_owned(),
        Scope::User { user } => format!("user {user:?}"),
        Scope::Tag { key, value } => format!("tag {key:?} = {value:?}"),
    }
}
