//! Recorded replies of real providers, replayed over loopback through the whole engine.

use std::collections::BTreeMap;
use std::path::Path;

use mock_provider::{MockProvider, Reply, Script};
use serde_json::{Value, json};
use tollway::client::Tollway;
use tollway::types::{CallOptions, ChatReply, CostStatus, Decimal, Error, ErrorKind, Meter, ModelTerms, StreamEvent};
use tollway_system_tests::{open, request, shared_folder};

const PROVIDERS: [&str; 11] = [
    "openai",
    "azure",
    "anthropic",
    "google",
    "deepseek",
    "dashscope",
    "zhipu",
    "mistral",
    "groq",
    "xai",
    "openrouter",
];
/// Hosts of the same formats that state what a call cost.
const MORE_THAT_STATE_COSTS: [&str; 3] = ["avian", "perplexity", "vercel_gateway"];

/// Recordings whose stated cost is not what was charged, and why.
const UNSTATED: [(&str, &str); 2] = [
    (
        "azure/chat_completions/rllm-sponses_azure_grok-4-1-fast-non-reasoning_supports_streaming_responses-0",
        "the host is not the vendor, and the zero that it passes on is no price of its own",
    ),
    (
        "openrouter/chat_completions/bt-test_litellm_openrouter_no_booleans_in_metrics-0",
        "with a key of one's own the upstream cost is part of the cost",
    ),
];

const ENDPOINTS: [&str; 4] = ["chat_completions", "messages", "generate_content", "stream_generate_content"];

struct Case {
    path: String,
    provider: String,
    endpoint: String,
    streamed: bool,
    status: u16,
    expected: Option<Value>,
    body: String,
}

/// Which prices a model has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prices {
    None,
    OfCatalog,
    OfUser,
}

fn price(amount: &str) -> Value {
    json!({"unit_price": amount, "unit": "per_1m_tokens", "currency": "USD"})
}

fn cases(fixtures: &Path, providers: &[&str]) -> Vec<Case> {
    let index = std::fs::read_to_string(fixtures.join("INDEX.tsv")).unwrap();
    let rows = index.lines().skip(1).map(|line| line.split('\t').collect::<Vec<_>>());
    rows.filter(|row| providers.contains(&row[1]) && ENDPOINTS.contains(&row[2]))
        .map(|row| {
            let folder = fixtures.join(row[0]);
            let expected = std::fs::read_to_string(folder.join("expected.json")).ok();
            Case {
                path: row[0].to_owned(),
                provider: row[1].to_owned(),
                endpoint: row[2].to_owned(),
                streamed: row[3] == "stream" || row[2] == "stream_generate_content",
                status: row[4].parse().unwrap(),
                expected: expected.map(|text| serde_json::from_str(&text).unwrap()),
                body: folder.join("response.body").to_string_lossy().into_owned(),
            }
        })
        .collect()
}

/// Plays a recording to a model of its provider: under its own name with the prices of the catalog, or under another without.
async fn replay(
    tollway: &Tollway,
    mock: &MockProvider,
    number: usize,
    case: &Case,
    prices: Prices,
) -> Result<ChatReply, Error> {
    let mut reply = Reply { body_file: Some(case.body.clone().into()), chunk_bytes: Some(997), ..Reply::default() };
    reply.status = Some(case.status);
    let bytes = std::fs::read(&case.body).unwrap();
    let is_json = bytes.first().is_some_and(|first| b"{[".contains(first));
    let kind = if is_json { "application/json" } else { "text/event-stream" };
    let url = mock.script(&format!("case-{number}"), Script::new([reply.header("content-type", kind)])).unwrap();
    let alias = format!("case-{number}");
    let mut params = serde_json::Map::new();
    if case.endpoint == "messages" && case.provider != "anthropic" {
        params.insert("wire_format".into(), json!("anthropic_messages"));
    }
    let recorded = case.expected.as_ref().and_then(|expected| expected["model"].as_str()).unwrap_or("recorded");
    let model = if prices == Prices::OfCatalog { recorded } else { "recorded" };
    let own = json!({"input_token": price("1"), "output_token": price("2")});
    let input = ModelTerms {
        name: format!("{}/{model}", if case.provider == "google" { "gemini" } else { &case.provider }),
        prices: (prices == Prices::OfUser).then(|| serde_json::from_value(own).unwrap()),
        alias: Some(alias.clone()),
        api_key: Some("sk-recorded".into()),
        base_url: Some(format!("{url}/v1")),
        params,
        ..ModelTerms::default()
    };
    tollway.add_model(input).await.unwrap();
    let mut request = request("hello", 64);
    request.model = Some(alias);
    if !case.streamed {
        return tollway.chat(request, CallOptions::default()).await;
    }
    let mut stream = tollway.chat_stream(request, CallOptions::default()).await?;
    loop {
        match stream.next().await {
            Some(Ok(StreamEvent::Done(reply))) => return Ok(*reply),
            Some(Ok(StreamEvent::Delta(_))) => {}
            Some(Err(error)) => return Err(error),
            None => panic!("{}: the stream ended without a reply", case.path),
        }
    }
}

/// Compares a reply with the careful reading of its recording; returns what differs.
fn differences(case: &Case, reply: &ChatReply, expected: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |field: &str, ours: Value, theirs: &Value| {
        if ours != *theirs {
            found.push(format!("{field}: {ours} instead of {theirs}"));
        }
    };
    let starts = |text: &str, prefix: &Value| prefix.as_str().is_none_or(|prefix| text.starts_with(prefix));
    let texts: String = reply
        .choices
        .iter()
        .filter_map(|choice| choice.message.content.as_ref())
        .map(tollway::types::Content::text)
        .collect();
    let reasoning = reply.reasoning.clone().unwrap_or_default();
    compare("text", json!(starts(&texts, &expected["text_prefix"])), &json!(true));
    compare("reasoning", json!(starts(&reasoning, &expected["reasoning_text_prefix"])), &json!(true));
    let calls: usize = reply.choices.iter().map(|choice| choice.message.tool_calls.len()).sum();
    compare("tool calls", json!(calls), &expected["tool_calls"]);
    // Some recordings have enumerations as numbers; a reply keeps the number's text.
    let finish_reason = match &expected["finish_reason"] {
        Value::Number(number) => json!(number.to_string()),
        text => text.clone(),
    };
    compare("finish reason", json!(reply.provider_finish_reason), &finish_reason);
    let usage = &reply.usage;
    compare("input", json!(usage.input_tokens()), &expected["input_tokens_total"]);
    compare("output", json!(usage.output_tokens()), &expected["output_tokens_total"]);
    let zero_is_none = |value: &Value| if value == &json!(0) { Value::Null } else { value.clone() };
    let ours = |value: Option<u64>| zero_is_none(&json!(value));
    if expected["anomaly"].is_null() {
        compare("cached", ours(usage.tokens(Meter::CachedInputToken)), &zero_is_none(&expected["cached_input_tokens"]));
    }
    compare("written", ours(usage.cache_write_tokens()), &zero_is_none(&expected["cache_write_tokens"]));
    compare(
        "reasoning tokens",
        ours(usage.tokens(Meter::ReasoningToken)),
        &zero_is_none(&expected["reasoning_tokens"]),
    );
    let searches = usage.get(Meter::WebSearch).map(tollway::types::Quantity::whole);
    if !expected["web_search_requests"].is_null() {
        compare("searches", json!(searches), &expected["web_search_requests"]);
    }
    if !expected["provider_cost"].is_null() && !UNSTATED.iter().any(|(path, _)| *path == case.path) {
        compare("stated cost", json!(usage.reported_cost.map(shown)), &json!(stated(expected)));
    }
    found
}

/// The digits of an amount, without zeros at their end.
fn shown(amount: Decimal) -> String {
    amount.normalize().to_string()
}

/// The digits of the cost that a recording states.
fn stated(expected: &Value) -> Option<String> {
    let text = expected["provider_cost"].as_number()?.to_string();
    text.parse().or_else(|_| Decimal::from_scientific(&text)).ok().map(shown)
}

/// Judges by status and body what kind of error a recorded failure is.
fn expected_kind(case: &Case) -> ErrorKind {
    let body = std::fs::read_to_string(&case.body).unwrap().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| body.contains(word));
    match case.status {
        401 => ErrorKind::Authentication,
        400 if says(&["api_key_invalid", "api key not valid", "incorrect api key"]) => ErrorKind::Authentication,
        400 if says(&["maximum context length", "prompt is too long", "context_length_exceeded"]) => {
            ErrorKind::ContextLengthExceeded
        }
        400 if says(&["credit balance is too low"]) => ErrorKind::ProviderQuotaExhausted,
        200 | 403 if says(&["content management policy", "content violates"]) => ErrorKind::ContentFiltered,
        404 => ErrorKind::NotFound,
        403 => ErrorKind::PermissionDenied,
        429 => ErrorKind::RateLimited,
        400 | 422 | 200 => ErrorKind::InvalidRequest,
        _ => ErrorKind::ProviderUnavailable,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_chat_reply_is_read_as_it_should_be() {
    let Some(shared) = shared_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    let cases = cases(&shared.join("fixtures"), &PROVIDERS);
    let (mut passed, mut failures) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        let outcome = replay(&tollway, &mock, number, case, Prices::None).await;
        let problem = match (&case.expected, outcome) {
            (Some(expected), Ok(reply)) => differences(case, &reply, expected).join("; "),
            (Some(_), Err(error)) => error.to_string(),
            (None, Ok(reply)) if case.status == 200 => {
                // A recording without a reading holds no usage; what came of it is billed as an estimate.
                let estimated = reply.usage.flags.contains(&tollway::types::UsageFlag::Estimated);
                if estimated { String::new() } else { format!("usage out of nowhere: {:?}", reply.usage) }
            }
            (None, Ok(_)) => "an error was read as a reply".to_owned(),
            (None, Err(error)) if error.kind() == expected_kind(case) => String::new(),
            (None, Err(error)) => format!("{error} instead of {}", expected_kind(case).code()),
        };
        if problem.is_empty() {
            *passed.entry(if case.expected.is_some() { "replies" } else { "errors" }).or_default() += 1;
        } else {
            failures.push(format!("{}: {problem}", case.path));
        }
    }
    println!("{passed:?} of {} recordings pass", cases.len());
    for failure in &failures {
        println!("FAILS {failure}");
    }
    assert!(failures.is_empty(), "{} of {} fail", failures.len(), cases.len());
    assert!(cases.len() >= 150, "only {} recordings were found", cases.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_prices_of_the_catalog_every_recorded_bill_is_what_its_provider_stated() {
    let Some(shared) = shared_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    let providers: Vec<&str> = PROVIDERS.into_iter().chain(MORE_THAT_STATE_COSTS).collect();
    let (mut billed, mut failures) = (0, Vec::new());
    for (number, case) in cases(&shared.join("fixtures"), &providers).iter().enumerate() {
        let Some(expected) = case.expected.as_ref().and_then(stated) else { continue };
        if UNSTATED.iter().any(|(path, _)| *path == case.path) {
            continue;
        }
        let reply = replay(&tollway, &mock, number, case, Prices::OfCatalog).await.unwrap();
        billed += 1;
        let lines: Decimal = reply.receipt.lines.iter().filter_map(|line| line.amount).sum();
        // What is free by its provider's word and by the catalog costs nothing by either.
        let statuses = [CostStatus::Reported, CostStatus::Computed];
        let is_right = reply.cost.map(shown).as_ref() == Some(&expected)
            && (reply.cost_status == statuses[0] || expected == "0" && reply.cost_status == statuses[1])
            && shown(lines) == expected;
        if !is_right {
            failures.push(format!(
                "{}: {:?} ({}) for {expected}, lines {lines}, {:?}",
                case.path,
                reply.cost,
                reply.cost_status.name(),
                reply.usage
            ));
        }
    }
    println!("{billed} recorded bills were compared");
    assert!(failures.is_empty(), "{} differ:\n{}", failures.len(), failures.join("\n"));
    assert!(billed >= 20, "only {billed} recordings state a cost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_recorded_answer_that_was_produced_is_free() {
    let Some(shared) = shared_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    let providers: Vec<&str> = PROVIDERS.into_iter().chain(MORE_THAT_STATE_COSTS).collect();
    for (number, case) in cases(&shared.join("fixtures"), &providers).iter().enumerate() {
        let Ok(reply) = replay(&tollway, &mock, number, case, Prices::OfUser).await else { continue };
        let is_free = reply.cost.is_some_and(|cost| cost.is_zero());
        assert!(!is_free, "{}: {:?}", case.path, reply.usage);
        let needs_another_price = reply.usage.get(Meter::WebSearch).is_some();
        assert!(reply.cost.is_some() || needs_another_price, "{}: {:?}", case.path, reply.usage);
    }
}
