//! Feeds recorded requests to the dialects, and recorded answers through them: nothing that an app said or would read is
//! lost on the way.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the helpers of a test, which finds its data through the environment and reports what it read"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tollway::billing::meter::disjoint;
use tollway::dialect::{AnswerStart, DecodedRequest, Dialect, Endpoint, RecentItems, UserItems, dialect};
use tollway::provider::{DecodedChat, Framing, ResponseHead, ServerEvent, Target, chat_adapter, vendor};

use tollway::types::{
    AssistantMessage, ChatReply, Choice, Completion, Content, CostStatus, Delta, FinishReason, Meter, Receipt,
    ReportedUsage, Result, Usage,
};

/// The folders of recordings, the provider whose format they are in, and the dialect that reads their requests.
const FOLDERS: [(&str, &str, Endpoint); 12] = [
    ("openai/chat_completions", "openai", Endpoint::OpenAiChat),
    ("azure/chat_completions", "azure", Endpoint::OpenAiChat),
    ("deepseek/chat_completions", "deepseek", Endpoint::OpenAiChat),
    ("groq/chat_completions", "groq", Endpoint::OpenAiChat),
    ("mistral/chat_completions", "mistral", Endpoint::OpenAiChat),
    ("openrouter/chat_completions", "openrouter", Endpoint::OpenAiChat),
    ("xai/chat_completions", "xai", Endpoint::OpenAiChat),
    ("openai/responses", "openai", Endpoint::OpenAiResponses),
    ("azure/responses", "azure", Endpoint::OpenAiResponses),
    ("xai/responses", "xai", Endpoint::OpenAiResponses),
    ("anthropic/messages", "anthropic", Endpoint::AnthropicChat),
    ("azure/messages", "azure", Endpoint::AnthropicChat),
];

struct Case {
    name: String,
    provider: &'static str,
    endpoint: Endpoint,
    path: PathBuf,
}

fn cases() -> Option<Vec<Case>> {
    let shared = std::env::var_os("TOLLWAY_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let fixtures = shared.join("fixtures");
    if !fixtures.is_dir() {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "the recordings are missing: {}", fixtures.display());
        println!("skipped: there are no recordings at {}", fixtures.display());
        return None;
    }
    let mut cases = Vec::new();
    for (folder, provider, endpoint) in FOLDERS {
        for entry in fs::read_dir(fixtures.join(folder)).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = format!("{folder}/{}", path.file_name().unwrap().to_string_lossy());
            cases.push(Case { name, provider, endpoint: endpoint.clone(), path });
        }
    }
    cases.sort_by(|left, right| left.name.cmp(&right.name));
    assert!(!cases.is_empty(), "the folder of recordings is empty");
    Some(cases)
}

fn nobodys() -> UserItems {
    RecentItems::default().of(None)
}

impl Case {
    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path.join(name)).unwrap()).unwrap()
    }

    fn request(&self) -> Option<Map<String, Value>> {
        self.json("request.json")["body"].as_object().cloned()
    }

    fn dialect(&self) -> &'static dyn Dialect {
        dialect(&self.endpoint).unwrap()
    }

    fn status(&self) -> u16 {
        fs::read_to_string(self.path.join("response.status")).unwrap().trim().parse().unwrap()
    }
}

fn with_target<T>(provider: &'static str, endpoint: &Endpoint, use_it: impl FnOnce(&Target<'_>) -> T) -> T {
    let format = if *endpoint == Endpoint::AnthropicChat { "anthropic_messages" } else { "openai_chat" };
    let params = Map::from_iter([("wire_format".to_owned(), Value::from(format))]);
    let base_url = Some("https://provider.test/v1");
    use_it(&Target { vendor: vendor(provider), provider, model: "m", base_url, api_key: None, params: &params })
}

/// Why a recorded request may be refused: the words of the refusal.
const JUSTIFIED: [&str; 6] = [
    // The vendor's server would keep what this process cannot.
    "in the background would be lost",
    // Recordings whose body is no request, as the vendor would refuse it.
    "`messages`: is missing",
    "`input`: is missing",
    // Tools, and their traces, that the vendor runs and charges for.
    "tools of the type",
    "that the provider itself runs",
    "items of the type",
];

#[test]
fn recorded_requests_are_decoded() {
    let Some(cases) = cases() else { return };
    let mut reasons: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut decoded = 0;
    for case in &cases {
        let Some(body) = case.request() else { continue };
        match case.dialect().decode_request(&serde_json::to_vec(&body).unwrap(), &nobodys()) {
            Ok(_) => decoded += 1,
            Err(error) => {
                reasons.entry(error.detail().to_owned()).or_default().push(format!(
                    "{} ({})",
                    case.name,
                    case.status()
                ));
            }
        }
    }
    for (reason, names) in &reasons {
        println!("{:3} {reason}\n      {}", names.len(), names.join("\n      "));
    }
    println!("{decoded} of {} recorded requests are decoded", cases.len());
    let unjustified: Vec<_> =
        reasons.iter().filter(|(reason, _)| !JUSTIFIED.iter().any(|words| reason.contains(words))).collect();
    assert!(unjustified.is_empty(), "{unjustified:#?}");
}

#[test]
fn a_request_comes_out_as_it_went_in() {
    let Some(cases) = cases() else { return };
    let mut problems = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case.endpoint != Endpoint::OpenAiResponses) {
        let Some(mut body) = case.request() else { continue };
        let bytes = serde_json::to_vec(&body).unwrap();
        let Ok(DecodedRequest { request, framing, .. }) = case.dialect().decode_request(&bytes, &nobodys()) else {
            continue;
        };
        let sent = with_target(case.provider, &case.endpoint, |target| {
            chat_adapter(target).unwrap().encode(target, &request, None, framing)
        });
        let mut sent: Map<String, Value> = match sent {
            Ok(sent) => serde_json::from_slice(&sent.body).unwrap(),
            // What the vendor itself refused may be refused here.
            Err(error) if case.status() >= 400 => {
                println!("{}: {error}", case.name);
                continue;
            }
            Err(error) => {
                problems.push(format!("{}: {error}", case.name));
                continue;
            }
        };
        count += 1;
        body.insert("model".to_owned(), "m".into());
        let (mut asked, mut sent) =
            (Value::Object(std::mem::take(&mut body)), Value::Object(std::mem::take(&mut sent)));
        for side in [&mut asked, &mut sent] {
            plain(side, &case.endpoint);
        }
        for key in asked.as_object().unwrap().keys().chain(sent.as_object().unwrap().keys()) {
            if asked.get(key) != sent.get(key) {
                problems.push(format!("{}: {key}: {} became {}", case.name, show(&asked, key), show(&sent, key)));
            }
        }
    }
    problems.dedup();
    println!("{count} recorded requests were sent on");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

fn show(body: &Value, key: &str) -> String {
    body.get(key).map_or_else(|| "nothing".to_owned(), Value::to_string).chars().take(700).collect()
}

/// Writes a request in the one of several ways of saying the same.
fn plain(body: &mut Value, endpoint: &Endpoint) {
    let fields = body.as_object_mut().unwrap();
    fields.retain(|key, value| !value.is_null() && key != "stream_options" && *value != json!(false));
    for (other, name) in [("max_completion_tokens", "max_tokens"), ("seed", "random_seed")] {
        if let Some(value) = fields.remove(other) {
            fields.insert(name.to_owned(), value);
        }
    }
    fields.retain(|key, value| !(key == "tools" && *value == json!([])));
    if fields.get("tool_choice") == Some(&json!("any")) {
        fields.insert("tool_choice".to_owned(), "required".into());
    }
    // The level of effort has no word at a vendor that thinks or does not, where the body says so already.
    if fields.contains_key("thinking") {
        fields.remove("reasoning_effort");
    }
    for tool in fields.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
        let is_function = tool.get("function").is_some();
        tool.as_object_mut().into_iter().filter(|_| is_function).for_each(|tool| {
            tool.insert("type".to_owned(), "function".into());
        });
    }
    if let Some(Value::String(stop)) = fields.get("stop").cloned() {
        fields.insert("stop".to_owned(), json!([stop]));
    }
    if *endpoint == Endpoint::AnthropicChat {
        if let Some(system) = fields.get("system").cloned() {
            fields.insert("system".to_owned(), blocks(&system));
            fields.retain(|key, value| !(key == "system" && *value == json!([])));
        }
        for tool in fields.get_mut("tools").and_then(Value::as_array_mut).into_iter().flatten() {
            let tool = tool.as_object_mut().unwrap();
            tool.retain(|key, value| {
                !value.is_null() && key != "eager_input_streaming" && !(key == "type" && value == "custom")
            });
        }
    }
    let mut joined: Vec<Value> = Vec::new();
    for message in fields.remove("messages").unwrap().as_array().unwrap() {
        let mut message = message.as_object().unwrap().clone();
        message.retain(|_, value| !value.is_null() && *value != json!([]));
        // The name of a tool says what its call says; reasoning goes back to vendors alone that read it.
        if message["role"] == "tool" {
            message.remove("name");
        }
        message.remove("reasoning_content");
        if message["role"] == "developer" {
            message.insert("role".to_owned(), "system".into());
        }
        let content = blocks(message.get("content").unwrap_or(&Value::Null));
        if *endpoint == Endpoint::AnthropicChat
            && let Some(last) = joined.last_mut().filter(|last| last["role"] == message["role"])
        {
            last["content"].as_array_mut().unwrap().extend(content.as_array().unwrap().iter().cloned());
            continue;
        }
        message.insert("content".to_owned(), content);
        joined.push(message.into());
    }
    fields.insert("messages".to_owned(), joined.into());
}

/// Returns a content as blocks without what says nothing.
fn blocks(content: &Value) -> Value {
    let blocks = match content {
        Value::Null => Vec::new(),
        Value::String(text) => vec![json!({"type": "text", "text": text})],
        Value::Array(blocks) => blocks.clone(),
        other => vec![other.clone()],
    };
    let tidy = |mut block: Value| {
        if let Some(fields) = block.as_object_mut() {
            fields.retain(|_, value| !value.is_null() && *value != json!(false));
            // A hint for OpenAI's cache alone, which the request model has no place for.
            fields.remove("prompt_cache_breakpoint");
            if fields.get("type") == Some(&json!("tool_result")) {
                let content = fields.get("content").map(self::blocks).unwrap_or_default();
                fields.insert("content".to_owned(), content);
            }
        }
        block
    };
    blocks.into_iter().map(tidy).filter(|block| block["text"] != "").collect()
}

/// What an app reads of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
struct Read {
    text: String,
    reasoning: String,
    refusal: String,
    calls: Vec<(String, String, Value)>,
    finish: Option<FinishReason>,
    usage: Option<[Option<u64>; 4]>,
}

#[test]
fn recorded_answers_survive_every_dialect() {
    let Some(cases) = cases() else { return };
    let mut problems = Vec::new();
    let mut count = 0;
    for case in cases.iter().filter(|case| case.endpoint != Endpoint::OpenAiResponses && case.status() == 200) {
        let body = fs::read(case.path.join("response.body")).unwrap();
        let is_streamed = !body.trim_ascii_start().starts_with(b"{");
        let Ok((deltas, completion, usage)) = answer(case, &body, is_streamed) else { continue };
        let Some(choice) = completion.choices.first().cloned() else { continue };
        let reply = reply(completion, usage.as_ref());
        let expected = read_choice(&choice, &reply.usage);
        count += 1;
        for endpoint in [Endpoint::OpenAiChat, Endpoint::OpenAiResponses, Endpoint::AnthropicChat] {
            for framing in [Framing::Json, Framing::EventStream] {
                if framing == Framing::EventStream && !is_streamed {
                    continue;
                }
                let read = through(&endpoint, framing, &deltas, &reply);
                let mut expected = expected.clone();
                loosen(&endpoint, &mut expected);
                if read != expected {
                    problems
                        .push(format!("{} as {endpoint:?} {framing:?}:\n  {read:?}\n  for\n  {expected:?}", case.name));
                }
            }
        }
    }
    println!("{count} recorded answers went through every dialect");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Writes what a format has no word for in the word that it has.
fn loosen(endpoint: &Endpoint, expected: &mut Read) {
    let has_calls = !expected.calls.is_empty();
    expected.finish = Some(match expected.finish {
        // Some hosts end an answer that calls tools like any other, which these formats tell by the calls.
        Some(FinishReason::Stop | FinishReason::Other) if has_calls && *endpoint != Endpoint::OpenAiChat => {
            FinishReason::ToolCalls
        }
        None if has_calls => FinishReason::ToolCalls,
        Some(FinishReason::Other) | None => FinishReason::Stop,
        Some(known) => known,
    });
    if *endpoint == Endpoint::AnthropicChat {
        // A refusal is why the answer ended, and not a part of what was said; and counts are numbers.
        if !expected.refusal.is_empty() {
            expected.finish = Some(FinishReason::ContentFilter);
        }
        expected.refusal.clear();
        expected.usage.get_or_insert([Some(0), Some(0), None, None]);
    }
}

type Answer = (Vec<Delta>, Completion, Option<ReportedUsage>);

fn answer(case: &Case, body: &[u8], is_streamed: bool) -> Result<Answer> {
    with_target(case.provider, &case.endpoint, |target| {
        let head = ResponseHead { status: 200, headers: [].into() };
        if !is_streamed {
            let DecodedChat { completion, usage, is_piece: _ } =
                chat_adapter(target)?.decode(target, &head, body).map_err(|flaw| flaw.error)?;
            return Ok((Vec::new(), completion, usage));
        }
        let mut decoder = chat_adapter(target)?.decode_stream(target, &head);
        let mut deltas = Vec::new();
        for event in events(body) {
            decoder.decode_event(&event, &mut deltas).map_err(|flaw| flaw.error)?;
        }
        decoder.finish(&mut deltas);
        let completion = Completion { choices: vec![gather(&deltas)], ..decoder.summary() };
        Ok((deltas, completion, decoder.usage()))
    })
}

fn events(body: &[u8]) -> Vec<ServerEvent> {
    let text = String::from_utf8_lossy(body).replace("\r\n", "\n");
    let field = |event: &str, name: &str| {
        let lines = event.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
    };
    let events = text.split("\n\n").filter(|event| !field(event, "data").is_empty());
    events.map(|event| ServerEvent { event: field(event, "event"), data: field(event, "data") }).collect()
}

fn gather(deltas: &[Delta]) -> Choice {
    let mut choice = Choice::default();
    let mut message = AssistantMessage::default();
    let (mut text, mut reasoning, mut refusal) = (String::new(), String::new(), String::new());
    for delta in deltas.iter().filter(|delta| delta.index == 0) {
        text.push_str(&delta.text);
        reasoning.push_str(&delta.reasoning);
        refusal.push_str(&delta.refusal);
        message.thinking_blocks.extend(delta.thinking_block.clone());
        for piece in &delta.tool_calls {
            let place = piece.index as usize;
            if place == message.tool_calls.len() {
                message.tool_calls.push(tollway::types::ToolCall::default());
                message.tool_calls[place].id = piece.id.clone().unwrap_or_default();
                message.tool_calls[place].function.name = piece.name.clone().unwrap_or_default();
                message.tool_calls[place].extra_content.clone_from(&piece.extra_content);
            }
            message.tool_calls[place].function.arguments.push_str(&piece.arguments);
        }
        choice.finish_reason = delta.finish_reason.or(choice.finish_reason);
        choice.provider_finish_reason = delta.provider_finish_reason.clone().or(choice.provider_finish_reason);
    }
    message.content = (!text.is_empty()).then_some(Content::Text(text));
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    message.refusal = (!refusal.is_empty()).then_some(refusal);
    choice.message = message;
    choice
}

fn reply(completion: Completion, usage: Option<&ReportedUsage>) -> ChatReply {
    let first = completion.choices.first().cloned().unwrap_or_default();
    ChatReply {
        request_id: "0199".to_owned(),
        id: completion.id,
        provider: "house".to_owned(),
        model: "m".to_owned(),
        served_model: completion.model,
        text: first.message.content.as_ref().map(Content::text).unwrap_or_default(),
        reasoning: first.message.reasoning_content,
        tool_calls: first.message.tool_calls,
        finish_reason: first.finish_reason,
        provider_finish_reason: first.provider_finish_reason,
        choices: completion.choices,
        usage: usage.map(disjoint).unwrap_or_default(),
        cost: None,
        currency: None,
        cost_status: CostStatus::Unpriced,
        receipt: Receipt::from_lines(Vec::new()).unwrap(),
        attempts: Vec::new(),
        service_tier: completion.service_tier,
        output_limit: None,
        replayed: false,
    }
}

fn read_choice(choice: &Choice, usage: &Usage) -> Read {
    let message = &choice.message;
    let calls = message.tool_calls.iter().map(|call| {
        let arguments = serde_json::from_str(&call.function.arguments).unwrap_or(json!({}));
        (call.id.clone(), call.function.name.clone(), arguments)
    });
    Read {
        text: message.content.as_ref().map(Content::text).unwrap_or_default(),
        reasoning: message.reasoning_content.clone().unwrap_or_default(),
        refusal: message.refusal.clone().unwrap_or_default(),
        calls: calls.collect(),
        finish: choice.finish_reason,
        usage: counts(usage),
    }
}

/// All input, all output, and of them what was read from a cache and what was thought.
fn counts(usage: &Usage) -> Option<[Option<u64>; 4]> {
    let (input, output) = (usage.input_tokens()?, usage.output_tokens()?);
    let some = |count: Option<u64>| count.filter(|count| *count > 0);
    Some([Some(input), Some(output), some(usage.cached_input_tokens()), some(usage.tokens(Meter::ReasoningToken))])
}

/// Writes an answer in a dialect, and reads it as an app would.
fn through(endpoint: &Endpoint, framing: Framing, deltas: &[Delta], reply: &ChatReply) -> Read {
    let body = match endpoint {
        Endpoint::OpenAiResponses => json!({"model": "m", "input": "Hi", "store": false}),
        _ => json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}],
            "stream_options": null}),
    };
    let mut body = body;
    if *endpoint == Endpoint::OpenAiChat {
        body["stream_options"] = json!({"include_usage": true});
    } else if let Some(fields) = body.as_object_mut() {
        fields.remove("stream_options");
    }
    let decoded = dialect(endpoint).unwrap().decode_request(body.to_string().as_bytes(), &nobodys()).unwrap();
    let mut encoder = decoded.encoder;
    let start = AnswerStart { request_id: "0199".to_owned(), created: 1, model: "m".to_owned() };
    let mut written = Vec::new();
    if framing == Framing::Json {
        written = encoder.encode_reply(&start, reply).unwrap();
    } else {
        encoder.encode_start(&start, &mut written);
        for delta in deltas {
            encoder.encode_delta(delta, &mut written);
        }
        encoder.encode_done(reply, &mut written);
    }
    if *endpoint == Endpoint::OpenAiResponses {
        return read_response(&written, framing);
    }
    let provider = if *endpoint == Endpoint::AnthropicChat { "anthropic" } else { "openai" };
    let case = Case { name: String::new(), provider, endpoint: endpoint.clone(), path: PathBuf::new() };
    let (_, completion, usage) = answer(&case, &written, framing == Framing::EventStream).unwrap();
    read_choice(&completion.choices[0], &usage.as_ref().map(disjoint).unwrap_or_default())
}

/// Reads a response; one that is streamed by its pieces, and its end must say the same.
fn read_response(written: &[u8], framing: Framing) -> Read {
    let mut pieces = Read::default();
    let response: Value = if framing == Framing::Json {
        serde_json::from_slice(written).unwrap()
    } else {
        let mut last = Value::Null;
        for event in events(written) {
            last = serde_json::from_str(&event.data).unwrap();
            let delta = last["delta"].as_str().unwrap_or_default();
            match event.event.as_str() {
                "response.output_text.delta" => pieces.text.push_str(delta),
                "response.reasoning_summary_text.delta" => pieces.reasoning.push_str(delta),
                "response.refusal.delta" => pieces.refusal.push_str(delta),
                _ => {}
            }
        }
        last["response"].take()
    };
    let mut read = Read::default();
    for item in response["output"].as_array().unwrap() {
        match item["type"].as_str().unwrap() {
            "reasoning" => {
                for part in item["summary"].as_array().unwrap() {
                    read.reasoning.push_str(part["text"].as_str().unwrap());
                }
            }
            "message" => {
                for part in item["content"].as_array().unwrap() {
                    read.text.push_str(part["text"].as_str().unwrap_or_default());
                    read.refusal.push_str(part["refusal"].as_str().unwrap_or_default());
                }
            }
            _ => {
                let arguments = serde_json::from_str(item["arguments"].as_str().unwrap()).unwrap_or(json!({}));
                let text = |name: &str| item[name].as_str().unwrap().to_owned();
                read.calls.push((text("call_id"), text("name"), arguments));
            }
        }
    }
    if framing == Framing::EventStream {
        assert_eq!(
            (&pieces.text, &pieces.reasoning, &pieces.refusal),
            (&read.text, &read.reasoning, &read.refusal),
            "the pieces of a stream are its end"
        );
    }
    read.finish = Some(match response["incomplete_details"]["reason"].as_str() {
        Some("max_output_tokens") => FinishReason::Length,
        Some(_) => FinishReason::ContentFilter,
        None if !read.calls.is_empty() => FinishReason::ToolCalls,
        None => FinishReason::Stop,
    });
    let usage = &response["usage"];
    let count = |pointer: &str| usage.pointer(pointer).and_then(Value::as_u64);
    let some = |count: Option<u64>| count.filter(|count| *count > 0);
    read.usage = usage.is_object().then(|| {
        [
            count("/input_tokens"),
            count("/output_tokens"),
            some(count("/input_tokens_details/cached_tokens")),
            some(count("/output_tokens_details/reasoning_tokens")),
        ]
    });
    read
}
