//! Admission: what a call asks of the budgets that apply, and whether each lets it in.
//!
//! Reservations decide by it, inside their transaction, and quotes show it.

use std::collections::BTreeMap;

use super::exchange::{Towards, convert};
use super::index::Applying;
use crate::types::{
    AccountUnit, Balance, Budget, Currency, Decimal, EACH, Enforcement, Error, ErrorKind, Exchange, Limit, Meter,
    ModelConfigId, ModelName, Money, Result, Scope, UnpricedPolicy, exact_add,
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
    /// The most that it can consume of each meter; what is not in it is none of its work. Absent if that is not known.
    pub worst_case_meters: Option<&'a BTreeMap<Meter, u64>>,
    /// What to do without a price; where absent, refuse if a money budget applies.
    pub on_unpriced: Option<UnpricedPolicy>,
}

impl Demand<'_> {
    const fn full_name(&self) -> ModelName<'_> {
        ModelName::new(self.provider, self.model)
    }

    /// Returns the most that it can consume of what meters count, where that is known.
    fn most_of(&self, unit: AccountUnit) -> Option<Decimal> {
        let most = self.worst_case_meters?;
        Some(most.iter().filter(|(meter, _)| unit.may_count(**meter)).map(|(_, count)| Decimal::from(*count)).sum())
    }
}

/// Returns the rate from one currency to another at the instant of the call.
pub type Rates<'a> = &'a dyn Fn(Currency, Currency) -> Option<Exchange>;

/// What one budget says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What the call would hold, in what the budget counts.
    pub amount: Decimal,
    /// What the budget counts.
    pub unit: AccountUnit,
    /// The rate, where the amount was converted.
    pub exchange: Option<Exchange>,
    /// Why the budget has no room, where it has none.
    pub refusal: Option<Refusal>,
}

/// Why a budget has no room for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The reason, for people.
    pub why: String,
    /// Whether there is room once calls under way have settled for less than they hold.
    pub is_held: bool,
}

/// Applies the policy for a call without a price. Returns whether its money budgets close until it is priced.
///
/// Fails with `unpriced`, saying what to do, if the call must not be made.
pub fn check_price(demand: &Demand<'_>, budgets: &[Applying]) -> Result<bool> {
    if demand.worst_case.is_some() {
        return Ok(false);
    }
    let money = capping_money(budgets).map(|(budget, _)| budget).next();
    match (demand.on_unpriced, money) {
        (Some(UnpricedPolicy::Allow), _) | (None, None) => Ok(false),
        (Some(UnpricedPolicy::Hold), money) => Ok(money.is_some()),
        (Some(UnpricedPolicy::Refuse), None) => Err(unpriced(demand, "the call refuses to go without a price")),
        (_, Some(budget)) => Err(unpriced(demand, &format!("{} caps money", describe(budget)))),
    }
}

pub(super) fn unpriced(demand: &Demand<'_>, why: &str) -> Error {
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
pub fn check_currency(demand: &Demand<'_>, budgets: &[Applying], rates: Rates<'_>) -> Result<()> {
    let Some(worst) = demand.worst_case else { return Ok(()) };
    let mut scopes: BTreeMap<&Scope, Vec<Currency>> = BTreeMap::new();
    for (budget, limit) in capping_money(budgets) {
        scopes.entry(&budget.terms.scope).or_default().push(limit.currency);
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

/// Returns the budgets that refuse calls for their money.
fn capping_money(budgets: &[Applying]) -> impl Iterator<Item = (&Budget, Money)> {
    budgets.iter().filter_map(|applying| {
        let terms = &applying.budget.terms;
        match terms.limit {
            Limit::Money(limit) if terms.enforcement == Enforcement::Hard => Some((&*applying.budget, limit)),
            _ => None,
        }
    })
}

/// Works out what one budget would hold of a call, and whether it has room for it.
pub fn weigh(demand: &Demand<'_>, limit: &Limit, balance: &Balance, rates: Rates<'_>) -> Result<Verdict> {
    let (limit, unit) = (limit.amount(), limit.unit());
    let (asked, exchange) = asked(demand, unit, rates)?;
    let amount = asked.unwrap_or_default();
    let verdict = |refusal| Verdict { amount, unit, exchange, refusal };
    let lasting = |why| verdict(Some(Refusal { why, is_held: false }));
    let is_money = unit.currency().is_some();
    if is_money && balance.holds > 0 {
        return Ok(lasting(format!(
            "is closed by {} calls without a price; put a cost on their records to open it again",
            balance.holds
        )));
    }
    let may_be_unknown = matches!(demand.on_unpriced, Some(UnpricedPolicy::Allow | UnpricedPolicy::Hold));
    if !is_money && asked.is_none() && !may_be_unknown {
        return Ok(lasting(format!(
            "counts {unit}, and how many {}/{} would take is not known; pass on_unpriced \"hold\" or \"allow\"",
            demand.provider, demand.model
        )));
    }
    let used = exact_add(balance.settled, amount)?;
    // A call in a currency that has no rate asks nothing of this budget; its scope has one that it counts in.
    let is_native = !is_money || demand.worst_case.is_none_or(|worst| Some(worst.currency) == unit.currency());
    if !(is_native || exchange.is_some()) || exact_add(used, balance.reserved)? <= limit {
        return Ok(verdict(None));
    }
    let is_held = used <= limit;
    let remedy = if is_held {
        "calls under way hold the rest; try again when they have ended, or let this call wait with `budget_wait`"
    } else {
        "wait for the next window, raise the limit, or ask for less"
    };
    let why = format!(
        "would be passed: limit {limit} {unit}, settled {} {unit}, reserved {} {unit}, asked {amount} {unit}; {remedy}",
        balance.settled, balance.reserved
    );
    Ok(verdict(Some(Refusal { why, is_held })))
}

/// Returns what a budget that counts in a unit holds of a call, where that is known, and the rate where it was converted.
pub fn asked(demand: &Demand<'_>, unit: AccountUnit, rates: Rates<'_>) -> Result<(Option<Decimal>, Option<Exchange>)> {
    let asked = match (unit, demand.worst_case) {
        // What is not known holds nothing; whether it is let in at all is a policy.
        (AccountUnit::Tokens, _) => demand.worst_case_tokens.map(Decimal::from),
        (AccountUnit::Requests, _) => Some(Decimal::ONE),
        (AccountUnit::Meter(_) | AccountUnit::AudioSeconds, _) => demand.most_of(unit),
        (AccountUnit::Money(_), None) => None,
        (AccountUnit::Money(currency), Some(worst)) if worst.currency == currency => Some(worst.amount),
        (AccountUnit::Money(currency), Some(worst)) => match rates(worst.currency, currency) {
            Some(exchange) => return Ok((Some(convert(&exchange, worst.amount, Towards::Up)?), Some(exchange))),
            None => None,
        },
    };
    Ok((asked, None))
}

/// Names a budget, for people.
#[must_use]
pub fn describe(budget: &Budget) -> String {
    let window = budget.terms.window.describe();
    let zone = if window == "total" { String::new() } else { format!(" ({})", budget.terms.time_zone) };
    format!("the {window}{zone} budget {} of {}", budget.id, name(&budget.terms.scope))
}

fn name(scope: &Scope) -> String {
    let of_user = |user: &String| if user == EACH { "each user".to_owned() } else { format!("user {user:?}") };
    let mut names: Vec<_> = scope.user.iter().map(of_user).collect();
    names.extend(scope.tags.iter().map(|(key, value)| format!("tag {key:?} = {value:?}")));
    names.extend(scope.provider.iter().map(|provider| format!("provider {provider:?}")));
    names.extend(scope.model.iter().map(|model| format!("model {model:?}")));
    if names.is_empty() { "everyone".to_owned() } else { names.join(" and ") }
}
