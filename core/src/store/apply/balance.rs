//! Balances: what one budget used and holds in one window.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::budget::exchange::conversion;
use crate::store::Hold;
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::rows::BalanceRow;
use crate::store::tables::{BalanceKey, WHOLE_TIME};
use crate::types::{Balance, BudgetId, Conversion, Currency, Exchange, Money, Result, exact_add, exact_subtract};

/// Returns the key of a budget's balance in a window.
pub(super) fn key(budget: BudgetId, window_start: Option<Timestamp>) -> BalanceKey {
    (budget.get(), window_start.map_or(WHOLE_TIME, micros))
}

/// Returns a balance; nothing was used where there is no row.
pub(super) fn read(ledger: &Ledger<'_>, key: BalanceKey) -> Result<Balance> {
    ledger.balances.get(key)?.map_or_else(|| Ok(Balance::default()), |row| row.balance())
}

/// Writes a balance.
pub(super) fn write(ledger: &mut Ledger<'_>, (key, balance): (BalanceKey, Balance)) -> Result<()> {
    ledger.balances.put(key, &BalanceRow::new(balance))
}

/// What one budget counts of an attempt.
pub(super) struct Counted {
    /// Money of the budget's currency, or tokens.
    pub(super) amount: Decimal,
    conversion: Option<Conversion>,
}

impl Counted {
    /// Counts no more than an amount. What is left out was not converted, and makes no conversion.
    fn cut(&mut self, amount: Decimal) {
        self.amount = amount;
        self.conversion = None;
    }

    /// Adds the conversion, where there was one, to those of the record, once.
    pub(super) fn note(&self, conversions: &mut Vec<Conversion>) {
        if let Some(conversion) = self.conversion
            && !conversions.contains(&conversion)
        {
            conversions.push(conversion);
        }
    }
}

/// Returns what a cost is in a currency: by the frozen rate, or else by the one that is in force at an instant; nothing
/// without a rate.
pub(super) fn in_currency(
    ledger: &Ledger<'_>,
    cost: Money,
    currency: Currency,
    frozen: Option<Exchange>,
    at: Timestamp,
) -> Result<Option<Counted>> {
    if cost.currency == currency {
        return Ok(Some(Counted { amount: cost.amount, conversion: None }));
    }
    let frozen = frozen.filter(|exchange| (exchange.from, exchange.to) == (cost.currency, currency));
    let Some(exchange) = frozen.or_else(|| ledger.exchange(cost.currency, currency, at)) else { return Ok(None) };
    let conversion = conversion(exchange, cost.amount)?;
    Ok(Some(Counted { amount: conversion.amount, conversion: Some(conversion) }))
}

/// When and in which currency holds were made.
#[derive(Clone, Copy)]
pub(super) struct HeldAs {
    /// The currency of the worst case; absent without a price.
    pub(super) currency: Option<Currency>,
    pub(super) at: Timestamp,
    /// Whether the tokens that were held are a proven bound, which no claim of a provider passes.
    pub(super) bounds_tokens: bool,
}

/// Returns what a hold counts of an attempt's true amount: money of its currency, or tokens.
///
/// A hold that asked nothing of its budget, because there was no rate, counts nothing, whatever rates came since.
fn counted(
    ledger: &Ledger<'_>,
    hold: &Hold,
    cost: Option<Money>,
    tokens: Option<u64>,
    made: HeldAs,
) -> Result<Option<Counted>> {
    match (hold.currency, cost) {
        (Some(currency), Some(cost))
            if cost.currency != currency && Some(cost.currency) == made.currency && hold.exchange.is_none() =>
        {
            Ok(None)
        }
        (Some(currency), Some(cost)) => in_currency(ledger, cost, currency, hold.exchange, made.at),
        (Some(_), None) => Ok(None),
        (None, _) => Ok(tokens.map(|tokens| Counted { amount: tokens.into(), conversion: None })),
    }
}

/// Balances after a change, and what was converted for it.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) balances: Vec<(BalanceKey, Balance)>,
    pub(super) conversions: Vec<Conversion>,
    /// Whether any hold was less than what took its place.
    pub(super) exceeded: bool,
    /// Whether any budget counts no more than its hold, since more was proven to be impossible.
    pub(super) was_cut: bool,
}

/// Returns what a hold counts of an attempt's true amount, within what was proven to be possible, and notes what it passed.
pub(super) fn within(
    ledger: &Ledger<'_>,
    hold: &Hold,
    cost: Option<Money>,
    tokens: Option<u64>,
    made: HeldAs,
    moved: &mut Moved,
) -> Result<Option<Counted>> {
    let mut counted = counted(ledger, hold, cost, tokens, made)?;
    if let Some(counted) = counted.as_mut().filter(|counted| counted.amount > hold.amount) {
        // What was billed is within its bound already, but for a currency that the bound is not in, and for tokens.
        let is_other = made.currency.is_some() && cost.is_some_and(|cost| Some(cost.currency) != made.currency);
        if is_other || (hold.currency.is_none() && made.bounds_tokens) {
            counted.cut(hold.amount);
            moved.was_cut = true;
        } else {
            moved.exceeded = true;
        }
    }
    Ok(counted)
}

/// Works out the balances after the holds of an attempt become its true amount. A budget that was deleted is left out.
pub(super) fn released(
    ledger: &Ledger<'_>,
    holds: &[Hold],
    cost: Option<Money>,
    tokens: Option<u64>,
    stays_closed: bool,
    made: HeldAs,
) -> Result<Moved> {
    let mut moved = Moved::default();
    for hold in holds {
        let counted = within(ledger, hold, cost, tokens, made, &mut moved)?;
        if ledger.budget_rows.get(hold.budget_id.get())?.is_none() {
            continue;
        }
        let key = key(hold.budget_id, hold.window_start);
        let mut balance = read(ledger, key)?;
        balance.reserved = exact_subtract(balance.reserved, hold.amount)?;
        if let Some(counted) = counted {
            balance.settled = exact_add(balance.settled, counted.amount)?;
            counted.note(&mut moved.conversions);
        }
        if hold.closes && !stays_closed {
            balance.holds = balance.holds.saturating_sub(1);
        }
        moved.balances.push((key, balance));
    }
    Ok(moved)
}
