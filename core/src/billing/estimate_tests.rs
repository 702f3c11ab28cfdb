use serde_json::{Value, json};

use super::*;
use crate::types::{Capability, Conditions, Decimal, ModelConfigId, PriceTerms, Unit};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn estimate(provider: &str, request: &Value, params: &Value, prices: &PriceSet) -> Estimate {
    let mut body = request.clone();
    body["messages"] = json!([{"role": "user", "content": "hi"}]);
    body["max_tokens"] = json!(10);
    let config = ModelConfig {
        id: ModelConfigId::new(1),
        provider: provider.to_owned(),
        model_name: "duck".to_owned(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        model_params: params.as_object().unwrap().clone(),
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
fn what_a_config_sends_by_itself_is_in_the_bound_of_the_input() {
    let prices = PriceSet::default();
    let bound = |params: &Value| estimate("openai", &json!({}), params, &prices).size;
    let plain = bound(&json!({}));
    let long = bound(&json!({"body": {"response_format": {"description": "x".repeat(5_000)}}}));
    assert!(long.bound >= plain.bound + 5_000);
    assert_eq!(long.estimate, plain.estimate);
    let named = bound(&json!({"body": {"cachedContent": "cachedContents/x"}}));
    assert!(named.bound >= plain.bound + 1_000_000);
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
