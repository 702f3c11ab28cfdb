use serde_json::{Value, json};

use super::Chat;
use crate::dialect::openai::chat::tests::{choice, delta, reply, start, streamed};
use crate::dialect::{AnswerStart, DecodedRequest, Dialect, RecentItems};
use crate::provider::Framing;
use crate::types::{Error, ErrorKind, Message};

thread_local! {
    static FILE: RecentItems = RecentItems::default();
}

fn try_decode(body: &Value) -> Result<DecodedRequest, Error> {
    Chat.decode_request(body.to_string().as_bytes(), &FILE.with(|file| file.of(None)))
}

fn decode(mut fields: Value) -> DecodedRequest {
    fields.as_object_mut().unwrap().entry("input").or_insert(json!("hi"));
    try_decode(&fields).unwrap()
}

fn messages(input: &Value) -> Value {
    serde_json::to_value(decode(json!({"input": input})).request.messages).unwrap()
}

/// The events of a stream, each with its name checked against its type and its number against its place.
fn events(bytes: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).unwrap();
    let events = text.split_terminator("\n\n").enumerate().map(|(place, event)| {
        let (name, data) = event.strip_prefix("event: ").unwrap().split_once("\ndata: ").unwrap();
        let event: Value = serde_json::from_str(data).unwrap();
        assert_eq!((event["type"].as_str(), event["sequence_number"].as_u64()), (Some(name), Some(place as u64)));
        event
    });
    events.collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap().strip_prefix("response.").unwrap_or("error")).collect()
}

fn meters() -> Value {
    json!({"input_token": 3, "cached_input_token": 1, "output_token": 2, "reasoning_token": 4})
}

#[test]
fn a_request_is_read() {
    let schema = json!({"type": "object", "properties": {}});
    let decoded =
        decode(json!({"model": "house/fast", "instructions": "be brief", "max_output_tokens": 9, "temperature": 0.5,
        "tools": [{"type": "function", "name": "f", "description": "d", "parameters": schema, "strict": true}],
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": false, "stream": true,
        "text": {"format": {"type": "json_schema", "name": "s", "schema": schema, "strict": true}, "verbosity": "low"},
        "reasoning": {"effort": "high", "summary": "auto"}, "top_logprobs": 2, "service_tier": "flex", "user": "u",
        "store": false, "metadata": {"a": "b"}, "include": ["reasoning.encrypted_content"], "truncation": "auto",
        "background": false, "previous_response_id": null, "stream_options": {"include_obfuscation": false}}));
    assert_eq!(decoded.framing, Framing::EventStream);
    let function = json!({"name": "f", "description": "d", "parameters": schema, "strict": true});
    assert_eq!(
        serde_json::to_value(&decoded.request).unwrap(),
        json!({"model": "house/fast", "max_tokens": 9, "temperature": 0.5,
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": "f"}}, "parallel_tool_calls": false,
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema, "strict": true}},
            "reasoning_effort": "high", "service_tier": "flex",
            "verbosity": "low", "logprobs": true, "top_logprobs": 2, "user": "u"})
    );
    let form = |format: Value| serde_json::to_value(decode(json!({"text": {"format": format}})).request).unwrap();
    assert_eq!(form(json!({"type": "json_object"}))["response_format"], json!({"type": "json_object"}));
}

#[test]
fn the_items_of_a_turn_are_one_message() {
    let written = messages(&json!([
        {"role": "developer", "content": "d"},
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "look"},
            {"type": "input_image", "image_url": "https://a.test/x.png", "detail": "low"},
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAAA"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "so", "annotations": [], "logprobs": []}, {"type": "refusal", "refusal": "no"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "f", "arguments": "{}", "status": "completed"},
        {"type": "function_call", "call_id": "b", "name": "g", "arguments": "{}", "extra_content": {"x": 1}},
        {"type": "function_call_output", "call_id": "a", "output": "1"},
        {"type": "function_call_output", "call_id": "b", "output": [{"type": "input_text", "text": "2"}]},
        {"role": "assistant", "content": "x"},
        {"role": "assistant", "content": "y"},
        {"role": "user", "content": "bye"},
    ]));
    let call =
        |id: &str, name: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}});
    let mut second = call("b", "g");
    second["extra_content"] = json!({"x": 1});
    assert_eq!(
        written,
        json!([
            {"role": "system", "content": "d"},
            {"role": "user", "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "https://a.test/x.png", "detail": "low"}},
                {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,QQ=="}}]},
            {"role": "assistant", "content": [{"type": "text", "text": "so"}], "reasoning_content": "hm", "refusal": "no",
             "tool_calls": [call("a", "f"), second]},
            {"role": "tool", "content": "1", "tool_call_id": "a"},
            {"role": "tool", "content": [{"type": "text", "text": "2"}], "tool_call_id": "b"},
            {"role": "assistant", "content": "x"},
            {"role": "assistant", "content": "y"},
            {"role": "user", "content": "bye"}])
    );
}

#[test]
fn fields_that_would_be_lost_are_refused_with_their_path() {
    for (fields, field) in [
        (json!({"input": 5}), "input"),
        (json!({"input": null}), "input"),
        (json!({"input": ["hi"]}), "input[0]"),
        (json!({"input": [{"role": "robot", "content": "x"}]}), "input[0].role"),
        (json!({"input": [{"role": "user"}]}), "input[0].content"),
        (json!({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}), "input[0].content[0].type"),
        (json!({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}), "input[0].content[0]"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}),
            "input[0].content[0]",
        ),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "f"}]}]}),
            "input[0].content[0].file_url",
        ),
        (json!({"input": [{"type": "item_reference", "id": "msg_unknown"}]}), "input[0].id"),
        (json!({"input": [{"type": "web_search_call"}]}), "input[0].type"),
        (json!({"input": [{"type": "function_call", "call_id": "a", "name": "f"}]}), "input[0].arguments"),
        (json!({"input": [{"type": "function_call_output", "output": "1"}]}), "input[0].call_id"),
        (json!({"previous_response_id": "resp_1"}), "previous_response_id"),
        (json!({"conversation": "c"}), "conversation"),
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"background": true}), "background"),
        (json!({"truncation": "always"}), "truncation"),
        (json!({"messages": []}), "messages"),
        (json!({"max_tokens": 5}), "max_tokens"),
        (json!({"max_output_tokens": "5"}), "max_output_tokens"),
        (json!({"stream_options": {"include_usage": true}}), "stream_options.include_usage"),
        (json!({"text": {"format": {"type": "grammar"}}}), "text.format.type"),
        (json!({"text": {"other": 1}}), "text.other"),
        (json!({"reasoning": {"budget": 5}}), "reasoning.budget"),
        (json!({"tools": [{"type": "web_search"}]}), "tools[0].type"),
        (json!({"tools": [{"type": "teleport"}]}), "tools[0].type"),
        (json!({"tool_choice": {"type": "file_search"}}), "tool_choice"),
    ] {
        let mut body = fields.clone();
        body.as_object_mut().unwrap().entry("input").or_insert(json!("hi"));
        let Err(error) = try_decode(&body) else { panic!("{fields} is read") };
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{fields}");
        let written: Value = serde_json::from_slice(&Chat.encode_error(&error)).unwrap();
        assert_eq!(written["error"]["param"], field, "{fields}: {error}");
    }
}

#[test]
fn a_whole_reply_is_a_response_with_its_cost() {
    let message = json!({"content": "hi", "reasoning_content": "hm", "thinking_blocks": [{"type": "thinking", "signature": "s"}],
        "refusal": "no", "annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.test"}}],
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"x": 1}}]});
    let reply = reply(&choice(&message, "tool_calls"), &meters());
    let fields = json!({"store": false, "temperature": 0.5, "metadata": {"a": "b"}, "instructions": "i"});
    let written = decode(fields).encoder.encode_reply(&start(), &reply).unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    let output = written["output"].as_array().unwrap();
    assert_eq!((&output[0]["id"], &output[0]["type"]), (&json!("rs_r-1_0"), &json!("reasoning")));
    assert_eq!(output[0]["summary"], json!([{"type": "summary_text", "text": "hm"}]));
    let citation = json!({"type": "url_citation", "url": "https://a.test", "start_index": 0, "end_index": 0, "title": "https://a.test"});
    assert_eq!(
        output[1],
        json!({"id": "msg_r-1_1", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "hi", "annotations": [citation], "logprobs": []},
            {"type": "refusal", "refusal": "no"}]})
    );
    assert_eq!(
        output[2],
        json!({"id": "fc_r-1_2", "type": "function_call", "call_id": "c~tollway~eyJ4IjoxfQ", "name": "f", "arguments": "{}",
            "status": "completed", "extra_content": {"x": 1}})
    );
    assert_eq!(
        written["usage"],
        json!({"input_tokens": 4, "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
            "output_tokens": 6, "output_tokens_details": {"reasoning_tokens": 4}, "total_tokens": 10})
    );
    for (name, value) in [
        ("id", json!("resp_r-1")),
        ("object", json!("response")),
        ("status", json!("completed")),
        ("temperature", json!(0.5)),
        ("metadata", json!({"a": "b"})),
        ("instructions", json!("i")),
        ("parallel_tool_calls", json!(true)),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("store", json!(false)),
        ("error", Value::Null),
    ] {
        assert_eq!(written[name], value, "{name}");
    }
    assert_eq!(written["tollway"]["cost"], "0.0012");
    // What the app sends back next is the message that the provider gave, without what it says of the text.
    let mut sent = reply.choices[0].message.clone();
    sent.annotations = Vec::new();
    let Message::Assistant(echoed) = &decode(json!({"input": output})).request.messages[0] else {
        panic!("an assistant's message")
    };
    assert_eq!(echoed.content.as_ref().unwrap().text(), "hi");
    sent.content.clone_from(&echoed.content);
    assert_eq!(*echoed, sent);
}

#[test]
fn an_answer_that_was_cut_off_or_withheld_is_incomplete() {
    for (choices, reason) in [
        (choice(&json!({"content": "h"}), "length"), "max_output_tokens"),
        (choice(&json!({"content": "h"}), "content_filter"), "content_filter"),
        (json!([]), "content_filter"),
    ] {
        let reply = reply(&choices, &json!({}));
        let written = decode(json!({})).encoder.encode_reply(&start(), &reply).unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!((&written["status"], &written["usage"]), (&json!("incomplete"), &Value::Null));
        assert_eq!(written["incomplete_details"], json!({"reason": reason}));
        let written = events(&streamed(&mut *decode(json!({})).encoder, &[json!({"text": "h"})], &reply));
        assert_eq!(written.last().unwrap()["type"], "response.incomplete");
        assert_eq!(written.last().unwrap()["response"]["output"][0]["status"], "incomplete");
    }
}

#[test]
fn a_stream_has_every_event_in_order() {
    let message = json!({"content": "hi", "reasoning_content": "hm",
        "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "[]"}}]});
    let reply = reply(&choice(&message, "tool_calls"), &meters());
    let pieces = [
        json!({"reasoning": "h"}),
        json!({"reasoning": "m"}),
        json!({"thinking_block": {"type": "thinking", "signature": "s"}}),
        json!({"text": "h", "logprobs": {"content": [{"token": "h", "logprob": -0.5}]}}),
        json!({"text": "i", "annotations": [{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2}}]}),
        json!({"tool_calls": [{"index": 0, "id": "a", "name": "f"}]}),
        json!({"tool_calls": [{"index": 1, "id": "b", "name": "g"}, {"index": 0, "arguments": "{}"}]}),
        json!({"tool_calls": [{"index": 1, "arguments": "[]"}], "finish_reason": "tool_calls"}),
    ];
    let written = events(&streamed(&mut *decode(json!({"stream": true})).encoder, &pieces, &reply));
    assert_eq!(
        names(&written),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.annotation.added",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "output_item.added",
            "output_item.added",
            "function_call_arguments.delta",
            "function_call_arguments.delta",
            "function_call_arguments.done",
            "output_item.done",
            "function_call_arguments.done",
            "output_item.done",
            "completed",
        ]
    );
    let response = &written.last().unwrap()["response"];
    assert_eq!((&response["usage"]["total_tokens"], &response["tollway"]["cost"]), (&json!(10), &json!("0.0012")));
    assert!(written[..written.len() - 1].iter().all(|event| event["response"].get("tollway").is_none()));
    // The items that were told as done are the output, each at its index.
    let done: Vec<&Value> = written.iter().filter(|event| event["type"] == "response.output_item.done").collect();
    assert_eq!(done.len(), 4);
    for (place, event) in done.into_iter().enumerate() {
        assert_eq!((event["output_index"].as_u64(), &event["item"]), (Some(place as u64), &response["output"][place]));
    }
    assert_eq!(written[11]["logprobs"], json!([{"token": "h", "logprob": -0.5, "bytes": [104], "top_logprobs": []}]));
    assert_eq!((&written[14]["text"], &written[13]["annotation"]["title"]), (&json!("hi"), &json!("t")));
    let ids = |name: &str| -> Vec<&Value> {
        written.iter().filter(|event| event["type"] == name).map(|event| &event["item_id"]).collect()
    };
    assert_eq!(ids("response.function_call_arguments.delta"), [&json!("fc_r-1_2"), &json!("fc_r-1_3")]);
    assert_eq!(response["output"][3]["arguments"], "[]");
    let Message::Assistant(echoed) = &decode(json!({"input": response["output"]})).request.messages[0] else {
        panic!("an assistant's message")
    };
    assert_eq!(echoed.thinking_blocks, [json!({"type": "thinking", "signature": "s"})]);
}

#[test]
fn a_refusal_and_reasoning_between_texts_have_items_of_their_own() {
    let reply = reply(&choice(&json!({"content": "ab", "refusal": "no"}), "stop"), &json!({}));
    let pieces = [json!({"text": "a"}), json!({"reasoning": "r"}), json!({"text": "b"}), json!({"refusal": "no"})];
    let written = events(&streamed(&mut *decode(json!({"stream": true})).encoder, &pieces, &reply));
    let kinds: Vec<_> = written
        .iter()
        .filter(|event| event["type"] == "response.output_item.added")
        .map(|event| event["item"]["type"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["message", "reasoning", "message"]);
    let refusal = written.iter().find(|event| event["type"] == "response.refusal.done").unwrap();
    assert_eq!((&refusal["content_index"], &refusal["refusal"]), (&json!(1), &json!("no")));
    assert_eq!(
        written.last().unwrap()["response"]["output"][2]["content"][1],
        json!({"type": "refusal", "refusal": "no"})
    );
}

#[test]
fn a_failure_within_a_stream_is_an_error_and_a_response_that_failed() {
    let mut encoder = decode(json!({"stream": true})).encoder;
    let mut bytes = Vec::new();
    encoder.encode_start(&start(), &mut bytes);
    encoder.encode_delta(&delta(json!({"text": "a"})), &mut bytes);
    encoder.encode_failure(&Error::new(ErrorKind::RateLimited, "slow down"), &mut bytes);
    let written = events(&bytes);
    let [.., error, failed] = &written[..] else { panic!("two events") };
    assert_eq!(
        (&error["type"], &error["code"], &error["message"]),
        (&json!("error"), &json!("rate_limited"), &json!("slow down"))
    );
    assert_eq!(error["error"]["type"], "rate_limit_error");
    assert_eq!((&failed["type"], &failed["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(failed["response"]["error"], json!({"code": "rate_limit_exceeded", "message": "slow down"}));
    assert_eq!(failed["response"]["output"][0]["content"][0]["text"], "a");
}

#[test]
fn items_of_recent_answers_may_be_named_unless_they_were_not_to_be_kept() {
    let reply = reply(
        &choice(
            &json!({"content": "hi", "tool_calls": [{"id": "c", "type": "function", "extra_content": {"x": 1},
                "function": {"name": "f", "arguments": "{}"}}]}),
            "stop",
        ),
        &json!({}),
    );
    let answer = |request_id: &str, fields: Value| {
        let start = AnswerStart { request_id: request_id.into(), ..start() };
        decode(fields).encoder.encode_reply(&start, &reply).unwrap();
    };
    answer("kept", json!({}));
    let written = messages(&json!([
        {"role": "user", "content": "q"},
        {"type": "item_reference", "id": "msg_kept_0"},
        {"type": "item_reference", "id": "fc_kept_1"}]));
    assert_eq!(written[1]["content"], json!([{"type": "text", "text": "hi"}]));
    assert_eq!(written[1]["tool_calls"][0]["extra_content"], json!({"x": 1}));
    answer("unkept", json!({"store": false}));
    let Err(error) = try_decode(&json!({"input": [{"type": "item_reference", "id": "msg_unkept_0"}]})) else {
        panic!("the item is found")
    };
    assert!(error.detail().contains("`store` false"), "{error}");
    let mut encoder = decode(json!({"stream": true})).encoder;
    let mut bytes = Vec::new();
    encoder.encode_start(&AnswerStart { request_id: "streamed".into(), ..start() }, &mut bytes);
    encoder.encode_delta(&delta(json!({"text": "ho"})), &mut bytes);
    encoder.encode_done(&reply, &mut bytes);
    let written = messages(&json!([{"type": "item_reference", "id": "msg_streamed_0"}]));
    assert_eq!(written[0]["content"], json!([{"type": "text", "text": "ho"}]));
}

#[test]
fn undocumented_forms_that_libraries_send_are_read() {
    let body = json!({"input": "Hi", "reasoning": {"context": "all_turns"},
        "tools": [{"type": "function", "name": "f", "function": {"name": "f", "parameters": {"type": "object"}}}]});
    let request = try_decode(&body).unwrap().request;
    assert_eq!(serde_json::to_value(&request).unwrap()["tools"][0]["function"]["name"], "f");
}

#[test]
fn tools_that_other_vendors_define_are_taken_as_they_are() {
    let tools = json!([{"google_search": {}}, {"type": "web_search_20250305", "name": "web_search", "max_uses": 1}]);
    let request = decode(json!({"input": "a", "tools": tools})).request;
    assert_eq!(serde_json::to_value(&request).unwrap()["tools"], tools);
}
