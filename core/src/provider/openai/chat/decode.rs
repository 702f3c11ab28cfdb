//! Reading of whole answers.

use serde_json::Value;

use super::text_answer::TextAnswer;
use crate::provider::finish_reason::finish_reason;
use crate::provider::json::{field, get, items, owned, text};
use crate::provider::openai::{error, usage};
use crate::provider::{DecodedChat, Flaw, ResponseHead, Target};
use crate::types::{AssistantMessage, Choice, Completion, Content, FunctionCall, ToolCall};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 6] = ["choices", "usage", "object", "id", "model", "created"];

/// The fields by which an answer in an envelope is known.
pub(super) const MARKS: [&str; 1] = ["choices"];

/// Decodes a whole answer of status 200.
pub(super) fn decode(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Result<DecodedChat, Flaw> {
    match TextAnswer::read(body) {
        Some(answer) => Ok(answer.into_decoded(&target.vendor.quirks)),
        None => decode_tree(target, head, body),
    }
}

/// Decodes a whole answer of any content.
pub(super) fn decode_tree(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Result<DecodedChat, Flaw> {
    let document = Flaw::read(target, head, body, &MARKS)?;
    let value = &document.value;
    let cites = usage::cites(target.vendor, value);
    let usage = usage::find(value)
        .and_then(|found| {
            let cost = usage::stated_cost(target.vendor, found, &document.text);
            usage::read(target.vendor, found, cost)
        })
        .map(|reported| usage::with_citations(reported, cites));
    let choices = items(value, "choices").iter().zip(0..).map(|(choice, place)| decode_choice(choice, place)).collect();
    let completion = Completion { choices, ..summary(value) };
    if let Some(error) = error::embedded(target, head, value) {
        return Err(Flaw::stated(error, usage).with_answer(completion));
    }
    if usage.is_none() && !get(value, "choices").is_some_and(Value::is_array) {
        return Err(Flaw::without_answer(target, head, &document, &FIELDS, "its body has no choices"));
    }
    Ok(DecodedChat { completion, usage, is_piece: is_piece(value) })
}

/// Returns whether a document is a piece of a stream, and not a whole answer.
fn is_piece(value: &Value) -> bool {
    let first = items(value, "choices").first();
    text(value, "object") == Some("chat.completion.chunk")
        || first.is_some_and(|choice| field(choice, "delta").is_some() && field(choice, "message").is_none())
}

/// Reads what an answer or a chunk says of itself as a whole.
pub(super) fn summary(value: &Value) -> Completion {
    Completion {
        id: owned(value, "id"),
        model: owned(value, "model"),
        choices: Vec::new(),
        service_tier: owned(value, "service_tier"),
    }
}

fn decode_choice(choice: &Value, place: u32) -> Choice {
    let message = ["message", "delta"].iter().find_map(|key| field(choice, key)).unwrap_or(choice);
    let spoken = spoken(message);
    let mut tool_calls: Vec<ToolCall> =
        calls(message).enumerate().map(|(place, call)| decode_call(call, place)).collect();
    if let Some(call) =
        get(message, "function_call").filter(|call| text(call, "name").is_some_and(|name| !name.is_empty()))
    {
        tool_calls.push(ToolCall {
            id: "call_0".to_owned(),
            r#type: "function".to_owned(),
            function: function(call),
            extra_content: None,
        });
    }
    let reason = get(choice, "finish_reason").and_then(Value::as_str);
    Choice {
        index: index(choice).unwrap_or(place),
        finish_reason: reason.and_then(|reason| finish_reason(reason, !tool_calls.is_empty())),
        message: AssistantMessage {
            content: spoken.text.map(Content::Text),
            reasoning_content: (!spoken.reasoning.is_empty()).then_some(spoken.reasoning),
            thinking_blocks: items(message, "reasoning_details").to_vec(),
            refusal: owned(message, "refusal"),
            tool_calls,
            annotations: items(message, "annotations").to_vec(),
            name: None,
        },
        provider_finish_reason: reason.map(str::to_owned),
        logprobs: field(choice, "logprobs").cloned(),
    }
}

/// Returns the calls of a message or a piece of one.
pub(super) fn calls(message: &Value) -> impl Iterator<Item = &Value> {
    items(message, "tool_calls").iter().filter(|call| !call.is_null())
}

fn decode_call(call: &Value, place: usize) -> ToolCall {
    ToolCall {
        id: owned(call, "id").unwrap_or_else(|| format!("call_{place}")),
        r#type: "function".to_owned(),
        function: get(call, "function").map(function).unwrap_or_default(),
        extra_content: get(call, "extra_content").filter(|extra| !extra.is_null()).cloned(),
    }
}

fn function(value: &Value) -> FunctionCall {
    FunctionCall { name: owned(value, "name").unwrap_or_default(), arguments: arguments(value).unwrap_or_default() }
}

/// Returns arguments as JSON text: as the model wrote them, or an object written out.
pub(super) fn arguments(function: &Value) -> Option<String> {
    match get(function, "arguments")? {
        Value::String(text) => Some(text.clone()),
        object @ Value::Object(_) => Some(object.to_string()),
        _ => None,
    }
}

/// Returns the place of a choice, a call or a detail, as the provider numbers it.
pub(super) fn index(value: &Value) -> Option<u32> {
    get(value, "index").and_then(Value::as_u64).and_then(|index| u32::try_from(index).ok())
}

/// The text and the reasoning text of a message or a delta.
pub(super) struct Spoken {
    pub(super) text: Option<String>,
    pub(super) reasoning: String,
}

/// Reads what was said; content may be a text or Mistral's list of blocks, and reasoning has one of two names.
pub(super) fn spoken(message: &Value) -> Spoken {
    let mut spoken = Spoken { text: None, reasoning: String::new() };
    match get(message, "content") {
        Some(Value::String(text)) => spoken.text = Some(text.clone()),
        Some(Value::Array(blocks)) => {
            for block in blocks {
                match (text(block, "type"), get(block, "thinking")) {
                    (Some("thinking"), Some(Value::String(thought))) => spoken.reasoning.push_str(thought),
                    (Some("thinking"), _) => {
                        let thoughts = items(block, "thinking").iter();
                        spoken.reasoning.extend(thoughts.filter_map(|thought| text(thought, "text")));
                    }
                    _ => spoken.text.get_or_insert_default().push_str(text(block, "text").unwrap_or_default()),
                }
            }
        }
        _ => {
            let transcript = get(message, "audio").and_then(|audio| owned(audio, "transcript"));
            spoken.text = transcript;
        }
    }
    // Some providers send the same reasoning under both names: only one of them is read.
    let named = ["reasoning_content", "reasoning"].iter().find_map(|key| owned(message, key));
    spoken.reasoning.push_str(named.as_deref().unwrap_or_default());
    spoken
}
