//! Usages priced by sets of prices that are ready.

use std::hint::black_box;

use jiff::Timestamp;
use tollway::billing::price::{BillHead, PriceSet};
use tollway::types::{
    Attribute, Conditions, Currency, Decimal, Facts, Meter, Modifier, PriceTerms, PricingType, Unit, Usage,
};

const USAGES: usize = 256;
const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "house/model", reported_currency: Currency::USD };

/// What four multiplications and their sum cost, by which every exact way must be slower.
pub(crate) fn bare_floats() -> impl FnMut() -> u64 {
    let places = (0_u32..).map(f64::from).take(USAGES);
    let counts: Vec<[f64; 4]> = places.map(|place| [1_000.0 + place, 500.0, 200.0, 90.0 + place]).collect();
    move || {
        for counts in black_box(&counts) {
            let cost: f64 = counts.iter().zip([3e-6, 3e-7, 1.5e-5, 1.5e-5]).map(|(count, price)| count * price).sum();
            black_box(cost);
        }
        USAGES as u64
    }
}

/// The everyday case.
pub(crate) fn plain() -> impl FnMut() -> u64 {
    let prices = [(Meter::InputToken, "3"), (Meter::CachedInputToken, "0.3"), (Meter::OutputToken, "15")];
    bills(PriceSet::of_terms(prices.map(|(meter, price)| terms(meter, price, ""))), vec![Facts::default()])
}

/// A price list with most of what vendors make prices depend on.
pub(crate) fn conditional() -> impl FnMut() -> u64 {
    let mut all = Vec::new();
    for (meter, price) in [(Meter::InputToken, "1.25"), (Meter::CachedInputToken, "0.125"), (Meter::OutputToken, "10")]
    {
        for tier in ["", "batch", "flex", "priority"] {
            for range in ["", r#""input_tokens":{"above":1100}"#] {
                let tier = if tier.is_empty() { String::new() } else { format!(r#""service_tier":"{tier}""#) };
                let parts: Vec<&str> = [range, &tier].into_iter().filter(|part| !part.is_empty()).collect();
                let when = if parts.is_empty() { String::new() } else { format!("{{{}}}", parts.join(",")) };
                all.push(terms(meter, price, &when));
            }
        }
    }
    let nights = r#"{"calendar":{"time_zone":"Asia/Shanghai","hours":[{"from":"00:30:00","until":"08:30:00"}]}}"#;
    all.push(terms(Meter::OutputToken, "5", nights));
    let modifier = Modifier { group: "region".to_owned(), ..Modifier::default() };
    let region = terms(Meter::InputToken, "1.1", r#"{"region":"eu"}"#);
    all.push(PriceTerms { pricing_type: PricingType::MODIFIER, unit: Unit::Ratio, modifier: Some(modifier), ..region });
    let facts = ["standard", "batch", "priority"].map(|tier| {
        let mut facts = Facts::default();
        facts.set(Attribute::ServiceTier, tier);
        facts.set(Attribute::Region, "eu");
        facts
    });
    bills(PriceSet::of_terms(all), facts.to_vec())
}

fn terms(meter: Meter, price: &str, when: &str) -> PriceTerms {
    let conditions = Conditions::from_canonical(when).unwrap_or_default();
    let price: Decimal = price.parse().unwrap_or_default();
    PriceTerms { conditions, ..PriceTerms::new(meter, price, Unit::Per1mTokens, Currency::USD, Timestamp::UNIX_EPOCH) }
}

fn bills(prices: tollway::types::Result<PriceSet>, facts: Vec<Facts>) -> impl FnMut() -> u64 {
    let prices = prices.unwrap_or_default();
    let usages: Vec<Usage> = (0..USAGES as u64)
        .map(|place| {
            let meters = [
                (Meter::InputToken, 1_000 + place),
                (Meter::CachedInputToken, 500),
                (Meter::OutputToken, 200),
                (Meter::ReasoningToken, 90 + place),
            ];
            let meters = meters.into_iter().map(|(meter, quantity)| (meter, quantity.into())).collect();
            Usage { meters, ..Usage::default() }
        })
        .collect();
    move || {
        for (place, usage) in usages.iter().enumerate() {
            let _ = black_box(prices.bill(HEAD, usage, &facts[place % facts.len()]));
        }
        USAGES as u64
    }
}
