//! Anthropic's messages: input usage at the start of a stream, cumulative output usage at its end.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::automatic::{Answer, Draft, Rendered, Usage};

pub(crate) fn render(draft: &Draft<'_>) -> Rendered {
    if draft.prompt.stream { Rendered::events(events(draft)) } else { Rendered::json(&whole(draft)) }
}

fn usage(draft: &Draft<'_>, output_tokens: u64) -> Option<Value> {
    draft.usage.or_counted(|| {
        json!({
            "input_tokens": draft.prompt.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": output_tokens,
        })
    })
}

fn stop_reason(draft: &Draft<'_>) -> &'static str {
    match &draft.answer {
        Answer::ToolCall { .. } => "tool_use",
        Answer::Words(_) if draft.cut => "max_tokens",
        Answer::Words(_) => "end_turn",
    }
}

fn message(draft: &Draft<'_>, content: &Value, stop_reason: Option<&str>, usage: Option<Value>) -> Value {
    let mut message = json!({
        "id": format!("msg_{}", draft.id), "type": "message", "role": "assistant", "model": draft.prompt.model,
        "content": content, "stop_reason": stop_reason, "stop_sequence": null,
    });
    if let Some(usage) = usage {
        message["usage"] = usage;
    }
    message
}

fn whole(draft: &Draft<'_>) -> Value {
    let content = match &draft.answer {
        Answer::Words(words) => json!([{"type": "text", "text": words.concat()}]),
        Answer::ToolCall { name, arguments } => {
            json!([{"type": "tool_use", "id": format!("toolu_{}", draft.id), "name": name, "input": arguments}])
        }
    };
    message(draft, &content, Some(stop_reason(draft)), usage(draft, draft.output_tokens))
}

fn events(draft: &Draft<'_>) -> Vec<Bytes> {
    let event = |data: Value| {
        let name = data["type"].as_str().unwrap_or_default();
        Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
    };
    let start = message(draft, &json!([]), None, usage(draft, u64::from(draft.output_tokens > 0)));
    let mut events = vec![event(json!({"type": "message_start", "message": start}))];
    let delta = |delta: Value| event(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    match &draft.answer {
        Answer::Words(words) => {
            let block = json!({"type": "text", "text": ""});
            events.push(event(json!({"type": "content_block_start", "index": 0, "content_block": block})));
            events.push(event(json!({"type": "ping"})));
            events.extend(words.iter().map(|word| delta(json!({"type": "text_delta", "text": word}))));
        }
        Answer::ToolCall { name, arguments } => {
            let block = json!({"type": "tool_use", "id": format!("toolu_{}", draft.id), "name": name, "input": {}});
            events.push(event(json!({"type": "content_block_start", "index": 0, "content_block": block})));
            events.push(delta(json!({"type": "input_json_delta", "partial_json": ""})));
            events.push(delta(json!({"type": "input_json_delta", "partial_json": arguments.to_string()})));
        }
    }
    events.push(event(json!({"type": "content_block_stop", "index": 0})));
    let mut end = json!({"type": "message_delta",
        "delta": {"stop_reason": stop_reason(draft), "stop_sequence": null}});
    match draft.usage {
        Usage::Counted => end["usage"] = json!({"output_tokens": draft.output_tokens}),
        Usage::Stated(usage) => end["usage"] = usage.clone(),
        Usage::Omitted => {}
    }
    events.push(event(end));
    events.push(event(json!({"type": "message_stop"})));
    events
}

pub(crate) fn error(status: u16) -> Value {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error",
        "error": {"type": kind, "message": format!("The mock provider was told to fail with {status}.")},
        "request_id": "req_mock"})
}
