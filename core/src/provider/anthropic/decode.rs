//! Reading of whole answers.

use serde_json::Value;

use super::{error, usage};
use crate::provider::failure::unreadable;
use crate::provider::json::{items, owned, text};
use crate::provider::{Decoded, ResponseHead, Target};
use crate::types::{AssistantMessage, Choice, Completion, Content, FinishReason, FunctionCall, Result, ToolCall};

/// Decodes a whole answer of status 200.
pub(super) fn decode(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Result<Decoded> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| unreadable(target, head, &format!("its body is no complete JSON ({error})")))?;
    if let Some(error) = error::embedded(target, head, &value) {
        return Err(error);
    }
    if !value.get("content").is_some_and(Value::is_array) {
        return Err(unreadable(target, head, "its body has no content"));
    }
    let usage = usage::find(&value).and_then(usage::read);
    Ok(Decoded { completion: Completion { choices: vec![decode_choice(&value)], ..summary(&value) }, usage })
}

/// Reads what a message says of itself as a whole.
pub(super) fn summary(message: &Value) -> Completion {
    Completion {
        id: owned(message, "id"),
        model: owned(message, "model"),
        choices: Vec::new(),
        service_tier: message.get("usage").and_then(|usage| owned(usage, "service_tier")),
    }
}

/// Reads the one choice that a message is.
pub(super) fn decode_choice(value: &Value) -> Choice {
    let mut message = AssistantMessage::default();
    let mut said: Option<String> = None;
    let mut reasoning = String::new();
    for block in items(value, "content") {
        match text(block, "type").unwrap_or_default() {
            "text" => said.get_or_insert_default().push_str(text(block, "text").unwrap_or_default()),
            "tool_use" => message.tool_calls.push(decode_call(block, message.tool_calls.len())),
            kind if is_kept(kind) => {
                reasoning.push_str(text(block, "thinking").unwrap_or_default());
                message.thinking_blocks.push(block.clone());
            }
            // What the provider's own tools did inside the answer is neither text nor a call for the caller.
            _ => {}
        }
    }
    let reason = text(value, "stop_reason");
    message.content = said.map(Content::Text);
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    message.refusal = refusal(value);
    Choice {
        index: 0,
        message,
        finish_reason: reason.map(finish_reason),
        provider_finish_reason: reason.map(str::to_owned),
        logprobs: None,
    }
}

/// Tells whether a kind of block must go back unchanged in the next turn.
pub(super) fn is_kept(kind: &str) -> bool {
    matches!(kind, "thinking" | "redacted_thinking" | "compaction")
}

/// Returns why the model declined, where the provider explains it.
pub(super) fn refusal(value: &Value) -> Option<String> {
    value.get("stop_details").and_then(|details| owned(details, "explanation"))
}

fn decode_call(block: &Value, place: usize) -> ToolCall {
    ToolCall {
        id: owned(block, "id").unwrap_or_else(|| format!("call_{place}")),
        r#type: "function".to_owned(),
        function: FunctionCall {
            name: owned(block, "name").unwrap_or_default(),
            arguments: block.get("input").map_or_else(|| "{}".to_owned(), Value::to_string),
        },
        extra_content: None,
    }
}

/// Returns a stop reason in OpenAI's words.
pub(super) fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "tool_use" => FinishReason::ToolCalls,
        "refusal" => FinishReason::ContentFilter,
        _ => FinishReason::Other,
    }
}
