//! Writing of whole replies and errors, and of what streams share with them.

use serde_json::{Map, Value, json};

use crate::dialect::AnswerStart;
use crate::dialect::error::context;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::provider::vendor_tool::is_work_block;
use crate::types::{
    AssistantMessage, ChatReply, Content, Error, ErrorKind, FinishReason, Meter, MeterKind, ToolCall, Usage,
};

/// Writes a whole reply. `stops` are the texts that the request named to end the answer.
pub(super) fn encode_reply(start: &AnswerStart, reply: &ChatReply, stops: &[String]) -> Value {
    let mut message = encode_message(start);
    message["content"] = reply.choices.first().map(|choice| encode_content(&choice.message)).unwrap_or_default().into();
    if let (Some(message), Value::Object(stop)) = (message.as_object_mut(), encode_stop(reply, stops)) {
        message.extend(stop);
    }
    message["usage"] = encode_usage(&reply.usage);
    message[FIELD] = receipt_field(reply);
    message
}

/// Writes a message that says nothing yet.
pub(super) fn encode_message(start: &AnswerStart) -> Value {
    json!({
        "id": format!("msg_{}", start.request_id),
        "type": "message",
        "role": "assistant",
        "model": start.model,
        "content": [],
        "stop_reason": null,
        "stop_sequence": null,
    })
}

/// Writes what the model said as blocks: its reasoning, its text and its calls.
fn encode_content(message: &AssistantMessage) -> Vec<Value> {
    let (mut blocks, details): (Vec<Value>, Vec<Value>) =
        message.thinking_blocks.iter().cloned().partition(is_own_block);
    let is_told = blocks.iter().any(|block| block.get("thinking").is_some());
    let reasoning = message.reasoning_content.as_deref().filter(|_| !is_told).unwrap_or_default();
    if !reasoning.is_empty() || !details.is_empty() {
        blocks.push(encode_thinking(reasoning, details));
    }
    let text = message.content.as_ref().map(Content::text).unwrap_or_default();
    if !text.is_empty() {
        blocks.push(json!({"type": "text", "text": text}));
    }
    blocks.extend(message.tool_calls.iter().map(encode_call));
    blocks
}

/// Returns whether an opaque block is one of this format's.
pub(super) fn is_own_block(block: &Value) -> bool {
    let kind = block.get("type").and_then(Value::as_str);
    kind.is_some_and(|kind| matches!(kind, "thinking" | "redacted_thinking" | "compaction") || is_work_block(kind))
}

/// Writes reasoning that the vendor has not signed, with the blocks that its provider wants back, which apps keep as they
/// keep the rest of the block.
pub(super) fn encode_thinking(reasoning: &str, details: Vec<Value>) -> Value {
    let mut block = json!({"type": "thinking", "thinking": reasoning, "signature": ""});
    if !details.is_empty() {
        block["reasoning_details"] = details.into();
    }
    block
}

fn encode_call(call: &ToolCall) -> Value {
    let arguments = call.function.arguments.trim();
    let input = match serde_json::from_str(if arguments.is_empty() { "{}" } else { arguments }) {
        Ok(input @ Value::Object(_)) => input,
        // The vendor's own advice for what a model wrote that is no JSON object.
        _ => json!({"INVALID_JSON": call.function.arguments}),
    };
    let mut block = json!({"type": "tool_use", "id": call.id, "name": call.function.name, "input": input});
    if let Some(extra) = &call.extra_content {
        block["extra_content"] = extra.clone();
    }
    block
}

/// Writes why the answer ended.
pub(super) fn encode_stop(reply: &ChatReply, stops: &[String]) -> Value {
    let message = reply.choices.first().map(|choice| &choice.message);
    let refusal = message.and_then(|message| message.refusal.as_deref()).filter(|refusal| !refusal.is_empty());
    let reason = if refusal.is_some() { "refusal" } else { stop_reason(reply) };
    let mut stop = Map::from_iter([("stop_reason".to_owned(), reason.into())]);
    // Which of several texts ended the answer is not told by every provider.
    let text = if let ("stop_sequence", [only]) = (reason, stops) { Some(only.as_str()) } else { None };
    stop.insert("stop_sequence".to_owned(), text.into());
    if let Some(refusal) = refusal {
        let details = json!({"type": "refusal", "category": null, "explanation": refusal});
        stop.insert("stop_details".to_owned(), details);
    }
    stop.into()
}

fn stop_reason(reply: &ChatReply) -> &'static str {
    const OWN: [&str; 7] = [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ];
    // Hosts that end an answer with calls like any other say a word of this format, too.
    if reply.finish_reason == Some(FinishReason::ToolCalls) {
        return "tool_use";
    }
    let said = reply.provider_finish_reason.as_deref();
    if let Some(own) = OWN.into_iter().find(|own| said == Some(own)) {
        return own;
    }
    match reply.finish_reason {
        Some(FinishReason::Length) => "max_tokens",
        Some(FinishReason::ContentFilter) => "refusal",
        // Some hosts end an answer that calls tools like any other.
        _ if !reply.tool_calls.is_empty() => "tool_use",
        _ => "end_turn",
    }
}

/// Writes usage in the way of this format: its counts of input exclude one another.
pub(super) fn encode_usage(usage: &Usage) -> Value {
    let sum = |kind: MeterKind| -> u64 {
        let counted = usage.meters.iter().filter(|(meter, _)| meter.kind() == kind);
        counted.map(|(_, quantity)| quantity.whole()).sum()
    };
    let cached = usage.cached_input_tokens().unwrap_or_default();
    let written = usage.cache_write_tokens().unwrap_or_default();
    let input = usage.input_tokens().unwrap_or_default();
    let mut counts = json!({
        "input_tokens": input.saturating_sub(cached).saturating_sub(written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": cached,
        "cache_creation": {
            "ephemeral_5m_input_tokens": sum(MeterKind::CacheWrite5m),
            "ephemeral_1h_input_tokens": sum(MeterKind::CacheWrite1h),
        },
        "output_tokens": usage.output_tokens().unwrap_or_default(),
    });
    if let Some(thought) = usage.tokens(Meter::ReasoningToken) {
        counts["output_tokens_details"] = json!({"thinking_tokens": thought});
    }
    if let Some(searches) = usage.get(Meter::WebSearch) {
        counts["server_tool_use"] = json!({"web_search_requests": searches.whole(), "web_fetch_requests": 0});
    }
    counts
}

/// Writes an error.
pub(super) fn encode_error(error: &Error) -> Value {
    json!({
        "type": "error",
        "error": {
            "type": error_type(error),
            "message": error.detail(),
            "code": error.code(),
            "details": {"error_code": error.code()},
            FIELD: context(error),
        },
        "request_id": error.request_id(),
    })
}

fn error_type(error: &Error) -> &'static str {
    match error.kind() {
        ErrorKind::BudgetExceeded
        | ErrorKind::QuotaExceeded
        | ErrorKind::PoolExhausted
        | ErrorKind::Unpriced
        | ErrorKind::CurrencyMismatch => "billing_error",
        ErrorKind::NoRoute | ErrorKind::NotFound => "not_found_error",
        ErrorKind::RateLimited | ErrorKind::ProviderQuotaExhausted => "rate_limit_error",
        ErrorKind::ProviderUnavailable if matches!(error.status(), Some(503 | 529)) => "overloaded_error",
        ErrorKind::InvalidRequest | ErrorKind::ContextLengthExceeded if error.status() == Some(413) => {
            "request_too_large"
        }
        ErrorKind::InvalidRequest | ErrorKind::ContextLengthExceeded | ErrorKind::ContentFiltered => {
            "invalid_request_error"
        }
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::PermissionDenied => "permission_error",
        ErrorKind::Timeout => "timeout_error",
        ErrorKind::IdempotencyConflict => "conflict_error",
        _ => "api_error",
    }
}
