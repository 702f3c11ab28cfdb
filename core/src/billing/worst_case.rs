//! The most that an attempt can cost: what is held before it is made.

use std::sync::Arc;

use super::component::Component;
use super::exact::Exact;
use super::price::{BillHead, PriceSet};
use crate::types::{Decimal, Facts, Meter, Money, Quantity, ReceiptLine, Result};

/// What bounds an attempt before it is made.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// The most input tokens.
    pub input_tokens: u64,
    /// The most output tokens, reasoning included.
    pub output_tokens: u64,
    /// Which meters of tokens the attempt can have at all.
    pub possible: &'a dyn Fn(Meter) -> bool,
}

/// The most that an attempt can cost, and the lines that make it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstCase {
    /// The most, as the ledger holds it.
    pub cost: Money,
    /// One line for the input, one for the output, and one for each fee.
    pub lines: Vec<ReceiptLine>,
}

/// One side of an attempt at its dearest.
struct Dearest<'a> {
    meter: Meter,
    component: &'a Arc<Component>,
    quantity: Quantity,
    amount: Exact,
}

impl PriceSet {
    /// Returns the most that an attempt can cost whose tokens are bounded; nothing if text has no price.
    ///
    /// The dearest price that may apply counts for all of the input, and for all of the output, with every surcharge and
    /// modifier that may come on top. `facts` are those that the request fixes; whatever they leave open may happen.
    pub fn worst_case(&self, head: BillHead<'_>, bounds: Bounds<'_>, facts: &Facts) -> Result<Option<WorstCase>> {
        let side = |is_on_side: fn(Meter) -> bool, quantity: u64| {
            let meters = self.meters().filter(move |meter| is_on_side(*meter) && (bounds.possible)(*meter));
            self.dearest(meters, quantity, bounds, facts)
        };
        let input = side(Meter::is_input, bounds.input_tokens);
        let output = side(Meter::is_output, bounds.output_tokens);
        let (Some(input), Some(output), Some(currency)) = (input, output, self.currency()) else { return Ok(None) };
        let request = self.dearest([Meter::Request].into_iter(), 1, bounds, facts);
        let mut parts = vec![input, output];
        parts.extend(request);
        for surcharge in self.surcharges().iter().filter(|price| self.may_apply(price, bounds, facts)) {
            let Some(meter) = surcharge.terms.pricing_type.meter() else { continue };
            let quantity = match meter {
                meter if meter.is_input() => bounds.input_tokens,
                meter if meter.is_output() => bounds.output_tokens,
                Meter::Request => 1,
                _ => continue,
            };
            parts.push(self.at_most(meter, surcharge, quantity.into(), bounds, facts));
        }
        let total = parts.iter().fold(Exact::default(), |sum, part| sum.add(&part.amount));
        let mut lines = Vec::with_capacity(parts.len());
        let mut cost = Decimal::ZERO;
        for part in parts {
            let (amount, _) = part.amount.for_ledger()?;
            cost += amount;
            lines.push(ReceiptLine {
                attempt: head.attempt,
                model: head.model.to_owned(),
                meter: Some(part.meter),
                note: Some("at most".to_owned()),
                quantity: part.quantity,
                billed_quantity: None,
                unit_price: Some(part.component.terms.unit_price),
                unit: Some(part.component.terms.unit),
                price_id: part.component.price_id,
                modifiers: Vec::new(),
                amount: Some(amount),
                currency: Some(currency),
            });
        }
        // The bill is rounded once, so that it may be one unit of the last place above what its rounded lines sum to.
        cost = cost.max(total.for_ledger()?.0);
        Ok(Some(WorstCase { cost: Money::new(cost, currency), lines }))
    }

    fn dearest<'a>(
        &'a self,
        meters: impl Iterator<Item = Meter>,
        quantity: u64,
        bounds: Bounds<'_>,
        facts: &Facts,
    ) -> Option<Dearest<'a>> {
        meters
            .flat_map(|meter| self.prices_of(meter).iter().map(move |price| (meter, price)))
            .filter(|(_, price)| self.may_apply(price, bounds, facts))
            .map(|(meter, price)| self.at_most(meter, price, quantity.into(), bounds, facts))
            .reduce(|left, right| if right.amount > left.amount { right } else { left })
    }

    #[expect(clippy::unused_self, reason = "it reads as a question to the prices")]
    fn may_apply(&self, price: &Component, bounds: Bounds<'_>, facts: &Facts) -> bool {
        price.may_apply(facts, bounds.input_tokens, bounds.output_tokens)
    }

    /// Returns what a price makes of a quantity with every modifier that may apply and makes it dearer, and with those that
    /// surely apply and make it cheaper.
    fn at_most<'a>(
        &self,
        meter: Meter,
        component: &'a Arc<Component>,
        quantity: Quantity,
        bounds: Bounds<'_>,
        facts: &Facts,
    ) -> Dearest<'a> {
        let mut ratios: Vec<(&str, Decimal)> = Vec::new();
        let alone = |group: &str| {
            let others = self.modifiers().iter().filter_map(|modifier| modifier.terms.modifier.as_ref());
            others.clone().filter(|other| other.group == group).count() == 1
                && others.clone().all(|other| !other.excludes.iter().any(|excluded| excluded == group))
        };
        for modifier in self.modifiers().iter().filter(|modifier| modifier.multiplies(meter, component)) {
            let Some(terms) = &modifier.terms.modifier else { continue };
            let ratio = modifier.terms.unit_price;
            if ratio < Decimal::ONE && modifier.surely_applies(facts) && alone(&terms.group) {
                ratios.push((&terms.group, ratio));
            } else if ratio > Decimal::ONE && self.may_apply(modifier, bounds, facts) {
                match ratios.iter_mut().find(|(group, _)| *group == terms.group) {
                    Some((_, other)) => *other = ratio.max(*other),
                    None => ratios.push((&terms.group, ratio)),
                }
            }
        }
        let ratios: Vec<Decimal> = ratios.into_iter().map(|(_, ratio)| ratio).collect();
        let (_, amount) = component.charge(quantity, &ratios);
        Dearest { meter, component, quantity, amount }
    }
}
