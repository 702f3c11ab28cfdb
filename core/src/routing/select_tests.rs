use serde_json::Map;

use super::*;
use crate::types::{
    Conditions, Configuration, FxRate, FxRateId, Meter, ModelConfigId, ModelName, Price, PriceId, PriceTerms, RouteId,
    Unit,
};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const OUTLOOK: Outlook<'_> = Outlook { now: NOW, default_limit: 4_096, prompt_cache: None };

fn config(id: u64, name: &str, priority: i64) -> ModelConfig {
    let ModelName { provider, model: model_name } = ModelName::parse(name).unwrap();
    ModelConfig {
        id: ModelConfigId::new(id),
        provider: provider.into(),
        model_name: model_name.into(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        params: Map::new(),
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
    let selection = select(&snapshot, &hello(), None, &OUTLOOK).unwrap();
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
    assert_eq!(
        names(&select(&by_priority, &hello(), None, &OUTLOOK).unwrap()),
        ["gemini/two", "zhipu/three", "openai/one"]
    );
    let chain = route(r#"{"name":"fast","strategy_type":"fallback","models":["zhipu/three","openai/one","nope/x"]}"#);
    let selection =
        select(&snapshot(vec![chain]), &request(r#"{"model":"fast","messages":[]}"#), None, &OUTLOOK).unwrap();
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
        assert_eq!(names(&select(&snapshot, &request, None, &OUTLOOK).unwrap()), ["openai/one"]);
    }
    let fallbacks = ["quick".to_owned()];
    let request = request(r#"{"model":"openai/one","messages":[]}"#);
    assert_eq!(names(&select(&snapshot, &request, Some(&fallbacks), &OUTLOOK).unwrap()), ["openai/one", "gemini/two"]);
}

#[test]
fn a_name_like_anothers_is_no_route() {
    let snapshot =
        Snapshot::new(Configuration { model_configs: vec![config(1, "openai/gpt", 0)], ..Configuration::default() });
    let error = select(&snapshot, &request(r#"{"model":"openai/gpt-4","messages":[]}"#), None, &OUTLOOK).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoRoute);
    assert!(error.detail().contains("openai/gpt: it has another name"), "{error}");
    let error = select(&Snapshot::default(), &hello(), None, &OUTLOOK).unwrap_err();
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
    assert_eq!(names(&select(&snapshot, &long, None, &OUTLOOK).unwrap())[0], "openai/cheap-input");
    assert_eq!(names(&select(&snapshot, &hello(), None, &OUTLOOK).unwrap())[0], "openai/cheap-output");
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
    let selection = select(&plain, &hello(), None, &OUTLOOK).unwrap();
    assert_eq!(names(&selection), ["openai/one", "gemini/two", "gemini/dear"]);
    let reasons = format!("{:?}", selection.passed_over);
    assert!(reasons.contains("no price") && reasons.contains("CNY"), "{reasons}");
    let limited = snapshot(
        r#"{"name":"text","strategy":"economy","preferred_providers":["gemini"],"maximum_cost":{"amount":"1","currency":"USD"}}"#,
    );
    assert_eq!(names(&select(&limited, &hello(), None, &OUTLOOK).unwrap()), ["gemini/two"]);
}

#[test]
fn economy_compares_currencies_by_a_rate_in_force() {
    let model_configs = vec![config(1, "openai/dollars", 0), config(2, "zhipu/yuan", 0), config(3, "openai/dear", 0)];
    let prices = [prices(1, "1", "1", "USD"), prices(2, "3", "3", "CNY"), prices(3, "9", "9", "USD")].concat();
    let routes = vec![route(r#"{"name":"text","strategy":"economy"}"#)];
    let rate = |rate: &str| FxRate {
        id: FxRateId::new(1),
        from: Currency::USD,
        to: Currency::CNY,
        rate: rate.parse().unwrap(),
        effective_date: NOW,
        source: "user".into(),
        created_at: NOW,
    };
    let order = |rates: &[FxRate]| {
        names(
            &select(
                &Snapshot::new(Configuration {
                    model_configs: model_configs.clone(),
                    prices: prices.clone(),
                    routes: routes.clone(),
                    fx_rates: rates.to_vec(),
                    ..Configuration::default()
                }),
                &hello(),
                None,
                &OUTLOOK,
            )
            .unwrap(),
        )
    };
    assert_eq!(order(&[]), ["openai/dollars", "openai/dear"]);
    assert_eq!(order(&[rate("7")]), ["zhipu/yuan", "openai/dollars", "openai/dear"]);
    assert_eq!(order(&[rate("2")]), ["openai/dollars", "zhipu/yuan", "openai/dear"]);
}

/// Makes a price of a million tokens under conditions.
fn price(config: u64, id: u64, meter: Meter, amount: &str, when: &str) -> Price {
    let mut price = prices(config, amount, amount, "USD").remove(0);
    price.id = PriceId::new(id);
    price.terms.pricing_type = meter.into();
    price.terms.conditions = Conditions::from_canonical(when).unwrap();
    price
}

/// Picks between two configs by `economy`.
fn cheapest(prices: Vec<Price>, request: &ChatRequest, outlook: &Outlook<'_>) -> String {
    let model_configs = vec![config(1, "anthropic/one", 0), config(2, "anthropic/two", 0)];
    let routes = vec![route(r#"{"name":"text","strategy":"economy"}"#)];
    let snapshot = Snapshot::new(Configuration { model_configs, prices, routes, ..Configuration::default() });
    names(&select(&snapshot, request, None, outlook).unwrap()).remove(0)
}

fn user(text: &str, more: &str) -> ChatRequest {
    request(&format!(
        r#"{{"max_tokens":16,{more}"messages":[{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}}]}}"#
    ))
}

#[test]
fn economy_sees_a_tier_that_the_length_of_this_request_reaches() {
    let prices = vec![
        price(1, 1, Meter::InputToken, "1", ""),
        price(1, 2, Meter::InputToken, "3", r#"{"input_tokens": {"above": 2000}}"#),
        price(1, 3, Meter::OutputToken, "1", ""),
        price(2, 4, Meter::InputToken, "2", ""),
        price(2, 5, Meter::OutputToken, "1", ""),
    ];
    assert_eq!(cheapest(prices.clone(), &user("short", ""), &OUTLOOK), "anthropic/one");
    assert_eq!(cheapest(prices, &user(&"word ".repeat(4_000), ""), &OUTLOOK), "anthropic/two");
}

#[test]
fn economy_sees_what_this_requests_thinking_costs() {
    let prices = vec![
        price(1, 1, Meter::InputToken, "1", ""),
        price(1, 2, Meter::OutputToken, "2", ""),
        price(1, 3, Meter::OutputToken, "16", r#"{"thinking": true}"#),
        price(2, 4, Meter::InputToken, "1", ""),
        price(2, 5, Meter::OutputToken, "4", ""),
    ];
    assert_eq!(cheapest(prices.clone(), &user("hello", ""), &OUTLOOK), "anthropic/one");
    assert_eq!(cheapest(prices, &user("hello", r#""reasoning_effort":"high","#), &OUTLOOK), "anthropic/two");
}

#[test]
fn economy_sees_where_this_conversation_is_cached() {
    let prices = vec![
        price(1, 1, Meter::InputToken, "1", ""),
        price(1, 2, Meter::OutputToken, "1", ""),
        price(2, 3, Meter::InputToken, "2", ""),
        price(2, 4, Meter::CachedInputToken, "0.2", ""),
        price(2, 5, Meter::OutputToken, "1", ""),
    ];
    let text = "word ".repeat(4_000);
    let request = request(&format!(
        r#"{{"max_tokens":16,"messages":[{{"role":"user","content":[{{"type":"text","text":"{text}","cache_control":{{"type":"ephemeral"}}}}]}}]}}"#
    ));
    let cache = PromptCache::default();
    let at = |seconds| Outlook { prompt_cache: Some((&cache, Duration::from_secs(seconds))), ..OUTLOOK };
    assert_eq!(cheapest(prices.clone(), &request, &at(10)), "anthropic/one");
    cache.remember(ModelConfigId::new(2), &beginnings_of(&request), Duration::from_secs(10));
    assert_eq!(cheapest(prices.clone(), &request, &at(20)), "anthropic/two");
    assert_eq!(cheapest(prices, &request, &at(400)), "anthropic/one", "the cache has gone");
}
