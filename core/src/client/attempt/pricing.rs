//! Pricing of an attempt: what it is billed by, at the prices of what was served.

use jiff::Timestamp;

use crate::billing::bound::estimated_usage;
use crate::billing::coverage::{configured_tier, is_other_tier};
use crate::billing::facts::add_served_facts;
use crate::billing::price::{Bill, BillHead, PriceSet, flat_line};
use crate::billing::truth::{charge, hold_to_bound};
use crate::client::work::outcome::{Basis, Served};
use crate::client::work::plan::Plan;
use crate::provider::vendor;
use crate::types::{
    Attribute, CostStatus, Decimal, Facts, Meter, Money, Quantity, ReceiptLine, ReportedCostPolicy, Result, Usage,
    UsageFlag,
};

/// What an attempt is billed, and what it was.
pub(super) struct Priced {
    pub(super) usage: Usage,
    pub(super) bill: Bill,
    pub(super) facts: Facts,
}

/// By which rules an attempt is billed.
pub(super) struct Rules {
    pub(super) reported_cost: ReportedCostPolicy,
    /// Whether budgets hold its worst case, so that nothing above that is billed.
    pub(super) is_bounded: bool,
}

/// Prices what an attempt is billed by, at the prices of what was served, by when the first token came and the last.
pub(super) fn price(plan: &Plan, basis: Basis, served: &Served, now: Timestamp, rules: &Rules) -> Result<Priced> {
    match basis {
        Basis::Usage(usage) => price_usage(plan, usage, served, now, rules),
        Basis::Unpriced(usage) => Ok(unpriced(plan, usage)),
        Basis::Reservation => Ok(reservation(plan)),
        Basis::Nothing => {
            let Priced { usage, bill, facts } = nothing(plan);
            Ok(Priced { usage, bill, facts: Facts { first_token_at: served.first_token_at, ..facts } })
        }
    }
}

/// Bills nothing for an attempt that did no work.
pub(super) fn nothing(plan: &Plan) -> Priced {
    let currency = plan.prices.currency().unwrap_or(vendor(&plan.config.provider).currency);
    let cost = Some(Money::new(Decimal::ZERO, currency));
    Priced { usage: Usage::default(), bill: Bill::flat(cost, CostStatus::Computed), facts: plan.estimate.facts.clone() }
}

/// Bills work without a price: the receipt says what it was, and the record waits for its cost.
fn unpriced(plan: &Plan, usage: Usage) -> Priced {
    let line = |(meter, quantity): (&Meter, &Quantity)| ReceiptLine {
        attempt: plan.number,
        model: plan.config.name(),
        meter: Some(*meter),
        note: None,
        quantity: *quantity,
        billed_quantity: None,
        unit_price: None,
        unit: None,
        price_id: None,
        modifiers: Vec::new(),
        amount: None,
        currency: None,
    };
    let bill = Bill { lines: usage.meters.iter().map(line).collect(), ..Bill::flat(None, CostStatus::Unpriced) };
    Priced { usage, bill, facts: plan.estimate.facts.clone() }
}

/// Bills the whole reservation of an attempt.
pub(super) fn reservation(plan: &Plan) -> Priced {
    let model = plan.config.name();
    let usage = estimated_usage(plan.estimate.size.bound, plan.estimate.output_bound);
    let lines = plan.worst_case.map(|cost| flat_line(head(plan, &model), "reservation", cost)).into_iter().collect();
    let status = if plan.worst_case.is_some() { CostStatus::Estimated } else { CostStatus::Unpriced };
    let bill = Bill { lines, ..Bill::flat(plan.worst_case, status) };
    Priced { usage, bill, facts: plan.estimate.facts.clone() }
}

fn head<'a>(plan: &Plan, model: &'a str) -> BillHead<'a> {
    BillHead { attempt: plan.number, model, reported_currency: vendor(&plan.config.provider).currency }
}

fn price_usage(plan: &Plan, mut usage: Usage, served: &Served, now: Timestamp, rules: &Rules) -> Result<Priced> {
    let params = &plan.config.params;
    let tier = served.tier.as_deref();
    let is_other = tier.map(|tier| is_other_tier(tier, params));
    let unpriced = PriceSet::default();
    let prices = match &plan.estimate.uncovered {
        // A tier that was asked for and not served costs what the list says.
        Some(gap) if gap.is_tier() && is_other == Some(false) => &plan.prices,
        Some(gap) if gap.is_known_afterwards() => &plan.prices,
        Some(_) => &unpriced,
        None => &plan.prices,
    };
    let model = plan.config.name();
    let head = head(plan, &model);
    let mut facts = Facts { first_token_at: served.first_token_at, ..plan.estimate.facts.clone() };
    add_served_facts(&mut facts, &usage, tier, now);
    if let Some(size) = &served.search_size {
        facts.set(Attribute::SearchSize, size);
    }
    for (fee, least) in &plan.estimate.uncounted {
        if prices.has_price(*fee) && !usage.meters.contains_key(fee) {
            usage.flag(UsageFlag::FeeNotReported);
            if !least.is_zero() {
                usage.meters.insert(*fee, *least);
            }
        }
    }
    let mut bill = charge(prices, head, &mut usage, &facts, rules.reported_cost)?;
    let is_configured = facts.get(Attribute::ServiceTier) == configured_tier(params);
    if !bill.covers_tier && !is_configured && plan.estimate.uncovered.is_none() {
        usage.flag(UsageFlag::OtherServiceTier);
        bill.cost_status = CostStatus::Estimated;
    }
    if bill.is_rounded {
        usage.flag(UsageFlag::Rounded);
    }
    if let Some(bound) = plan.worst_case.filter(|_| rules.is_bounded) {
        hold_to_bound(head, &mut bill, &mut usage, bound)?;
    }
    Ok(Priced { usage, bill, facts })
}
