use jiff::civil::date;
use serde_json::json;

use super::*;
use crate::types::{Attribute, Capability, Conditions, Currency, Modifier, OfferPrice, PriceId, Unit, decimal_of};

fn instant(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    instant("2026-11-22T12:00:00Z")
}

fn config() -> ModelConfig {
    ModelConfig {
        id: ModelConfigId::new(7),
        provider: "acme".to_owned(),
        model_name: "duck-2".to_owned(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        params: serde_json::Map::new(),
        is_default: false,
        priority: 0,
        is_active: true,
        description: None,
        created_at: now(),
        updated_at: now(),
    }
}

fn price(meter: Meter, text: &str) -> OfferPrice {
    OfferPrice::new(meter, decimal_of(text).unwrap(), Unit::Per1mTokens)
}

fn batch() -> Conditions {
    Conditions::default().with_choice(Attribute::ServiceTier, "batch")
}

fn offer(prices: Vec<OfferPrice>) -> Offer {
    Offer {
        provider: "acme".to_owned(),
        model: "duck-2".to_owned(),
        aliases: Vec::new(),
        capability: Capability::Text,
        currency: Currency::USD,
        prices,
        context_window: None,
        max_output_tokens: None,
        source: "list 1".to_owned(),
        checked: date(2026, 11, 20),
        note: None,
    }
}

fn plain() -> Vec<OfferPrice> {
    vec![price(Meter::InputToken, "2"), price(Meter::OutputToken, "8")]
}

/// The rows that a config has that took an offer over a month ago.
fn rows(offer: &Offer) -> Vec<Price> {
    let then = instant("2026-10-22T12:00:00Z");
    let row = |(place, terms)| Price {
        id: PriceId::new(place as u64 + 1),
        model_config_id: ModelConfigId::new(7),
        terms,
        created_at: then,
        superseded: None,
    };
    offer.terms(then).into_iter().enumerate().map(row).collect()
}

fn kinds(prices: &[Price], offer: Option<&Offer>) -> Vec<(String, ProposalKind)> {
    let config = config();
    let proposals = Comparison { config: &config, prices, now: now() }.with(offer, true);
    let name = |proposal: &PriceProposal| {
        let terms = proposal.new.as_ref().or(proposal.old.as_ref().map(|old| &old.terms));
        terms.map_or_else(String::new, |terms| format!("{}{}", terms.pricing_type, terms.conditions.canonical()))
    };
    proposals.iter().map(|proposal| (name(proposal), proposal.kind)).collect()
}

fn kind(name: &str, kind: ProposalKind) -> (String, ProposalKind) {
    (name.to_owned(), kind)
}

#[test]
fn the_same_prices_are_no_change_in_whatever_unit() {
    let before = offer(plain());
    let mut after = before.clone();
    after.prices[0] = OfferPrice::new(Meter::InputToken, decimal_of("0.002").unwrap(), Unit::Per1kTokens);
    let expected = [kind("input_token", ProposalKind::Unchanged), kind("output_token", ProposalKind::Unchanged)];
    assert_eq!(kinds(&rows(&before), Some(&after)), expected);
}

#[test]
fn new_changed_and_gone_prices_are_told_apart_by_slot() {
    let mut prices = plain();
    prices.push(price(Meter::CachedInputToken, "0.5"));
    prices.push(price(Meter::InputToken, "1").when(batch()));
    let before = offer(prices);
    let mut prices = plain();
    prices[1] = price(Meter::OutputToken, "9");
    prices.push(price(Meter::InputToken, "1.5").when(batch()));
    prices.push(price(Meter::OutputToken, "4").when(batch()));
    let slot = r#"{"service_tier":["batch"]}"#;
    let expected = [
        kind("input_token", ProposalKind::Unchanged),
        kind("output_token", ProposalKind::Changed),
        kind(&format!("input_token{slot}"), ProposalKind::Changed),
        kind(&format!("output_token{slot}"), ProposalKind::Added),
        kind("cached_input_token", ProposalKind::Ended),
    ];
    assert_eq!(kinds(&rows(&before), Some(&offer(prices))), expected);
}

#[test]
fn a_new_rounding_ratio_or_end_is_a_change() {
    let before = offer(plain());
    let mut rounded = before.clone();
    rounded.prices[0].rounding.minimum_charge = decimal_of("0.01");
    let mut ending = before.clone();
    ending.prices[0].expiry_date = Some(instant("2027-01-01T00:00:00Z"));
    for after in [rounded, ending] {
        assert_eq!(kinds(&rows(&before), Some(&after))[0], kind("input_token", ProposalKind::Changed));
    }
    let half = |ratio: &str| {
        let modifier = Modifier { group: "tier".to_owned(), ..Modifier::default() };
        let mut prices = plain();
        prices.push(OfferPrice::modifier(decimal_of(ratio).unwrap(), modifier).when(batch()));
        offer(prices)
    };
    assert_eq!(kinds(&rows(&half("0.5")), Some(&half("0.6")))[2].1, ProposalKind::Changed);
}

#[test]
fn an_announced_price_is_added_once_and_withdrawn_when_the_list_does() {
    let change = instant("2027-01-01T00:00:00Z");
    let mut announced = offer(plain());
    announced.prices[0].expiry_date = Some(change);
    announced.prices.push(OfferPrice { effective_date: Some(change), ..price(Meter::InputToken, "3") });
    let found = kinds(&rows(&offer(plain())), Some(&announced));
    assert_eq!(found[0].1, ProposalKind::Changed, "it ends now");
    assert_eq!(found[2], kind("input_token", ProposalKind::Added));
    assert!(kinds(&rows(&announced), Some(&announced)).iter().all(|(_, kind)| *kind == ProposalKind::Unchanged));
    let withdrawn = kinds(&rows(&announced), Some(&offer(plain())));
    assert_eq!(withdrawn[0].1, ProposalKind::Changed, "it ends no longer");
    assert_eq!(withdrawn[2], kind("input_token", ProposalKind::Ended));
}

#[test]
fn prices_set_by_hand_are_kept_with_all_that_would_change_what_they_bill() {
    let mut before = rows(&offer(plain()));
    before[0].terms.source = "user".to_owned();
    let mut prices = plain();
    prices[0] = price(Meter::InputToken, "5");
    prices[1] = price(Meter::OutputToken, "9");
    prices.push(price(Meter::CachedInputToken, "0.5"));
    prices.push(price(Meter::InputToken, "1").when(batch()));
    prices.push(OfferPrice::modifier(decimal_of("0.5").unwrap(), Modifier::default()).when(batch()));
    let found = kinds(&before, Some(&offer(prices)));
    assert_eq!(found, [kind("input_token", ProposalKind::Kept), kind("output_token", ProposalKind::Changed)]);
}

#[test]
fn a_config_that_was_priced_by_hand_alone_is_left_alone() {
    let mut before = rows(&offer(plain()));
    before.truncate(1);
    before[0].terms.source = "user".to_owned();
    assert_eq!(kinds(&before, Some(&offer(plain()))), [kind("input_token", ProposalKind::Kept)]);
}

#[test]
fn a_list_in_another_currency_is_not_mixed_with_prices_set_by_hand() {
    let mut before = rows(&offer(plain()));
    before[0].terms.source = "user".to_owned();
    let yuan = Offer { currency: Currency::CNY, ..offer(plain()) };
    assert_eq!(kinds(&before, Some(&yuan)), [kind("input_token", ProposalKind::Kept)]);
    let changed = kinds(&rows(&offer(plain())), Some(&yuan));
    assert!(changed.iter().all(|(_, kind)| *kind == ProposalKind::Changed), "{changed:?}");
}

#[test]
fn a_model_that_the_catalog_dropped_is_reported_and_one_without_prices_too() {
    let before = rows(&offer(plain()));
    assert!(kinds(&before, None).iter().all(|(_, kind)| *kind == ProposalKind::NoLongerInCatalog));
    assert_eq!(kinds(&[], None), [kind("", ProposalKind::Unpriced)]);
    let added = kinds(&[], Some(&offer(plain())));
    assert!(added.len() == 2 && added.iter().all(|(_, kind)| *kind == ProposalKind::Added));
    let config = config();
    let comparison = Comparison { config: &config, prices: &before, now: now() };
    assert_eq!(comparison.with(None, false), [], "a book need not have every model");
}

#[test]
fn a_proposal_is_plain_json() {
    let config = config();
    let proposals = Comparison { config: &config, prices: &[], now: now() }.with(Some(&offer(plain())), true);
    let value = serde_json::to_value(&proposals[0]).unwrap();
    assert_eq!((&value["kind"], &value["model"]), (&json!("added"), &json!("acme/duck-2")));
    assert_eq!(value["effective_date"], json!("2026-11-22T12:00:00Z"));
}
