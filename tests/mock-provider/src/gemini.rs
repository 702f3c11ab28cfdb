//! Gemini's `generateContent`: cumulative usage in every chunk, CRLF framing, or one JSON array.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::automatic::{Answer, Draft, Rendered};
use crate::prompt::Format;

pub(crate) fn render(draft: &Draft<'_>, format: Format) -> Rendered {
    let chunks = chunks(draft);
    match format {
        Format::GeminiEvents => {
            Rendered::events(chunks.iter().map(|chunk| Bytes::from(format!("data: {chunk}\r\n\r\n"))).collect())
        }
        Format::GeminiArray => {
            let last = chunks.len().saturating_sub(1);
            let piece = |(place, chunk): (usize, &Value)| {
                let before = if place == 0 { "[" } else { ",\r\n" };
                let after = if place == last { "]" } else { "" };
                Bytes::from(format!("{before}{chunk}{after}"))
            };
            let pieces = chunks.iter().enumerate().map(piece).collect();
            Rendered { content_type: "application/json", ..Rendered::events(pieces) }
        }
        Format::Gemini | Format::OpenAiChat | Format::Anthropic => Rendered::json(&whole(draft)),
    }
}

fn parts(answer: &Answer) -> Value {
    match answer {
        Answer::Words(words) => json!([{"text": words.concat()}]),
        Answer::ToolCall { name, arguments } => json!([{"functionCall": {"name": name, "args": arguments}}]),
    }
}

fn response(draft: &Draft<'_>, parts: &Value, finish_reason: Option<&str>, output_tokens: u64) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(reason) = finish_reason {
        candidate["finishReason"] = Value::from(reason);
    }
    let mut response = json!({"candidates": [candidate]});
    let usage = draft.usage.or_counted(|| {
        json!({
            "promptTokenCount": draft.prompt.input_tokens,
            "candidatesTokenCount": output_tokens,
            "totalTokenCount": draft.prompt.input_tokens + output_tokens,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": draft.prompt.input_tokens}],
        })
    });
    if let Some(usage) = usage {
        response["usageMetadata"] = usage;
    }
    response["modelVersion"] = Value::from(draft.prompt.model.as_str());
    response["responseId"] = Value::from(draft.id.as_str());
    response
}

fn finish_reason(draft: &Draft<'_>) -> &'static str {
    if draft.cut { "MAX_TOKENS" } else { "STOP" }
}

fn whole(draft: &Draft<'_>) -> Value {
    response(draft, &parts(&draft.answer), Some(finish_reason(draft)), draft.output_tokens)
}

fn chunks(draft: &Draft<'_>) -> Vec<Value> {
    match &draft.answer {
        Answer::Words(words) if !words.is_empty() => words
            .iter()
            .zip(1_u64..)
            .map(|(word, count)| {
                let reason = (count == draft.output_tokens).then(|| finish_reason(draft));
                response(draft, &json!([{"text": word}]), reason, count)
            })
            .collect(),
        Answer::Words(_) | Answer::ToolCall { .. } => vec![whole(draft)],
    }
}

pub(crate) fn error(status: u16) -> Value {
    let name = match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 | 529 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        402 | 405..=499 => "FAILED_PRECONDITION",
        _ => "INTERNAL",
    };
    json!({"error": {"code": status, "message": format!("The mock provider was told to fail with {status}."),
        "status": name}})
}
