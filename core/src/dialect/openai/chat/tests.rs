use serde_json::{Value, json};

use super::Chat;
use crate::dialect::{AnswerStart, DecodedRequest, Dialect, RecentItems, ReplyEncoder};
use crate::provider::Framing;
use crate::types::{ChatReply, Delta, Error, ErrorKind, Message};

pub(in crate::dialect) fn start() -> AnswerStart {
    AnswerStart { request_id: "r-1".into(), created: 1_700_000_000, model: "gpt-9".into() }
}

/// A settled reply with these answers and meters.
pub(in crate::dialect) fn reply(choices: &Value, meters: &Value) -> ChatReply {
    let first = &choices[0];
    serde_json::from_value(json!({
        "request_id": "r-1", "id": "p-1", "provider": "openai", "model": "gpt-9", "served_model": null,
        "text": first["message"]["content"].as_str().unwrap_or_default(), "reasoning": null,
        "tool_calls": first["message"]["tool_calls"].as_array().cloned().unwrap_or_default(),
        "finish_reason": first["finish_reason"], "provider_finish_reason": first["provider_finish_reason"],
        "choices": choices, "service_tier": "default",
        "usage": {"meters": meters, "flags": [], "reported_total": null, "reported_cost": null},
        "cost": "0.0012", "currency": "USD", "cost_status": "computed",
        "receipt": {"lines": [], "totals": {}}, "attempts": [], "replayed": false,
    }))
    .unwrap()
}

/// An answer of one choice.
pub(in crate::dialect) fn choice(message: &Value, finish_reason: &str) -> Value {
    json!([{"index": 0, "message": message, "finish_reason": finish_reason, "provider_finish_reason": finish_reason}])
}

pub(in crate::dialect) fn delta(fields: Value) -> Delta {
    let mut fields = fields;
    fields.as_object_mut().unwrap().entry("index").or_insert(json!(0));
    serde_json::from_value(fields).unwrap()
}

/// Writes a whole stream and returns its bytes.
pub(in crate::dialect) fn streamed(encoder: &mut dyn ReplyEncoder, deltas: &[Value], reply: &ChatReply) -> Vec<u8> {
    let mut events = Vec::new();
    encoder.encode_start(&start(), &mut events);
    for fields in deltas {
        encoder.encode_delta(&delta(fields.clone()), &mut events);
    }
    encoder.encode_done(reply, &mut events);
    events
}

fn data_of(events: &[u8]) -> Vec<Value> {
    let events = std::str::from_utf8(events).unwrap();
    events.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data: ")?).ok()).collect()
}

fn try_decode(body: &Value) -> Result<DecodedRequest, Error> {
    Chat { is_strict: false }.decode_request(body.to_string().as_bytes(), &RecentItems::default().of(None))
}

fn decode(mut fields: Value) -> DecodedRequest {
    fields.as_object_mut().unwrap().entry("messages").or_insert(json!([{"role": "user", "content": "hi"}]));
    try_decode(&fields).unwrap()
}

fn messages(messages: &Value) -> Vec<Message> {
    decode(json!({"messages": messages})).request.messages
}

fn chunks(events: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(events).unwrap();
    let data = text.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap());
    data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into())).collect()
}

fn answer(fields: Value, reply: &ChatReply) -> Value {
    serde_json::from_slice(&decode(fields).encoder.encode_reply(&start(), reply).unwrap()).unwrap()
}

#[test]
fn a_request_is_read_and_what_is_not_of_the_chat_is_kept_apart() {
    let decoded = decode(json!({"model": "house/fast", "temperature": 0.5, "max_completion_tokens": 7, "stop": null,
        "tools": null, "user": "u", "stream": true, "stream_options": {"include_usage": true, "include_obfuscation": false},
        "logprobs": true}));
    assert_eq!(decoded.framing, Framing::EventStream);
    let request = decoded.request;
    assert_eq!((request.model.as_deref(), request.max_tokens), (Some("house/fast"), Some(7)));
    assert_eq!(Value::Object(request.extra), json!({"user": "u", "logprobs": true}));
    assert_eq!(decode(json!({"stream": false})).framing, Framing::Json);
}

#[test]
fn an_answer_that_is_sent_back_as_history_is_taken() {
    let history = messages(&json!([
        {"role": "developer", "content": "be brief"},
        {"role": "user", "content": "hi", "name": null},
        {"role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null, "function_call": null,
         "name": null, "parsed": {"a": 1}, "tollway": {"cost": "1"}, "reasoning_content": "hm", "reasoning": "hm",
         "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "s"}],
         "tool_calls": [{"id": "c", "type": "function", "index": 0, "extra_content": {"google": 1},
            "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "1"},
        {"role": "assistant", "tool_calls": null, "content": [
            {"type": "text", "text": "so"}, {"type": "refusal", "refusal": "no"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "tool_calls": []},
    ]));
    assert!(matches!(&history[0], Message::System(_)));
    let Message::Assistant(called) = &history[2] else { panic!("an assistant's message") };
    assert_eq!(called.thinking_blocks, [json!({"type": "thinking", "thinking": "hm", "signature": "s"})]);
    assert_eq!(called.tool_calls[0].extra_content, Some(json!({"google": 1})));
    assert_eq!(called.reasoning_content.as_deref(), Some("hm"));
    let Message::Assistant(refused) = &history[4] else { panic!("an assistant's message") };
    assert_eq!((refused.content.as_ref().unwrap().text().as_str(), refused.refusal.as_deref()), ("so", Some("no")));
    let Message::Assistant(refused) = &history[5] else { panic!("an assistant's message") };
    assert_eq!((&refused.content, refused.refusal.as_deref()), (&None, Some("no")));
}

#[test]
fn a_wrong_request_is_refused_with_the_path_of_the_field() {
    let user = json!([{"role": "user", "content": "hi"}]);
    for (body, field) in [
        (json!({}), "messages"),
        (json!({"messages": "hi"}), "messages"),
        (json!({"messages": ["hi"]}), "messages[0]"),
        (json!({"messages": [{"role": "robot", "content": ""}]}), "messages[0].role"),
        (json!({"messages": [{"role": "user"}]}), "messages[0]"),
        (json!({"messages": [{"role": "user", "content": 5}]}), "messages[0].content"),
        (json!({"messages": [{"role": "assistant", "audio": {"id": "a"}}]}), "messages[0].audio"),
        (json!({"messages": [{"role": "assistant", "content": "x", "prefix": true}]}), "messages[0].prefix"),
        (json!({"messages": [{"role": "function", "name": "f", "content": "1"}]}), "messages[0].name"),
        (json!({"messages": user, "max_tokens": "many"}), "max_tokens"),
        (json!({"messages": user, "max_tokens": 1, "max_completion_tokens": 2}), "max_tokens"),
        (json!({"messages": user, "stream": "yes"}), "stream"),
        (json!({"messages": user, "stream_options": {"other": 1}}), "stream_options.other"),
        (json!({"messages": user, "tools": [{"type": "custom", "custom": {"name": "c"}}]}), "tools[0].type"),
        (json!({"messages": user, "tool_choice": {"type": "allowed_tools"}}), "tool_choice"),
        (json!({"messages": user, "functions": [], "tools": []}), "functions"),
        (json!({"messages": user, "functions": [{"name": 5}]}), "functions[0]"),
        (json!({"messages": user, "function_call": 5}), "function_call"),
    ] {
        let Err(error) = try_decode(&body) else { panic!("{body} is read") };
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
        let written: Value = serde_json::from_slice(&Chat { is_strict: false }.encode_error(&error)).unwrap();
        assert_eq!(written["error"]["param"], field, "{body}: {error}");
    }
}

#[test]
fn the_old_functions_form_is_translated_both_ways() {
    let fields = json!({"functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"},
        "messages": [
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": null, "function_call": {"name": "f", "arguments": "{\"a\":1}"}},
            {"role": "function", "name": "f", "content": null}]});
    let mut decoded = decode(fields.clone());
    let request = serde_json::to_value(&decoded.request).unwrap();
    assert_eq!(
        request["tools"],
        json!([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}])
    );
    assert_eq!(request["tool_choice"], json!({"type": "function", "function": {"name": "f"}}));
    let messages = &request["messages"];
    assert_eq!(messages[1]["tool_calls"][0]["id"], messages[2]["tool_call_id"]);
    assert_eq!(messages[3]["tool_calls"][0]["id"], messages[4]["tool_call_id"]);
    assert_ne!(messages[2]["tool_call_id"], messages[4]["tool_call_id"]);
    let reply = reply(
        &choice(
            &json!({"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
            "tool_calls",
        ),
        &json!({}),
    );
    let answer = answer(fields, &reply);
    assert_eq!(answer["choices"][0]["message"]["function_call"], json!({"name": "f", "arguments": "{}"}));
    assert_eq!(answer["choices"][0]["message"].get("tool_calls"), None);
    assert_eq!(answer["choices"][0]["finish_reason"], "function_call");
    let pieces = [
        json!({"tool_calls": [{"index": 0, "id": "c", "name": "f", "arguments": "{"}]}),
        json!({"tool_calls": [{"index": 0, "arguments": "}"}, {"index": 1, "id": "d", "name": "g", "arguments": ""}]}),
    ];
    let chunks = chunks(&streamed(&mut *decoded.encoder, &pieces, &reply));
    assert_eq!(
        chunks[0]["choices"][0]["delta"],
        json!({"role": "assistant", "function_call": {"name": "f", "arguments": "{"}})
    );
    assert_eq!(chunks[1]["choices"][0]["delta"]["function_call"], json!({"arguments": "}"}));
    assert_eq!(chunks[1]["choices"][0]["delta"]["tool_calls"][0]["index"], 0);
    assert_eq!(chunks[2]["choices"][0]["finish_reason"], "function_call");
}

#[test]
fn a_whole_reply_is_written_with_its_cost() {
    let choices = json!([
        {"index": 0, "message": {"content": "hi", "reasoning_content": "hm", "thinking_blocks": [{"type": "thinking"}],
            "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]},
         "finish_reason": "stop", "provider_finish_reason": "stop", "logprobs": {"content": [{"token": "hi"}]}},
        {"index": 1, "message": {"refusal": "no", "tool_calls": [{"id": "c", "type": "function", "extra_content": {"x": 1},
            "function": {"name": "f", "arguments": "{}"}}]},
         "finish_reason": "other", "provider_finish_reason": "pause_turn"}]);
    let meters = json!({"input_token": 10, "cached_input_token": 5, "cache_write_5m_token": 2, "input_audio_token": 3,
        "output_token": 4, "reasoning_token": 6, "output_audio_token": 1});
    let answer = answer(json!({}), &reply(&choices, &meters));
    assert_eq!(
        answer["choices"],
        json!([
            {"index": 0, "message": {"role": "assistant", "content": "hi", "refusal": null, "reasoning_content": "hm",
                "thinking_blocks": [{"type": "thinking"}],
                "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]},
             "logprobs": {"content": [{"token": "hi"}]}, "finish_reason": "stop"},
            {"index": 1, "message": {"role": "assistant", "content": null, "refusal": "no",
                "tool_calls": [{"id": "c~tollway~eyJ4IjoxfQ", "type": "function", "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"x": 1}}]},
             "logprobs": null, "finish_reason": "stop", "provider_finish_reason": "pause_turn"}])
    );
    assert_eq!(
        answer["usage"],
        json!({"prompt_tokens": 20, "completion_tokens": 11, "total_tokens": 31,
            "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 6, "audio_tokens": 1}})
    );
    assert_eq!((&answer["id"], &answer["object"]), (&json!("chatcmpl-r-1"), &json!("chat.completion")));
    assert_eq!((&answer["created"], &answer["model"]), (&json!(1_700_000_000), &json!("gpt-9")));
    assert_eq!(answer["service_tier"], "default");
    assert_eq!((&answer["tollway"]["cost"], &answer["tollway"]["currency"]), (&json!("0.0012"), &json!("USD")));
}

#[test]
fn a_message_of_an_answer_can_be_sent_back() {
    let message = json!({"content": "a", "reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "signature": "s"}],
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"x": 1}}]});
    let reply = reply(&choice(&message, "tool_calls"), &json!({}));
    let answer = answer(json!({}), &reply);
    let echoed = messages(&json!([answer["choices"][0]["message"]]));
    assert_eq!(echoed, [Message::Assistant(reply.choices[0].message.clone())]);
}

#[test]
fn unknown_usage_is_null_and_a_withheld_answer_says_so() {
    let withheld = answer(json!({}), &reply(&json!([]), &json!({"input_token": 3})));
    assert_eq!(withheld["usage"], Value::Null);
    assert_eq!(withheld["choices"][0]["finish_reason"], "content_filter");
    assert_eq!(withheld["choices"][0]["message"]["content"], Value::Null);
}

#[test]
fn a_stream_holds_its_end_back_until_the_cost_is_known() {
    let reply = reply(
        &choice(
            &json!({"content": "hi", "thinking_blocks": [{"type": "thinking"}, {"type": "redacted_thinking"}]}),
            "stop",
        ),
        &json!({"input_token": 3, "output_token": 2}),
    );
    let pieces = [
        json!({"reasoning": "hm"}),
        json!({"thinking_block": {"type": "thinking"}}),
        json!({"text": "h", "logprobs": {"content": [{"token": "h"}]}}),
        json!({"text": "i", "finish_reason": "stop", "provider_finish_reason": "stop"}),
    ];
    let written = chunks(&streamed(&mut *decode(json!({"stream": true})).encoder, &pieces, &reply));
    let deltas: Vec<_> = written.iter().map(|chunk| chunk["choices"][0]["delta"].clone()).collect();
    assert_eq!(
        deltas,
        [
            json!({"role": "assistant", "reasoning_content": "hm"}),
            json!({"content": "h"}),
            json!({"content": "i"}),
            json!({"thinking_blocks": [{"type": "thinking"}, {"type": "redacted_thinking"}]}),
            Value::Null
        ]
    );
    assert_eq!(written[1]["choices"][0]["logprobs"], json!({"content": [{"token": "h"}]}));
    for chunk in &written[..3] {
        assert_eq!(chunk["choices"][0]["finish_reason"], Value::Null);
        assert_eq!((chunk.get("tollway"), chunk.get("usage")), (None, None));
        assert_eq!((&chunk["id"], &chunk["object"]), (&json!("chatcmpl-r-1"), &json!("chat.completion.chunk")));
    }
    assert_eq!(written[3]["choices"][0]["finish_reason"], "stop");
    assert_eq!(written[3]["tollway"]["cost"], "0.0012");
    assert_eq!(written[4], "[DONE]");
}

#[test]
fn usage_is_a_chunk_of_its_own_only_where_it_was_asked_for() {
    let choices = json!([
        {"index": 0, "message": {"content": "a"}, "finish_reason": "stop", "provider_finish_reason": null},
        {"index": 1, "message": {"content": "b"}, "finish_reason": "length", "provider_finish_reason": null}]);
    let reply = reply(&choices, &json!({"input_token": 3, "output_token": 2}));
    let pieces = [json!({"text": "a", "finish_reason": "stop"}), json!({"index": 1, "text": "b"})];
    let fields = json!({"stream": true, "stream_options": {"include_usage": true}});
    let written = chunks(&streamed(&mut *decode(fields).encoder, &pieces, &reply));
    assert_eq!(written[1]["choices"][0]["delta"], json!({"role": "assistant", "content": "b"}));
    let ends: Vec<_> = written[2..4]
        .iter()
        .map(|chunk| (chunk["choices"][0]["index"].as_u64(), chunk["choices"][0]["finish_reason"].as_str()))
        .collect();
    assert_eq!(ends, [(Some(0), Some("stop")), (Some(1), Some("length"))]);
    assert!(written[..4].iter().all(|chunk| chunk["usage"].is_null() && chunk.get("tollway").is_none()));
    assert_eq!(written[4]["choices"], json!([]));
    assert_eq!(written[4]["usage"]["total_tokens"], 5);
    assert_eq!(written[4]["tollway"]["cost"], "0.0012");
    assert_eq!(written[5], "[DONE]");
}

#[test]
fn pieces_of_calls_have_their_id_once() {
    let reply = reply(&choice(&json!({}), "tool_calls"), &json!({}));
    let pieces = [
        json!({"tool_calls": [{"index": 0, "id": "c", "name": "f", "extra_content": {"x": 1}}]}),
        json!({"tool_calls": [{"index": 0, "arguments": "{}"}]}),
    ];
    let written = chunks(&streamed(&mut *decode(json!({"stream": true})).encoder, &pieces, &reply));
    assert_eq!(
        written[0]["choices"][0]["delta"]["tool_calls"],
        json!([{"index": 0, "id": "c~tollway~eyJ4IjoxfQ", "type": "function", "function": {"name": "f", "arguments": ""}, "extra_content": {"x": 1}}])
    );
    assert_eq!(
        written[1]["choices"][0]["delta"],
        json!({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]})
    );
}

#[test]
fn a_strict_library_gets_each_call_in_one_piece_and_a_fingerprint_in_every_chunk() {
    let body = json!({"messages": [{"role": "user", "content": "hi"}]}).to_string();
    let mut decoded =
        Chat { is_strict: true }.decode_request(body.as_bytes(), &RecentItems::default().of(None)).unwrap();
    let calls = json!([
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}]);
    let message = json!({"content": "so", "tool_calls": calls});
    let pieces = [
        json!({"text": "so"}),
        json!({"tool_calls": [{"index": 0, "id": "c1", "name": "f"}]}),
        json!({"tool_calls": [{"index": 0, "arguments": "{\"a\":1}"}]}),
        json!({"tool_calls": [{"index": 1, "id": "c2", "name": "g", "arguments": "{}"}]}),
    ];
    let settled = reply(&choice(&message, "tool_calls"), &json!({}));
    let chunks = data_of(&streamed(&mut *decoded.encoder, &pieces, &settled));
    assert_eq!(chunks.len(), 2, "{chunks:?}");
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "so"}));
    let mut whole = calls;
    for (index, call) in whole.as_array_mut().unwrap().iter_mut().enumerate() {
        call["index"] = json!(index);
    }
    assert_eq!(chunks[1]["choices"][0]["delta"]["tool_calls"], whole);
    assert_eq!(chunks[1]["choices"][0]["finish_reason"], "tool_calls");
    assert!(chunks.iter().all(|chunk| chunk["system_fingerprint"] == "fp_gpt-9"), "{chunks:?}");
}

#[test]
fn mistrals_word_for_a_required_tool_is_read() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let request = serde_json::to_value(decode(json!({"tools": tools, "tool_choice": "any"})).request).unwrap();
    assert_eq!(request["tool_choice"], "required");
}

#[test]
fn a_failure_within_a_stream_is_an_error_without_an_end() {
    let mut encoder = decode(json!({"stream": true})).encoder;
    let mut events = Vec::new();
    encoder.encode_start(&start(), &mut events);
    encoder.encode_delta(&delta(json!({"text": "a"})), &mut events);
    let error = Error::new(ErrorKind::ProviderUnavailable, "gone").with_target("openai", "gpt-9").with_status(502);
    encoder.encode_failure(&error, &mut events);
    let written = chunks(&events);
    assert_eq!(written.len(), 2);
    assert_eq!(
        written[1],
        json!({"error": {"message": "gone", "type": "server_error", "param": null, "code": "provider_unavailable",
            "tollway": {"code": "provider_unavailable", "provider": "openai", "model": "gpt-9", "status": 502, "retryable": true}}})
    );
}

#[test]
fn errors_have_the_types_of_openai_where_it_has_them() {
    for (kind, name) in [
        (ErrorKind::InvalidRequest, "invalid_request_error"),
        (ErrorKind::ContextLengthExceeded, "invalid_request_error"),
        (ErrorKind::Authentication, "authentication_error"),
        (ErrorKind::PermissionDenied, "permission_error"),
        (ErrorKind::NoRoute, "not_found_error"),
        (ErrorKind::RateLimited, "rate_limit_error"),
        (ErrorKind::ProviderQuotaExhausted, "insufficient_quota"),
        (ErrorKind::BudgetExceeded, "budget_exceeded"),
        (ErrorKind::Timeout, "timeout"),
    ] {
        let written: Value =
            serde_json::from_slice(&Chat { is_strict: false }.encode_error(&Error::new(kind, "d"))).unwrap();
        assert_eq!((&written["error"]["type"], &written["error"]["code"]), (&json!(name), &json!(kind.code())));
    }
}

#[test]
fn tools_in_mistrals_words_are_read() {
    let body = json!({"messages": [{"role": "user", "content": "Hi"}], "tool_choice": "any",
        "tools": [{"function": {"name": "f", "description": "", "parameters": {"type": "object"}}}]});
    let request = Chat { is_strict: false }
        .decode_request(body.to_string().as_bytes(), &RecentItems::default().of(None))
        .unwrap()
        .request;
    let written = serde_json::to_value(&request).unwrap();
    assert_eq!((&written["tool_choice"], &written["tools"][0]["type"]), (&json!("required"), &json!("function")));
}

#[test]
fn tools_that_a_vendor_defines_are_taken_and_unheard_ones_are_refused() {
    let tools = json!([
        {"google_search": {}}, {"type": "openrouter:web_search"}, {"type": "web_search_20250305", "name": "web_search"}]);
    let request = serde_json::to_value(decode(json!({"tools": tools})).request).unwrap();
    assert_eq!(request["tools"], tools);
    for kind in ["custom", "web_search_preview", "teleport"] {
        let error = try_decode(&json!({"messages": [{"role": "user", "content": "a"}], "tools": [{"type": kind}]}))
            .map(drop)
            .unwrap_err();
        assert!(error.detail().contains("tools[0].type"), "{error}");
    }
}
