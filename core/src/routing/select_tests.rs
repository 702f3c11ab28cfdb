use serde_json::Map;

use super::*;
use crate::store::Configuration;
use crate::types::{Meter, ModelConfigId, Price, PriceId, PriceTerms, RouteId, Unit};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn config(id: u64, name: &str, priority: i64) -> ModelConfig {
    let (provider, model_name) = name.split_once('/').unwrap();
    ModelConfig {
        id: ModelConfigId::new(id),
        provider: provider.into(),
        model_name: model_name.into(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        model_params: Map::new(),
        is_default: false,
        priority,
        is_active: true,
        description: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn prices(config: u64, input: &str, output: &str, currency: &str) -> Vec<Price> {
    let price = |pricing_type, amount: &str, offset| Price {
        id: PriceId::new(config * 10 + offset),
        model_config_id: ModelConfigId::new(config),
        terms: PriceTerms::new(
            pricing_type,
            amount.parse().unwrap(),
            Unit::Per1mTokens,
            currency.parse().unwrap(),
            NOW,
        ),
        created_at: NOW,
        superseded: None,
    };
    vec![price(Meter::InputToken, input, 1), price(Meter::OutputToken, output, 2)]
}

fn route(json: &str) -> Route {
    Route { id: RouteId::new(1), terms: serde_json::from_str(json).unwrap(), created_at: NOW, updated_at: NOW }
}

fn names(selection: &Selection) -> Vec<String> {
    selection.candidates.iter().map(|config| config.name()).collect()
}

fn request(json: &str) -> ChatRequest {
    serde_json::from_str(json).unwrap()
}

fn hello() -> ChatRequest {
    request(r#"{"messages":[{"role":"user","content":"hello"}]}"#)
}

#[test]
fn single_takes_the_default_and_says_why_not_the_others() {
    let mut default = config(2, "openai/two", 0);
    default.is_default = true;
    let mut inactive = config(3, "openai/three", 0);
    inactive.is_active = false;
    let model_configs = vec![config(1, "openai/one", 0), default, inactive];
    let snapshot = Snapshot::new(Configuration { model_configs, ..Configuration::default() });
    let selection = select(&snapshot, &hello(), None, NOW).unwrap();
    assert_eq!(names(&selection), ["openai/two"]);
    assert_eq!(selection.passed_over.len(), 2);
    assert!(selection.passed_over[1].1.contains("inactive"));
}

#[test]
fn fallback_goes_through_all_by_priority_or_through_the_named_chain() {
    let model_configs = vec![config(1, "openai/one", 5), config(2, "gemini/two", 1), config(3, "zhipu/three", 3)];
    let snapshot = |routes| {
        Snapshot::new(Configuration { model_configs: model_configs.clone(), routes, ..Configuration::default() })
    };
    let by_priority = snapshot(vec![route(r#"{"name":"text","strategy":"fallback"}"#)]);
    assert_eq!(names(&select(&by_priority, &hello(), None, NOW).unwrap()), ["gemini/two", "zhipu/three", "openai/one"]);
    let chain = route(r#"{"name":"fast","strategy_type":"fallback","models":["zhipu/three","openai/one","nope/x"]}"#);
    let selection = select(&snapshot(vec![chain]), &request(r#"{"model":"fast","messages":[]}"#), None, NOW).unwrap();
    assert_eq!(names(&selection), ["zhipu/three", "openai/one"]);
    assert_eq!(selection.passed_over[0].0, "nope/x");
}

#[test]
fn a_request_names_a_model_in_either_spelling_and_may_add_fallbacks() {
    let mut aliased = config(2, "gemini/two", 0);
    aliased.alias = Some("quick".into());
    let snapshot = Snapshot::new(Configuration {
        model_configs: vec![config(1, "openai/one", 0), aliased],
        ..Configuration::default()
    });
    for name in ["openai/one", "openai:one", "one", "1"] {
        let request = request(&format!(r#"{{"model":"{name}","messages":[]}}"#));
        assert_eq!(names(&select(&snapshot, &request, None, NOW).unwrap()), ["openai/one"]);
    }
    let fallbacks = ["quick".to_owned()];
    let request = request(r#"{"model":"openai/one","messages":[]}"#);
    assert_eq!(names(&select(&snapshot, &request, Some(&fallbacks), NOW).unwrap()), ["openai/one", "gemini/two"]);
}

#[test]
fn a_name_like_anothers_is_no_route() {
    let snapshot =
        Snapshot::new(Configuration { model_configs: vec![config(1, "openai/gpt", 0)], ..Configuration::default() });
    let error = select(&snapshot, &request(r#"{"model":"openai/gpt-4","messages":[]}"#), None, NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRoute);
    assert!(error.detail().contains("openai/gpt: it has another name"), "{error}");
    let error = select(&Snapshot::default(), &hello(), None, NOW).unwrap_err();
    assert!(error.detail().contains("add one"), "{error}");
}

#[test]
fn economy_is_by_this_requests_cost_and_not_by_the_list_price() {
    let model_configs = vec![config(1, "openai/cheap-input", 0), config(2, "openai/cheap-output", 0)];
    let prices = [prices(1, "0.1", "10", "USD"), prices(2, "5", "1", "USD")].concat();
    let routes = vec![route(r#"{"name":"text","strategy":"economy"}"#)];
    let snapshot = Snapshot::new(Configuration { model_configs, prices, routes, ..Configuration::default() });
    let long = "word ".repeat(4_000);
    let long = request(&format!(r#"{{"max_tokens":10,"messages":[{{"role":"user","content":"{long}"}}]}}"#));
    assert_eq!(names(&select(&snapshot, &long, None, NOW).unwrap())[0], "openai/cheap-input");
    assert_eq!(names(&select(&snapshot, &hello(), None, NOW).unwrap())[0], "openai/cheap-output");
}

#[test]
fn economy_keeps_to_preferences_maximum_and_one_currency() {
    let model_configs = vec![
        config(1, "openai/one", 0),
        config(2, "gemini/two", 0),
        config(3, "zhipu/yuan", 0),
        config(4, "openai/unpriced", 0),
        config(5, "gemini/dear", 0),
    ];
    let prices = [
        prices(1, "1", "1", "USD"),
        prices(2, "2", "2", "USD"),
        prices(3, "0.1", "0.1", "CNY"),
        prices(5, "9000", "9000", "USD"),
    ]
    .concat();
    let snapshot = |terms: &str| {
        Snapshot::new(Configuration {
            model_configs: model_configs.clone(),
            prices: prices.clone(),
            routes: vec![route(terms)],
            ..Configuration::default()
        })
    };
    let plain = snapshot(r#"{"name":"text","strategy":"economy"}"#);
    let selection = select(&plain, &hello(), None, NOW).unwrap();
    assert_eq!(names(&selection), ["openai/one", "gemini/two", "gemini/dear"]);
    let reasons = format!("{:?}", selection.passed_over);
    assert!(reasons.contains("no price") && reasons.contains("CNY"), "{reasons}");
    let limited = snapshot(
        r#"{"name":"text","strategy":"economy","preferred_providers":["gemini"],"maximum_cost":{"amount":"1","currency":"USD"}}"#,
    );
    assert_eq!(names(&select(&limited, &hello(), None, NOW).unwrap()), ["gemini/two"]);
}
