//! The most that an attempt can cost: what is held before it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::component::Component;
use super::exact::Exact;
use super::price::{BillHead, PriceSet};
use crate::types::{
    Attribute, Decimal, Facts, Measure, Meter, MeterKind, Money, Quantity, ReceiptLine, Result, STANDARD_TIER, Scale,
    exact_add,
};

/// What bounds an attempt before it is made.
#[derive(Clone, Copy)]
pub struct Bounds<'a> {
    /// The most input tokens.
    pub input_tokens: u64,
    /// The most output tokens, reasoning included.
    pub output_tokens: u64,
    /// Which meters of tokens the attempt can have at all.
    pub possible: &'a dyn Fn(Meter) -> bool,
    /// The most of each meter that is neither of tokens in or out nor the request itself: searches, images, pages, seconds,
    /// and the tokens of cited sources, which no limit of the output counts. One that is absent cannot occur.
    pub counts: &'a BTreeMap<Meter, u64>,
}

/// The most that an attempt can cost, and the lines that make it.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstCase {
    /// The most, as the ledger holds it.
    pub cost: Money,
    /// One line for the input, one for the output, and one for each fee and each other meter.
    pub lines: Vec<ReceiptLine>,
}

/// One part of an attempt at its dearest.
struct Dearest<'a> {
    meter: Meter,
    component: &'a Arc<Component>,
    quantity: Quantity,
    amount: Exact,
}

/// What is known of an attempt before it is made.
struct Outlook<'a> {
    bounds: Bounds<'a>,
    facts: &'a Facts,
}

impl Outlook<'_> {
    /// Returns the most of a meter that there can be.
    fn most_of(&self, meter: Meter) -> u64 {
        if meter.is_input() {
            self.bounds.input_tokens
        } else if is_answer(meter) {
            self.bounds.output_tokens
        } else if meter == Meter::Request {
            1
        } else {
            let within = self.bounds.counts.iter().filter(|(counted, _)| counted.is_within(meter));
            within.fold(0, |sum, (_, most)| sum.saturating_add(*most))
        }
    }

    /// Returns the most tokens of output, those of cited sources included.
    fn most_output(&self) -> u64 {
        self.bounds.output_tokens.saturating_add(self.most_of(Meter::CitationToken))
    }

    /// Returns whether there can be any of a meter.
    fn is_possible(&self, meter: Meter) -> bool {
        match meter {
            Meter::Request => true,
            meter if meter.is_input() || is_answer(meter) => (self.bounds.possible)(meter),
            meter => self.bounds.counts.contains_key(&meter),
        }
    }

    /// Returns whether an attribute may turn out to be one of some values.
    ///
    /// One that is not fixed may turn out to be anything. A tier that was asked for may be served or not, and the standard one
    /// is served in its place.
    fn may_be(&self, attribute: Attribute, values: &BTreeSet<String>) -> bool {
        let is_standard = attribute == Attribute::ServiceTier && values.contains(STANDARD_TIER);
        self.facts.attributes.get(&attribute).is_none_or(|value| values.contains(value) || is_standard)
    }

    /// Returns whether an attribute is one of some values whatever the attempt will be.
    fn surely_is(&self, attribute: Attribute, values: &BTreeSet<String>) -> bool {
        let is_certain = attribute != Attribute::ServiceTier || values.contains(STANDARD_TIER);
        is_certain && self.facts.attributes.get(&attribute).is_some_and(|value| values.contains(value))
    }

    /// Returns whether a price may apply to some of a meter.
    fn may_apply(&self, price: &Component, meter: Meter) -> bool {
        let conditions = &price.terms.conditions;
        let is_possible = conditions.choices.iter().all(|(attribute, values)| self.may_be(*attribute, values));
        let is_reached = || match conditions.scale {
            // The meter's own quantity counts, whatever the range is named after.
            Scale::Marginal => conditions.ranges.values().all(|range| range.reaches_below(self.most_of(meter).into())),
            Scale::WholeRequest => {
                conditions.ranges.iter().all(|(measure, range)| match (self.facts.measures.get(measure), measure) {
                    (Some(value), _) => range.contains(*value),
                    (None, Measure::InputTokens) => range.reaches_below(self.bounds.input_tokens.into()),
                    (None, Measure::OutputTokens) => range.reaches_below(self.most_output().into()),
                    (None, _) => true,
                })
            }
        };
        is_possible && is_reached()
    }

    /// Returns whether a price applies whatever the attempt will be, so that none that is tried after it ever does.
    fn surely_applies(&self, price: &Component) -> bool {
        let conditions = &price.terms.conditions;
        conditions.scale == Scale::WholeRequest
            && conditions.ranges.is_empty()
            && conditions.calendar.is_none()
            && conditions.choices.iter().all(|(attribute, values)| self.surely_is(*attribute, values))
    }
}

impl PriceSet {
    /// Returns the most that an attempt can cost whose tokens are bounded; nothing if a side that it has has no price.
    ///
    /// The dearest price that may apply counts for all of the input, and for all of the output, with every surcharge and
    /// modifier that may come on top. Where prices round up or have a minimum, each line that the attempt can have adds
    /// what that can make of it. `facts` are those that the request fixes; whatever they leave open may happen, the tier
    /// included. Work beside the answer (iterations) is in the bounds, but not the minimums of its own lines.
    pub fn worst_case(&self, head: BillHead<'_>, bounds: Bounds<'_>, facts: &Facts) -> Result<Option<WorstCase>> {
        let outlook = Outlook { bounds, facts };
        let input = self.dearest(Meter::is_input, &outlook);
        let output = self.dearest(is_answer, &outlook);
        let Some(currency) = self.currency() else { return Ok(None) };
        let mut parts = Vec::new();
        // What there is none of needs no price: work without an output, or without an input in tokens.
        for (part, most) in [(input, bounds.input_tokens), (output, bounds.output_tokens)] {
            match part {
                Some(part) => parts.push(part),
                None if most == 0 => {}
                None => return Ok(None),
            }
        }
        parts.extend(self.dearest(|meter| meter == Meter::Request, &outlook));
        let counted = bounds.counts.iter().filter(|(_, most)| **most > 0);
        parts.extend(counted.filter_map(|(counted, _)| self.dearest(|meter| meter == *counted, &outlook)));
        parts.extend(self.surcharges().iter().filter_map(|surcharge| self.surcharged(surcharge, &outlook)));
        if parts.is_empty() {
            return Ok(None);
        }
        let total = parts.iter().fold(Exact::default(), |sum, part| sum.add(&part.amount));
        let mut lines = Vec::with_capacity(parts.len());
        let mut cost = Decimal::ZERO;
        for part in parts {
            let (amount, _) = part.amount.for_ledger()?;
            cost = exact_add(cost, amount)?;
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

    /// Returns the most that the meters of one side can cost together.
    ///
    /// All of the quantity at the highest rate bounds every split of it; to that comes what minimums and steps can add to
    /// each line. A meter has one line at one of its whole prices, and one more at each marginal one.
    fn dearest<'a>(&'a self, is_on_side: impl Fn(Meter) -> bool, outlook: &Outlook<'_>) -> Option<Dearest<'a>> {
        let mut dearest: Option<Dearest<'a>> = None;
        let mut extra = Exact::default();
        let mut reachable = Vec::new();
        let mut seen: Vec<&Arc<Component>> = Vec::new();
        for meter in Meter::ALL.iter().copied().filter(|meter| is_on_side(*meter)) {
            if !outlook.is_possible(meter) {
                continue;
            }
            let quantity = Quantity::from(outlook.most_of(meter));
            let mut whole_extra = Exact::default();
            reachable.clear();
            self.reach(meter, outlook, &mut reachable);
            for price in reachable.iter().copied() {
                // Without modifiers and rounding a price makes the same of every meter that takes it.
                let is_same = self.modifiers().is_empty() && price.terms.rounding.is_none();
                if is_same && seen.iter().any(|other| Arc::ptr_eq(other, price)) {
                    continue;
                }
                seen.push(price);
                let ratios = self.ratios(meter, price, outlook);
                let amount = rate_of(price, quantity, &ratios);
                if dearest.as_ref().is_none_or(|other| amount > other.amount) {
                    dearest = Some(Dearest { meter, component: price, quantity, amount });
                }
                let added = rounding_of(price, quantity, &ratios);
                match price.terms.conditions.scale {
                    Scale::Marginal => extra = extra.add(&added),
                    Scale::WholeRequest => whole_extra = whole_extra.max(added),
                }
            }
            extra = extra.add(&whole_extra);
        }
        let mut dearest = dearest?;
        dearest.amount = dearest.amount.add(&extra);
        Some(dearest)
    }

    /// Adds the prices that a meter may be billed at: its own, and those above it unless its own surely apply.
    fn reach<'a>(&'a self, meter: Meter, outlook: &Outlook<'_>, reachable: &mut Vec<&'a Arc<Component>>) {
        for above in meter.upwards() {
            let prices = self.prices_of(above);
            let sure = prices.iter().position(|price| outlook.surely_applies(price));
            let tried = &prices[..sure.map_or(prices.len(), |place| place + 1)];
            reachable.extend(tried.iter().filter(|price| outlook.may_apply(price, meter)));
            if sure.is_some() {
                break;
            }
        }
    }

    /// Returns the most that a surcharge can come to; nothing if it does not apply, or to what cannot occur.
    fn surcharged<'a>(&'a self, surcharge: &'a Arc<Component>, outlook: &Outlook<'_>) -> Option<Dearest<'a>> {
        let root = surcharge.terms.pricing_type.meter()?;
        let never = surcharge.terms.conditions.scale == Scale::Marginal;
        if outlook.most_of(root) == 0 || never || !outlook.may_apply(surcharge, root) {
            return None;
        }
        let quantity = Quantity::from(outlook.most_of(root));
        let (mut amount, mut extra) = (Exact::default(), Exact::default());
        for meter in Meter::ALL.iter().copied().filter(|meter| meter.is_within(root)) {
            if !outlook.is_possible(meter) {
                continue;
            }
            let ratios = self.ratios(meter, surcharge, outlook);
            amount = amount.max(rate_of(surcharge, quantity, &ratios));
            extra = extra.add(&rounding_of(surcharge, quantity, &ratios));
        }
        Some(Dearest { meter: root, component: surcharge, quantity, amount: amount.add(&extra) })
    }

    /// Returns the ratios of every modifier of a meter's price that may apply and makes it dearer, the highest of each group,
    /// and of those that surely apply and make it cheaper.
    fn ratios(&self, meter: Meter, component: &Component, outlook: &Outlook<'_>) -> Vec<Decimal> {
        let mut ratios: Vec<(&str, Decimal)> = Vec::new();
        let alone = |group: &str| {
            let mut others = self.modifiers().iter().filter_map(|modifier| modifier.terms.modifier.as_ref());
            let excluded = others.clone().any(|other| other.excludes.iter().any(|name| name == group));
            !excluded && others.by_ref().filter(|other| other.group == group).count() == 1
        };
        for modifier in self.modifiers().iter().filter(|modifier| modifier.multiplies(meter, component)) {
            let Some(terms) = &modifier.terms.modifier else { continue };
            let ratio = modifier.terms.unit_price;
            if ratio < Decimal::ONE && outlook.surely_applies(modifier) && alone(&terms.group) {
                ratios.push((&terms.group, ratio));
            } else if ratio > Decimal::ONE && outlook.may_apply(modifier, meter) {
                match ratios.iter_mut().find(|(group, _)| *group == terms.group) {
                    Some((_, other)) => *other = ratio.max(*other),
                    None => ratios.push((&terms.group, ratio)),
                }
            }
        }
        ratios.into_iter().map(|(_, ratio)| ratio).collect()
    }
}

/// Returns whether a meter counts tokens of the answer, which its limit bounds: sources that it cites are none.
fn is_answer(meter: Meter) -> bool {
    meter.is_output() && meter.kind() != MeterKind::Citation
}

/// Returns what a price makes of a quantity without any rounding.
fn rate_of(price: &Component, quantity: Quantity, ratios: &[Decimal]) -> Exact {
    let mut factors = vec![price.terms.unit_price, quantity.get()];
    factors.extend_from_slice(ratios);
    Exact::product(&factors, price.terms.unit.size())
}

/// Returns the most that rounding can add to one line: a whole minimum, or a whole step.
fn rounding_of(price: &Component, quantity: Quantity, ratios: &[Decimal]) -> Exact {
    let rounding = &price.terms.rounding;
    if rounding.is_none() || quantity.is_zero() {
        return Exact::default();
    }
    let step = rounding.step.unwrap_or_default();
    price.charge(rounding.minimum_quantity.unwrap_or_default().max(step), ratios).1
}

#[cfg(test)]
#[path = "worst_case_tests.rs"]
mod tests;
