//! Answers in OpenAI's format of completions.

use serde_json::{Map, Value, json};

use super::answer::{Answer, CallPieces, Gap, ToolCall, UsagePlace};
use super::format::Event;
use super::usage::Names;

const NAMES: Names = Names { input: "prompt_tokens", output: "completion_tokens", total: Some("total_tokens") };

pub(crate) fn whole(answer: &Answer) -> Value {
    let mut message = json!({"role": "assistant", "content": answer.text()});
    if answer.texts.is_empty() {
        message["content"] = Value::Null;
    }
    if !answer.reasoning.is_empty() {
        message["reasoning_content"] = json!(answer.reasoning.concat());
    }
    if !answer.calls.is_empty() {
        let calls = answer.calls.iter().map(|call| {
            json!({"id": call.id, "type": "function",
                "function": {"name": call.name, "arguments": call.arguments.to_string()}})
        });
        message["tool_calls"] = calls.collect();
    }
    let mut choice = json!({"index": 0, "message": message, "finish_reason": answer.finish});
    if let Some(odd) = &answer.odd_field {
        choice["logprobs"] = odd.clone();
    }
    let mut document = json!({"id": "c-1", "object": "chat.completion", "created": 1, "model": "served",
        "choices": [choice]});
    match answer.gap {
        Gap::None => {}
        Gap::AnswersNull => document["choices"] = Value::Null,
        Gap::AnswersAbsent => drop(fields(&mut document).remove("choices")),
        Gap::AnswersEmpty => document["choices"] = json!([]),
        Gap::ContentNull => document["choices"][0]["message"]["content"] = Value::Null,
        Gap::ContentAbsent => drop(fields(&mut document["choices"][0]).remove("message")),
        Gap::ContentEmpty => document["choices"][0]["message"]["content"] = json!(""),
    }
    if let Some(usage) = answer.usage.whole(&NAMES) {
        document["usage"] = usage;
    }
    document
}

pub(crate) fn events(answer: &Answer) -> Vec<Event> {
    let usage = answer.usage.whole(&NAMES);
    let less = answer.usage.earlier().whole(&NAMES);
    let mut chunks = vec![(json!({"role": "assistant", "content": ""}), false)];
    chunks.extend(answer.reasoning.iter().map(|text| (json!({"reasoning_content": text}), true)));
    chunks.extend(answer.texts.iter().map(|text| (json!({"content": text}), true)));
    for (place, call) in answer.calls.iter().enumerate() {
        chunks.extend(pieces(call, place, answer.call_pieces).into_iter().map(|piece| (piece, true)));
    }
    let mut events = Vec::new();
    for (place, (delta, is_content)) in chunks.into_iter().enumerate() {
        if answer.fails_after.is_some_and(|count| place > count) {
            events.push(Event::new(None, &error(500)).failed());
            return events;
        }
        let mut chunk = chunk(Some((&delta, None)), answer);
        match answer.usage_place {
            UsagePlace::First if place == 0 => put(&mut chunk, usage.as_ref()),
            UsagePlace::Everywhere => put(&mut chunk, less.as_ref()),
            _ => {}
        }
        let event = Event::new(None, &chunk);
        events.push(if is_content { event.content() } else { event });
    }
    if answer.has_finish {
        let mut last = chunk(Some((&json!({}), Some(answer.finish))), answer);
        if answer.usage_place != UsagePlace::Last && answer.usage_place != UsagePlace::First {
            put(&mut last, usage.as_ref());
        }
        events.push(Event::new(None, &last));
    }
    if matches!(answer.usage_place, UsagePlace::Last | UsagePlace::ThenLess) {
        let mut last = chunk(None, answer);
        put(&mut last, if answer.usage_place == UsagePlace::Last { usage.as_ref() } else { less.as_ref() });
        match answer.gap {
            Gap::AnswersNull => last["choices"] = Value::Null,
            Gap::AnswersAbsent => drop(fields(&mut last).remove("choices")),
            _ => {}
        }
        events.push(Event::new(None, &last));
    }
    if answer.has_mark {
        events.push(Event::done());
    }
    events
}

pub(crate) fn error(status: u16) -> Value {
    json!({"error": {"message": format!("the provider failed with {status}"), "type": "server_error", "code": null}})
}

fn chunk(said: Option<(&Value, Option<&str>)>, answer: &Answer) -> Value {
    let choices = said.map(|(delta, finish)| {
        let mut choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        if let Some(odd) = &answer.odd_field {
            choice["logprobs"] = odd.clone();
        }
        choice
    });
    json!({"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "served",
        "choices": choices.into_iter().collect::<Vec<_>>()})
}

fn put(chunk: &mut Value, usage: Option<&Value>) {
    if let Some(usage) = usage {
        chunk["usage"] = usage.clone();
    }
}

fn fields(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

/// Splits a call into the pieces of a stream.
fn pieces(call: &ToolCall, place: usize, pieces: CallPieces) -> Vec<Value> {
    let arguments = call.arguments.to_string();
    let (first, second) = arguments.split_at(arguments.len() / 3);
    let (head, tail) = call.name.split_at(call.name.len() / 2);
    let (id, name) = (&call.id, &call.name);
    let parts = match pieces {
        CallPieces::Whole | CallPieces::SameIndex => {
            vec![json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})]
        }
        CallPieces::Usual | CallPieces::NoIndex => vec![
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": ""}}),
            json!({"function": {"arguments": first}}),
            json!({"function": {"arguments": second}}),
        ],
        CallPieces::NameLate => vec![
            json!({"id": id, "type": "function", "function": {"name": "", "arguments": ""}}),
            json!({"function": {"name": name}}),
            json!({"function": {"arguments": arguments}}),
        ],
        CallPieces::NameHalved => vec![
            json!({"id": id, "function": {"name": head, "arguments": ""}}),
            json!({"function": {"name": tail}}),
            json!({"function": {"arguments": arguments}}),
        ],
        CallPieces::Repeated => vec![
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": first}}),
            json!({"id": id, "type": "function", "function": {"name": name, "arguments": second}}),
        ],
        CallPieces::ArgumentsFirst => vec![
            json!({"function": {"arguments": first}}),
            json!({"id": id, "function": {"arguments": second}}),
            json!({"function": {"name": name}}),
        ],
    };
    let index = match pieces {
        CallPieces::NoIndex => None,
        CallPieces::SameIndex => Some(0),
        _ => Some(place),
    };
    let numbered = |mut part: Value| {
        if let Some(index) = index {
            part["index"] = json!(index);
        }
        json!({"tool_calls": [part]})
    };
    parts.into_iter().map(numbered).collect()
}
