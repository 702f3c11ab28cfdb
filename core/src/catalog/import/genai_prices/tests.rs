use super::*;
use crate::billing::component::Component;
use crate::billing::price::{BillHead, PriceSet};
use crate::types::{Attribute, Facts, PriceTerms, Usage};

fn origin() -> Origin {
    Origin { source: "genai-prices 9.9".to_owned(), checked: "2026-11-01".parse().unwrap() }
}

fn import(models: &str) -> Imported {
    read(&format!(r#"[{{"id": "acme", "models": {models}}}]"#), &origin()).unwrap()
}

/// Prices a usage by all prices of an offer that are in force at an instant.
fn cost(offer: &Offer, at: &str, facts: &[(Attribute, &str)], meters: &[(Meter, u64)]) -> String {
    let at = at.parse().unwrap();
    let terms = offer.prices.iter().map(|price| offer.term(price, jiff::Timestamp::MIN));
    let components: Vec<_> = terms.map(|terms: PriceTerms| std::sync::Arc::new(Component::of_terms(terms))).collect();
    let set = PriceSet::in_force(&components, at, jiff::Timestamp::MAX).unwrap();
    let mut call = Facts::at(at);
    for (attribute, value) in facts {
        call.set(*attribute, value);
    }
    let usage =
        Usage { meters: meters.iter().map(|(meter, count)| (*meter, (*count).into())).collect(), ..Usage::default() };
    let head = BillHead { attempt: 1, model: "acme/duck", reported_currency: Currency::USD };
    let bill = set.bill(head, &usage, &call).unwrap();
    bill.exact.map_or_else(|| "unpriced".to_owned(), |exact| exact.to_text())
}

const MILLION: [(Meter, u64); 1] = [(Meter::InputToken, 1_000_000)];

#[test]
fn keys_become_meters_and_unknown_ones_are_reported() {
    let imported = import(
        r#"[{"id": "duck", "match": {"or": [{"equals": "duck"}, {"equals": "duck-1"}, {"contains": "duck"}]},
             "context_window": 1000, "prices": {"input_mtok": 0.1, "audio_hours": 3.6, "cache_write_mtok": 2,
             "cache_write_5m_mtok": 1.5, "input_gpixels": 4, "quacks_mtok": 7}, "colour": "grey"},
            {"id": "free", "match": {"equals": "free"}, "prices": {}}]"#,
    );
    let offer = &imported.book.offers[0];
    assert_eq!((offer.aliases.as_slice(), offer.context_window), (&["duck-1".to_owned()][..], Some(1000)));
    let prices: Vec<_> =
        offer.prices.iter().map(|price| (price.pricing_type.name(), price.unit_price.to_string())).collect();
    let expected = [
        ("input_token", "0.1"),
        ("cache_write_5m_token", "1.5"),
        ("cache_write_1h_token", "2"),
        ("input_audio_second", "3.6"),
        ("output_audio_second", "3.6"),
        ("input_pixel", "0.004"),
    ];
    assert_eq!(prices, expected.map(|(name, price)| (name, price.to_owned())));
    let report = imported.report;
    assert_eq!((report.entries, report.offers, report.prices), (2, 1, 6));
    assert_eq!(report.unpriced, ["acme/free"]);
    let keys: Vec<_> = report.not_understood.iter().map(|key| (key.key.as_str(), key.value.as_str())).collect();
    assert_eq!(keys, [("colour", "\"grey\""), ("quacks_mtok", "7")]);
}

#[test]
fn output_that_a_set_leaves_out_is_free_only_in_the_reading_that_says_so() {
    let output = |omission| {
        let entry = read_prices("acme", "duck", r#"{"input_mtok": 0.1}"#, omission).unwrap();
        entry.prices.into_iter().find(|price| price.pricing_type == Meter::OutputToken).map(|price| price.unit_price)
    };
    assert_eq!(output(Omission::IsUnknown), None);
    assert_eq!(output(Omission::IsFree), Some(crate::types::Decimal::ZERO));
}

#[test]
fn a_tier_begins_strictly_above_its_start_and_is_for_the_whole_request() {
    let imported = import(
        r#"[{"id": "duck", "match": {"equals": "duck"}, "prices": {"output_mtok": 1,
             "input_mtok": {"base": 1, "tiers": [{"start": 20, "price": 3}, {"start": 10, "price": 2}]}}}]"#,
    );
    let offer = &imported.book.offers[0];
    let at = |tokens| cost(offer, "2026-01-01T00:00:00Z", &[], &[(Meter::InputToken, tokens)]);
    assert_eq!(
        (at(10).as_str(), at(11).as_str(), at(20).as_str(), at(21).as_str()),
        ("0.00001", "0.000022", "0.00004", "0.000063")
    );
}

#[test]
fn dated_rules_follow_each_other_and_hours_do_not_reach_into_history() {
    let imported = import(
        r#"[{"id": "duck", "match": {"equals": "duck"}, "prices": [
            {"prices": {"input_mtok": 1, "output_mtok": 1}},
            {"constraint": {"start_date": "2026-05-01"}, "prices": {"input_mtok": 2, "output_mtok": 1}},
            {"constraint": {"start_time": "22:00:00+00:00", "end_time": "02:00:00Z"}, "prices": {"input_mtok": 4, "output_audio_mtok": 1}}]}]"#,
    );
    let offer = &imported.book.offers[0];
    for (at, expected) in [
        ("2026-04-30T23:59:59Z", "1"),
        ("2026-05-01T00:00:00Z", "4"),
        ("2026-05-01T02:00:00Z", "2"),
        ("2026-05-01T21:59:59Z", "2"),
        ("2026-05-01T22:00:00Z", "4"),
    ] {
        assert_eq!(cost(offer, at, &[], &MILLION), expected, "{at}");
    }
    let output = [(Meter::OutputToken, 1_000_000)];
    assert_eq!(cost(offer, "2026-05-01T12:00:00Z", &[], &output), "1");
    assert_eq!(
        cost(offer, "2026-05-01T23:00:00Z", &[], &output),
        "unpriced",
        "the rule of the hours has no such price"
    );
}

#[test]
fn peak_hours_of_deepseek_are_those_of_working_days() {
    let text = r#"[{"id": "deepseek", "models": [{"id": "duck", "match": {"equals": "duck"}, "prices": [
        {"prices": {"input_mtok": 1}},
        {"constraint": {"start_time": "01:00:00+00:00", "end_time": "04:00:00+00:00"}, "prices": {"input_mtok": 2}}]}]}]"#;
    let imported = read(text, &origin()).unwrap();
    for (at, expected) in [
        ("2026-08-22T01:00:00Z", "2"),
        ("2026-08-23T01:00:00Z", "1"),
        ("2026-08-24T01:00:00Z", "2"),
        ("2026-10-01T02:00:00Z", "1"),
        ("2026-10-24T02:00:00Z", "1"),
    ] {
        assert_eq!(cost(&imported.book.offers[0], at, &[], &MILLION), expected, "{at}");
    }
}

#[test]
fn variants_take_the_place_of_the_standard_price_also_where_that_jumps() {
    let imported = import(
        r#"[{"id": "duck", "match": {"equals": "duck"},
             "prices": {"input_mtok": {"base": 10, "tiers": [{"start": 200, "price": 20}]}},
             "price_variants": [
                {"when": {"processing": "batch"}, "prices": {"input_mtok": 5}, "constraint": {"start_date": "2026-05-01"}},
                {"when": {"processing": "batch"}, "prices": {"input_mtok": 6}},
                {"when": {"service_tier": "default"}, "prices": {"input_mtok": 9}},
                {"when": {"moon": "full"}, "prices": {"input_mtok": 1}}]}]"#,
    );
    let offer = &imported.book.offers[0];
    let batch = [(Attribute::ServiceTier, "batch")];
    assert_eq!(cost(offer, "2026-05-01T00:00:00Z", &batch, &MILLION), "5");
    assert_eq!(cost(offer, "2026-04-30T23:59:59Z", &batch, &MILLION), "6");
    assert_eq!(cost(offer, "2026-05-01T00:00:00Z", &batch, &[(Meter::InputToken, 100)]), "0.0005");
    assert_eq!(cost(offer, "2026-05-01T00:00:00Z", &[(Attribute::ServiceTier, "default")], &MILLION), "9");
    assert_eq!(cost(offer, "2026-05-01T00:00:00Z", &[(Attribute::ServiceTier, "flex")], &MILLION), "20");
    assert_eq!(imported.report.not_understood[0].key, "price_variants[3]");
}

#[test]
fn two_models_of_groq_are_billed_for_ten_seconds_at_least() {
    let entry = read_prices(
        "groq",
        "whisper-large-v3",
        r#"{"audio_hours": "0.36", "input_audio_hours": "0.36"}"#,
        Omission::IsUnknown,
    )
    .unwrap();
    assert_eq!(entry.prices[0].rounding.minimum_quantity, Some(10.into()));
    assert!(
        read_prices("groq", "whisper-small", r#"{"audio_hours": "0.36"}"#, Omission::IsUnknown).unwrap().prices[0]
            .rounding
            .is_none()
    );
}

#[test]
fn a_name_is_of_one_model() {
    let imported = import(
        r#"[{"id": "duck", "match": {"or": [{"equals": "goose"}, {"equals": "bird"}]}, "prices": {"input_mtok": 1}},
            {"id": "goose", "match": {"or": [{"equals": "goose"}, {"equals": "bird"}]}, "prices": {"input_mtok": 2}}]"#,
    );
    let aliases: Vec<_> = imported.book.offers.iter().map(|offer| offer.aliases.join(" ")).collect();
    assert_eq!(aliases, ["bird", ""]);
    let taken: Vec<_> =
        imported.report.not_understood.iter().map(|key| format!("{} {}", key.entry, key.value)).collect();
    assert_eq!(taken, ["acme/duck goose", "acme/goose bird"]);
}
