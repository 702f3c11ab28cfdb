//! Reading of whole answers.

use serde_json::Value;

use crate::provider::anthropic::{error, usage};
use crate::provider::finish_reason::finish_reason;
use crate::provider::json::{items, owned, text};
use crate::provider::vendor_tool::is_work_block;
use crate::provider::{DecodedChat, Flaw, ResponseHead, Target};
use crate::types::{AssistantMessage, Choice, Completion, Content, FunctionCall, ToolCall};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 7] = ["content", "usage", "role", "id", "model", "stop_reason", "type"];

/// The fields by which an answer in an envelope is known.
pub(super) const MARKS: [&str; 2] = ["type", "content"];

/// Decodes a whole answer of status 200.
pub(super) fn decode(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Result<DecodedChat, Flaw> {
    let document = Flaw::read(target, head, body, &MARKS)?;
    let value = &document.value;
    if is_piece(value) {
        return Ok(DecodedChat { is_piece: true, ..DecodedChat::default() });
    }
    let usage = usage::find(value).and_then(usage::read);
    let completion = Completion { choices: vec![decode_choice(value)], ..summary(value) };
    if let Some(error) = error::embedded(target, head, value) {
        return Err(Flaw::stated(error, usage).with_answer(completion));
    }
    let is_said = value.get("content").is_some_and(|content| content.is_array() || content.is_string());
    if usage.is_none() && !is_said {
        return Err(Flaw::without_answer(target, head, &document, &FIELDS, "its body has no content"));
    }
    Ok(DecodedChat { completion, usage, ..DecodedChat::default() })
}

/// Returns whether a document is a piece of a stream, and not a whole answer.
fn is_piece(value: &Value) -> bool {
    let pieces = ["message_start", "message_delta", "content_block_start", "content_block_delta", "ping"];
    text(value, "type").is_some_and(|kind| pieces.contains(&kind))
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
    // Hosts that imitate the format may write a plain text for its one block.
    let mut said: Option<String> = text(value, "content").map(str::to_owned);
    let mut reasoning = String::new();
    for block in items(value, "content") {
        match text(block, "type").unwrap_or_default() {
            "text" => said.get_or_insert_default().push_str(text(block, "text").unwrap_or_default()),
            "tool_use" => message.tool_calls.push(decode_call(block, message.tool_calls.len())),
            kind if is_kept(kind) => {
                reasoning.push_str(text(block, "thinking").unwrap_or_default());
                message.thinking_blocks.push(block.clone());
            }
            _ => {}
        }
    }
    let reason = text(value, "stop_reason");
    message.content = said.map(Content::Text);
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    message.refusal = refusal(value);
    Choice {
        index: 0,
        finish_reason: reason.and_then(|reason| finish_reason(reason, !message.tool_calls.is_empty())),
        message,
        provider_finish_reason: reason.map(str::to_owned),
        logprobs: None,
    }
}

/// Returns whether a kind of block must go back unchanged in the next turn.
pub(super) fn is_kept(kind: &str) -> bool {
    matches!(kind, "thinking" | "redacted_thinking" | "compaction") || is_work_block(kind)
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
