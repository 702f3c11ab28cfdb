//! Answers in Anthropic's format of messages.

use serde_json::{Value, json};

use super::answer::{Answer, CallPieces, Gap, UsagePlace};
use super::format::Event;
use super::usage::Names;

const NAMES: Names = Names { input: "input_tokens", output: "output_tokens", total: None };

pub(crate) fn whole(answer: &Answer) -> Value {
    let mut content: Vec<Value> = Vec::new();
    if !answer.reasoning.is_empty() {
        content.push(json!({"type": "thinking", "thinking": answer.reasoning.concat(), "signature": "s"}));
    }
    if !answer.texts.is_empty() {
        content.push(json!({"type": "text", "text": answer.text()}));
    }
    let call = |call: &super::answer::ToolCall| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments});
    content.extend(answer.calls.iter().map(call));
    let mut document = message(&json!(content));
    document["stop_reason"] = json!(stop_reason(answer));
    match answer.gap {
        Gap::None | Gap::AnswersEmpty => {}
        Gap::AnswersNull | Gap::ContentNull => document["content"] = Value::Null,
        Gap::AnswersAbsent | Gap::ContentAbsent => {
            document.as_object_mut().unwrap().remove("content");
        }
        Gap::ContentEmpty => document["content"] = json!([{"type": "text", "text": ""}]),
    }
    if let Some(usage) = answer.usage.whole(&NAMES) {
        document["usage"] = usage;
    }
    if let Some(odd) = &answer.odd_field {
        document["odd"] = odd.clone();
    }
    document
}

pub(crate) fn events(answer: &Answer) -> Vec<Event> {
    let usage = answer.usage.whole(&NAMES);
    let mut start = message(&json!([]));
    match (answer.usage_place, &usage) {
        (_, None) => {}
        (UsagePlace::First | UsagePlace::ThenLess, Some(usage)) => start["usage"] = usage.clone(),
        (_, Some(usage)) => {
            start["usage"] = usage.clone();
            if let Some(output) = start["usage"].get_mut("output_tokens") {
                // A placeholder, which the last event replaces.
                *output = if output.as_u64().is_some_and(|count| count > 0) { json!(1) } else { json!(0) };
            }
        }
    }
    if let Some(odd) = &answer.odd_field {
        start["odd"] = odd.clone();
    }
    let mut events = vec![named("message_start", &json!({"type": "message_start", "message": start}))];
    let mut index = 0;
    let mut pieces = 0;
    let fails = |pieces: usize| answer.fails_after.is_some_and(|count| pieces >= count);
    for (block, kind, texts) in [
        (json!({"type": "thinking", "thinking": "", "signature": ""}), "thinking", &answer.reasoning),
        (json!({"type": "text", "text": ""}), "text", &answer.texts),
    ] {
        if texts.is_empty() {
            continue;
        }
        events.push(block_start(index, &block));
        for text in texts {
            if fails(pieces) {
                events.push(named("error", &error(529)).failed());
                return events;
            }
            events.push(block_delta(index, &json!({"type": format!("{kind}_delta"), kind: text})).content());
            pieces += 1;
        }
        events.push(named("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
        index += 1;
    }
    for call in &answer.calls {
        let block = json!({"type": "tool_use", "id": call.id, "name": call.name, "input": {}});
        events.push(block_start(index, &block).content());
        let text = call.arguments.to_string();
        let (first, second) = text.split_at(text.len() / 3);
        let parts = if answer.call_pieces == CallPieces::Whole { vec![&*text] } else { vec![first, second] };
        for part in parts {
            let delta = json!({"type": "input_json_delta", "partial_json": part});
            events.push(block_delta(index, &delta).content());
        }
        events.push(named("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
        index += 1;
    }
    if answer.has_finish {
        let mut delta = json!({"type": "message_delta",
            "delta": {"stop_reason": stop_reason(answer), "stop_sequence": null}});
        let last = match answer.usage_place {
            UsagePlace::First => None,
            UsagePlace::ThenLess => answer.usage.earlier().whole(&NAMES),
            _ => usage,
        };
        if let Some(mut usage) = last {
            if let (UsagePlace::Last, Some(usage)) = (answer.usage_place, usage.as_object_mut()) {
                usage.remove("input_tokens");
            }
            delta["usage"] = usage;
        }
        events.push(named("message_delta", &delta));
    }
    if answer.has_mark {
        events.push(named("message_stop", &json!({"type": "message_stop"})));
    }
    events
}

pub(crate) fn error(status: u16) -> Value {
    let kind = match status {
        429 => "rate_limit_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": format!("the provider failed with {status}")}})
}

fn message(content: &Value) -> Value {
    json!({"id": "m-1", "type": "message", "role": "assistant", "model": "served", "content": content,
        "stop_reason": null, "stop_sequence": null})
}

fn stop_reason(answer: &Answer) -> &'static str {
    if answer.calls.is_empty() { "end_turn" } else { "tool_use" }
}

fn named(name: &'static str, data: &Value) -> Event {
    Event::new(Some(name), data)
}

fn block_start(index: u32, block: &Value) -> Event {
    named("content_block_start", &json!({"type": "content_block_start", "index": index, "content_block": block}))
}

fn block_delta(index: u32, delta: &Value) -> Event {
    named("content_block_delta", &json!({"type": "content_block_delta", "index": index, "delta": delta}))
}
