//! Answers in Gemini's format of generated content.

use serde_json::{Value, json};

use super::answer::{Answer, Gap, ToolCall, UsagePlace};
use super::format::Event;
use super::usage::Names;

const NAMES: Names =
    Names { input: "promptTokenCount", output: "candidatesTokenCount", total: Some("totalTokenCount") };

pub(crate) fn whole(answer: &Answer) -> Value {
    let mut parts: Vec<Value> = Vec::new();
    if !answer.reasoning.is_empty() {
        parts.push(json!({"text": answer.reasoning.concat(), "thought": true}));
    }
    if !answer.texts.is_empty() {
        parts.push(json!({"text": answer.text()}));
    }
    parts.extend(answer.calls.iter().map(call));
    let mut document = document(&parts, true, answer);
    match answer.gap {
        Gap::None => {}
        Gap::AnswersNull => document["candidates"] = Value::Null,
        Gap::AnswersAbsent => drop(document.as_object_mut().unwrap().remove("candidates")),
        Gap::AnswersEmpty => document["candidates"] = json!([]),
        Gap::ContentNull => document["candidates"][0]["content"] = Value::Null,
        Gap::ContentAbsent => drop(document["candidates"][0].as_object_mut().unwrap().remove("content")),
        Gap::ContentEmpty => document["candidates"][0]["content"]["parts"] = json!([]),
    }
    if let Some(usage) = answer.usage.whole(&NAMES) {
        document["usageMetadata"] = usage;
    }
    document
}

pub(crate) fn events(answer: &Answer) -> Vec<Event> {
    let usage = answer.usage.whole(&NAMES);
    let less = answer.usage.earlier().whole(&NAMES);
    let mut pieces: Vec<Value> = Vec::new();
    pieces.extend(answer.reasoning.iter().map(|text| json!({"text": text, "thought": true})));
    pieces.extend(answer.texts.iter().map(|text| json!({"text": text})));
    pieces.extend(answer.calls.iter().map(call));
    let mut events = Vec::new();
    let count = pieces.len();
    for (place, piece) in pieces.into_iter().enumerate() {
        if answer.fails_after.is_some_and(|count| place >= count) {
            events.push(Event::new(None, &error(500)).failed());
            return events;
        }
        let is_last = place + 1 == count && answer.usage_place == UsagePlace::WithFinish;
        let mut chunk = document(&[piece], is_last && answer.has_finish, answer);
        let said = match answer.usage_place {
            UsagePlace::First | UsagePlace::ThenLess if place == 0 => usage.as_ref(),
            UsagePlace::Everywhere => less.as_ref(),
            UsagePlace::WithFinish if is_last => usage.as_ref(),
            _ => None,
        };
        put(&mut chunk, said);
        events.push(Event::new(None, &chunk).content());
    }
    if answer.usage_place != UsagePlace::WithFinish || count == 0 {
        let mut last = document(&[json!({"text": ""})], answer.has_finish, answer);
        let said = match answer.usage_place {
            UsagePlace::First if count > 0 => None,
            UsagePlace::ThenLess => less.as_ref(),
            _ => usage.as_ref(),
        };
        put(&mut last, said);
        events.push(Event::new(None, &last));
    }
    events
}

pub(crate) fn error(status: u16) -> Value {
    let word = match status {
        400 => "INVALID_ARGUMENT",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": format!("the provider failed with {status}"), "status": word}})
}

fn document(parts: &[Value], is_finished: bool, answer: &Answer) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    if is_finished {
        candidate["finishReason"] = json!("STOP");
    }
    if let Some(odd) = &answer.odd_field {
        candidate["logprobsResult"] = odd.clone();
    }
    json!({"candidates": [candidate], "modelVersion": "served", "responseId": "g-1"})
}

fn call(call: &ToolCall) -> Value {
    json!({"functionCall": {"name": call.name, "args": call.arguments}})
}

fn put(chunk: &mut Value, usage: Option<&Value>) {
    if let Some(usage) = usage {
        chunk["usageMetadata"] = usage.clone();
    }
}
