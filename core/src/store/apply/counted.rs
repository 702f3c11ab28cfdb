//! What accounts count of an attempt: money of their currency, tokens, requests, or a meter.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::{Bucket, Changes};
use crate::budget::exchange::conversion;
use crate::budget::window::bucket_at;
use crate::store::Hold;
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::types::{
    AccountId, AccountUnit, Conversion, Currency, Dimensions, Exchange, Limit, Money, Result, Usage, exact_add,
};

/// An amount as an account counts it.
pub(super) struct Counted {
    /// What is counted, in the unit of the account.
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

impl From<Decimal> for Counted {
    fn from(amount: Decimal) -> Self {
        Self { amount, conversion: None }
    }
}

/// Returns what a cost is in a currency: by the frozen rate, or else by the one that is in force; nothing without a
/// rate.
pub(super) fn in_currency(
    cost: Money,
    currency: Currency,
    frozen: Option<Exchange>,
    rate: &dyn Fn(Currency, Currency) -> Option<Exchange>,
) -> Result<Option<Counted>> {
    if cost.currency == currency {
        return Ok(Some(cost.amount.into()));
    }
    let frozen = frozen.filter(|exchange| (exchange.from, exchange.to) == (cost.currency, currency));
    let Some(exchange) = frozen.or_else(|| rate(cost.currency, currency)) else { return Ok(None) };
    let conversion = conversion(exchange, cost.amount)?;
    Ok(Some(Counted { amount: conversion.amount, conversion: Some(conversion) }))
}

/// Returns how much was used of what a unit counts of meters.
pub(super) fn of_meters(usage: &Usage, unit: AccountUnit) -> Result<Decimal> {
    let within = usage.meters.iter().filter(|(meter, _)| unit.counts(**meter));
    within.map(|(_, quantity)| quantity.get()).try_fold(Decimal::ZERO, exact_add)
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

/// What an attempt took, as accounts count it.
#[derive(Clone, Copy)]
pub(super) struct Consumed<'a> {
    pub(super) cost: Option<Money>,
    pub(super) tokens: Option<u64>,
    /// Whether it counts as a request: one that was answered, or that may be charged for.
    pub(super) is_request: bool,
    /// What was used; absent where the most of it is billed.
    pub(super) usage: Option<&'a Usage>,
}

impl Consumed<'_> {
    /// What costs nothing and did nothing.
    pub(super) const NOTHING: Self = Self { cost: None, tokens: None, is_request: false, usage: None };
}

/// Returns what a hold counts of an attempt.
///
/// A hold that asked nothing of its account, because there was no rate, counts nothing, whatever rates came since.
fn counted(ledger: &Ledger<'_>, hold: &Hold, consumed: Consumed<'_>, made: HeldAs) -> Result<Option<Counted>> {
    let Consumed { cost, tokens, is_request, usage } = consumed;
    match (hold.unit, cost) {
        (AccountUnit::Money(_), None) => Ok(None),
        (AccountUnit::Money(currency), Some(cost))
            if cost.currency != currency && Some(cost.currency) == made.currency && hold.exchange.is_none() =>
        {
            Ok(None)
        }
        (AccountUnit::Money(currency), Some(cost)) => {
            in_currency(cost, currency, hold.exchange, &ledger.rates_at(made.at))
        }
        (AccountUnit::Tokens, _) => Ok(tokens.map(|tokens| Decimal::from(tokens).into())),
        (AccountUnit::Requests, _) => Ok(Some(Decimal::from(u64::from(is_request)).into())),
        (AccountUnit::Meter(_) | AccountUnit::AudioSeconds, _) if !is_request => Ok(None),
        (AccountUnit::Meter(_) | AccountUnit::AudioSeconds, _) => {
            usage.map_or(Ok(hold.amount), |usage| of_meters(usage, hold.unit)).map(|amount| Some(amount.into()))
        }
    }
}

/// Balances after the holds of an attempt became what it took, and what was converted for it.
#[derive(Default)]
pub(super) struct Released {
    pub(super) changes: Changes,
    /// What was moved in each bucket.
    pub(super) moved: Vec<Hold>,
    pub(super) conversions: Vec<Conversion>,
    /// Whether any hold was less than what took its place.
    pub(super) exceeded: bool,
    /// Whether any account counts no more than its hold, since more was proven to be impossible.
    pub(super) was_cut: bool,
}

/// Returns what a hold counts of an attempt, within what was proven to be possible, and notes what it passed.
pub(super) fn within(
    ledger: &Ledger<'_>,
    hold: &Hold,
    consumed: Consumed<'_>,
    made: HeldAs,
    released: &mut Released,
) -> Result<Option<Counted>> {
    let mut counted = counted(ledger, hold, consumed, made)?;
    if let Some(counted) = counted.as_mut().filter(|counted| counted.amount > hold.amount) {
        // What was billed is within its bound already, but for a currency that the bound is not in, and for tokens.
        let is_other = made.currency.is_some()
            && hold.unit.currency().is_some()
            && consumed.cost.is_some_and(|cost| Some(cost.currency) != made.currency);
        if is_other || (hold.unit == AccountUnit::Tokens && made.bounds_tokens) {
            counted.cut(hold.amount);
            released.was_cut = true;
        } else {
            released.exceeded = true;
        }
    }
    Ok(counted)
}

/// Adds to a change of a record's cost what it is to budgets that are newer than the record, and count it since it lies in a bucket
/// that they keep.
pub(super) fn move_later_budgets(
    ledger: &Ledger<'_>,
    released: &mut Released,
    known: &[Hold],
    record: (&Dimensions<'_>, Timestamp),
    cost: (Money, Cause),
    rate: &dyn Fn(Currency) -> Option<Exchange>,
    priced_at: Timestamp,
) -> Result<()> {
    let ((dimensions, created_at), (cost, cause)) = (record, cost);
    for applying in ledger.applying(dimensions) {
        let terms = &applying.budget.terms;
        let Limit::Money(limit) = terms.limit else { continue };
        let account = AccountId::Budget(applying.budget.id);
        if known.iter().any(|hold| hold.account == account && hold.part == applying.part) {
            continue;
        }
        let frozen = rate(limit.currency);
        let Some(counted) = in_currency(cost, limit.currency, frozen, &ledger.rates_at(priced_at))? else { continue };
        let start = bucket_at(terms.window, &terms.time_zone, created_at)?;
        let bucket = Bucket::new(account, &applying.part, start);
        if released.changes.is_kept(ledger, &bucket)? {
            released.changes.settle(ledger, &bucket, counted.amount, cause)?;
            counted.note(&mut released.conversions);
            released.moved.push(Hold {
                account,
                part: applying.part,
                bucket: start,
                unit: AccountUnit::Money(limit.currency),
                amount: counted.amount,
                closes: false,
                exchange: None,
            });
        }
    }
    Ok(())
}
