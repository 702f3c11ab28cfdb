use proptest::prelude::*;

use super::*;
use crate::types::{
    Attribute, Calendar, Capability, Decimal, Hours, Measure, Meter, Quantity, Range, Scale, Weekday, decimal_of,
};

fn origin() -> Origin {
    Origin { source: "test".to_owned(), checked: "2026-11-01".parse().unwrap() }
}

fn ranges() -> impl Strategy<Value = (Measure, Range)> {
    let measure = prop::sample::select(Measure::ALL);
    (measure, 0_u32..1_000, 1_u32..1_000, any::<[bool; 3]>()).prop_map(
        |(measure, lower, width, [open, ended, closed])| {
            let (lower, upper) = (Decimal::from(lower), Decimal::from(lower + width));
            let range = Range {
                above: open.then_some(lower),
                from: (!open).then_some(lower),
                up_to: (ended && closed).then_some(upper),
                below: (ended && !closed).then_some(upper),
            };
            (measure, range)
        },
    )
}

fn calendars() -> impl Strategy<Value = Calendar> {
    (prop::sample::subsequence(Weekday::ALL.to_vec(), 1..7), 0_i8..23, any::<bool>()).prop_map(
        |(days, hour, shanghai)| {
            let time = |hour| jiff::civil::Time::constant(hour, 30, 0, 0);
            Calendar {
                time_zone: shanghai.then(|| "Asia/Shanghai".to_owned()),
                weekdays: days.into_iter().collect(),
                hours: [Hours { from: time(hour), until: time(hour + 1) }].into(),
                excluded_dates: ["2026-10-01".parse().unwrap()].into(),
                ..Calendar::default()
            }
        },
    )
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let choices = prop::collection::btree_map(
        prop::sample::select(Attribute::ALL),
        prop::collection::btree_set("[a-z0-9]{1,6}", 1..3),
        0..3,
    );
    let choices = choices.prop_map(|mut choices| {
        for flag in [Attribute::Thinking, Attribute::Audio, Attribute::VideoInput] {
            choices.entry(flag).and_modify(|words| *words = ["true".to_owned()].into());
        }
        choices
    });
    (prop::collection::vec(ranges(), 0..3), choices, prop::option::of(calendars()), any::<bool>()).prop_map(
        |(ranges, choices, calendar, marginal)| {
            let ranges: std::collections::BTreeMap<_, _> = ranges.into_iter().collect();
            let scale = if marginal && ranges.len() == 1 { Scale::Marginal } else { Scale::WholeRequest };
            Conditions { ranges, choices, calendar, scale }
        },
    )
}

fn amounts() -> impl Strategy<Value = Decimal> {
    (any::<u64>(), 0_u32..24).prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa.into(), scale))
}

fn prices() -> impl Strategy<Value = OfferPrice> {
    let dates = prop::option::of((0_i64..2_000_000_000, prop::option::of(1_i64..1_000_000)));
    let rounding = (prop::option::of(0_u64..100), prop::option::of(1_u64..100), prop::option::of(amounts()));
    let meter = prop::sample::select(Meter::ALL);
    (meter, amounts(), conditions(), dates, rounding, any::<bool>(), any::<u8>()).prop_map(
        |(meter, amount, conditions, dates, (minimum, step, charge), surcharge, kind)| {
            let units: Vec<_> = Unit::ALL.iter().copied().filter(|unit| unit.fits(meter)).collect();
            let mut price = OfferPrice::new(meter, amount, units[usize::from(kind) % units.len()]).when(conditions);
            if kind < 64 {
                let modifier = Modifier {
                    meters: if surcharge { vec![meter] } else { Vec::new() },
                    group: "tier".to_owned(),
                    order: i32::from(kind) - 3,
                    excludes: vec!["region".to_owned()],
                };
                price = OfferPrice { conditions: price.conditions, ..OfferPrice::modifier(amount, modifier) };
            } else {
                price.basis = if surcharge { Basis::Surcharge } else { Basis::Replaces };
                price.rounding = Rounding {
                    minimum_quantity: minimum.map(Quantity::from),
                    step: step.map(Quantity::from),
                    minimum_charge: charge,
                };
            }
            if let Some((from, length)) = dates {
                price.effective_date = Some(Timestamp::from_second(from).unwrap());
                price.expiry_date = length.map(|length| Timestamp::from_second(from + length).unwrap());
            }
            price
        },
    )
}

fn books() -> impl Strategy<Value = PriceBook> {
    let offer = ("[a-z]{1,8}", prop::collection::vec(prices(), 0..6), prop::option::of(any::<u64>()), any::<bool>());
    prop::collection::vec(offer, 0..4).prop_map(|offers| {
        let offers = (0..).zip(offers).map(|(place, (name, prices, window, has_note))| Offer {
            provider: name,
            model: format!("duck-{place}"),
            aliases: if has_note { vec![format!("duck-{place}-x")] } else { Vec::new() },
            capability: Capability::ALL[place % 5],
            currency: if has_note { Currency::CNY } else { Currency::USD },
            prices,
            context_window: window,
            max_output_tokens: window.map(|window| window / 2),
            source: "list \"7\"".to_owned(),
            checked: "2026-11-01".parse().unwrap(),
            note: has_note.then(|| "free\nfor ever".to_owned()),
        });
        PriceBook { offers: offers.collect() }
    })
}

proptest! {
    #[test]
    fn a_book_is_the_same_after_it_was_written_and_read(book in books()) {
        let text = write(&book);
        let again = read(&text, &origin()).unwrap();
        prop_assert_eq!(&again.book, &book);
        prop_assert_eq!(again.report.offers, book.offers.len());
        prop_assert_eq!(write(&again.book), text);
    }
}

const SMALL: &str = r#"{"format": "tollway-prices", "version": 1, "offers": [{"provider": "acme", "model": "duck",
    "currency": "USD", "source": "list", "checked": "2026-11-01", "prices": [
    {"pricing_type": "input_token", "unit_price": "0.10", "unit": "per_1m_tokens"}]}]}"#;

#[test]
fn a_file_that_is_no_price_list_is_refused_with_what_to_do() {
    assert_eq!(read(SMALL, &origin()).unwrap().report.prices, 1);
    for (from, to, says) in [
        ("tollway-prices", "prices", "\"format\""),
        ("\"version\": 1", "\"version\": 2", "upgrade"),
        ("0.10", "-0.10", "below zero"),
        ("per_1m_tokens", "per_image", "per_1k_tokens"),
        ("\"currency\": \"USD\"", "\"currency\": \"USD\", \"colour\": 1", "colour"),
        ("\"model\": \"duck\"", "\"model\": \"duck\", \"aliases\": [\"duck\"]", "twice"),
        ("\"input_token\"", "\"modifier\"", "`modifier`"),
        ("\"unit\"", "\"conditions\": {\"colour\": \"grey\"}, \"unit\"", "colour"),
    ] {
        let error = read(&SMALL.replace(from, to), &origin()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.detail().contains(says), "{error}");
    }
}

#[test]
fn prices_of_one_offer_are_a_map_or_a_list() {
    let map = read_price_map(
        r#"{"currency": "CNY", "input_token": {"unit_price": 0.1, "unit": "per_1k_tokens"},
            "output_token": [{"unit_price": "2", "unit": "per_1k_tokens"},
                {"unit_price": 5e-1, "unit": "per_1k_tokens", "conditions": {"thinking": true}}],
            "modifier": {"unit_price": "0.5", "modifier": {"group": "tier"}, "conditions": {"service_tier": "batch"}}}"#,
    )
    .unwrap();
    assert_eq!(map.currency, Currency::CNY);
    let shown: Vec<_> = map.prices.iter().map(|price| (price.pricing_type.name(), price.unit_price)).collect();
    let decimal = |text| decimal_of(text).unwrap();
    let expected = [("input_token", "0.1"), ("modifier", "0.5"), ("output_token", "2"), ("output_token", "0.5")];
    assert_eq!(shown, expected.map(|(name, price)| (name, decimal(price))));
    let list = read_price_map(r#"[{"pricing_type": "image", "unit_price": "0.04", "unit": "per_image"}]"#).unwrap();
    assert_eq!((list.currency, list.prices[0].pricing_type), (Currency::USD, Meter::Image.into()));
}

#[test]
fn a_price_that_makes_no_sense_is_named() {
    for (text, kind, says) in [
        (r#"{"input_tokens": {"unit_price": 1, "unit": "per_token"}}"#, ErrorKind::InvalidRequest, "input_tokens"),
        (r#"{"image": {"unit_price": 1}}"#, ErrorKind::InvalidRequest, "image: give a unit"),
        (r#"{"image": {"unit_price": -1, "unit": "per_image"}}"#, ErrorKind::InvalidRequest, "-1"),
        (r#"[{"unit_price": 1, "unit": "per_image"}]"#, ErrorKind::InvalidRequest, "prices[0]"),
        (
            r#"{"image": {"unit_price": 1, "unit": "per_image", "price": 2}}"#,
            ErrorKind::InvalidRequest,
            "unknown field",
        ),
        (
            r#"{"currency": "USD", "image": {"unit_price": 1, "unit": "per_image", "currency": "CNY"}}"#,
            ErrorKind::CurrencyMismatch,
            "CNY",
        ),
    ] {
        let error = read_price_map(text).unwrap_err();
        assert_eq!(error.kind(), kind, "{text}");
        assert!(error.detail().contains(says), "{error}");
    }
}
