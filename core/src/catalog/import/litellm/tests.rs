use jiff::Timestamp;

use super::*;
use crate::billing::meter::disjoint;
use crate::billing::price::{BillHead, PriceSet};
use crate::catalog::import::Origin;
use crate::types::{Attribute, Capability, Currency, Facts, Offer, Quantity, ReportedUsage};

fn entry(provider: &str, text: &str) -> Entry {
    read_entry(provider, "a-model", &exact_object(text).unwrap())
}

fn offer(entry: Entry) -> Offer {
    Offer {
        provider: "a".to_owned(),
        model: "b".to_owned(),
        aliases: Vec::new(),
        capability: Capability::Text,
        currency: Currency::USD,
        prices: entry.prices,
        context_window: None,
        max_output_tokens: None,
        source: "a list".to_owned(),
        checked: "2026-11-22".parse().unwrap(),
        note: None,
    }
}

fn cost(provider: &str, text: &str, reported: &ReportedUsage, facts: &Facts) -> String {
    let entry = entry(provider, text);
    assert!(entry.not_understood.is_empty(), "{:?}", entry.not_understood);
    let offer = offer(entry);
    let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
    let prices = PriceSet::of_terms(terms).unwrap();
    let head = BillHead { attempt: 1, model: "a/b", reported_currency: Currency::USD };
    let bill = prices.bill(head, &disjoint(reported), facts).unwrap();
    bill.exact.map_or_else(|| "unpriced".to_owned(), |exact| exact.to_text())
}

fn facts(tier: &str) -> Facts {
    let mut facts = Facts::default();
    facts.set(Attribute::ServiceTier, tier);
    facts
}

fn tokens(input: u64, cached: u64, output: u64) -> ReportedUsage {
    ReportedUsage { input: Some(input), cached_input: Some(cached), output: Some(output), ..ReportedUsage::default() }
}

const LONG: &str = r#"{
    "input_cost_per_token": 2e-06, "input_cost_per_token_above_200k_tokens": 4e-06,
    "input_cost_per_token_priority": 3e-06, "input_cost_per_token_batches": 1e-06,
    "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 2e-07
}"#;

#[test]
fn a_long_input_moves_the_whole_request_and_only_the_meters_that_say_so() {
    assert_eq!(cost("a", LONG, &tokens(200_000, 0, 1), &facts("standard")), "0.40001");
    assert_eq!(cost("a", LONG, &tokens(200_001, 0, 1), &facts("standard")), "0.800014");
    assert_eq!(cost("xai", LONG, &tokens(200_000, 0, 1), &facts("standard")), "0.80001");
    assert_eq!(cost("a", LONG, &tokens(200_001, 200_000, 0), &facts("standard")), "0.040004");
}

#[test]
fn a_tier_takes_its_own_prices_and_the_standard_ones_for_the_rest() {
    assert_eq!(cost("a", LONG, &tokens(100, 0, 1), &facts("priority")), "0.00031");
    assert_eq!(cost("a", LONG, &tokens(200_001, 0, 0), &facts("priority")), "0.800004");
    assert_eq!(cost("a", LONG, &tokens(200_001, 0, 0), &facts("batch")), "0.200001");
    assert_eq!(cost("a", LONG, &tokens(100, 0, 0), &facts("flex")), "0.0002");
}

#[test]
fn regions_and_speeds_become_modifiers_of_tokens_only() {
    let text = r#"{"input_cost_per_token": 1e-06, "provider_specific_entry": {"us": 1.1, "fast": 2},
        "search_context_cost_per_query": {"search_context_size_low": 0.01, "search_context_size_medium": 0.02}}"#;
    let mut usage = tokens(1_000, 0, 0);
    usage.counts.insert(Meter::WebSearch, Quantity::from(2));
    let mut facts = Facts::default();
    assert_eq!(cost("a", text, &usage, &facts), "0.041");
    facts.set(Attribute::Region, "us");
    assert_eq!(cost("a", text, &usage, &facts), "0.0411");
    facts.set(Attribute::Speed, "fast");
    assert_eq!(cost("a", text, &usage, &facts), "0.0422");
    facts.set(Attribute::SearchSize, "low");
    assert_eq!(cost("a", text, &usage, &facts), "0.0222");
}

#[test]
fn seconds_of_video_go_by_their_resolution() {
    let text = r#"{"mode": "video_generation", "output_cost_per_second": 0.1, "output_cost_per_second_4k": 0.25}"#;
    let mut usage = ReportedUsage::default();
    usage.counts.insert(Meter::VideoSecond, Quantity::from(4));
    let mut facts = Facts::default();
    assert_eq!(cost("a", text, &usage, &facts), "0.4");
    facts.set(Attribute::Resolution, "4K");
    assert_eq!(cost("a", text, &usage, &facts), "1");
}

#[test]
fn keys_without_a_meter_are_reported_with_a_reason() {
    let read = entry(
        "a",
        r#"{"input_cost_per_token": 1e-06, "search_free_requests": {"count": 5}, "input_cost_per_hologram": 3,
            "provider_specific_entry": {"frames": {"a": 1}, "schema": "second"}, "web_search_billing_unit": "per_query", "output_cost_per_token": -1, "max_tokens": 5,
            "supports_vision": true, "input_cost_per_image": null,
            "cache_creation_input_token_cost_above_12hr": 1e-06, "input_dbu_cost_per_token": 1}"#,
    );
    assert_eq!(read.prices.len(), 1);
    let mut keys: Vec<_> = read.not_understood.iter().map(|key| key.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "cache_creation_input_token_cost_above_12hr",
            "input_cost_per_hologram",
            "input_dbu_cost_per_token",
            "output_cost_per_token",
            "provider_specific_entry.frames",
            "search_free_requests",
        ]
    );
    assert!(read.not_understood.iter().all(|key| !key.reason.is_empty() && key.entry == "a-model"));
}

#[test]
fn a_whole_list_becomes_offers() {
    let origin = Origin { source: "a list 1.0".to_owned(), checked: "2026-11-22".parse().unwrap() };
    let text = r#"{
        "sample_spec": {"litellm_provider": "x", "input_cost_per_token": 0},
        "pear/soft-1": {"litellm_provider": "pear", "mode": "chat", "input_cost_per_token": 1e-06, "max_input_tokens": 1000,
            "max_output_tokens": 64, "source": "https://pear.test/prices"},
        "soft-1": {"litellm_provider": "pear", "mode": "chat", "input_cost_per_token": 1e-06},
        "vertex_ai/plum": {"litellm_provider": "vertex_ai-plum_models", "mode": "embedding", "input_cost_per_token": 2e-06},
        "plum": {"litellm_provider": "vertex_ai", "mode": "embedding", "input_cost_per_token": 3e-06},
        "pear/bare": {"litellm_provider": "pear", "mode": "chat", "max_tokens": 5}
    }"#;
    let read = read(text, &origin).unwrap();
    assert_eq!((read.report.entries, read.report.offers, read.report.prices), (5, 2, 2));
    assert_eq!(read.report.unpriced, ["pear/bare"]);
    assert_eq!(read.report.not_understood.len(), 1);
    let [pear, plum] = read.book.offers.as_slice() else { panic!("{:?}", read.book.offers) };
    assert_eq!(
        (pear.name(), pear.context_window, pear.max_output_tokens),
        ("pear/soft-1".to_owned(), Some(1000), Some(64))
    );
    assert_eq!((plum.name(), plum.capability), ("vertex_ai/plum".to_owned(), Capability::Embedding));
    assert!(super::read("[]", &origin).unwrap_err().detail().contains("JSON object"));
}
