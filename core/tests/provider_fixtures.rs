//! Decodes recorded answers of providers and compares them with a careful reading of each.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the helpers of a test, which finds its data through the environment and reports what it read"
)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tollway::billing::meter::disjoint;
use tollway::provider::{DecodedChat, ResponseHead, Target, chat_adapter, vendor};
use tollway::transport::EventReader;
use tollway::types::{
    AssistantMessage, Choice, Content, Delta, Error, ErrorKind, FunctionCall, Meter, ReportedUsage, Result, ToolCall,
    UsageFlag,
};

/// The folders whose every case must be read right, with the provider that each is configured as.
const PROVIDERS: [(&str, &str); 11] = [
    ("openai", "openai"),
    ("azure", "azure"),
    ("anthropic", "anthropic"),
    ("google", "gemini"),
    ("deepseek", "deepseek"),
    ("dashscope", "dashscope"),
    ("zhipu", "zai"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("xai", "xai"),
    ("openrouter", "openrouter"),
];

/// Folders of hosts that speak the same formats; they are read and counted.
const OTHERS: [(&str, &str); 13] = [
    ("avian", "avian"),
    ("bedrock_mantle", "bedrock_mantle"),
    ("cerebras", "cerebras"),
    ("crusoe", "crusoe"),
    ("gpustack", "gpustack"),
    ("huggingface", "huggingface"),
    ("ollama", "ollama"),
    ("perplexity", "perplexity"),
    ("snowflake", "snowflake"),
    ("together", "together"),
    ("vercel_gateway", "vercel_gateway"),
    ("vertex", "vertex"),
    ("moonshot", "moonshot"),
];

const ENDPOINTS: [(&str, &str); 4] = [
    ("chat_completions", "openai_chat"),
    ("messages", "anthropic_messages"),
    ("generate_content", "gemini_generate_content"),
    ("stream_generate_content", "gemini_generate_content"),
];

/// Where the careful reading leaves out, or reads otherwise, what must be read here: the case, the field and the reason.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    (
        "azure/chat_completions/rllm-sponses_azure_grok-4-1-fast-non-reasoning_supports_streaming_responses-0",
        "provider_cost",
        "the host is not the vendor, and the zero that it passes on is no price of its own",
    ),
    (
        "mistral/chat_completions/pyd-test_mistral_model_thinking_part_iter-0",
        "reasoning_text_prefix",
        "the reasoning stands in a list of blocks",
    ),
    (
        "openrouter/chat_completions/bt-test_litellm_openrouter_no_booleans_in_metrics-0",
        "provider_cost",
        "with a key of one's own the upstream cost is part of the cost",
    ),
];

struct Case {
    name: String,
    provider: &'static str,
    wire_format: &'static str,
    is_streamed: bool,
    head: ResponseHead,
    body: Vec<u8>,
    expected: Option<Value>,
}

/// What a case was read as.
struct Reading {
    choice: Option<Choice>,
    usage: Option<ReportedUsage>,
    is_complete: bool,
}

#[test]
fn recorded_answers_are_read_as_a_careful_reader_reads_them() {
    let Some(cases) = cases(&PROVIDERS) else { return };
    assert!(!cases.is_empty(), "the folder of recordings is empty");
    let failures = run(&cases);
    assert!(
        failures.is_empty(),
        "{} of {} cases are read wrong:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

#[test]
fn recorded_answers_of_other_hosts_are_reported() {
    let Some(cases) = cases(&OTHERS) else { return };
    for failure in run(&cases) {
        println!("{failure}");
    }
}

#[test]
fn every_field_of_a_recorded_usage_is_accounted_for() {
    let all: Vec<_> = PROVIDERS.into_iter().chain(OTHERS).collect();
    let Some(cases) = cases(&all) else { return };
    let unknown: Vec<&str> = cases
        .iter()
        .filter(|case| case.head.status == 200)
        .filter(|case| read(case).is_ok_and(|reading| reading.usage.is_some_and(|usage| usage.has_unknown_field)))
        .map(|case| case.name.as_str())
        .collect();
    assert_eq!(unknown, Vec::<&str>::new(), "usage has fields that no table names");
}

fn fixtures() -> Option<PathBuf> {
    let shared = std::env::var_os("TOLLWAY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let fixtures = shared.join("fixtures");
    if fixtures.is_dir() {
        return Some(fixtures);
    }
    assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the recordings are missing: {}", fixtures.display());
    println!("skipped: there are no recordings at {}", fixtures.display());
    None
}

fn cases(providers: &[(&'static str, &'static str)]) -> Option<Vec<Case>> {
    let fixtures = fixtures()?;
    let mut cases = Vec::new();
    for (folder, provider) in providers {
        for (endpoint, wire_format) in ENDPOINTS {
            let Ok(entries) = fs::read_dir(fixtures.join(folder).join(endpoint)) else { continue };
            for entry in entries {
                cases.push(case(&entry.unwrap().path(), provider, endpoint, wire_format));
            }
        }
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    Some(cases)
}

fn case(path: &Path, provider: &'static str, endpoint: &str, wire_format: &'static str) -> Case {
    let read = |name: &str| fs::read(path.join(name)).unwrap();
    let json = |name: &str| serde_json::from_slice::<Value>(&read(name)).unwrap();
    let headers: Map<String, Value> = json("response.headers.json").as_object().unwrap().clone();
    let headers: Vec<(String, String)> = headers
        .into_iter()
        .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let head = ResponseHead {
        status: String::from_utf8(read("response.status")).unwrap().trim().parse().unwrap(),
        headers: headers.into(),
    };
    let asks_for_stream = json("request.json").pointer("/body/stream").and_then(Value::as_bool) == Some(true);
    let is_stream = head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    let body = read("response.body");
    Case {
        name: path
            .components()
            .rev()
            .take(3)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<PathBuf>()
            .display()
            .to_string(),
        provider,
        wire_format,
        is_streamed: is_stream || endpoint.starts_with("stream") || (asks_for_stream && body.starts_with(b"data")),
        head,
        body,
        expected: path.join("expected.json").exists().then(|| json("expected.json")),
    }
}

fn run(cases: &[Case]) -> Vec<String> {
    let mut counts: BTreeMap<(&str, &str, bool, &str), usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for case in cases {
        let (outcome, problem) = judge(case);
        *counts.entry((case.provider, case.wire_format, case.is_streamed, outcome)).or_default() += 1;
        failures.extend(problem.map(|problem| format!("{}: {problem}", case.name)));
    }
    for ((provider, wire_format, is_streamed, outcome), count) in counts {
        let framing = if is_streamed { "streamed" } else { "whole" };
        println!("{provider:15} {wire_format:24} {framing:9} {outcome:7} {count:4}");
    }
    println!("{} of {} cases are read right", cases.len() - failures.len(), cases.len());
    failures
}

fn judge(case: &Case) -> (&'static str, Option<String>) {
    let read = read(case);
    if case.head.status != 200 || is_error_inside(case) {
        let problem = match read {
            Ok(_) => Some("an error is read as an answer".to_owned()),
            Err(error) => judge_error(case, &error),
        };
        return ("error", problem);
    }
    match (read, &case.expected) {
        (Err(error), _) => ("answer", Some(format!("an answer is read as an error: {error}"))),
        (Ok(reading), None) => {
            let problem = reading.usage.is_some().then(|| "usage is read where there is none".to_owned());
            ("silent", problem)
        }
        (Ok(reading), Some(expected)) => ("answer", judge_reading(case, &reading, expected)),
    }
}

/// A recording of status 200 that says `"error": {` where no model could have written it.
fn is_error_inside(case: &Case) -> bool {
    if case.expected.as_ref().is_some_and(|expected| !expected["finish_reason"].is_null())
        && case.provider != "openrouter"
    {
        return false;
    }
    let text = String::from_utf8_lossy(&case.body);
    let opens = |line: &str| {
        let value = serde_json::from_str::<Value>(line.trim().trim_start_matches("data:")).unwrap_or_default();
        !value["error"].is_null()
    };
    text.lines().any(opens) || opens(&text)
}

/// The kinds that the status and the words of an error allow.
fn judge_error(case: &Case, error: &Error) -> Option<String> {
    let text = String::from_utf8_lossy(&case.body).to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let expected = if has(&["content_filter", "violates usage guidelines"]) {
        ErrorKind::ContentFiltered
    } else if has(&["maximum context length", "prompt is too long", "too_many_prompt_tokens", "input token count"]) {
        ErrorKind::ContextLengthExceeded
    } else if has(&["credit balance is too low", "insufficient_quota\"", "insufficient balance"]) {
        ErrorKind::ProviderQuotaExhausted
    } else if case.head.status == 401 || has(&["api_key_invalid", "incorrect api key"]) {
        ErrorKind::Authentication
    } else {
        match case.head.status {
            403 => ErrorKind::PermissionDenied,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::ProviderUnavailable,
            200 if !has(&["invalid_request_error"]) => ErrorKind::ProviderUnavailable,
            _ => ErrorKind::InvalidRequest,
        }
    };
    let mut problems = String::new();
    if error.kind() != expected {
        let _ = write!(problems, "{:?} is read for {expected:?} ({error}) ", error.kind());
    }
    if error.detail().is_empty() || error.status().is_none() || error.model() != Some("m") {
        let _ = write!(problems, "something is missing in {error}");
    }
    (!problems.is_empty()).then_some(problems)
}

fn judge_reading(case: &Case, reading: &Reading, expected: &Value) -> Option<String> {
    let mut problems = String::new();
    let mut compare = |what: &str, read: Value, expected: &Value| {
        let excepted = EXCEPTIONS.iter().find(|(name, field, _)| *name == case.name && *field == what);
        if let Some((name, field, reason)) = excepted {
            assert_ne!(read, *expected, "{name} is an exception no more");
            println!("exception: {name}: {field}: {reason}");
        } else if read != *expected {
            let _ = write!(problems, "{what} is read as {read} for {expected}; ");
        }
    };
    let message = reading.choice.as_ref().map(|choice| choice.message.clone()).unwrap_or_default();
    let said = message.content.as_ref().map(Content::text).unwrap_or_default();
    let reasoning = message.reasoning_content.unwrap_or_default();
    for (what, read) in [("text_prefix", &said), ("reasoning_text_prefix", &reasoning)] {
        let expected = expected[what].as_str().unwrap_or_default();
        let read: String = read.chars().take(expected.chars().count().max(1)).collect();
        compare(what, read.into(), &expected.into());
    }
    if let Some(whole) = whole_text(case) {
        compare("text", said.into(), &whole.into());
    }
    compare("tool_calls", message.tool_calls.len().into(), &expected["tool_calls"]);
    let reason = reading.choice.as_ref().and_then(|choice| choice.provider_finish_reason.clone());
    let expected_reason = match &expected["finish_reason"] {
        Value::Number(number) => number.to_string().into(),
        other => other.clone(),
    };
    compare("finish_reason", reason.into(), &expected_reason);
    compare("completeness", reading.is_complete.into(), &true.into());

    let reported = reading.usage.clone().unwrap_or_default();
    let usage = disjoint(&reported);
    let cut = usage.flags.contains(&UsageFlag::CachedExceedsInput);
    let cached = if cut { reported.cached_input } else { usage.tokens(Meter::CachedInputToken) };
    compare("input_tokens_total", usage.input_tokens().into(), &expected["input_tokens_total"]);
    compare("cached_input_tokens", cached.into(), &expected["cached_input_tokens"]);
    compare("cache_write_tokens", usage.cache_write_tokens().into(), &expected["cache_write_tokens"]);
    compare("cache_write_5m_tokens", reported.cache_write_5m.into(), &expected["cache_write_5m_tokens"]);
    compare("cache_write_1h_tokens", reported.cache_write_1h.into(), &expected["cache_write_1h_tokens"]);
    compare("output_tokens_total", usage.output_tokens().into(), &expected["output_tokens_total"]);
    compare("reasoning_tokens", usage.tokens(Meter::ReasoningToken).into(), &expected["reasoning_tokens"]);
    let searches = reported.counts.get(&Meter::WebSearch).map(|searches| searches.whole());
    if !expected["web_search_requests"].is_null() {
        compare("web_search_requests", searches.into(), &expected["web_search_requests"]);
    }
    compare("total_tokens_reported", reported.total.into(), &expected["total_tokens_reported"]);
    // The careful reading keeps money as a JSON number: its shortest text has the digits of the wire.
    let digits = |value: &Value| match value {
        Value::Number(number) => decimal(&number.to_string()).into(),
        _ => Value::Null,
    };
    let cost = reported.cost.map(|cost| cost.normalize().to_string());
    compare("provider_cost", cost.into(), &digits(&expected["provider_cost"]));
    let flags: Vec<UsageFlag> =
        usage.flags.iter().copied().filter(|flag| *flag != UsageFlag::CachedExceedsInput).collect();
    if !flags.is_empty() && expected["totals_rule"].as_str().is_none_or(|rule| !rule.contains("and total_tokens")) {
        compare("flags", format!("{flags:?}").into(), &"none".into());
    }
    (!problems.is_empty()).then_some(problems)
}

/// The text of the first answer, gathered from the body by hand; nothing where its content is not plain text.
fn whole_text(case: &Case) -> Option<String> {
    let body = String::from_utf8_lossy(&case.body);
    let documents: Vec<Value> = match serde_json::from_str(&body) {
        Ok(Value::Array(documents)) => documents,
        Ok(document) => vec![document],
        Err(_) => body
            .lines()
            .filter_map(|line| line.trim().strip_prefix("data:"))
            .filter_map(|data| serde_json::from_str(data).ok())
            .collect(),
    };
    let mut whole = String::new();
    for document in &documents {
        let pieces: Vec<&Value> = match case.wire_format {
            "openai_chat" => {
                let choice =
                    document["choices"].as_array().and_then(|choices| choices.iter().find(|choice| is_first(choice)));
                let said = choice
                    .map(|choice| if choice["delta"].is_object() { &choice["delta"] } else { &choice["message"] });
                said.map(|said| &said["content"]).into_iter().collect()
            }
            "anthropic_messages" => {
                let blocks = document["content"].as_array().into_iter().flatten();
                let texts = blocks.filter(|block| block["type"] == "text").map(|block| &block["text"]);
                texts.chain([&document["delta"]["text"], &document["content_block"]["text"]]).collect()
            }
            _ => {
                let candidate =
                    document["candidates"].as_array().and_then(|all| all.iter().find(|choice| is_first(choice)));
                let parts =
                    candidate.and_then(|candidate| candidate["content"]["parts"].as_array()).into_iter().flatten();
                parts.filter(|part| part["thought"] != true).map(|part| &part["text"]).collect()
            }
        };
        for piece in pieces {
            match piece {
                Value::Null => {}
                Value::String(text) => whole.push_str(text),
                _ => return None,
            }
        }
    }
    Some(whole)
}

fn is_first(choice: &Value) -> bool {
    choice["index"].as_u64().unwrap_or_default() == 0
}

fn decimal(text: &str) -> String {
    let parsed = text.parse::<tollway::types::Decimal>();
    parsed.or_else(|_| tollway::types::Decimal::from_scientific(text)).unwrap().normalize().to_string()
}

fn read(case: &Case) -> Result<Reading> {
    let params = Map::from_iter([("wire_format".to_owned(), Value::from(case.wire_format))]);
    let target = Target {
        vendor: vendor(case.provider),
        provider: case.provider,
        model: "m",
        base_url: Some("https://provider.test/v1"),
        api_key: None,
        params: &params,
    };
    let adapter = chat_adapter(&target)?;
    if case.head.status != 200 {
        return Err(adapter.decode_error(&target, &case.head, &case.body));
    }
    if !case.is_streamed {
        let DecodedChat { completion, usage, is_piece: _ } =
            adapter.decode(&target, &case.head, &case.body).map_err(|flaw| flaw.error)?;
        return Ok(Reading { choice: completion.choices.into_iter().next(), usage, is_complete: true });
    }
    let mut decoder = adapter.decode_stream(&target, &case.head);
    let mut deltas = Vec::new();
    let chunks: Vec<Result<bytes::Bytes>> =
        case.body.chunks(61).map(|chunk| Ok(bytes::Bytes::copy_from_slice(chunk))).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut events = EventReader::new(futures_util::stream::iter(chunks));
        while let Some(event) = events.next().await {
            decoder.decode_event(&event?, &mut deltas).map_err(|flaw| flaw.error)?;
        }
        decoder.finish(&mut deltas);
        Ok(())
    })?;
    Ok(Reading { choice: Some(gather(deltas)), usage: decoder.usage(), is_complete: decoder.is_complete() })
}

/// Joins the pieces of the first choice.
fn gather(deltas: Vec<Delta>) -> Choice {
    let mut choice = Choice::default();
    let mut message = AssistantMessage::default();
    let (mut said, mut reasoning) = (String::new(), String::new());
    for delta in deltas.into_iter().filter(|delta| delta.index == 0) {
        said.push_str(&delta.text);
        reasoning.push_str(&delta.reasoning);
        message.thinking_blocks.extend(delta.thinking_block);
        for piece in delta.tool_calls {
            let place = piece.index as usize;
            assert!(place <= message.tool_calls.len(), "calls are numbered without gaps");
            if place == message.tool_calls.len() {
                message.tool_calls.push(ToolCall {
                    id: piece.id.expect("the first piece has the id"),
                    r#type: "function".to_owned(),
                    function: FunctionCall {
                        name: piece.name.expect("the first piece has the name"),
                        arguments: String::new(),
                    },
                    extra_content: None,
                });
            }
            message.tool_calls[place].function.arguments.push_str(&piece.arguments);
        }
        choice.finish_reason = delta.finish_reason.or(choice.finish_reason);
        choice.provider_finish_reason = delta.provider_finish_reason.or(choice.provider_finish_reason);
    }
    for call in &message.tool_calls {
        let arguments = &call.function.arguments;
        assert!(arguments.is_empty() || serde_json::from_str::<Value>(arguments).is_ok(), "{arguments} is JSON");
    }
    message.content = (!said.is_empty()).then_some(Content::Text(said));
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    choice.message = message;
    choice
}
