//! Prices: never two in force at once, and the past stays.

use proptest::prelude::*;

use super::configs::{add, config};
use super::*;

pub(super) fn price(unit_price: &str, from: Option<&str>, until: Option<&str>) -> PriceTerms {
    let from = from.map_or_else(noon, at);
    let terms = PriceTerms::new(Meter::InputToken, decimal(unit_price), Unit::Per1mTokens, Currency::USD, from);
    PriceTerms { expiry_date: until.map(at), known_from: noon(), ..terms }
}

fn set(fixture: &Fixture, id: ModelConfigId, prices: Vec<PriceTerms>, now: Timestamp) -> Result<Vec<PriceId>> {
    match fixture.apply(Operation::AddPrices { model_config_id: id, prices, replaces_meters: false, now })? {
        Outcome::PricesAdded(ids) => Ok(ids),
        other => panic!("{other:?}"),
    }
}

/// Returns the prices in force at an instant.
fn in_force(fixture: &Fixture, instant: Timestamp) -> Vec<String> {
    let prices = fixture.configuration().prices;
    prices
        .iter()
        .filter(|price| price.terms.in_force(instant))
        .map(|price| price.terms.unit_price.to_string())
        .collect()
}

#[test]
fn a_new_price_ends_the_one_in_force_and_keeps_its_past() {
    let fixture = Fixture::new();
    let id = add(&fixture, config("gpt", None), vec![price("1", Some("2026-01-01T00:00:00Z"), None)]).unwrap();
    let now = noon();
    set(&fixture, id, vec![price("2", None, None)], now).unwrap();
    assert_eq!(in_force(&fixture, now - Duration::from_micros(1)), ["1"]);
    assert_eq!(in_force(&fixture, now), ["2"]);
    // Set again at the same instant.
    set(&fixture, id, vec![price("3", None, None)], now).unwrap();
    assert_eq!(in_force(&fixture, now - Duration::from_micros(1)), ["1"]);
    assert_eq!(in_force(&fixture, now), ["3"]);
    assert_eq!(fixture.configuration().prices.len(), 3);
}

#[test]
fn a_price_for_the_future_waits_for_its_date() {
    let fixture = Fixture::new();
    let id = add(&fixture, config("gpt", None), vec![price("1", None, None)]).unwrap();
    set(&fixture, id, vec![price("2", Some("2027-01-01T00:00:00Z"), None)], noon()).unwrap();
    set(&fixture, id, vec![price("3", Some("2026-12-01T00:00:00Z"), None)], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2026-11-30T23:59:59Z")), ["1"]);
    assert_eq!(in_force(&fixture, at("2026-12-31T23:59:59Z")), ["3"]);
    assert_eq!(in_force(&fixture, at("2027-01-01T00:00:00Z")), ["2"]);
}

#[test]
fn a_price_that_would_rewrite_the_past_begins_now() {
    let fixture = Fixture::new();
    let id = add(&fixture, config("gpt", None), vec![price("1", Some("2026-01-01T00:00:00Z"), None)]).unwrap();
    set(&fixture, id, vec![price("2", Some("2026-01-01T00:00:00Z"), None)], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2026-06-01T00:00:00Z")), ["1"]);
    assert_eq!(in_force(&fixture, noon()), ["2"]);
    let past = price("9", Some("2026-02-01T00:00:00Z"), Some("2026-03-01T00:00:00Z"));
    assert_eq!(set(&fixture, id, vec![past], noon()).unwrap_err().kind(), ErrorKind::InvalidRequest);
    // Where no price was in force, a past date may stand.
    set(&fixture, id, vec![price("4", Some("2025-01-01T00:00:00Z"), Some("2025-02-01T00:00:00Z"))], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2025-01-15T00:00:00Z")), ["4"]);
}

#[test]
fn other_meters_and_other_configs_are_left_alone() {
    let fixture = Fixture::new();
    let first = add(&fixture, config("a", None), vec![price("1", None, None)]).unwrap();
    let second = add(&fixture, config("b", None), vec![price("2", None, None)]).unwrap();
    let output = PriceTerms { pricing_type: Meter::OutputToken.into(), ..price("3", None, None) };
    set(&fixture, first, vec![output], noon()).unwrap();
    assert_eq!(in_force(&fixture, noon()), ["1", "2", "3"]);
    assert_ne!(first, second);
}

#[test]
fn a_price_is_ended_and_stays_ended() {
    let fixture = Fixture::new();
    add(&fixture, config("gpt", None), vec![price("1", None, None)]).unwrap();
    let id = fixture.configuration().prices[0].id;
    let end = noon() + Duration::from_secs(5);
    fixture.apply(Operation::ExpirePrice { id, at: end, now: noon() }).unwrap();
    fixture.apply(Operation::ExpirePrice { id, at: end + Duration::from_secs(5), now: noon() }).unwrap();
    assert_eq!(in_force(&fixture, end - Duration::from_micros(1)), ["1"]);
    assert!(in_force(&fixture, end).is_empty());
    let missing = fixture.apply(Operation::ExpirePrice { id: PriceId::new(99), at: end, now: noon() }).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[test]
fn wrong_prices_are_refused() {
    let fixture = Fixture::new();
    let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
    let wrong = [
        PriceTerms { unit: Unit::PerRequest, ..price("1", None, None) },
        price("-1", None, None),
        price("1", Some("2026-12-01T00:00:00Z"), Some("2026-12-01T00:00:00Z")),
    ];
    for terms in wrong {
        assert_eq!(set(&fixture, id, vec![terms], noon()).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    let missing = set(&fixture, ModelConfigId::new(99), vec![price("1", None, None)], noon()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(fixture.configuration().prices.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn two_are_never_in_force_at_once_and_the_past_never_changes(
        steps in prop::collection::vec((0_i64..30, 0_i64..30, prop::option::of(1_i64..20)), 1..12),
    ) {
        let fixture = Fixture::exclusive();
        let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
        let day = |number: i64| Timestamp::from_second(1_700_000_000 + number * 60).unwrap();
        let mut now = 0;
        let mut seen: Vec<Vec<String>> = Vec::new();
        for (number, (advance, start, length)) in steps.into_iter().enumerate() {
            now += advance / 6;
            let terms = PriceTerms {
                effective_date: day(start),
                expiry_date: length.map(|length| day(start + length)),
                ..price(&format!("{number}"), None, None)
            };
            let outcome = set(&fixture, id, vec![terms], day(now));
            prop_assert!(outcome.as_ref().is_ok_and(|ids| ids.len() == 1)
                || outcome.is_err_and(|error| error.kind() == ErrorKind::InvalidRequest));
            let line: Vec<_> = (0..60).map(|number| in_force(&fixture, day(number))).collect();
            prop_assert!(line.iter().all(|prices| prices.len() < 2), "{line:?}");
            let passed = usize::try_from(now).unwrap();
            for (before, after) in seen.iter().zip(&line).take(passed).filter(|(before, _)| !before.is_empty()) {
                prop_assert_eq!(before, after);
            }
            seen = line;
        }
    }
}
