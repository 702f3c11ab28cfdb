//! Automatic replies in the three wire formats.

use crate::support::{call, post, server};
use serde_json::{Value, json};

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";
const GEMINI: &str = "/v1beta/models/gemini-mock:generateContent";
const GEMINI_STREAM: &str = "/v1beta/models/gemini-mock:streamGenerateContent?alt=sse";

fn chat(text: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]})
}

fn with(mut body: Value, fields: &Value) -> Value {
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    body
}

fn events(data: &[String]) -> Vec<Value> {
    data.iter().filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn chat_counts_the_words_of_all_messages_and_of_the_reply() {
    let server = server();
    let reply = post(&server, CHAT, &chat("Name three rivers."));
    assert_eq!((reply.status, reply.header("content-type")), (Some(200), Some("application/json")));
    assert_eq!(reply.header("x-request-id"), Some("req_mock_1"));
    let reply = reply.json();
    assert_eq!(reply["choices"][0]["message"]["content"], "You said: Name three rivers.");
    assert_eq!(reply["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        [&reply["usage"]["prompt_tokens"], &reply["usage"]["completion_tokens"], &reply["usage"]["total_tokens"]],
        [5, 5, 10]
    );
    let again = post(&server, CHAT, &chat("Name three rivers.")).json();
    assert_eq!(again, reply, "the reply depends on nothing but the request");
}

#[test]
fn content_parts_are_counted_like_text() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "two words"}, {"type": "image_url", "image_url": {"url": "data:,"}},
        {"type": "text", "text": "three"}]}]});
    let reply = post(&server(), CHAT, &body).json();
    assert_eq!(reply["usage"]["prompt_tokens"], 3);
    assert_eq!(reply["choices"][0]["message"]["content"], "You said: two words three");
}

#[test]
fn the_limit_cuts_the_reply_in_every_format() {
    let server = server();
    let reply = post(&server, CHAT, &with(chat("one two three"), &json!({"max_completion_tokens": 3}))).json();
    assert_eq!(reply["choices"][0]["message"]["content"], "You said: one");
    assert_eq!(
        (&reply["choices"][0]["finish_reason"], &reply["usage"]["completion_tokens"]),
        (&json!("length"), &json!(3))
    );
    let body = json!({"model": "c", "max_tokens": 2, "messages": [{"role": "user", "content": "one"}]});
    let reply = post(&server, MESSAGES, &body).json();
    assert_eq!((&reply["stop_reason"], &reply["usage"]["output_tokens"]), (&json!("max_tokens"), &json!(2)));
    let body =
        json!({"contents": [{"role": "user", "parts": [{"text": "one"}]}], "generationConfig": {"maxOutputTokens": 1}});
    let reply = post(&server, GEMINI, &body).json();
    assert_eq!(reply["candidates"][0]["finishReason"], "MAX_TOKENS");
    assert_eq!(reply["usageMetadata"]["candidatesTokenCount"], 1);
}

#[test]
fn a_model_name_sets_the_length_of_the_reply() {
    let reply = post(&server(), CHAT, &with(chat("hello"), &json!({"model": "mock-words-50"}))).json();
    assert_eq!(reply["usage"]["completion_tokens"], 50);
    assert_eq!(reply["choices"][0]["message"]["content"].as_str().unwrap().split_whitespace().count(), 50);
}

#[test]
fn a_chat_stream_has_a_chunk_per_word_and_usage_only_on_request() {
    let server = server();
    let reply = post(&server, CHAT, &with(chat("one two"), &json!({"stream": true})));
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    assert!(reply.chunked());
    assert_eq!(reply.data().last().unwrap(), "[DONE]");
    assert!(!reply.text().contains("usage"));
    let text = |events: &[Value]| -> String {
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect()
    };
    assert_eq!(text(&events(&reply.data())), "You said: one two");

    let asked = json!({"stream": true, "stream_options": {"include_usage": true}});
    let events = events(&post(&server, CHAT, &with(chat("one two"), &asked)).data());
    let (last, others) = events.split_last().unwrap();
    assert_eq!((&last["choices"], &last["usage"]["completion_tokens"]), (&json!([]), &json!(4)));
    assert!(others.iter().all(|event| event.get("usage") == Some(&Value::Null)));
    assert_eq!(others.len(), 1 + 4 + 1, "the role, four words, the reason");
}

#[test]
fn messages_stream_reports_usage_at_both_ends() {
    let body = json!({"model": "claude", "max_tokens": 9, "stream": true, "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "one two"}]}]});
    let reply = post(&server(), MESSAGES, &body);
    assert!(reply.header("request-id").is_some());
    let events = events(&reply.data());
    let kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds[..3], ["message_start", "content_block_start", "ping"]);
    assert_eq!(kinds[kinds.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 4);
    assert_eq!(events[events.len() - 2]["usage"]["output_tokens"], 4);
    let text: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, "You said: one two");
    assert!(reply.text().starts_with("event: message_start\ndata: "));
}

#[test]
fn gemini_streams_with_cumulative_usage_as_events_or_as_an_array() {
    let server = server();
    let body = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"text": "one two"}]}]});
    let reply = post(&server, GEMINI_STREAM, &body);
    assert!(reply.text().contains("\r\n\r\n"));
    let chunks = events(&reply.data());
    let counts: Vec<u64> =
        chunks.iter().map(|chunk| chunk["usageMetadata"]["candidatesTokenCount"].as_u64().unwrap()).collect();
    assert_eq!(counts, [1, 2, 3, 4]);
    assert!(chunks.iter().all(|chunk| chunk["usageMetadata"]["promptTokenCount"] == 4));
    assert_eq!(chunks[3]["candidates"][0]["finishReason"], "STOP");
    let array = post(&server, GEMINI_STREAM.split_once('?').unwrap().0, &body);
    assert_eq!(array.header("content-type"), Some("application/json"));
    assert_eq!(array.json(), Value::Array(chunks));
}

#[test]
fn a_tool_is_called_when_the_user_asks_for_it() {
    let server = server();
    let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}});
    let arguments = json!({"city": "mock", "days": 0});
    let tools = json!({"tools": [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]});
    let reply = post(&server, CHAT, &with(chat("please use the tool"), &tools)).json();
    let call = &reply["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        (&call["function"]["name"], &reply["choices"][0]["finish_reason"]),
        (&json!("weather"), &json!("tool_calls"))
    );
    assert_eq!(serde_json::from_str::<Value>(call["function"]["arguments"].as_str().unwrap()).unwrap(), arguments);

    let streamed = with(with(chat("please use the tool"), &tools), &json!({"stream": true}));
    let pieces: String = events(&post(&server, CHAT, &streamed).data())
        .iter()
        .filter_map(|event| event["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str())
        .collect();
    assert_eq!(serde_json::from_str::<Value>(&pieces).unwrap(), arguments);

    let body = json!({"model": "c", "max_tokens": 9, "messages": [{"role": "user", "content": "use the tool"}],
        "tools": [{"name": "weather", "input_schema": parameters}]});
    let reply = post(&server, MESSAGES, &body).json();
    assert_eq!((&reply["content"][0]["input"], &reply["stop_reason"]), (&arguments, &json!("tool_use")));

    let body = json!({"contents": [{"role": "user", "parts": [{"text": "use the tool"}]}],
        "tools": [{"functionDeclarations": [{"name": "weather", "parameters": parameters}]}]});
    let reply = post(&server, GEMINI, &body).json();
    assert_eq!(
        reply["candidates"][0]["content"]["parts"][0]["functionCall"],
        json!({"name": "weather", "args": arguments})
    );

    // After the tool's result the model speaks.
    let mut after = with(chat("please use the tool"), &tools);
    after["messages"].as_array_mut().unwrap().push(json!({"role": "tool", "tool_call_id": "1", "content": "sunny"}));
    assert_eq!(post(&server, CHAT, &after).json()["choices"][0]["finish_reason"], "stop");
}

#[test]
fn json_is_returned_when_a_schema_is_given() {
    let schema =
        json!({"type": "object", "properties": {"kind": {"enum": ["river", "lake"]}, "deep": {"type": "boolean"}}});
    let format = json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}});
    let reply = post(&server(), CHAT, &with(chat("describe"), &format)).json();
    let text = reply["choices"][0]["message"]["content"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), json!({"kind": "river", "deep": true}));
}

#[test]
fn what_cannot_be_answered_is_refused_with_a_reason() {
    let server = server();
    let reply = post(&server, "/v1/embeddings", &json!({}));
    assert_eq!(reply.status, Some(404));
    assert!(reply.json()["error"]["message"].as_str().unwrap().contains("/chat/completions"));
    let reply = call(&server, "POST", CHAT, "{not json");
    assert_eq!((reply.status, &reply.json()["error"]["type"]), (Some(400), &json!("invalid_request_error")));
}
