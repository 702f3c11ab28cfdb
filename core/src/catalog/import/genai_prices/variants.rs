//! Variants of genai-prices: prices that a property of the call picks, each in the place of the standard one of its key.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::keys::Rates;
use super::rules::{Constraint, Rule, jumps, midnight};
use crate::types::{Attribute, Calendar, Conditions, Meter, OfferPrice, STANDARD_TIER};

/// A variant: what picks it, and its prices.
pub(super) struct Variant {
    pub(super) choices: BTreeMap<Attribute, String>,
    pub(super) constraint: Constraint,
    pub(super) rates: Rates,
}

/// Returns the property that a word of the list's context means, with its value.
pub(super) fn choice(name: &str, value: &str) -> Option<(Attribute, String)> {
    let value = value.to_ascii_lowercase();
    Some(match name {
        "service_tier" if value == "default" => (Attribute::ServiceTier, STANDARD_TIER.to_owned()),
        "processing" | "service_tier" => (Attribute::ServiceTier, value),
        "speed" => (Attribute::Speed, value),
        "search_type" => (Attribute::SearchType, value),
        // Where a reseller sends the call is where it is served.
        "route" => (Attribute::Region, value),
        _ => return None,
    })
}

/// Turns variants into prices. For each key the first that holds wins, so that a later one of the same choice ends with it.
pub(super) fn prices(variants: &[Variant], rules: &[Rule]) -> Vec<OfferPrice> {
    let mut prices = Vec::new();
    for (place, variant) in variants.iter().enumerate() {
        let mut conditions = Conditions::default();
        for (attribute, value) in &variant.choices {
            conditions = conditions.with_choice(*attribute, value);
        }
        if let Constraint::Daily(hours) = variant.constraint {
            conditions = conditions.with_calendar(Calendar { hours: [hours].into(), ..Calendar::default() });
        }
        let from = begin(variant);
        for (meter, rate) in &variant.rates {
            let until = match taken_from(&variants[..place], variant, *meter) {
                Taken::Never => None,
                Taken::From(until) => Some(until),
                Taken::Always => continue,
            };
            if from.is_some() && until.is_some() && until <= from {
                continue;
            }
            let mut made = rate.prices(*meter);
            // A standard price that looks at the length looks at as many facts as the variant; so does the variant then.
            if jumps(rules, *meter) {
                made.truncate(1);
                made.extend(rate.prices_by_length(*meter));
            }
            prices.extend(made.into_iter().map(|price| {
                let conditions = Conditions { ranges: price.conditions.ranges.clone(), ..conditions.clone() };
                OfferPrice { effective_date: from, expiry_date: until, ..price.when(conditions) }
            }));
        }
    }
    prices
}

fn begin(variant: &Variant) -> Option<Timestamp> {
    if let Constraint::Since(date) = variant.constraint { midnight(date) } else { None }
}

/// Since when an earlier variant has a meter that a later one would have too.
enum Taken {
    Never,
    From(Timestamp),
    Always,
}

fn taken_from(earlier: &[Variant], variant: &Variant, meter: Meter) -> Taken {
    let others = earlier
        .iter()
        .filter(|other| other.choices == variant.choices && other.rates.contains_key(&meter))
        .filter(|other| !matches!(other.constraint, Constraint::Daily(_)));
    others.fold(Taken::Never, |taken, other| match (taken, begin(other)) {
        (Taken::Always, _) | (_, None) => Taken::Always,
        (Taken::Never, Some(since)) => Taken::From(since),
        (Taken::From(first), Some(since)) => Taken::From(first.min(since)),
    })
}
