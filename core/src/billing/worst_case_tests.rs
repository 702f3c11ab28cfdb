use jiff::Timestamp;

use super::*;
use crate::types::{Attribute, Basis, Conditions, Currency, Modifier, PriceTerms, PricingType, Rounding, Unit, Usage};

const HEAD: BillHead<'_> = BillHead { attempt: 1, model: "house/model", reported_currency: Currency::USD };

/// Makes the price of a million tokens under conditions.
fn price(meter: Meter, amount: &str, when: &str) -> PriceTerms {
    let terms =
        PriceTerms::new(meter, amount.parse().unwrap(), Unit::Per1mTokens, Currency::USD, Timestamp::UNIX_EPOCH);
    PriceTerms { conditions: Conditions::from_canonical(when).unwrap(), ..terms }
}

fn at_least(mut terms: PriceTerms, charge: &str) -> PriceTerms {
    terms.rounding = Rounding { minimum_charge: Some(charge.parse().unwrap()), ..Rounding::default() };
    terms
}

fn facts() -> Facts {
    Facts::at(Timestamp::UNIX_EPOCH)
}

/// Returns what is held for a million tokens of input and none of output, and what a usage costs.
fn held_and_billed(
    terms: &[PriceTerms],
    known: &Facts,
    possible: &dyn Fn(Meter) -> bool,
    used: &[(Meter, u64)],
    facts: &Facts,
) -> (Decimal, Decimal) {
    let mut terms = terms.to_vec();
    terms.push(price(Meter::OutputToken, "0", ""));
    let set = PriceSet::of_terms(terms).unwrap();
    let bounds = Bounds { input_tokens: 1_000_000, output_tokens: 0, possible, counts: &BTreeMap::new() };
    let meters = used.iter().map(|(meter, count)| (*meter, (*count).into())).collect();
    let bill = set.bill(HEAD, &Usage { meters, ..Usage::default() }, facts).unwrap();
    let held = set.worst_case(HEAD, bounds, known).unwrap().unwrap();
    (held.cost.amount, bill.cost.unwrap().amount)
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn each_line_of_a_side_can_have_its_minimum() {
    let terms =
        [at_least(price(Meter::InputToken, "1", ""), "5"), at_least(price(Meter::CachedInputToken, "0.1", ""), "3")];
    let possible = |meter: Meter| matches!(meter, Meter::InputToken | Meter::CachedInputToken | Meter::OutputToken);
    let used = [(Meter::InputToken, 999_000), (Meter::CachedInputToken, 1_000)];
    let (held, billed) = held_and_billed(&terms, &facts(), &possible, &used, &facts());
    assert_eq!((held, billed), (decimal("9"), decimal("8")));
}

#[test]
fn a_meter_that_takes_the_price_of_another_keeps_its_own_modifiers() {
    let modifier = Modifier { meters: vec![Meter::CachedInputToken], group: "cache".to_owned(), ..Modifier::default() };
    let doubled = PriceTerms {
        pricing_type: PricingType::MODIFIER,
        unit: Unit::Ratio,
        modifier: Some(modifier),
        ..price(Meter::InputToken, "2", "")
    };
    let terms = [price(Meter::InputToken, "1", ""), doubled];
    let used = [(Meter::CachedInputToken, 1_000_000)];
    let (held, billed) = held_and_billed(&terms, &facts(), &|_| true, &used, &facts());
    assert_eq!((held, billed), (decimal("2"), decimal("2")));
}

#[test]
fn a_meter_that_cannot_occur_still_lends_its_price_to_others() {
    let terms = [price(Meter::InputToken, "1", ""), price(Meter::CacheWrite5mToken, "1.25", "")];
    let possible = |meter: Meter| meter != Meter::CacheWrite5mToken;
    let used = [(Meter::CacheWrite1hToken, 1_000_000)];
    let (held, billed) = held_and_billed(&terms, &facts(), &possible, &used, &facts());
    assert_eq!((held, billed), (decimal("1.25"), decimal("1.25")));
}

#[test]
fn a_marginal_range_counts_its_own_meter_whatever_is_stated_of_the_call() {
    let terms = [
        price(Meter::InputToken, "1", ""),
        price(Meter::InputToken, "4", r#"{"input_tokens": {"above": 500000}, "scale": "marginal"}"#),
    ];
    let mut known = facts();
    known.measures.insert(Measure::InputTokens, 10.into());
    let used = [(Meter::InputToken, 1_000_000)];
    let (held, billed) = held_and_billed(&terms, &known, &|_| true, &used, &known);
    assert_eq!((held, billed), (decimal("4"), decimal("2.5")));
}

#[test]
fn a_tier_that_is_not_fixed_may_be_any_and_one_that_is_fixed_is_no_other() {
    let terms = [price(Meter::InputToken, "1", ""), price(Meter::InputToken, "2", r#"{"service_tier": "priority"}"#)];
    let used = [(Meter::InputToken, 1_000_000)];
    let mut priority = facts();
    priority.set(Attribute::ServiceTier, "priority");
    let (held, billed) = held_and_billed(&terms, &facts(), &|_| true, &used, &priority);
    assert_eq!((held, billed), (decimal("2"), decimal("2")));
    let mut standard = facts();
    standard.set(Attribute::ServiceTier, "standard");
    let (held, billed) = held_and_billed(&terms, &standard, &|_| true, &used, &standard);
    assert_eq!((held, billed), (decimal("1"), decimal("1")));
}

#[test]
fn a_tier_that_was_asked_for_may_not_be_served() {
    let used = [(Meter::InputToken, 1_000_000)];
    let mut flex = facts();
    flex.set(Attribute::ServiceTier, "flex");
    let mut standard = facts();
    standard.set(Attribute::ServiceTier, "standard");
    let half = PriceTerms {
        pricing_type: PricingType::MODIFIER,
        unit: Unit::Ratio,
        modifier: Some(Modifier { group: "tier".to_owned(), ..Modifier::default() }),
        ..price(Meter::InputToken, "0.5", r#"{"service_tier": "flex"}"#)
    };
    for cheaper in [price(Meter::InputToken, "1", r#"{"service_tier": "flex"}"#), half] {
        let terms = [price(Meter::InputToken, "2", ""), cheaper];
        assert_eq!(held_and_billed(&terms, &flex, &|_| true, &used, &standard), (decimal("2"), decimal("2")));
        assert_eq!(held_and_billed(&terms, &flex, &|_| true, &used, &flex), (decimal("2"), decimal("1")));
    }
}

#[test]
fn a_price_that_surely_applies_hides_those_behind_it() {
    let mut newer = price(Meter::InputToken, "1", "");
    newer.known_from = "2026-01-01T00:00:00Z".parse().unwrap();
    let used = [(Meter::InputToken, 1_000_000)];
    let terms = [price(Meter::InputToken, "9", ""), newer];
    let (held, billed) = held_and_billed(&terms, &facts(), &|_| true, &used, &facts());
    assert_eq!((held, billed), (decimal("1"), decimal("1")));
}

#[test]
fn searches_sources_and_media_are_held_at_their_most_and_at_the_dearest_price() {
    let search =
        |amount: &str, when: &str| PriceTerms { unit: Unit::PerSearch, ..price(Meter::WebSearch, amount, when) };
    let terms = [
        price(Meter::InputToken, "1", ""),
        price(Meter::OutputToken, "0", ""),
        search("0.005", ""),
        search("0.012", r#"{"search_size": "high"}"#),
        price(Meter::CitationToken, "2", ""),
        PriceTerms { unit: Unit::PerPage, ..price(Meter::Page, "0.001", "") },
        PriceTerms { basis: Basis::Surcharge, unit: Unit::PerSearch, ..price(Meter::WebSearch, "0.001", "") },
    ];
    let set = PriceSet::of_terms(terms).unwrap();
    let held = |counts: &[(Meter, u64)], size: Option<&str>| {
        let counts = counts.iter().copied().collect();
        let bounds = Bounds { input_tokens: 0, output_tokens: 0, possible: &|_| true, counts: &counts };
        let mut known = facts();
        known.attributes.extend(size.map(|size| (Attribute::SearchSize, size.to_owned())));
        set.worst_case(HEAD, bounds, &known).unwrap().unwrap().cost.amount
    };
    assert_eq!(held(&[], None), decimal("0"));
    assert_eq!(held(&[(Meter::WebSearch, 3)], None), decimal("0.039"));
    assert_eq!(held(&[(Meter::WebSearch, 3)], Some("low")), decimal("0.018"));
    assert_eq!(held(&[(Meter::CitationToken, 1_000_000), (Meter::Page, 10)], None), decimal("2.01"));
    // What has no price here is in the price of the tokens, or was refused before.
    assert_eq!(held(&[(Meter::InputImage, 5)], None), decimal("0"));
}
