use serde_json::{Map, Value, json};

use super::Chat;
use crate::dialect::{AnswerStart, DecodedRequest, Dialect, RecentItems};
use crate::provider::{Framing, ServerEvent, Target, chat_adapter, vendor};
use crate::types::{
    AssistantMessage, ChatReply, ChatRequest, Choice, Content, CostStatus, Delta, Error, ErrorKind, FinishReason,
    FunctionCall, Message, Meter, Receipt, ToolCall, ToolCallDelta, Usage,
};

fn decode(body: &Value) -> DecodedRequest {
    Chat.decode_request(body.to_string().as_bytes(), &RecentItems::default().of(None)).unwrap()
}

/// Adds the fields that every request has.
fn with_basics(fields: &Value) -> Value {
    let mut body = json!({"model": "m", "max_tokens": 9000, "messages": [{"role": "user", "content": "hi"}]});
    for (key, value) in fields.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn refusal(body: &Value) -> String {
    let Err(error) = Chat.decode_request(body.to_string().as_bytes(), &RecentItems::default().of(None)) else {
        panic!("{body} is decoded")
    };
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    error.detail().to_owned()
}

/// Encodes a request for a provider.
fn sent(request: &ChatRequest, provider: &'static str, model: &'static str) -> Value {
    let params = Map::new();
    let target = Target { vendor: vendor(provider), provider, model, base_url: None, api_key: None, params: &params };
    let encoded = chat_adapter(&target).unwrap().encode(&target, request, None, Framing::Json).unwrap();
    serde_json::from_slice(&encoded.body).unwrap()
}

fn sent_to_claude(body: &Value) -> Value {
    sent(&decode(body).request, "anthropic", "claude-opus-4-7")
}

/// Writes texts as lists of one block, and joins messages of one role that follow each other: the vendor reads them alike.
fn spelled_out(mut body: Value) -> Value {
    fn blocks(content: &mut Value) {
        if let Some(text) = content.as_str() {
            *content = json!([{"type": "text", "text": text}]);
        }
        for block in content.as_array_mut().unwrap() {
            if let Some(inner) = block.get_mut("content") {
                blocks(inner);
            }
        }
    }
    let mut joined: Vec<Value> = Vec::new();
    for mut message in body["messages"].as_array().unwrap().clone() {
        blocks(&mut message["content"]);
        match joined.last_mut() {
            Some(last) if last["role"] == message["role"] => {
                let more = message["content"].as_array().unwrap().clone();
                last["content"].as_array_mut().unwrap().extend(more);
            }
            _ => joined.push(message),
        }
    }
    body["messages"] = joined.into();
    if body.get("system").is_some() {
        blocks(&mut body["system"]);
    }
    body
}

fn keeps_its_meaning(body: Value) {
    let mut again = sent_to_claude(&body);
    again["model"] = body["model"].clone();
    assert_eq!(spelled_out(again), spelled_out(body));
}

#[test]
fn a_conversation_keeps_its_meaning_on_its_way_through() {
    let cached = json!({"type": "ephemeral", "ttl": "1h"});
    keeps_its_meaning(json!({"model": "m", "max_tokens": 9, "temperature": 0.5, "top_p": 0.9, "top_k": 4,
        "stop_sequences": ["x", "y"], "service_tier": "standard_only", "metadata": {"user_id": "u"},
        "system": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": cached}],
        "messages": [
            {"role": "user", "content": [
                {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QQ=="}, "cache_control": cached},
                {"type": "image", "source": {"type": "url", "url": "https://a.test/x.png"}},
                {"type": "document", "title": "a.pdf", "source": {"type": "base64", "media_type": "application/pdf", "data": "QQ=="}, "cache_control": cached},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grüezi"}},
                {"type": "document", "source": {"type": "url", "url": "https://a.test/x.pdf"}},
                {"type": "document", "source": {"type": "file", "file_id": "f"}}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "h", "signature": "s"},
                {"type": "redacted_thinking", "data": "r"},
                {"type": "text", "text": "I ask"},
                {"type": "thinking", "thinking": "k", "signature": "z"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"z": 1, "a": [2.5, null]}},
                {"type": "tool_use", "id": "b", "name": "g", "input": {}, "cache_control": cached}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "a", "content": "1", "is_error": true},
                {"type": "tool_result", "tool_use_id": "b", "cache_control": cached, "content": [
                    {"type": "text", "text": "2"},
                    {"type": "image", "source": {"type": "url", "url": "https://a.test/y.png"}}]},
                {"type": "text", "text": "go on"}]},
            {"role": "assistant", "content": "well"}]}));
}

#[test]
fn tools_and_their_choice_keep_their_meaning() {
    let tools = json!([
        {"name": "f", "description": "d", "strict": true, "cache_control": {"type": "ephemeral"},
         "input_schema": {"type": "object", "properties": {"z": {"type": "string"}, "a": {}}, "required": ["z"]}},
        {"name": "g", "input_schema": {"type": "object"}}]);
    for choice in [
        json!({"type": "auto"}),
        json!({"type": "any"}),
        json!({"type": "none"}),
        json!({"type": "tool", "name": "g"}),
        json!({"type": "auto", "disable_parallel_tool_use": true}),
        json!({"type": "tool", "name": "f", "disable_parallel_tool_use": true}),
    ] {
        keeps_its_meaning(with_basics(&json!({"tools": tools, "tool_choice": choice})));
    }
    let body =
        with_basics(&json!({"tools": [{"type": "custom", "name": "g", "input_schema": {}, "description": null}]}));
    assert_eq!(sent_to_claude(&body)["tools"], json!([{"name": "g", "input_schema": {}}]));
}

#[test]
fn thinking_goes_to_its_own_format_as_it_is_and_to_others_as_an_effort() {
    let low = json!({"type": "json_schema", "schema": {"type": "object"}});
    for (fields, effort) in [
        (json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), Some("low")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 4096}}), Some("medium")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 8000, "display": "omitted"}}), Some("medium")),
        (json!({"thinking": {"type": "enabled", "budget_tokens": 16384}}), Some("high")),
        (json!({"thinking": {"type": "disabled"}}), Some("none")),
        (json!({"thinking": {"type": "adaptive"}}), None),
        (
            json!({"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}}),
            Some("xhigh"),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "high"}}),
            Some("high"),
        ),
        (json!({"output_config": {"effort": "low", "format": low}}), Some("low")),
        (json!({"cache_control": {"type": "ephemeral"}}), None),
    ] {
        let body = with_basics(&fields);
        let request = decode(&body).request;
        assert_eq!(request.reasoning_effort.as_deref(), effort, "{fields}");
        for model in ["claude-opus-4-7", "claude-haiku-4-5"] {
            let mut again = sent(&request, "anthropic", model);
            again["model"] = "m".into();
            assert_eq!(again, body, "{model}");
        }
        let other = sent(&request, "openai", "gpt");
        assert_eq!(other.get("reasoning_effort").and_then(Value::as_str), effort);
        for own in ["thinking", "anthropic", "output_config", "cache_control"] {
            assert_eq!(other.get(own), None, "{fields}");
        }
    }
}

#[test]
fn other_formats_leave_out_hints_that_only_anthropic_models_read() {
    let cached = json!({"type": "ephemeral"});
    let body = json!({"model": "m", "max_tokens": 9, "metadata": {"user_id": "u"}, "thinking": {"type": "adaptive"},
        "system": [{"type": "text", "text": "s", "cache_control": cached}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, "cache_control": cached}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "t", "cache_control": cached}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": "h", "signature": "s"},
                {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no such x", "is_error": true, "cache_control": cached},
                {"type": "text", "text": "again"}]}]});
    let request = decode(&body).request;
    assert_eq!(
        sent(&request, "openai", "gpt"),
        json!({"model": "gpt", "max_completion_tokens": 9, "user": "u",
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "s"}]},
            {"role": "user", "content": [{"type": "text", "text": "t"}]},
            {"role": "assistant", "content": null,
             "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "Error: no such x"}]},
            {"role": "user", "content": "again"}]})
    );
    let gemini = sent(&request, "gemini", "gemini-3-pro");
    assert_eq!(
        gemini["contents"][2]["parts"],
        json!([{"functionResponse": {"name": "f", "response": {"error": "no such x"}, "id": "a"}}])
    );
    assert_eq!((gemini.get("user"), gemini.get("anthropic")), (None, None));
    let marked = sent(&request, "openrouter", "m");
    assert_eq!(marked["messages"][1]["content"][0]["cache_control"], cached);
}

#[test]
fn wrong_requests_are_told_by_their_path() {
    let said = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let heard = |content: Value| json!({"messages": [{"role": "assistant", "content": content}]});
    for (fields, words) in [
        (json!({"max_tokens": null}), "max_tokens: Field required"),
        (json!({"max_tokens": 1.5}), "max_tokens: must be a whole number"),
        (json!({"max_tokens": "9"}), "max_tokens: "),
        (json!({"messages": null}), "messages: Field required"),
        (json!({"messages": []}), "messages: at least one"),
        (json!({"messages": ["hi"]}), "messages.0: must be an object"),
        (json!({"messages": [{"role": "tool", "content": "x"}]}), "messages.0.role: must be"),
        (json!({"messages": [{"role": "user"}]}), "messages.0.content: Field required"),
        (json!({"messages": [{"role": "user", "content": "x", "name": "n"}]}), "messages.0.name: "),
        (said(json!([{"text": "x"}])), "messages.0.content.0.type: Field required"),
        (said(json!([{"type": "text"}])), "messages.0.content.0.text: Field required"),
        (said(json!([{"type": "video"}])), "\"video\""),
        (
            said(json!([{"type": "image", "source": {"type": "file", "file_id": "f"}}])),
            "messages.0.content.0.source.type",
        ),
        (
            said(
                json!([{"type": "document", "source": {"type": "url", "url": "https://a.test"}, "citations": {"enabled": true}}]),
            ),
            "messages.0.content.0.citations.enabled",
        ),
        (
            said(json!([{"type": "document", "source": {"type": "url", "url": "https://a.test"}, "context": "c"}])),
            "messages.0.content.0.context",
        ),
        (
            said(json!([{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "for": 1}}])),
            "cache_control",
        ),
        (said(json!([{"type": "tool_result", "content": "x"}])), "tool_use_id: Field required"),
        (heard(json!([{"type": "tool_use", "id": "a", "name": "f"}])), "input: Field required"),
        (heard(json!([{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}])), "input: "),
        (heard(json!([{"type": "hologram", "id": "a", "name": "f", "input": {}}])), "\"hologram\""),
        (json!({"tools": [{"name": "f"}]}), "tools.0.input_schema: Field required"),
        (json!({"tools": [{"name": "f", "input_schema": {}, "input_examples": [{}]}]}), "tools.0.input_examples"),
        (json!({"tools": [{"name": "f", "input_schema": {}, "defer_loading": true}]}), "tools.0.defer_loading"),
        (json!({"tool_choice": {"type": "required"}}), "tool_choice.type: must be"),
        (json!({"tool_choice": {"type": "tool"}}), "tool_choice.name: Field required"),
        (json!({"thinking": {"type": "enabled"}}), "thinking.budget_tokens: Field required"),
        (json!({"output_config": {"format": {"type": "json_object"}}}), "output_config.format.type"),
        (json!({"service_tier": "flex"}), "service_tier: "),
        (json!({"stop_sequences": "x"}), "stop_sequences: "),
        (json!({"temperature": "hot"}), "temperature: must be a number"),
        (json!({"stream": "yes"}), "stream: must be true or false"),
        (json!({"n": 2}), "n: this field"),
    ] {
        let detail = refusal(&with_basics(&fields));
        assert!(detail.contains(words), "{fields}: {detail}");
    }
    assert!(
        Chat.decode_request(b"{", &RecentItems::default().of(None))
            .is_err_and(|error| error.detail().contains("no JSON"))
    );
    assert_eq!(decode(&with_basics(&json!({"stream": true}))).framing, Framing::EventStream);
    assert_eq!(decode(&with_basics(&json!({"stream": false}))).framing, Framing::Json);
    assert_eq!(decode(&with_basics(&json!({"stop_sequences": []}))).request.stop, None);
}

pub(super) fn usage(meters: &[(Meter, u64)]) -> Usage {
    let meters = meters.iter().map(|(meter, tokens)| (*meter, (*tokens).into())).collect();
    Usage { meters, ..Usage::default() }
}

fn reply(message: AssistantMessage, finish_reason: FinishReason, said: &str) -> ChatReply {
    ChatReply {
        request_id: "0199-a".to_owned(),
        id: None,
        provider: "acme".to_owned(),
        model: "m".to_owned(),
        served_model: Some("m-1".to_owned()),
        text: message.content.as_ref().map(Content::text).unwrap_or_default(),
        reasoning: message.reasoning_content.clone(),
        tool_calls: message.tool_calls.clone(),
        finish_reason: Some(finish_reason),
        provider_finish_reason: Some(said.to_owned()),
        choices: vec![Choice { message, finish_reason: Some(finish_reason), ..Choice::default() }],
        usage: usage(&[
            (Meter::InputToken, 10),
            (Meter::CachedInputToken, 5),
            (Meter::CacheWrite5mToken, 3),
            (Meter::CacheWrite1hToken, 2),
            (Meter::OutputToken, 7),
            (Meter::ReasoningToken, 4),
        ]),
        cost: Some("0.000123".parse().unwrap()),
        currency: Some("USD".parse().unwrap()),
        cost_status: CostStatus::Computed,
        receipt: Receipt::default(),
        attempts: Vec::new(),
        service_tier: None,
        output_limit: None,
        replayed: false,
    }
}

fn call(id: &str, arguments: &str, extra_content: Option<Value>) -> ToolCall {
    ToolCall {
        id: id.to_owned(),
        r#type: "function".to_owned(),
        function: FunctionCall { name: "f".to_owned(), arguments: arguments.to_owned() },
        extra_content,
    }
}

fn start() -> AnswerStart {
    AnswerStart { request_id: "0199-a".to_owned(), created: 0, model: "m-1".to_owned() }
}

fn written(reply: &ChatReply, fields: &Value) -> Value {
    let mut encoder = decode(&with_basics(fields)).encoder;
    serde_json::from_slice(&encoder.encode_reply(&start(), reply).unwrap()).unwrap()
}

fn counts() -> Value {
    json!({"input_tokens": 10, "cache_creation_input_tokens": 5, "cache_read_input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
        "output_tokens": 11, "output_tokens_details": {"thinking_tokens": 4}})
}

#[test]
fn a_whole_reply_is_a_message_with_its_cost() {
    let said = AssistantMessage {
        content: Some("hello".into()),
        reasoning_content: Some("hm".to_owned()),
        thinking_blocks: vec![json!({"type": "reasoning.text", "text": "hm", "id": "r"})],
        tool_calls: vec![
            call("a", "{\"z\": 1, \"b\": 2}", Some(json!({"google": {"thought_signature": "t"}}))),
            call("b", "", None),
            call("c", "{\"z\":", None),
        ],
        ..AssistantMessage::default()
    };
    let mut message = written(&reply(said, FinishReason::ToolCalls, "tool_calls"), &json!({}));
    let field = message.as_object_mut().unwrap().remove("tollway").unwrap();
    assert_eq!(
        (&field["cost"], &field["currency"], &field["model"]),
        (&json!("0.000123"), &json!("USD"), &json!("acme/m"))
    );
    assert_eq!(
        message,
        json!({"id": "msg_0199-a", "type": "message", "role": "assistant", "model": "m-1", "content": [
            {"type": "thinking", "thinking": "hm", "signature": "",
             "reasoning_details": [{"type": "reasoning.text", "text": "hm", "id": "r"}]},
            {"type": "text", "text": "hello"},
            {"type": "tool_use", "id": "a", "name": "f", "input": {"z": 1, "b": 2}, "extra_content": {"google": {"thought_signature": "t"}}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {}},
            {"type": "tool_use", "id": "c", "name": "f", "input": {"INVALID_JSON": "{\"z\":"}}],
            "stop_reason": "tool_use", "stop_sequence": null, "usage": counts()})
    );
}

#[test]
fn signed_and_opaque_blocks_come_back_with_the_next_turn() {
    let details = vec![json!({"type": "reasoning.encrypted", "data": "x"})];
    let signature = Some(json!({"google": {"thought_signature": "t"}}));
    let said = AssistantMessage {
        content: Some("hello".into()),
        reasoning_content: Some("hm".to_owned()),
        thinking_blocks: details,
        tool_calls: vec![call("a", "{\"z\":1}", signature)],
        ..AssistantMessage::default()
    };
    let message = written(&reply(said.clone(), FinishReason::ToolCalls, "tool_calls"), &json!({}));
    let next = json!({"messages": [{"role": "assistant", "content": message["content"]}]});
    assert_eq!(decode(&with_basics(&next)).request.messages, [Message::Assistant(said)]);
}

#[test]
fn the_vendors_own_blocks_go_back_as_they_came() {
    let own = vec![
        json!({"type": "thinking", "thinking": "h", "signature": "s"}),
        json!({"type": "redacted_thinking", "data": "d"}),
    ];
    let said = AssistantMessage {
        content: Some("x".into()),
        reasoning_content: Some("h".to_owned()),
        thinking_blocks: own.clone(),
        ..AssistantMessage::default()
    };
    let message = written(&reply(said, FinishReason::Stop, "end_turn"), &json!({}));
    assert_eq!(message["content"], json!([own[0], own[1], {"type": "text", "text": "x"}]));
}

#[test]
fn finish_reasons_are_written_in_the_vendors_words() {
    let stop = |reason: FinishReason, said: &str, message: AssistantMessage, fields: Value| {
        let message = written(&reply(message, reason, said), &fields);
        (
            message["stop_reason"].clone(),
            message["stop_sequence"].clone(),
            message["stop_details"]["explanation"].clone(),
        )
    };
    let text = || AssistantMessage { content: Some("x".into()), ..AssistantMessage::default() };
    let null = Value::Null;
    for (reason, said, told) in [
        (FinishReason::Stop, "stop", "end_turn"),
        (FinishReason::Length, "MAX_TOKENS", "max_tokens"),
        (FinishReason::ContentFilter, "content_filter", "refusal"),
        (FinishReason::ToolCalls, "tool_calls", "tool_use"),
        (FinishReason::Other, "pause_turn", "pause_turn"),
        (FinishReason::Other, "odd", "end_turn"),
        (FinishReason::Stop, "stop_sequence", "stop_sequence"),
        (FinishReason::Length, "model_context_window_exceeded", "model_context_window_exceeded"),
    ] {
        assert_eq!(stop(reason, said, text(), json!({})), (told.into(), null.clone(), null.clone()), "{said}");
    }
    let one = stop(FinishReason::Stop, "stop_sequence", text(), json!({"stop_sequences": ["END"]}));
    assert_eq!(one, ("stop_sequence".into(), "END".into(), null.clone()));
    let two = stop(FinishReason::Stop, "stop_sequence", text(), json!({"stop_sequences": ["END", "x"]}));
    assert_eq!(two, ("stop_sequence".into(), null.clone(), null.clone()));
    let declined = AssistantMessage { refusal: Some("no".to_owned()), ..AssistantMessage::default() };
    assert_eq!(stop(FinishReason::Stop, "stop", declined, json!({})), ("refusal".into(), null.clone(), "no".into()));
    let calls = AssistantMessage { tool_calls: vec![call("a", "{}", None)], ..AssistantMessage::default() };
    assert_eq!(stop(FinishReason::Stop, "stop", calls, json!({})), ("tool_use".into(), null.clone(), null));
}

/// Writes a whole stream.
fn streamed(deltas: &[Delta], reply: &ChatReply) -> Vec<u8> {
    let mut encoder = decode(&with_basics(&json!({"stream": true}))).encoder;
    let mut events = Vec::new();
    encoder.encode_start(&start(), &mut events);
    for delta in deltas {
        encoder.encode_delta(delta, &mut events);
    }
    encoder.encode_done(reply, &mut events);
    events
}

/// Reads events, and checks that each is named as its data is.
fn events(written: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(written).unwrap();
    let read = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
        data
    };
    text.split_terminator("\n\n").map(read).collect()
}

fn piece(call: u32, id: Option<&str>, arguments: &str) -> Delta {
    let call = ToolCallDelta {
        index: call,
        id: id.map(str::to_owned),
        name: id.map(|_| "f".to_owned()),
        arguments: arguments.to_owned(),
        extra_content: None,
    };
    Delta { tool_calls: vec![call], ..Delta::default() }
}

fn say(text: &str) -> Delta {
    Delta { text: text.to_owned(), ..Delta::default() }
}

fn think(reasoning: &str) -> Delta {
    Delta { reasoning: reasoning.to_owned(), ..Delta::default() }
}

fn finished(block: Value) -> Delta {
    Delta { thinking_block: Some(block), ..Delta::default() }
}

/// Tells each event in short: its kind, its index and what it brings.
fn shorthand(written: &[u8]) -> Vec<String> {
    let tell = |event: Value| {
        let index = event.get("index").map(|index| format!(" {index}")).unwrap_or_default();
        let brought = match event["type"].as_str().unwrap() {
            "content_block_start" => format!(" {}", event["content_block"]["type"].as_str().unwrap()),
            "content_block_delta" => ["text", "thinking", "signature", "partial_json"]
                .iter()
                .filter_map(|key| Some(format!(" {}={}", key, event["delta"].get(key)?.as_str()?)))
                .collect(),
            _ => String::new(),
        };
        format!("{}{index}{brought}", event["type"].as_str().unwrap().replace("content_block_", ""))
    };
    events(written).into_iter().map(tell).collect()
}

#[test]
fn a_stream_has_its_blocks_one_after_another() {
    let deltas = [
        think("h"),
        think("m"),
        finished(json!({"type": "thinking", "thinking": "hm", "signature": "s"})),
        say("a"),
        say("b"),
        piece(0, Some("x"), "{\"z\""),
        piece(0, None, ":1}"),
        piece(1, Some("y"), ""),
        Delta { finish_reason: Some(FinishReason::ToolCalls), ..Delta::default() },
    ];
    let reply = reply(AssistantMessage::default(), FinishReason::ToolCalls, "tool_use");
    let bytes = streamed(&deltas, &reply);
    assert_eq!(
        shorthand(&bytes),
        [
            "message_start",
            "start 0 thinking",
            "delta 0 thinking=h",
            "delta 0 thinking=m",
            "delta 0 signature=s",
            "stop 0",
            "start 1 text",
            "delta 1 text=a",
            "delta 1 text=b",
            "stop 1",
            "start 2 tool_use",
            "delta 2 partial_json={\"z\"",
            "delta 2 partial_json=:1}",
            "stop 2",
            "start 3 tool_use",
            "stop 3",
            "message_delta",
            "message_stop",
        ]
    );
    let events = events(&bytes);
    let first = &events[0]["message"];
    assert_eq!(
        (&first["id"], &first["content"], &first["stop_reason"]),
        (&json!("msg_0199-a"), &json!([]), &Value::Null)
    );
    assert_eq!((&first["usage"]["output_tokens"], &first["usage"]["cache_creation"]), (&json!(0), &Value::Null));
    let last = &events[events.len() - 2];
    assert_eq!(last["usage"], counts());
    assert_eq!(last["delta"], json!({"stop_reason": "tool_use", "stop_sequence": null}));
    assert_eq!((&last["tollway"]["cost"], &last["tollway"]["request_id"]), (&json!("0.000123"), &json!("0199-a")));
}

#[test]
fn opaque_blocks_are_streamed_whole_and_never_twice() {
    let reply = reply(AssistantMessage::default(), FinishReason::Stop, "end_turn");
    let deltas = [
        finished(json!({"type": "thinking", "thinking": "h", "signature": "s"})),
        finished(json!({"type": "redacted_thinking", "data": "d"})),
        Delta { reasoning: "h".to_owned(), text: "a".to_owned(), ..Delta::default() },
        Delta { index: 1, text: "another answer".to_owned(), ..Delta::default() },
    ];
    assert_eq!(
        shorthand(&streamed(&deltas, &reply)),
        [
            "message_start",
            "start 0 thinking",
            "delta 0 thinking=h",
            "delta 0 signature=s",
            "stop 0",
            "start 1 redacted_thinking",
            "stop 1",
            "start 2 text",
            "delta 2 text=a",
            "stop 2",
            "message_delta",
            "message_stop",
        ]
    );
    let foreign = json!({"type": "reasoning.encrypted", "data": "x"});
    let bytes = streamed(&[think("h"), say("a"), finished(foreign.clone())], &reply);
    let blocks = events(&bytes);
    let carried = blocks.iter().find(|event| event["index"] == 2).unwrap();
    assert_eq!(carried["content_block"]["reasoning_details"], json!([foreign]));
    assert_eq!(shorthand(&streamed(&[], &reply)), ["message_start", "message_delta", "message_stop"]);
}

#[test]
fn calls_whose_pieces_alternate_are_written_one_after_another() {
    let reply = reply(AssistantMessage::default(), FinishReason::ToolCalls, "tool_calls");
    let pieces = |deltas: &[Delta]| -> Vec<String> {
        let told = shorthand(&streamed(deltas, &reply));
        told[1..told.len() - 2].to_vec()
    };
    let begun = [piece(0, Some("x"), "{"), piece(1, Some("y"), "["), piece(2, Some("z"), ""), piece(1, None, "]")];
    let whole = [
        "start 0 tool_use",
        "delta 0 partial_json={",
        "delta 0 partial_json=}",
        "stop 0",
        "start 1 tool_use",
        "delta 1 partial_json=[]",
        "stop 1",
        "start 2 tool_use",
    ];
    let mut deltas = begun.to_vec();
    deltas.push(piece(0, None, "}"));
    assert_eq!(pieces(&deltas), [&whole[..], &["stop 2"]].concat());
    deltas.push(piece(2, None, "{}"));
    assert_eq!(pieces(&deltas), [&whole[..], &["delta 2 partial_json={}", "stop 2"]].concat());
    // What never becomes whole is written all the same when the answer goes on, or ends.
    let mut unfinished = whole.to_vec();
    unfinished.remove(2);
    assert_eq!(pieces(&begun), [&unfinished[..], &["stop 2"]].concat());
    let told = pieces(&[&begun[..], &[say("a")]].concat());
    assert_eq!(told[told.len() - 3..], ["start 3 text", "delta 3 text=a", "stop 3"]);
}

/// What is written here is read by the other side of the same format.
#[test]
fn the_engines_own_reader_reads_what_is_written() {
    let deltas = [
        think("hm"),
        finished(json!({"type": "thinking", "thinking": "hm", "signature": "s"})),
        say("hello"),
        piece(0, Some("x"), "{\"z\":1}"),
    ];
    let said = AssistantMessage {
        content: Some("hello".into()),
        reasoning_content: Some("hm".to_owned()),
        thinking_blocks: vec![json!({"type": "thinking", "thinking": "hm", "signature": "s"})],
        tool_calls: vec![call("x", "{\"z\":1}", None)],
        ..AssistantMessage::default()
    };
    let reply = reply(said.clone(), FinishReason::ToolCalls, "tool_calls");
    let params = Map::new();
    let vendor = vendor("anthropic");
    let target = Target { vendor, provider: "anthropic", model: "m", base_url: None, api_key: None, params: &params };
    let adapter = chat_adapter(&target).unwrap();
    let mut encoder = decode(&with_basics(&json!({}))).encoder;
    let whole = encoder.encode_reply(&start(), &reply).unwrap();
    let decoded = adapter.decode(&target, &crate::provider::ResponseHead::default(), &whole).unwrap();
    assert_eq!(decoded.completion.choices[0].message, said);
    let usage = decoded.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cached_input, usage.cache_write, usage.output),
        (Some(10), Some(5), Some(5), Some(11))
    );
    let mut reader = adapter.decode_stream(&target, &crate::provider::ResponseHead::default());
    let mut read = Vec::new();
    for event in events(&streamed(&deltas, &reply)) {
        let event = ServerEvent { event: String::new(), data: event.to_string() };
        reader.decode_event(&event, &mut read).unwrap();
    }
    assert_eq!(read.pop().unwrap().finish_reason, Some(FinishReason::ToolCalls));
    let joined = |pick: fn(&Delta) -> &str| read.iter().map(pick).collect::<String>();
    assert_eq!((joined(|delta| &delta.text), joined(|delta| &delta.reasoning)), ("hello".to_owned(), "hm".to_owned()));
    assert_eq!(read.iter().filter_map(|delta| delta.thinking_block.clone()).collect::<Vec<_>>(), said.thinking_blocks);
    assert_eq!(reader.usage(), Some(usage));
}

#[test]
fn errors_have_the_vendors_types_and_the_engines_codes() {
    let told = |error: &Error| serde_json::from_slice::<Value>(&Chat.encode_error(error)).unwrap();
    for (kind, status, named) in [
        (ErrorKind::BudgetExceeded, None, "billing_error"),
        (ErrorKind::NoRoute, None, "not_found_error"),
        (ErrorKind::RateLimited, Some(429), "rate_limit_error"),
        (ErrorKind::ProviderUnavailable, Some(529), "overloaded_error"),
        (ErrorKind::ProviderUnavailable, Some(500), "api_error"),
        (ErrorKind::InvalidRequest, Some(413), "request_too_large"),
        (ErrorKind::ContextLengthExceeded, Some(400), "invalid_request_error"),
        (ErrorKind::Authentication, None, "authentication_error"),
        (ErrorKind::PermissionDenied, None, "permission_error"),
        (ErrorKind::Timeout, None, "timeout_error"),
        (ErrorKind::IdempotencyConflict, None, "conflict_error"),
        (ErrorKind::Internal, None, "api_error"),
    ] {
        let error = Error::new(kind, "what to do");
        let error = if let Some(status) = status { error.with_status(status) } else { error };
        let error = told(&error);
        assert_eq!((&error["type"], &error["error"]["type"]), (&json!("error"), &json!(named)), "{kind:?}");
        assert_eq!((&error["error"]["code"], &error["error"]["message"]), (&json!(kind.code()), &json!("what to do")));
    }
    let error =
        Error::new(ErrorKind::RateLimited, "wait").with_target("acme", "m").with_request_id(Some("r".to_owned()));
    let told = told(&error);
    assert_eq!((&told["request_id"], &told["error"]["tollway"]["provider"]), (&json!("r"), &json!("acme")));
    let mut bytes = Vec::new();
    decode(&with_basics(&json!({}))).encoder.encode_failure(&error, &mut bytes);
    assert_eq!(events(&bytes)[0]["error"], told["error"]);
}

#[test]
fn tools_of_the_vendor_and_what_they_did_come_back_to_it_unchanged() {
    let tools = json!([
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
    ]);
    let search = json!({"type": "server_tool_use", "id": "v", "name": "web_search", "input": {"query": "x"}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "v", "content": [{"url": "https://a.test"}]});
    let body = with_basics(&json!({"tools": tools, "messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [
            search, found, {"type": "text", "text": "b", "citations": [{"type": "web_search_result_location"}]}]},
        {"role": "user", "content": "c"},
    ]}));
    let sent = sent_to_claude(&body);
    assert_eq!(sent["tools"], tools);
    assert_eq!(sent["messages"][1]["content"], json!([search, found, {"type": "text", "text": "b"}]));
    let refused = Target {
        vendor: vendor("openai"),
        provider: "openai",
        model: "m",
        base_url: None,
        api_key: None,
        params: &Map::new(),
    };
    let error = chat_adapter(&refused)
        .unwrap()
        .encode(&refused, &decode(&body).request, None, Framing::Json)
        .map(drop)
        .unwrap_err();
    assert!(error.detail().contains("web_search_20250305"), "{error}");
}

#[test]
fn blocks_of_the_providers_tools_are_written_in_whole_answers_and_in_streams() {
    let search = json!({"type": "server_tool_use", "id": "v", "name": "web_search", "input": {"query": "x"}});
    let message = AssistantMessage {
        content: Some(Content::Text("b".to_owned())),
        thinking_blocks: vec![search.clone()],
        ..AssistantMessage::default()
    };
    let reply = reply(message, FinishReason::Stop, "end_turn");
    assert_eq!(written(&reply, &json!({}))["content"], json!([search, {"type": "text", "text": "b"}]));
    let events = events(&streamed(&[finished(search.clone()), say("b")], &reply));
    let started: Vec<_> = events.iter().filter_map(|event| event.get("content_block")).collect();
    assert_eq!(started[0], &search);
}
