//! Prices that jump with the length of the input.

use std::collections::BTreeMap;

use crate::types::{Conditions, Decimal, Measure, Meter, OfferPrice, Range, Unit};

/// Makes the prices of a meter: one for inputs of any length, and one for inputs above each length, up to the next.
pub(super) fn prices(
    meter: Meter,
    unit: Unit,
    base: Option<Decimal>,
    tiers: &BTreeMap<Decimal, Decimal>,
) -> Vec<OfferPrice> {
    let mut prices: Vec<_> = base.into_iter().map(|base| OfferPrice::new(meter, base, unit)).collect();
    let ends = tiers.keys().skip(1).copied().map(Some).chain([None]);
    for ((length, amount), end) in tiers.iter().zip(ends) {
        let range = Range { above: Some(*length), up_to: end, ..Range::default() };
        prices.push(OfferPrice::new(meter, *amount, unit).when(of_length(range)));
    }
    prices
}

/// Makes the condition that the input has a length.
pub(super) fn of_length(range: Range) -> Conditions {
    Conditions::default().with_range(Measure::InputTokens, range)
}
