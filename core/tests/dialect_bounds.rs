//! Whatever a dialect lets through, the call is held at what the sent request can cost, as its native twin is.

#![expect(clippy::unwrap_used, reason = "the helpers of a test")]

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tollway::billing::estimate::Estimate;
use tollway::billing::price::PriceSet;
use tollway::dialect::{Endpoint, RecentItems, dialect};
use tollway::provider::{Framing, Target, chat_adapter, vendor};
use tollway::types::{Capability, ChatRequest, ModelConfig, ModelConfigId};

const ENDPOINTS: [Endpoint; 3] = [Endpoint::OpenAiChat, Endpoint::OpenAiResponses, Endpoint::AnthropicChat];

/// The limit that the engine gives an output which nothing else limits.
const DEFAULT_LIMIT: u64 = 777;

/// Vendors of each wire format, and one whose reasoning is not counted by the limit of the output.
const VENDORS: [&str; 5] = ["openai", "anthropic", "gemini", "dashscope", "openrouter"];

const LIMITS: [&str; 8] = [
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "max_new_tokens",
    "maxOutputTokens",
    "max_tokens_to_sample",
    "n_predict",
    "num_predict",
];

/// Work that vendors charge for beside the tokens.
const PAID: [&str; 11] = [
    "web_search_options",
    "plugins",
    "models",
    "fallbacks",
    "mcp_servers",
    "container",
    "speed",
    "inference_geo",
    "enable_search",
    "search_parameters",
    "quantum_boost",
];

/// Fields that would pass the bounds of a budget if they were sent unseen, or that cost something of their own.
fn dangerous() -> Vec<(&'static str, Value)> {
    let server = json!([{"type": "url", "url": "https://a.test", "name": "a"}]);
    let thinking = json!({"type": "enabled", "budget_tokens": 90_000});
    vec![
        ("max_tokens", json!(50)),
        ("max_tokens", json!(100_000)),
        ("max_tokens", json!("100000")),
        ("max_completion_tokens", json!(100_000)),
        ("max_output_tokens", json!(100_000)),
        ("max_new_tokens", json!(100_000)),
        ("n", json!(9)),
        ("best_of", json!(9)),
        ("candidateCount", json!(9)),
        ("generationConfig", json!({"maxOutputTokens": 100_000, "candidateCount": 9})),
        ("service_tier", json!("priority")),
        ("service_tier", json!("auto")),
        ("speed", json!("fast")),
        ("inference_geo", json!("us")),
        ("web_search_options", json!({})),
        ("enable_search", json!(true)),
        ("plugins", json!([{"id": "web"}])),
        ("models", json!(["dear/model"])),
        ("fallbacks", json!([{"model": "dear"}])),
        ("mcp_servers", server.clone()),
        ("container", json!("c")),
        ("thinking", thinking.clone()),
        ("thinking_budget", json!(90_000)),
        ("enable_thinking", json!(true)),
        ("reasoning_effort", json!("none")),
        ("reasoning", json!({"effort": "high"})),
        ("output_config", json!({"effort": "max"})),
        ("anthropic", json!({"speed": "fast"})),
        ("anthropic", json!({"max_tokens": 100_000})),
        ("anthropic", json!({"thinking": thinking})),
        ("anthropic", json!({"mcp_servers": server})),
        ("anthropic", json!({"fallbacks": [{"model": "dear"}]})),
        ("tools", json!([{"type": "web_search_20250305", "name": "web_search"}])),
        ("tools", json!([{"type": "web_search"}])),
        ("tools", json!([{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}])),
        ("tools", json!([{"type": "web_fetch_20250910", "name": "web_fetch"}])),
        ("tools", json!([{"type": "code_execution_20250825", "name": "code_execution"}])),
        ("tools", json!([{"type": "computer_20250124", "name": "computer"}])),
        ("tools", json!([{"google_search": {}}])),
        ("tools", json!([{"googleMaps": {}, "url_context": {}}])),
        ("tools", json!([{"type": "openrouter:web_search", "parameters": {"max_uses": 2}}])),
        ("tools", json!([{"type": "openrouter:advisor"}])),
        ("search_parameters", json!({"mode": "on", "max_search_results": 9})),
        ("provider", json!({"order": ["dear"]})),
        ("quantum_boost", json!(2)),
        ("max_tokens_to_sample", json!(100_000)),
        ("n_predict", json!(100_000)),
        ("num_predict", json!(100_000)),
        ("generation_config", json!({"max_output_tokens": 100_000})),
        ("context_management", json!({"edits": [{"type": "compact_20260112"}]})),
        ("prediction", json!({"type": "content", "content": "foreseen ".repeat(50)})),
        ("model", json!("dear/model")),
    ]
}

fn config(provider: &str) -> ModelConfig {
    ModelConfig {
        id: ModelConfigId::new(1),
        provider: provider.to_owned(),
        model_name: "m".to_owned(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        params: Map::new(),
        is_default: false,
        priority: 0,
        is_active: true,
        description: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

fn estimate(request: &ChatRequest, provider: &str) -> Estimate {
    let prices = PriceSet::default();
    Estimate::new(request, &config(provider), &prices, DEFAULT_LIMIT, Timestamp::UNIX_EPOCH).under_cap()
}

fn sent(request: &ChatRequest, provider: &'static str, limit: Option<u64>, framing: Framing) -> Option<Value> {
    let params = Map::new();
    let base_url = Some("https://provider.test/v1");
    let target = Target { vendor: vendor(provider), provider, model: "m", base_url, api_key: None, params: &params };
    let encoded = chat_adapter(&target).unwrap().encode(&target, request, limit, framing).ok()?;
    Some(serde_json::from_slice(&encoded.body).unwrap())
}

/// Finds the values of a field, in whatever object of a body it stands.
fn values<'a>(body: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match body {
        Value::Object(inner) => {
            for (key, value) in inner {
                if key == name {
                    found.push(value);
                }
                values(value, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| values(item, name, found)),
        _ => {}
    }
}

fn all<'a>(body: &'a Value, names: &[&str]) -> Vec<&'a Value> {
    let mut found = Vec::new();
    for name in names {
        values(body, name, &mut found);
    }
    found
}

fn most(body: &Value, names: &[&str]) -> Option<u64> {
    all(body, names).into_iter().map(|value| value.as_u64().unwrap()).max()
}

fn check_bounds(body: &Value, estimate: &Estimate, provider: &str) {
    let answers = most(body, &["n", "candidateCount", "best_of"]).unwrap_or(1);
    let answered = most(body, &LIMITS).unwrap();
    let mut limit = answered;
    if provider == "dashscope" && !all(body, &["enable_thinking"]).contains(&&json!(false)) {
        limit += most(body, &["thinking_budget", "budget_tokens"]).unwrap_or_default();
    }
    assert!(limit * answers <= estimate.output_bound, "{body} is held at {}", estimate.output_bound);
    for paid in PAID {
        let is_sent = !all(body, &[paid]).is_empty();
        assert!(!is_sent || estimate.uncovered.is_some(), "{paid} is sent and held at the list's price: {body}");
    }
    let is_dear = all(body, &["service_tier", "serviceTier"]).contains(&&json!("priority"));
    assert!(!is_dear || estimate.uncovered.is_some(), "{body}");
    assert!(!body.to_string().contains("dear") || estimate.uncovered.is_some(), "{body}");
    let priced = ["web_search_2025", "google_search", "googleMaps", "openrouter:", "code_execution_2025"];
    if priced.iter().any(|tool| body.to_string().contains(tool)) {
        assert!(estimate.uncovered.is_some(), "a tool without a price is let in: {body}");
    }
    if body.to_string().contains("web_fetch") {
        assert!(estimate.most_tokens().is_none(), "what is fetched has a bound: {body}");
    }
    if body.to_string().contains("compact_20260112") {
        assert!(estimate.output_bound >= 2 * answered, "a summary is not held: {body}");
    }
}

fn asked(endpoint: &Endpoint, text: &str) -> Value {
    match endpoint {
        Endpoint::OpenAiResponses => json!({"model": "m", "input": text}),
        Endpoint::AnthropicChat => {
            json!({"model": "m", "max_tokens": 20, "messages": [{"role": "user", "content": text}]})
        }
        _ => json!({"model": "m", "messages": [{"role": "user", "content": text}]}),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_field_of_a_dialect_passes_the_bounds(
        picked in prop::collection::vec(0..dangerous().len(), 0..4),
        streams: bool,
    ) {
        let known = dangerous();
        for endpoint in ENDPOINTS {
            let mut body = asked(&endpoint, "Hi");
            for place in &picked {
                let (name, value) = &known[*place];
                body[*name] = value.clone();
            }
            body["stream"] = streams.into();
            let items = RecentItems::default().of(None);
            let decoded = dialect(&endpoint).unwrap().decode_request(body.to_string().as_bytes(), &items);
            let Ok(decoded) = decoded else { continue };
            for provider in VENDORS {
                let estimate = estimate(&decoded.request, provider);
                if let Some(sent) = sent(&decoded.request, provider, estimate.injected_limit, decoded.framing) {
                    check_bounds(&sent, &estimate, provider);
                }
            }
        }
    }

    #[test]
    fn a_request_is_held_like_its_native_twin(
        text in ".{0,60}",
        limit in 1_u64..100_000,
        answers in prop::option::of(1_u32..9),
        effort in prop::option::of(prop::sample::select(vec!["none", "low", "high"])),
        has_tool: bool,
    ) {
        let parameters = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let function = json!({"name": "f", "description": "d", "parameters": parameters});
        let mut native = json!({"model": "m", "max_tokens": limit, "messages": [{"role": "user", "content": text}]});
        let mut messages = native.clone();
        let mut responses = json!({"model": "m", "max_output_tokens": limit, "input": text});
        if let Some(effort) = effort {
            native["reasoning_effort"] = effort.into();
            responses["reasoning"] = json!({"effort": effort});
        }
        if has_tool {
            native["tools"] = json!([{"type": "function", "function": function}]);
            responses["tools"] = json!([{"type": "function", "name": "f", "description": "d", "parameters": parameters}]);
            messages["tools"] = json!([{"name": "f", "description": "d", "input_schema": parameters}]);
        }
        let mut chat = native.clone();
        chat.as_object_mut().unwrap().remove("max_tokens");
        chat["max_completion_tokens"] = limit.into();
        for (endpoint, mut body) in ENDPOINTS.into_iter().zip([chat, responses, messages]) {
            let mut twin = native.clone();
            if endpoint == Endpoint::AnthropicChat {
                twin.as_object_mut().unwrap().remove("reasoning_effort");
            }
            if let (Some(answers), Endpoint::OpenAiChat) = (answers, &endpoint) {
                body["n"] = answers.into();
                twin["n"] = answers.into();
            }
            let twin: ChatRequest = serde_json::from_value(twin).unwrap();
            let items = RecentItems::default().of(None);
            let decoded = dialect(&endpoint).unwrap().decode_request(body.to_string().as_bytes(), &items).unwrap();
            for provider in VENDORS {
                let (own, native) = (estimate(&decoded.request, provider), estimate(&twin, provider));
                prop_assert_eq!(
                    (own.output_bound, own.injected_limit, &own.uncovered, &own.facts),
                    (native.output_bound, native.injected_limit, &native.uncovered, &native.facts)
                );
                // The field for Anthropic's own words is there even if it is empty.
                let more = own.size.bound - native.size.bound;
                prop_assert!(more == 0 || endpoint == Endpoint::AnthropicChat && more <= 20, "{}", more);
            }
        }
    }

    #[test]
    fn no_medium_that_is_only_named_is_held_below_the_context_window(
        place in 0_usize..6, vendor in 0_usize..VENDORS.len(), window in prop::option::of(1_000_u64..5_000_000),
    ) {
        let url = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        let file = |file: Value| json!({"type": "file", "file": file});
        let part = [
            url("https://www.youtube.com/watch?v=abc"),
            url("gs://bucket/video.mp4"),
            url("https://a.test/picture.png"),
            file(json!({"file_id": "file-1"})),
            file(json!({"file_data": "https://a.test/a.pdf"})),
            file(json!({"file_data": "data:application/pdf;base64,JVBERi0="})),
        ][place].clone();
        let request = json!({"max_tokens": 5, "messages": [{"role": "user", "content": [part]}]});
        let request: ChatRequest = serde_json::from_value(request).unwrap();
        let mut config = config(VENDORS[vendor]);
        config.params.extend(window.map(|window| ("context_window".to_owned(), window.into())));
        let estimate = Estimate::new(&request, &config, &PriceSet::default(), DEFAULT_LIMIT, Timestamp::UNIX_EPOCH);
        let window = window.unwrap_or(1_048_576);
        prop_assert!(estimate.size.bound >= window);
        prop_assert!(estimate.most_tokens().unwrap() >= window + 5);
    }
}
