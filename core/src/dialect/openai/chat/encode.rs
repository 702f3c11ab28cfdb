//! Writing of whole answers, and what they share with streamed ones.

use serde_json::{Map, Value, json};

use super::Form;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::dialect::{AnswerStart, call_id};
use crate::types::{
    AssistantMessage, ChatReply, Choice, Content, Direction, FinishReason, FunctionCall, Meter, Modality, ToolCall,
    Usage,
};

/// The tiers that OpenAI's libraries accept; a provider's other words stand on the receipt alone.
const SERVICE_TIERS: [&str; 6] = ["auto", "default", "flex", "scale", "priority", "fast"];

/// Writes a whole reply.
pub(super) fn encode(form: Form, start: &AnswerStart, reply: &ChatReply) -> Vec<u8> {
    let choices: Vec<Value> = choices(reply).iter().map(|choice| encode_choice(form, choice)).collect();
    let mut answer = head(start, "chat.completion");
    answer.insert("choices".to_owned(), choices.into());
    answer.insert("usage".to_owned(), encode_usage(&reply.usage));
    if let Some(tier) = service_tier(reply) {
        answer.insert("service_tier".to_owned(), tier.into());
    }
    answer.insert(FIELD.to_owned(), receipt_field(reply));
    Value::Object(answer).to_string().into_bytes()
}

/// Returns the fields that a whole answer and every chunk begin with.
pub(super) fn head(start: &AnswerStart, object: &str) -> Map<String, Value> {
    let fields = [
        ("id", format!("chatcmpl-{}", start.request_id).into()),
        ("object", object.into()),
        ("created", start.created.into()),
        ("model", start.model.as_str().into()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Returns the answers. Apps read the first one unasked: where the provider withheld all, it is an empty one that says so.
pub(super) fn choices(reply: &ChatReply) -> Vec<Choice> {
    if reply.choices.is_empty() {
        let finish_reason = Some(reply.finish_reason.unwrap_or(FinishReason::ContentFilter));
        return vec![Choice {
            finish_reason,
            provider_finish_reason: reply.provider_finish_reason.clone(),
            ..Choice::default()
        }];
    }
    reply.choices.clone()
}

/// Returns the tier that was served, where OpenAI has a word for it.
pub(in crate::dialect) fn service_tier(reply: &ChatReply) -> Option<&str> {
    reply.service_tier.as_deref().filter(|tier| SERVICE_TIERS.contains(tier))
}

fn encode_choice(form: Form, choice: &Choice) -> Value {
    let mut written = Map::from_iter([
        ("index".to_owned(), choice.index.into()),
        ("message".to_owned(), encode_message(form, &choice.message).into()),
        ("logprobs".to_owned(), choice.logprobs.clone().unwrap_or_default()),
    ]);
    put_finish(form, choice, &mut written);
    Value::Object(written)
}

fn encode_message(form: Form, message: &AssistantMessage) -> Map<String, Value> {
    let mut written = Map::from_iter([
        ("role".to_owned(), "assistant".into()),
        ("content".to_owned(), message.content.as_ref().map(Content::text).into()),
        ("refusal".to_owned(), message.refusal.as_deref().into()),
    ]);
    if let Some(reasoning) = &message.reasoning_content {
        written.insert("reasoning_content".to_owned(), reasoning.as_str().into());
    }
    put_blocks(message, &mut written);
    let mut calls = message.tool_calls.as_slice();
    if let (true, Some((first, rest))) = (form.has_functions, calls.split_first()) {
        written.insert("function_call".to_owned(), encode_function(&first.function));
        calls = rest;
    }
    if !calls.is_empty() {
        written.insert("tool_calls".to_owned(), calls.iter().map(encode_call).collect());
    }
    written
}

/// Adds what an app must send back for the next turn, and what the provider says of the text.
pub(super) fn put_blocks(message: &AssistantMessage, written: &mut Map<String, Value>) {
    for (name, blocks) in [("thinking_blocks", &message.thinking_blocks), ("annotations", &message.annotations)] {
        if !blocks.is_empty() {
            written.insert(name.to_owned(), blocks.clone().into());
        }
    }
}

fn encode_call(call: &ToolCall) -> Value {
    let id = call_id::encode(&call.id, call.extra_content.as_ref());
    let mut written = json!({"id": id, "type": "function", "function": encode_function(&call.function)});
    if let Some(extra) = &call.extra_content {
        written["extra_content"] = extra.clone();
    }
    written
}

fn encode_function(function: &FunctionCall) -> Value {
    json!({"name": function.name, "arguments": function.arguments})
}

/// Adds why an answer stopped. Libraries accept OpenAI's words alone, so that another reason stands beside `stop`.
pub(super) fn put_finish(form: Form, choice: &Choice, written: &mut Map<String, Value>) {
    let calls = if form.has_functions { "function_call" } else { "tool_calls" };
    let word = match choice.finish_reason {
        Some(FinishReason::Length) => "length",
        Some(FinishReason::ContentFilter) => "content_filter",
        Some(FinishReason::ToolCalls) => calls,
        None if !choice.message.tool_calls.is_empty() => calls,
        Some(FinishReason::Stop | FinishReason::Other) | None => "stop",
    };
    written.insert("finish_reason".to_owned(), word.into());
    if choice.finish_reason == Some(FinishReason::Other) {
        written.insert("provider_finish_reason".to_owned(), choice.provider_finish_reason.as_deref().into());
    }
}

/// Writes usage by OpenAI's rule: all input and all output, and parts of them as details. It is null unless both are
/// known: the format has no word for an unknown count, and an unknown one is not zero.
pub(super) fn encode_usage(usage: &Usage) -> Value {
    let (Some(input), Some(output)) = (usage.input_tokens(), usage.output_tokens()) else { return Value::Null };
    let mut written = json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input.saturating_add(output),
    });
    let input = [
        ("cached_tokens", usage.cached_input_tokens()),
        ("cache_write_tokens", usage.cache_write_tokens()),
        ("audio_tokens", audio_tokens(usage, Direction::Input)),
    ];
    let output = [
        ("reasoning_tokens", usage.tokens(Meter::ReasoningToken)),
        ("audio_tokens", audio_tokens(usage, Direction::Output)),
        ("rejected_prediction_tokens", usage.tokens(Meter::RejectedPredictionToken)),
    ];
    for (name, details) in [("prompt_tokens_details", input), ("completion_tokens_details", output)] {
        let details = details.into_iter().filter_map(|(name, count)| Some((name.to_owned(), Value::from(count?))));
        let details: Map<String, Value> = details.collect();
        if !details.is_empty() {
            written[name] = details.into();
        }
    }
    written
}

fn audio_tokens(usage: &Usage, direction: Direction) -> Option<u64> {
    let is_counted = |meter: Meter| {
        (meter.is_input() || meter.is_output()) && meter.direction() == direction && meter.modality() == Modality::Audio
    };
    let counted = usage.meters.iter().filter(|(meter, _)| is_counted(**meter));
    counted.map(|(_, quantity)| quantity.whole()).reduce(u64::saturating_add)
}
