//! OpenAI's chat completions: one chunk per word, usage in a chunk of its own if it was asked for.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::automatic::{Answer, Draft, Rendered, Usage};

/// A fixed time, so that a reply depends on nothing but its request.
const CREATED: u64 = 1_700_000_000;

pub(crate) fn render(draft: &Draft<'_>) -> Rendered {
    if draft.prompt.stream { Rendered::events(chunks(draft)) } else { Rendered::json(&whole(draft)) }
}

fn usage(draft: &Draft<'_>) -> Option<Value> {
    draft.usage.or_counted(|| {
        json!({
            "prompt_tokens": draft.prompt.input_tokens,
            "completion_tokens": draft.output_tokens,
            "total_tokens": draft.prompt.input_tokens + draft.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
            },
        })
    })
}

fn finish_reason(draft: &Draft<'_>) -> &'static str {
    match &draft.answer {
        Answer::ToolCall { .. } => "tool_calls",
        Answer::Words(_) if draft.cut => "length",
        Answer::Words(_) => "stop",
    }
}

fn whole(draft: &Draft<'_>) -> Value {
    let message = match &draft.answer {
        Answer::Words(words) => json!({"role": "assistant", "content": words.concat(), "refusal": null}),
        Answer::ToolCall { name, arguments } => json!({"role": "assistant", "content": null, "tool_calls": [{
            "id": format!("call_{}", draft.id), "type": "function",
            "function": {"name": name, "arguments": arguments.to_string()},
        }]}),
    };
    let mut body = json!({
        "id": format!("chatcmpl-{}", draft.id), "object": "chat.completion", "created": CREATED,
        "model": draft.prompt.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(draft)}],
    });
    if let Some(usage) = usage(draft) {
        body["usage"] = usage;
    }
    body
}

fn chunks(draft: &Draft<'_>) -> Vec<Bytes> {
    let chunk = |choices: Value, usage: Option<Value>| {
        let mut chunk = json!({
            "id": format!("chatcmpl-{}", draft.id), "object": "chat.completion.chunk", "created": CREATED,
            "model": draft.prompt.model, "choices": choices,
        });
        if draft.prompt.include_usage || usage.is_some() {
            chunk["usage"] = usage.unwrap_or(Value::Null);
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: Value, reason: Option<&str>| {
        chunk(json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason}]), None)
    };
    let mut chunks = vec![delta(json!({"role": "assistant", "content": ""}), None)];
    match &draft.answer {
        Answer::Words(words) => chunks.extend(words.iter().map(|word| delta(json!({"content": word}), None))),
        Answer::ToolCall { name, arguments } => {
            let first = json!({"index": 0, "id": format!("call_{}", draft.id), "type": "function",
                "function": {"name": name, "arguments": ""}});
            chunks.push(delta(json!({"tool_calls": [first]}), None));
            let rest = json!({"index": 0, "function": {"arguments": arguments.to_string()}});
            chunks.push(delta(json!({"tool_calls": [rest]}), None));
        }
    }
    chunks.push(delta(json!({}), Some(finish_reason(draft))));
    // What a script states is told unasked, as by the hosts that refuse to be asked.
    if (draft.prompt.include_usage || matches!(draft.usage, Usage::Stated(_)))
        && let Some(usage) = usage(draft)
    {
        chunks.push(chunk(json!([]), Some(usage)));
    }
    chunks.push(Bytes::from_static(b"data: [DONE]\n\n"));
    chunks
}

pub(crate) fn error(status: u16) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Some("invalid_api_key")),
        403 => ("invalid_request_error", Some("permission_denied")),
        404 => ("invalid_request_error", Some("model_not_found")),
        429 => ("requests", Some("rate_limit_exceeded")),
        400..=499 => ("invalid_request_error", None),
        _ => ("server_error", None),
    };
    json!({"error": {"message": format!("The mock provider was told to fail with {status}."),
        "type": kind, "param": null, "code": code}})
}
