//! Prices: never two in force at once, and the past stays.

use proptest::prelude::*;
use proptest::strategy::Strategy;

use super::configs::{add, config};
use super::*;

on_each_engine! {
    a_new_price_ends_the_one_in_force_and_keeps_its_past,
    a_price_for_the_future_waits_for_its_date,
    a_price_of_the_past_corrects_what_is_believed_now_and_not_what_was_known,
    after_a_promotion_the_price_before_it_holds_again,
    a_price_of_the_past_alone_leaves_what_came_after_it,
    a_price_of_the_past_stops_where_one_that_is_to_come_begins,
    prices_of_other_conditions_are_no_rivals_unless_all_of_a_meter_is_replaced,
    a_price_comes_back_as_it_was_given,
    prices_of_two_currencies_are_never_in_force_at_once,
    other_meters_and_other_configs_are_left_alone,
    a_price_is_ended_and_stays_ended,
    wrong_prices_are_refused,
}

pub(super) fn price(unit_price: &str, from: Option<&str>, until: Option<&str>) -> PriceTerms {
    let from = from.map_or_else(noon, at);
    let terms = PriceTerms::new(Meter::InputToken, decimal(unit_price), Unit::Per1mTokens, Currency::USD, from);
    PriceTerms { expiry_date: until.map(at), known_from: noon(), ..terms }
}

fn put(
    fixture: &Fixture,
    id: ModelConfigId,
    prices: Vec<PriceTerms>,
    all: bool,
    now: Timestamp,
) -> Result<Vec<PriceId>> {
    let add = Operation::AddPrices { model_config_id: id, prices, replaces_meters: all, now };
    match fixture.apply(add)? {
        Outcome::PricesAdded(ids) => Ok(ids),
        other => panic!("{other:?}"),
    }
}

fn set(fixture: &Fixture, id: ModelConfigId, prices: Vec<PriceTerms>, now: Timestamp) -> Result<Vec<PriceId>> {
    put(fixture, id, prices, false, now)
}

/// Returns the prices that are in force at an instant by what is known at the end.
fn in_force(fixture: &Fixture, instant: Timestamp) -> Vec<String> {
    as_known(&fixture.configuration().prices, instant, Timestamp::MAX)
}

/// Returns the prices that are in force at an instant by what was known at another.
fn as_known(prices: &[Price], instant: Timestamp, known: Timestamp) -> Vec<String> {
    prices
        .iter()
        .filter(|price| price.in_force(instant, known))
        .map(|price| price.terms.unit_price.to_string())
        .collect()
}

/// A price for calls of one tier.
fn of_tier(tier: &str, price: PriceTerms) -> PriceTerms {
    PriceTerms { conditions: Conditions::default().with_choice(Attribute::ServiceTier, tier), ..price }
}

fn a_new_price_ends_the_one_in_force_and_keeps_its_past(engine: Engine) {
    let fixture = Fixture::on(engine);
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

fn a_price_for_the_future_waits_for_its_date(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("1", None, None)]).unwrap();
    set(&fixture, id, vec![price("2", Some("2027-01-01T00:00:00Z"), None)], noon()).unwrap();
    set(&fixture, id, vec![price("3", Some("2026-12-01T00:00:00Z"), None)], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2026-11-30T23:59:59Z")), ["1"]);
    assert_eq!(in_force(&fixture, at("2026-12-31T23:59:59Z")), ["3"]);
    assert_eq!(in_force(&fixture, at("2027-01-01T00:00:00Z")), ["2"]);
}

fn a_price_of_the_past_corrects_what_is_believed_now_and_not_what_was_known(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("1", Some("2026-01-01T00:00:00Z"), None)]).unwrap();
    let first = noon();
    let second = noon() + Duration::from_hours(1);
    set(&fixture, id, vec![price("2", Some("2026-03-01T00:00:00Z"), None)], second).unwrap();
    fixture.reopen();
    let prices = fixture.configuration().prices;
    let june = at("2026-06-01T00:00:00Z");
    assert_eq!(as_known(&prices, june, first), ["1"]);
    assert_eq!(as_known(&prices, june, second - Duration::from_micros(1)), ["1"]);
    assert_eq!(as_known(&prices, june, second), ["2"]);
    assert_eq!(as_known(&prices, at("2026-02-01T00:00:00Z"), second), ["1"]);
    assert_eq!(as_known(&prices, second, second), ["2"]);
    assert_eq!(prices[0].superseded, Some(Superseded { from: at("2026-03-01T00:00:00Z"), known_from: second }));
    assert_eq!((prices[0].terms.expiry_date, prices[1].terms.known_from), (None, second));

    // A second correction, of more of the past, leaves both earlier beliefs as they were.
    let third = second + Duration::from_hours(1);
    set(&fixture, id, vec![price("3", Some("2026-02-01T00:00:00Z"), None)], third).unwrap();
    let prices = fixture.configuration().prices;
    let february = at("2026-02-15T00:00:00Z");
    for (instant, known, expected) in [
        (june, first, "1"),
        (june, second, "2"),
        (june, third, "3"),
        (february, first, "1"),
        (february, second, "1"),
        (february, third, "3"),
        (at("2026-01-15T00:00:00Z"), third, "1"),
    ] {
        assert_eq!(as_known(&prices, instant, known), [expected], "{instant} as known at {known}");
    }
}

fn after_a_promotion_the_price_before_it_holds_again(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("3", None, None)]).unwrap();
    let later = noon() + Duration::from_hours(1);
    let (begins, ends) = ("2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z");
    set(&fixture, id, vec![price("1", Some(begins), Some(ends))], later).unwrap();
    for (instant, expected) in
        [("2026-11-30T23:59:59Z", "3"), (begins, "1"), ("2026-12-07T23:59:59Z", "1"), (ends, "3")]
    {
        assert_eq!(in_force(&fixture, at(instant)), [expected], "{instant}");
    }
    // A list that names the price after the promotion too needs no row in between.
    let followed = vec![
        price("2", Some("2027-01-01T00:00:00Z"), Some("2027-02-01T00:00:00Z")),
        price("4", Some("2027-02-01T00:00:00Z"), None),
    ];
    set(&fixture, id, followed, later).unwrap();
    assert_eq!(in_force(&fixture, at("2027-02-01T00:00:00Z")), ["4"]);
    assert!(
        fixture.configuration().prices.iter().all(|price| price.terms.expiry_date != Some(price.terms.effective_date))
    );
}

fn a_price_of_the_past_alone_leaves_what_came_after_it(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("1", Some("2026-01-01T00:00:00Z"), None)]).unwrap();
    let later = noon() + Duration::from_hours(1);
    let past = price("9", Some("2026-02-01T00:00:00Z"), Some("2026-03-01T00:00:00Z"));
    assert_eq!(set(&fixture, id, vec![past], later).unwrap().len(), 1);
    for (instant, expected) in
        [("2026-01-15T00:00:00Z", "1"), ("2026-02-15T00:00:00Z", "9"), ("2026-03-01T00:00:00Z", "1")]
    {
        assert_eq!(in_force(&fixture, at(instant)), [expected], "{instant}");
    }
    assert_eq!(as_known(&fixture.configuration().prices, at("2026-02-15T00:00:00Z"), noon()), ["1"]);
    // Where no price was in force, nothing is taken back.
    set(&fixture, id, vec![price("4", Some("2025-01-01T00:00:00Z"), Some("2025-02-01T00:00:00Z"))], later).unwrap();
    assert_eq!(in_force(&fixture, at("2025-01-15T00:00:00Z")), ["4"]);
}

fn a_price_of_the_past_stops_where_one_that_is_to_come_begins(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("1", Some("2026-12-01T00:00:00Z"), None)]).unwrap();
    set(&fixture, id, vec![price("2", Some("2026-01-01T00:00:00Z"), None)], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2026-11-30T00:00:00Z")), ["2"]);
    assert_eq!(in_force(&fixture, at("2026-12-01T00:00:00Z")), ["1"]);
}

fn prices_of_other_conditions_are_no_rivals_unless_all_of_a_meter_is_replaced(engine: Engine) {
    let fixture = Fixture::on(engine);
    let output = |amount: &str| PriceTerms { pricing_type: Meter::OutputToken.into(), ..price(amount, None, None) };
    let first = vec![price("1", None, None), of_tier("batch", price("0.5", None, None)), output("7")];
    let id = add(&fixture, config("gpt", None), first).unwrap();
    assert_eq!(in_force(&fixture, noon()), ["1", "0.5", "7"]);
    let from = |amount: &str, start: Timestamp| PriceTerms { effective_date: start, ..price(amount, None, None) };
    let later = noon() + Duration::from_secs(1);
    set(&fixture, id, vec![of_tier("batch", from("0.4", later))], later).unwrap();
    let later = later + Duration::from_secs(1);
    assert_eq!(in_force(&fixture, later), ["1", "7", "0.4"]);
    let surcharge = PriceTerms { basis: Basis::Surcharge, ..from("0.1", later) };
    set(&fixture, id, vec![surcharge], later).unwrap();
    assert_eq!(in_force(&fixture, later), ["1", "7", "0.4", "0.1"]);
    put(&fixture, id, vec![from("2", later), of_tier("flex", from("1.5", later))], true, later).unwrap();
    assert_eq!(in_force(&fixture, later), ["7", "2", "1.5"]);
    assert_eq!(in_force(&fixture, later - Duration::from_micros(1)), ["1", "7", "0.4"]);

    // Said to have been so for a while: what was believed of the others is taken back too, and can be looked up.
    let last = later + Duration::from_hours(1);
    put(&fixture, id, vec![from("3", noon())], true, last).unwrap();
    assert_eq!(in_force(&fixture, noon()), ["7", "3"]);
    assert_eq!(in_force(&fixture, last), ["7", "3"]);
    assert_eq!(as_known(&fixture.configuration().prices, noon(), noon()), ["1", "0.5", "7"]);
}

fn a_price_comes_back_as_it_was_given(engine: Engine) {
    let mut fixture = Fixture::on(engine);
    let calendar = serde_json::from_str(r#"{"time_zone": "Asia/Shanghai", "weekdays": ["monday"]}"#).unwrap();
    let range = Range { above: Some(decimal("200000")), ..Range::default() };
    let conditions = Conditions::default()
        .with_range(Measure::InputTokens, range)
        .with_choice(Attribute::Thinking, "true")
        .with_calendar(calendar);
    let quantity = |text: &str| Quantity::new(decimal(text));
    let full = PriceTerms {
        conditions: conditions.clone(),
        basis: Basis::Surcharge,
        rounding: Rounding {
            minimum_quantity: quantity("10"),
            step: quantity("0.1"),
            minimum_charge: Some(decimal("0.0000000000000000000000000001")),
        },
        source: "list, checked 2026-11-20".into(),
        ..price("0.1234567890123456789012345678", Some("2026-12-01T00:00:00Z"), Some("2027-01-01T00:00:00Z"))
    };
    let modifier = PriceTerms {
        pricing_type: PricingType::MODIFIER,
        unit: Unit::Ratio,
        conditions,
        modifier: Some(Modifier {
            meters: vec![Meter::InputToken],
            group: "region".into(),
            order: -2,
            excludes: vec!["tier".into()],
        }),
        ..price("1.1", None, None)
    };
    add(&fixture, config("gpt", None), vec![full.clone(), modifier.clone()]).unwrap();
    fixture.reopen();
    let prices = fixture.configuration().prices;
    assert_eq!(prices.iter().map(|price| &price.terms).collect::<Vec<_>>(), [&full, &modifier]);
    assert_eq!(prices[0].terms.unit_price.to_string(), "0.1234567890123456789012345678");
    assert_eq!(prices[0].terms.effective_date, at("2026-12-01T00:00:00Z"));
}

fn prices_of_two_currencies_are_never_in_force_at_once(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), vec![price("1", None, None)]).unwrap();
    let yuan = |terms: PriceTerms| PriceTerms { currency: Currency::CNY, ..terms };
    let output =
        PriceTerms { pricing_type: Meter::OutputToken.into(), ..price("2", Some("2027-01-01T00:00:00Z"), None) };
    let error = set(&fixture, id, vec![yuan(output.clone())], noon()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    for part in ["USD", "CNY", "input_token", "output_token"] {
        assert!(error.detail().contains(part), "{error}");
    }
    let batch = of_tier("batch", price("0.5", None, None));
    assert!(set(&fixture, id, vec![yuan(batch)], noon()).is_err());
    // All at once, from one instant on, they may change.
    let input = price("7", Some("2027-01-01T00:00:00Z"), None);
    set(&fixture, id, vec![yuan(input), yuan(output)], noon()).unwrap();
    assert_eq!(in_force(&fixture, at("2027-01-01T00:00:00Z")), ["7", "2"]);
    let mixed = vec![price("1", None, None), yuan(of_tier("batch", price("1", None, None)))];
    assert!(add(&fixture, config("other", None), mixed).is_err());
}

fn other_meters_and_other_configs_are_left_alone(engine: Engine) {
    let fixture = Fixture::on(engine);
    let first = add(&fixture, config("a", None), vec![price("1", None, None)]).unwrap();
    let second = add(&fixture, config("b", None), vec![price("2", None, None)]).unwrap();
    let output = PriceTerms { pricing_type: Meter::OutputToken.into(), ..price("3", None, None) };
    set(&fixture, first, vec![output], noon()).unwrap();
    assert_eq!(in_force(&fixture, noon()), ["1", "2", "3"]);
    assert_ne!(first, second);
}

fn a_price_is_ended_and_stays_ended(engine: Engine) {
    let fixture = Fixture::on(engine);
    add(&fixture, config("gpt", None), vec![price("1", None, None)]).unwrap();
    let id = fixture.configuration().prices[0].id;
    let end = noon() + Duration::from_secs(5);
    fixture.apply(Operation::ExpirePrice { id, at: end, now: noon() }).unwrap();
    fixture.apply(Operation::ExpirePrice { id, at: end + Duration::from_secs(5), now: noon() }).unwrap();
    assert_eq!(in_force(&fixture, end - Duration::from_micros(1)), ["1"]);
    assert!(in_force(&fixture, end).is_empty());
    // An end in the past is learned now: what was known before stays.
    let learned = noon() + Duration::from_secs(4);
    let early = noon() + Duration::from_secs(2);
    fixture.apply(Operation::ExpirePrice { id, at: early, now: learned }).unwrap();
    let prices = fixture.configuration().prices;
    let between = noon() + Duration::from_secs(3);
    assert_eq!(as_known(&prices, between, between), ["1"]);
    assert!(as_known(&prices, between, learned).is_empty());
    assert_eq!(as_known(&prices, noon(), learned), ["1"]);
    let missing = fixture.apply(Operation::ExpirePrice { id: PriceId::new(99), at: end, now: noon() }).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

fn wrong_prices_are_refused(engine: Engine) {
    let fixture = Fixture::on(engine);
    let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
    let wrong = [
        PriceTerms { unit: Unit::PerRequest, ..price("1", None, None) },
        price("-1", None, None),
        price("1", Some("2026-12-01T00:00:00Z"), Some("2026-12-01T00:00:00Z")),
        PriceTerms { pricing_type: PricingType::MODIFIER, unit: Unit::Ratio, ..price("1", None, None) },
        PriceTerms {
            pricing_type: PricingType::MODIFIER,
            unit: Unit::Ratio,
            modifier: Some(Modifier::default()),
            ..price("0", None, None)
        },
        PriceTerms { modifier: Some(Modifier::default()), ..price("1", None, None) },
        PriceTerms {
            rounding: Rounding { step: Some(Quantity::ZERO), ..Rounding::default() },
            ..price("1", None, None)
        },
        PriceTerms {
            rounding: Rounding { minimum_charge: Some(decimal("-1")), ..Rounding::default() },
            ..price("1", None, None)
        },
        PriceTerms {
            conditions: Conditions { scale: Scale::Marginal, ..Conditions::default() },
            ..price("1", None, None)
        },
    ];
    for terms in wrong {
        assert_eq!(set(&fixture, id, vec![terms], noon()).unwrap_err().kind(), ErrorKind::InvalidRequest);
    }
    let missing = set(&fixture, ModelConfigId::new(99), vec![price("1", None, None)], noon()).unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    assert!(fixture.configuration().prices.is_empty());
}

/// What the property does next, at an instant that is so many steps after the last.
#[derive(Clone, Debug)]
struct Step {
    advance: u8,
    start: u8,
    length: Option<u8>,
    tier: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Add,
    Replace,
    Expire,
}

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![4 => Just(Kind::Add), 2 => Just(Kind::Replace), 1 => Just(Kind::Expire)];
    (0_u8..6, 0_u8..30, prop::option::of(1_u8..20), any::<bool>(), kind)
        .prop_map(|(advance, start, length, tier, kind)| Step { advance, start, length, tier, kind })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn one_slot_has_one_price_at_any_instant_and_what_was_known_never_changes(
        steps in prop::collection::vec(step(), 1..14),
    ) {
        // The rules are the same everywhere, and memory is the fastest.
        let fixture = Fixture::on(Engine::Memory);
        let id = add(&fixture, config("gpt", None), Vec::new()).unwrap();
        let minute = |number: u8| Timestamp::from_second(1_700_000_000 + i64::from(number) * 60).unwrap();
        let mut now = 0;
        let mut before: Vec<Price> = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            now += step.advance;
            let plain = PriceTerms {
                effective_date: minute(step.start),
                expiry_date: step.length.map(|length| minute(step.start + length)),
                ..price(&number.to_string(), None, None)
            };
            let terms = if step.tier { of_tier("batch", plain) } else { plain };
            match step.kind {
                Kind::Expire => {
                    let Some(price) = before.get(usize::from(step.start) % before.len().max(1)) else { continue };
                    let at = minute(step.start);
                    fixture.apply(Operation::ExpirePrice { id: price.id, at, now: minute(now) }).unwrap();
                }
                Kind::Add | Kind::Replace => {
                    let all = matches!(step.kind, Kind::Replace);
                    let ids = put(&fixture, id, vec![terms.clone()], all, minute(now)).unwrap();
                    prop_assert_eq!(ids.len(), 1);
                }
            }
            let after = fixture.configuration().prices;
            let slot = |price: &Price| price.terms.conditions.is_empty();
            for at in 0..60 {
                for known in 0..=now.min(60) {
                    for tiered in [false, true] {
                        let in_slot = |prices: &[Price]| -> Vec<Price> {
                            prices.iter().filter(|price| slot(price) != tiered).cloned().collect()
                        };
                        let found = as_known(&in_slot(&after), minute(at), minute(known));
                        prop_assert!(found.len() < 2, "{found:?} at {at} as known at {known}");
                        if at <= known && known < now {
                            prop_assert_eq!(&found, &as_known(&in_slot(&before), minute(at), minute(known)));
                        }
                    }
                }
            }
            if !matches!(step.kind, Kind::Expire) && terms.in_force(minute(now)) {
                let found = as_known(&after, minute(now), minute(now));
                prop_assert!(found.contains(&number.to_string()), "{found:?}");
                prop_assert!(matches!(step.kind, Kind::Add) || found.len() == 1, "{found:?}");
            }
            before = after;
        }
    }
}
