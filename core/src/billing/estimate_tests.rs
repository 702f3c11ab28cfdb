use serde_json::{Value, json};

use super::*;
use crate::types::{Capability, Conditions, Decimal, ModelConfigId, PriceTerms, Unit};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn estimate(provider: &str, request: &Value, params: &Value, prices: &PriceSet) -> Estimate {
    estimate_of((provider, "duck"), request, params, prices)
}

fn estimate_of((provider, model): (&str, &str), request: &Value, params: &Value, prices: &PriceSet) -> Estimate {
    let mut body = request.clone();
    if body.get("messages").is_none() {
        body["messages"] = json!([{"role": "user", "content": "hi"}]);
    }
    body["max_tokens"] = json!(10);
    let config = ModelConfig {
        id: ModelConfigId::new(1),
        provider: provider.to_owned(),
        model_name: model.to_owned(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        params: params.as_object().unwrap().clone(),
        is_default: false,
        priority: 0,
        is_active: true,
        description: None,
        created_at: NOW,
        updated_at: NOW,
    };
    Estimate::new(&serde_json::from_value(body).unwrap(), &config, prices, 100, NOW)
}

fn price(meter: Meter, amount: i64, when: &str) -> PriceTerms {
    let terms = PriceTerms::new(meter, Decimal::from(amount), Unit::Per1mTokens, Currency::USD, NOW);
    PriceTerms { conditions: Conditions::from_canonical(when).unwrap(), ..terms }
}

fn held(request: &Value, params: &Value, terms: &[PriceTerms]) -> Decimal {
    let prices = PriceSet::of_terms(terms.to_vec()).unwrap();
    let estimate = estimate("openai", request, params, &prices);
    estimate.worst(head_of("openai/duck", Currency::USD), &prices).unwrap().unwrap().cost.amount
}

#[test]
fn body_fields_that_a_config_adds_count_in_the_bound_of_the_input() {
    let prices = PriceSet::default();
    let bound = |params: &Value| estimate("openai", &json!({}), params, &prices).size;
    let plain = bound(&json!({}));
    let long = bound(&json!({"body": {"response_format": {"description": "x".repeat(5_000)}}}));
    assert!(long.bound >= plain.bound + 5_000);
    assert_eq!(long.estimate, plain.estimate);
    let named = bound(&json!({"body": {"cachedContent": "cachedContents/x"}}));
    assert_eq!(named.bound, GREATEST_WINDOW);
}

#[test]
fn sound_that_a_gemini_request_asks_for_is_held_at_its_price() {
    let terms =
        [price(Meter::InputToken, 0, ""), price(Meter::OutputToken, 1, ""), price(Meter::OutputAudioToken, 9, "")];
    let spoken = json!({"generationConfig": {"responseModalities": ["AUDIO"]}});
    let silent = held(&json!({}), &json!({}), &terms);
    assert_eq!(held(&spoken, &json!({}), &terms), silent * Decimal::from(9));
    assert_eq!(held(&json!({}), &json!({"body": spoken}), &terms), silent * Decimal::from(9));
}

#[test]
fn the_reasoning_that_a_config_allows_is_in_the_bound_of_the_output() {
    let prices = PriceSet::default();
    let bound = |params: &Value| estimate("dashscope", &json!({}), params, &prices).output_bound;
    assert_eq!(bound(&json!({"body": {"thinking_budget": 81_920}})), 10 + 81_920);
    assert_eq!(bound(&json!({})), 10 + REASONING_BOUND);
}

#[test]
fn thinking_that_a_field_turns_on_beside_an_effort_of_none_is_held() {
    let prices = PriceSet::default();
    let bound = |request: &Value| estimate("dashscope", request, &json!({}), &prices).output_bound;
    assert_eq!(bound(&json!({"reasoning_effort": "none"})), 10);
    assert_eq!(bound(&json!({"reasoning_effort": "high", "enable_thinking": false})), 10);
    let enabled = json!({"type": "enabled", "budget_tokens": 50_000});
    for (request, beside) in [
        (json!({"reasoning_effort": "none", "enable_thinking": true}), REASONING_BOUND),
        (json!({"reasoning_effort": "none", "enable_thinking": true, "thinking_budget": 60_000.0}), 60_000),
        (json!({"reasoning_effort": "none", "thinking": enabled}), 50_000),
        (json!({"reasoning_effort": "none", "anthropic": {"thinking": enabled}}), 50_000),
        (json!({"thinking_budget": 1, "anthropic": {"thinking": enabled}}), 50_000),
    ] {
        assert_eq!(bound(&request), 10 + beside, "{request}");
    }
}

#[test]
fn a_speed_that_nobody_asks_for_is_not_held() {
    let terms = [
        price(Meter::InputToken, 0, ""),
        price(Meter::OutputToken, 1, ""),
        price(Meter::OutputToken, 6, r#"{"speed": "fast"}"#),
    ];
    let plain = held(&json!({}), &json!({}), &terms);
    assert_eq!(held(&json!({"speed": "fast"}), &json!({}), &terms), plain * Decimal::from(6));
    assert_eq!(held(&json!({}), &json!({"body": {"speed": "fast"}}), &terms), plain * Decimal::from(6));
}

fn per_search(amount: &str, when: &str) -> PriceTerms {
    let terms = PriceTerms::new(Meter::WebSearch, amount.parse().unwrap(), Unit::PerSearch, Currency::USD, NOW);
    PriceTerms { conditions: Conditions::from_canonical(when).unwrap(), ..terms }
}

#[test]
fn remote_media_are_held_at_the_context_window_of_the_model() {
    let prices = PriceSet::of_terms([price(Meter::InputToken, 1, ""), price(Meter::OutputToken, 0, "")]).unwrap();
    let part = json!({"type": "image_url", "image_url": {"url": "https://www.youtube.com/watch?v=abc"}});
    let request = json!({"messages": [{"role": "user", "content": [part]}]});
    let bound = |target, params: Value| estimate_of(target, &request, &params, &prices).size.bound;
    assert_eq!(bound(("gemini", "gemini-2.5-flash"), json!({})), 1_048_576);
    assert_eq!(bound(("openai", "gpt-4o"), json!({})), 128_000);
    assert_eq!(bound(("house", "duck"), json!({})), GREATEST_WINDOW);
    assert_eq!(bound(("house", "duck"), json!({"context_window": 40_000})), 40_000);
}

#[test]
fn sound_and_video_behind_an_address_are_held_at_their_own_prices() {
    let per_second = |meter| PriceTerms::new(meter, Decimal::ONE, Unit::PerSecond, Currency::USD, NOW);
    let terms = [
        price(Meter::InputToken, 1, ""),
        price(Meter::InputAudioToken, 3, ""),
        price(Meter::OutputToken, 0, ""),
        per_second(Meter::InputVideoSecond),
    ];
    let prices = PriceSet::of_terms(terms).unwrap();
    let held = |url: &str| {
        let part = json!({"type": "image_url", "image_url": {"url": url}});
        let request = json!({"messages": [{"role": "user", "content": [part]}]});
        let estimate = estimate_of(("gemini", "m"), &request, &json!({"context_window": 1_000_000}), &prices);
        estimate.worst(head_of("m", Currency::USD), &prices).unwrap().unwrap().cost.amount
    };
    // A million tokens of sound, or an hour and more of video, a second of which has 60 tokens at the least.
    assert_eq!(held("https://a.test/watch"), Decimal::from(3 + 16_666));
    assert_eq!(held("https://a.test/a.webp"), Decimal::from(1));
}

#[test]
fn searches_are_held_at_their_most_with_all_that_they_bring() {
    let dated = "web_search_20250305";
    let terms = [
        price(Meter::InputToken, 1, ""),
        price(Meter::OutputToken, 0, ""),
        per_search("0.01", ""),
        per_search("0.02", r#"{"search_size": "high"}"#),
    ];
    let prices = PriceSet::of_terms(terms).unwrap();
    let held = |target, request: &Value| {
        let estimate = estimate_of(target, request, &json!({"context_window": 1_000_000}), &prices).under_cap();
        let worst = estimate.worst(head_of("m", Currency::USD), &prices).unwrap();
        worst.map(|worst| worst.cost.amount.normalize().to_string())
    };
    let uses = |most: u64| json!({"tools": [{"type": dated, "name": "web_search", "max_uses": most}]});
    // Each search makes the model read once more, and what a request leaves open is the dearest.
    assert_eq!(held(("anthropic", "m"), &uses(3)).as_deref(), Some("4.06"));
    assert_eq!(held(("anthropic", "m"), &json!({"tools": [{"type": dated, "name": "web_search"}]})), None);
    let grounded = json!({"tools": [{"google_search": {}}]});
    assert_eq!(held(("gemini", "gemini-2.5-pro"), &grounded).as_deref(), Some("2.02"));
    assert_eq!(held(("gemini", "gemini-3-pro"), &grounded), None);
    let plugin = json!({"plugins": [{"id": "web", "max_results": 7}]});
    assert_eq!(held(("openrouter", "m"), &plugin).as_deref(), Some("1.14"));
    let sized = json!({"web_search_options": {"search_context_size": "high"}});
    let small = json!({"web_search_options": {"search_context_size": "low"}});
    let search_model = ("openai", "gpt-4o-search-preview");
    let difference = |left: &Value, right: &Value| {
        let amount = |request| held(search_model, request).unwrap().parse::<Decimal>().unwrap();
        amount(left) - amount(right)
    };
    // The longer word is one byte of input.
    assert_eq!(difference(&sized, &small).normalize().to_string(), "0.010001");
    let asked = json!({"tools": [{"type": "openrouter:web_search", "parameters": {"max_uses": 2}}]});
    assert_eq!(held(("openrouter", "m"), &asked).as_deref(), Some("3.04"));
    assert_eq!(held(("dashscope", "m"), &json!({"enable_search": true})), None);
}

#[test]
fn a_field_that_nobody_knows_has_a_price_without_a_cap_and_none_under_one() {
    let prices = PriceSet::of_terms([price(Meter::InputToken, 1, ""), price(Meter::OutputToken, 1, "")]).unwrap();
    let known = estimate("openai", &json!({"min_p": 0.1}), &json!({}), &prices);
    let unknown = estimate("openai", &json!({"quantum_boost": 9}), &json!({}), &prices);
    let head = head_of("m", Currency::USD);
    assert!(unknown.worst(head, &prices).unwrap().is_some());
    assert_eq!(unknown.clone().under_cap().worst(head, &prices).unwrap(), None);
    assert!(unknown.under_cap().uncovered.unwrap().advice().contains("`quantum_boost`"));
    assert!(known.under_cap().worst(head, &prices).unwrap().is_some());
}

#[test]
fn unbounded_tokens_are_unknown_and_not_a_number() {
    let prices = PriceSet::default();
    let most = |request: Value| estimate("anthropic", &request, &json!({}), &prices).most_tokens();
    let fetch = |more: Value| {
        let mut tool = json!({"type": "web_fetch_20250910", "name": "web_fetch"});
        tool.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"tools": [tool]})
    };
    assert_eq!(most(fetch(json!({}))), None);
    assert_eq!(most(fetch(json!({"max_uses": 2}))), Some(3 * GREATEST_WINDOW + 10));
    assert!(most(json!({})).unwrap() < 1_000);
}

#[test]
fn a_compaction_reads_all_once_more_and_writes_a_summary() {
    let prices = PriceSet::default();
    let of = |request: Value| estimate("anthropic", &request, &json!({}), &prices);
    let compacts = json!({"context_management": {"edits": [{"type": "compact_20260112"}]}});
    let clears = json!({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}});
    assert_eq!(of(clears.clone()).output_bound, 10);
    assert_eq!(of(compacts.clone()).output_bound, 20);
    assert!(of(compacts).size.bound > 2 * of(json!({})).size.bound);
}
