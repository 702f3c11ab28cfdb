//! Components: prices ready to be matched against what a call was.

use std::cmp::Reverse;
use std::sync::Arc;

use jiff::Timestamp;

use super::exact::Exact;
use crate::types::{
    Attribute, Conditions, Decimal, Facts, Measure, Meter, Price, PriceId, PriceTerms, Quantity, Scale, Superseded,
    Usage,
};

/// One price, with the row that it stands in, if it stands in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The row; absent for prices of a catalog or a list.
    pub price_id: Option<PriceId>,
    /// What it says.
    pub terms: PriceTerms,
    superseded: Option<Superseded>,
    weight: usize,
}

/// What a call was: its properties, its instants, and its numbers, those of its usage among them.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    facts: &'a Facts,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl<'a> Circumstances<'a> {
    /// Joins what is known of a call and what it consumed.
    #[must_use]
    pub fn new(facts: &'a Facts, usage: &Usage) -> Self {
        Self { facts, input_tokens: usage.input_tokens(), output_tokens: usage.output_tokens() }
    }

    fn measure(&self, measure: Measure) -> Option<Decimal> {
        let stated = self.facts.measures.get(&measure).copied();
        stated.or_else(|| match measure {
            Measure::InputTokens => self.input_tokens.map(Decimal::from),
            Measure::OutputTokens => self.output_tokens.map(Decimal::from),
            _ => None,
        })
    }
}

impl Component {
    /// Takes a row of the file.
    #[must_use]
    pub fn of_row(price: &Price) -> Self {
        let weight = price.terms.conditions.weight();
        Self { price_id: Some(price.id), terms: price.terms.clone(), superseded: price.superseded, weight }
    }

    /// Takes a price that stands in no file.
    #[must_use]
    pub fn of_terms(terms: PriceTerms) -> Self {
        let weight = terms.conditions.weight();
        Self { price_id: None, terms, superseded: None, weight }
    }

    /// Returns whether the price is in force at an instant, by what was known at another.
    #[must_use]
    pub fn in_force(&self, at: Timestamp, known: Timestamp) -> bool {
        self.terms.in_force_as_known(self.superseded, at, known)
    }

    /// The order in which prices of one meter are tried: the one that looks at most facts, then the newest, first.
    pub(super) fn order(&self) -> impl Ord + use<> {
        let terms = &self.terms;
        Reverse((self.weight, terms.known_from, terms.effective_date, self.price_id))
    }

    /// Returns whether it applies to the whole quantity of a call's meter, whatever that is.
    pub(super) fn applies(&self, circumstances: &Circumstances<'_>) -> bool {
        self.terms.conditions.scale == Scale::WholeRequest && self.holds(circumstances)
    }

    /// Takes what a marginal price is for out of the parts of a quantity that have no price yet, and returns how much that is;
    /// nothing if it is no such price or does not apply.
    pub(super) fn take_share(
        &self,
        open: &mut Vec<(Decimal, Decimal)>,
        circumstances: &Circumstances<'_>,
    ) -> Option<Quantity> {
        let conditions = &self.terms.conditions;
        if conditions.scale != Scale::Marginal || !self.holds(circumstances) {
            return None;
        }
        let range = conditions.ranges.values().next()?;
        let mut share = Quantity::ZERO;
        let mut left = Vec::with_capacity(open.len() + 1);
        for (start, end) in open.drain(..) {
            let Some((lower, upper)) = range.part_of((start, end)) else {
                left.push((start, end));
                continue;
            };
            share = share.saturating_add(Quantity::new(upper.saturating_sub(lower))?);
            left.extend([(start, lower), (upper, end)].into_iter().filter(|(start, end)| start < end));
        }
        *open = left;
        Some(share).filter(|share| !share.is_zero())
    }

    fn holds(&self, circumstances: &Circumstances<'_>) -> bool {
        let conditions = &self.terms.conditions;
        let ranges = || match conditions.scale {
            Scale::Marginal => true,
            Scale::WholeRequest => conditions
                .ranges
                .iter()
                .all(|(measure, range)| circumstances.measure(*measure).is_some_and(|value| range.contains(value))),
        };
        choices_hold(conditions, circumstances.facts)
            && ranges()
            && conditions
                .calendar
                .as_ref()
                .is_none_or(|calendar| calendar.contains(circumstances.facts.instant(calendar.at)))
    }

    /// Returns whether its own conditions look at an attribute, so that a modifier over that attribute is part of it already.
    pub(super) fn looks_at(&self, attribute: Attribute) -> bool {
        self.terms.conditions.choices.contains_key(&attribute)
    }

    /// Returns what is billed of a quantity, and the amount before modifiers.
    pub(super) fn charge(&self, quantity: Quantity, ratios: &[Decimal]) -> (Quantity, Exact) {
        let rounding = &self.terms.rounding;
        let mut billed = quantity;
        if let Some(minimum) = rounding.minimum_quantity {
            billed = billed.max(minimum);
        }
        if let Some(step) = rounding.step.filter(|step| !step.is_zero()) {
            // Steps too small to count are no steps.
            let steps = billed.get().checked_div(step.get()).map(|steps| steps.ceil());
            let whole = steps.and_then(|steps| steps.checked_mul(step.get()));
            billed = whole.and_then(Quantity::new).unwrap_or(billed);
        }
        let mut factors = vec![self.terms.unit_price, billed.get()];
        factors.extend_from_slice(ratios);
        let mut amount = Exact::product(&factors, self.terms.unit.size());
        if let Some(minimum) = rounding.minimum_charge {
            amount = amount.max(Exact::from(minimum));
        }
        (billed, amount)
    }

    /// Returns whether a modifier multiplies the price of a meter.
    pub(super) fn multiplies(&self, meter: Meter, component: &Self) -> bool {
        let Some(modifier) = &self.terms.modifier else { return false };
        let is_meant = modifier.meters.is_empty() || modifier.meters.iter().any(|root| meter.is_within(*root));
        is_meant && !self.terms.conditions.choices.keys().any(|attribute| component.looks_at(*attribute))
    }
}

fn choices_hold(conditions: &Conditions, facts: &Facts) -> bool {
    conditions
        .choices
        .iter()
        .all(|(attribute, values)| facts.get(*attribute).is_some_and(|value| values.contains(value)))
}

/// Makes the components of rows.
#[must_use]
pub fn of_rows<'a>(prices: impl IntoIterator<Item = &'a Price>) -> Vec<Arc<Component>> {
    prices.into_iter().map(|price| Arc::new(Component::of_row(price))).collect()
}
