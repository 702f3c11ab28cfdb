//! Pools: which of a provider's a call is paid from, and whether it has room for it.

use std::sync::Arc;

use super::admission::{Demand, Rates, Refusal, Verdict, asked, unpriced};
use crate::types::{
    AccountUnit, Balance, Currency, Error, ErrorKind, Money, Pool, Result, UnpricedPolicy, exact_subtract,
};

/// Applies the policy for a call without a price. Returns whether the provider's pools close until it is priced.
///
/// Fails with `unpriced`, saying what to do, if the call must not be made.
pub fn check_pool_price(demand: &Demand<'_>, pools: &[Arc<Pool>]) -> Result<bool> {
    match (demand.worst_case, pools.first(), demand.on_unpriced) {
        (Some(_), _, _) | (_, None, _) | (_, _, Some(UnpricedPolicy::Allow)) => Ok(false),
        (None, Some(_), Some(UnpricedPolicy::Hold)) => Ok(true),
        (None, Some(pool), _) => Err(unpriced(demand, &format!("{} is paid in advance", describe_pool(pool)))),
    }
}

/// Returns the pool that an amount in a currency is paid from, by its place: the one of that currency, or else the first that it
/// converts to.
pub fn payer(from: Currency, pools: &[Currency], converts: impl Fn(usize) -> bool) -> Option<usize> {
    let native = pools.iter().position(|currency| *currency == from);
    native.or_else(|| (0..pools.len()).find(|place| converts(*place)))
}

/// Returns the pools that hold a call: the one that it is paid from; all of its provider while it has no price.
///
/// Fails with `currency_mismatch` if its price counts in none.
pub fn holding<'p>(demand: &Demand<'_>, pools: &'p [Arc<Pool>], rates: Rates<'_>) -> Result<Vec<&'p Arc<Pool>>> {
    let Some(Money { currency, .. }) = demand.worst_case.filter(|_| !pools.is_empty()) else {
        return Ok(pools.iter().collect());
    };
    let currencies: Vec<_> = pools.iter().map(|pool| pool.terms.currency).collect();
    let paid = payer(currency, &currencies, |place| rates(currency, currencies[place]).is_some());
    match paid.and_then(|place| pools.get(place)) {
        Some(pool) => Ok(vec![pool]),
        None => Err(Error::new(
            ErrorKind::CurrencyMismatch,
            format!(
                "{}/{} is priced in {currency}, but {} is held in {} only, and no exchange rate is in force; set a pool in \
                 {currency}, or a rate to the pool's currency with `fx`",
                demand.provider,
                demand.model,
                format_args!("what was paid to {:?} in advance", demand.provider),
                currencies.iter().map(Currency::code).collect::<Vec<_>>().join(" and "),
            ),
        )
        .with_target(demand.provider, demand.model)),
    }
}

/// Works out what a pool would hold of a call, and whether it has room for it. What is settled in it is what was used less what was
/// recharged.
pub fn weigh_pool(demand: &Demand<'_>, pool: &Pool, balance: &Balance, rates: Rates<'_>) -> Result<Verdict> {
    let unit = AccountUnit::Money(pool.terms.currency);
    let (asked, exchange) = asked(demand, unit, rates)?;
    let amount = asked.unwrap_or_default();
    let verdict = |refusal| Ok(Verdict { amount, unit, exchange, refusal });
    if balance.holds > 0 {
        let why = format!(
            "is closed by {} calls without a price; put a cost on their records to open it again",
            balance.holds
        );
        return verdict(Some(Refusal { why, is_held: false }));
    }
    let settled = -balance.settled;
    let left = exact_subtract(settled, balance.reserved)?;
    if left > 0.into() && amount <= left {
        return verdict(None);
    }
    let is_held = settled > 0.into() && amount <= settled;
    let remedy = if is_held { "calls under way hold the rest; try again when they have ended" } else { "recharge it" };
    let why = format!(
        "has no room: balance {settled} {unit}, reserved {} {unit}, asked {amount} {unit}; {remedy}",
        balance.reserved
    );
    verdict(Some(Refusal { why, is_held }))
}

/// Names a pool, for people.
#[must_use]
pub fn describe_pool(pool: &Pool) -> String {
    format!("the {} pool {} of provider {:?}", pool.terms.currency, pool.id, pool.terms.provider)
}
