//! Admission: what a call asks of the budgets that apply, and whether each lets it in.
//!
//! Reservations decide by it, inside their transaction, and quotes show it.

use std::collections::BTreeMap;

use super::exchange::{Towards, convert};
use crate::types::{
    Balance, Budget, Currency, Decimal, Error, ErrorKind, Exchange, Limit, ModelConfigId, ModelName, Money, Result,
    Scope, UnpricedPolicy, Window, exact_add,
};

/// What a call asks for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// The provider's name.
    pub provider: &'a str,
    /// The model's name at the provider.
    pub model: &'a str,
    /// The config that was picked.
    pub model_config_id: ModelConfigId,
    /// The most that it can cost; absent if it has no price.
    pub worst_case: Option<Money>,
    /// The most tokens that it can consume; absent if that is not known.
    pub worst_case_tokens: Option<u64>,
    /// What to do without a price; where absent, refuse if a money budget applies.
    pub on_unpriced: Option<UnpricedPolicy>,
}

impl Demand<'_> {
    const fn full_name(&self) -> ModelName<'_> {
        ModelName::new(self.provider, self.model)
    }
}

/// Returns the rate from one currency to another at the instant of the call.
pub type Rates<'a> = &'a dyn Fn(Currency, Currency) -> Option<Exchange>;

/// What one budget says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the call would hold, in the currency of the budget or in tokens.
    pub amount: Decimal,
    /// The currency; absent for tokens.
    pub currency: Option<Currency>,
    /// The rate, where the amount was converted.
    pub exchange: Option<Exchange>,
    /// Why the budget refuses, where it does.
    pub refusal: Option<String>,
}

/// Applies the policy for a call without a price. Returns whether its money budgets close until it is priced.
///
/// Fails with `unpriced`, saying what to do, if the call must not be made.
pub fn check_price(demand: &Demand<'_>, budgets: &[Budget]) -> Result<bool> {
    if demand.worst_case.is_some() {
        return Ok(false);
    }
    let money = budgets.iter().find(|budget| matches!(budget.terms.limit, Limit::Money(_)));
    match (demand.on_unpriced, money) {
        (Some(UnpricedPolicy::Allow), _) | (None, None) => Ok(false),
        (Some(UnpricedPolicy::Hold), money) => Ok(money.is_some()),
        (Some(UnpricedPolicy::Refuse), None) => Err(unpriced(demand, "the call refuses to go without a price")),
        (_, Some(budget)) => Err(unpriced(demand, &format!("{} caps money", describe(budget)))),
    }
}

fn unpriced(demand: &Demand<'_>, why: &str) -> Error {
    Error::new(
        ErrorKind::Unpriced,
        format!(
            "{} has no price, and {why}; add a price to model config {}, or pass on_unpriced \"hold\" or \"allow\"",
            demand.full_name(),
            demand.model_config_id
        ),
    )
    .with_target(demand.provider, demand.model)
}

/// Checks that every scope whose money is capped has a cap that the price, or what it converts to, counts in.
///
/// Fails with `currency_mismatch`.
pub fn check_currency(demand: &Demand<'_>, budgets: &[Budget], rates: Rates<'_>) -> Result<()> {
    let Some(worst) = demand.worst_case else { return Ok(()) };
    let mut scopes: BTreeMap<&Scope, Vec<Currency>> = BTreeMap::new();
    for budget in budgets {
        if let Limit::Money(limit) = budget.terms.limit {
            scopes.entry(&budget.terms.scope).or_default().push(limit.currency);
        }
    }
    for (scope, currencies) in scopes {
        let counts = |currency: &Currency| *currency == worst.currency || rates(worst.currency, *currency).is_some();
        if !currencies.iter().any(counts) {
            let capped: Vec<&str> = currencies.iter().map(Currency::code).collect();
            return Err(Error::new(
                ErrorKind::CurrencyMismatch,
                format!(
                    "{} is priced in {}, but the money of {} is capped in {} only, and no exchange rate is in force; \
                     set a budget in {} for that scope, or a rate to the budget's currency with `fx`",
                    demand.full_name(),
                    worst.currency,
                    name(scope),
                    capped.join(" and "),
                    worst.currency
                ),
            )
            .with_target(demand.provider, demand.model));
        }
    }
    Ok(())
}

/// Works out what one budget would hold of a call, and whether it lets it in.
pub fn weigh(demand: &Demand<'_>, limit: &Limit, balance: &Balance, rates: Rates<'_>) -> Result<Verdict> {
    let (limit, currency) = match limit {
        Limit::Tokens(limit) => (Decimal::from(*limit), None),
        Limit::Money(limit) => (limit.amount, Some(limit.currency)),
    };
    let (amount, exchange) = asked(demand, currency, rates)?;
    let verdict = |refusal| Verdict { amount, currency, exchange, refusal };
    if currency.is_some() && balance.holds > 0 {
        return Ok(verdict(Some(format!(
            "is closed by {} calls without a price; put a cost on their records to open it again",
            balance.holds
        ))));
    }
    let may_be_unknown = matches!(demand.on_unpriced, Some(UnpricedPolicy::Allow | UnpricedPolicy::Hold));
    if currency.is_none() && demand.worst_case_tokens.is_none() && !may_be_unknown {
        return Ok(verdict(Some(format!(
            "counts tokens, and how many {} would take is not known; pass on_unpriced \"hold\" or \"allow\"",
            demand.full_name()
        ))));
    }
    let unit = currency.map_or_else(|| "tokens".to_owned(), |currency| currency.to_string());
    let taken = exact_add(exact_add(balance.settled, balance.reserved)?, amount)?;
    // A call in a currency that has no rate asks nothing of this budget; its scope has one that it counts in.
    let is_native = currency.is_none() || demand.worst_case.is_none_or(|worst| Some(worst.currency) == currency);
    if (is_native || exchange.is_some()) && taken > limit {
        return Ok(verdict(Some(format!(
            "would be passed: limit {limit} {unit}, settled {} {unit}, reserved {} {unit}, asked {amount} {unit}; wait \
             for the next window, raise the limit, or ask for less",
            balance.settled, balance.reserved
        ))));
    }
    Ok(verdict(None))
}

/// Returns what a budget in a currency, or in tokens, holds of a call, and the rate where it was converted.
pub fn asked(demand: &Demand<'_>, currency: Option<Currency>, rates: Rates<'_>) -> Result<(Decimal, Option<Exchange>)> {
    match (currency, demand.worst_case) {
        // What is not known holds nothing; whether it is let in at all is a policy.
        (None, _) => Ok((demand.worst_case_tokens.unwrap_or_default().into(), None)),
        (Some(_), None) => Ok((Decimal::ZERO, None)),
        (Some(currency), Some(worst)) if worst.currency == currency => Ok((worst.amount, None)),
        (Some(currency), Some(worst)) => match rates(worst.currency, currency) {
            Some(exchange) => Ok((convert(&exchange, worst.amount, Towards::Up)?, Some(exchange))),
            None => Ok((Decimal::ZERO, None)),
        },
    }
}

/// Names a budget, for people.
#[must_use]
pub fn describe(budget: &Budget) -> String {
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
