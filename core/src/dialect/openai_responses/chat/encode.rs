//! Writing of whole answers, and what they share with streamed ones.

use serde_json::{Value, json};

use super::Form;
use super::item::items;
use crate::dialect::AnswerStart;
use crate::dialect::openai::chat::service_tier;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::types::{ChatReply, FinishReason, Meter, Usage};

/// Writes a whole reply.
pub(super) fn encode(form: &Form, start: &AnswerStart, reply: &ChatReply) -> Vec<u8> {
    let items = reply.choices.first().map(items).unwrap_or_default();
    let ending = Ending::of(reply);
    let output = items.iter().enumerate().map(|(place, item)| {
        let is_last = place + 1 == items.len();
        let id = item.id(&start.request_id, place);
        let item = item.encode(&id, ending.item_status(is_last));
        if let Some(items) = &form.kept_in {
            items.keep(&id, &item);
        }
        item
    });
    let output: Vec<Value> = output.collect();
    settled(form, start, reply, output).to_string().into_bytes()
}

/// How an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    /// Why the answer is not whole, in OpenAI's words.
    incomplete: Option<&'static str>,
}

impl Ending {
    /// Returns how a reply ended. Where the provider withheld every answer, the content is why.
    pub(super) fn of(reply: &ChatReply) -> Self {
        let incomplete = match reply.finish_reason {
            Some(FinishReason::Length) => Some("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Some("content_filter"),
            None if reply.choices.is_empty() => Some("content_filter"),
            _ => None,
        };
        Self { incomplete }
    }

    /// Returns the status of the response, which is also the last word of its stream.
    pub(super) fn status(self) -> &'static str {
        if self.incomplete.is_some() { "incomplete" } else { "completed" }
    }

    /// Returns the status of an item: only the last one was cut off.
    pub(super) fn item_status(self, is_last: bool) -> &'static str {
        if is_last { self.status() } else { "completed" }
    }
}

/// Returns a response that ended, with its usage and its cost.
pub(super) fn settled(form: &Form, start: &AnswerStart, reply: &ChatReply, output: Vec<Value>) -> Value {
    let ending = Ending::of(reply);
    let mut response = response(form, start, ending.status(), output);
    response["incomplete_details"] = ending.incomplete.map_or(Value::Null, |reason| json!({"reason": reason}));
    response["usage"] = encode_usage(&reply.usage);
    response["service_tier"] = service_tier(reply).into();
    response[FIELD] = receipt_field(reply);
    response
}

/// Returns a response as far as it came; it repeats what the request chose.
pub(super) fn response(form: &Form, start: &AnswerStart, status: &str, output: Vec<Value>) -> Value {
    let mut response = json!({
        "id": format!("resp_{}", start.request_id),
        "object": "response",
        "created_at": start.created,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "model": start.model,
        "previous_response_id": null,
        "service_tier": null,
        "store": form.kept_in.is_some(),
        "usage": null,
    });
    response["output"] = output.into();
    for (name, value) in &form.echo {
        response[name] = value.clone();
    }
    response
}

/// Writes usage by OpenAI's rule; it is null unless all input and all output are known. The format requires a number for
/// each detail, so that one which no provider reported is zero here and absent on the receipt.
fn encode_usage(usage: &Usage) -> Value {
    let (Some(input), Some(output)) = (usage.input_tokens(), usage.output_tokens()) else { return Value::Null };
    json!({
        "input_tokens": input,
        "input_tokens_details": {
            "cached_tokens": usage.cached_input_tokens().unwrap_or(0),
            "cache_write_tokens": usage.cache_write_tokens().unwrap_or(0),
        },
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": usage.tokens(Meter::ReasoningToken).unwrap_or(0)},
        "total_tokens": input.saturating_add(output),
    })
}
