//! Reading of whole answers.

use serde_json::{Value, json};

use crate::provider::finish_reason;
use crate::provider::gemini::{error, usage};
use crate::provider::json::{count, field, items, owned, text, word};
use crate::provider::{DecodedChat, Flaw, ResponseHead, Target};
use crate::types::{AssistantMessage, Choice, Completion, Content, FinishReason, FunctionCall, ToolCall};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 5] = ["candidates", "usageMetadata", "promptFeedback", "modelVersion", "responseId"];

/// The fields by which an answer in an envelope is known.
pub(super) const MARKS: [&str; 2] = ["candidates", "usageMetadata"];

/// Decodes a whole answer of status 200.
pub(super) fn decode(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Result<DecodedChat, Flaw> {
    let document = Flaw::read(target, head, body, &MARKS)?;
    let value = &document.value;
    let usage = usage::find(value)
        .and_then(usage::read)
        .map(|reported| usage::with_searches(reported, target.model, usage::queries(value)));
    let mut choices: Vec<Choice> = items(value, "candidates")
        .iter()
        .zip(0..)
        .map(|(candidate, place)| decode_candidate(candidate, place))
        .collect();
    if let Some(error) = error::embedded(target, head, value) {
        let completion = Completion { choices, ..summary(value) };
        return Err(Flaw::stated(error, usage).with_answer(completion));
    }
    if choices.is_empty() {
        choices.extend(blocked(value));
        if choices.is_empty() && usage.is_none() {
            return Err(Flaw::without_answer(target, head, &document, &FIELDS, "its body has no candidates"));
        }
    }
    let is_piece = is_piece(&choices);
    Ok(DecodedChat { completion: Completion { choices, ..summary(value) }, usage, is_piece })
}

/// Returns whether what was said may go on: an answer that is whole says why it stopped.
fn is_piece(choices: &[Choice]) -> bool {
    choices.iter().any(|choice| choice.provider_finish_reason.is_none())
}

/// Reads what an answer or a chunk says of itself as a whole.
pub(super) fn summary(value: &Value) -> Completion {
    let tier = |usage: &Value| owned(usage, "serviceTier").or_else(|| word(usage, "trafficType"));
    Completion {
        id: owned(value, "responseId"),
        model: owned(value, "modelVersion"),
        choices: Vec::new(),
        service_tier: usage::find(value).and_then(tier),
    }
}

/// Returns the empty choice that stands for a prompt which the provider refused to answer.
pub(super) fn blocked(value: &Value) -> Option<Choice> {
    let reason = word(value.get("promptFeedback")?, "blockReason")?;
    Some(Choice {
        index: 0,
        message: AssistantMessage::default(),
        finish_reason: Some(FinishReason::ContentFilter),
        provider_finish_reason: Some(reason),
        logprobs: None,
    })
}

fn decode_candidate(candidate: &Value, place: u32) -> Choice {
    let mut message = AssistantMessage::default();
    let mut said: Option<String> = None;
    let mut reasoning = String::new();
    for part in parts(candidate) {
        if let Some(call) = part.get("functionCall") {
            let place = message.tool_calls.len();
            message.tool_calls.push(decode_call(part, call, place));
        } else if let Some(words) = text(part, "text") {
            if is_thought(part) { reasoning.push_str(words) } else { said.get_or_insert_default().push_str(words) }
        }
    }
    let reason = word(candidate, "finishReason");
    let finish_reason = reason.as_deref().and_then(|reason| finish_reason(reason, !message.tool_calls.is_empty()));
    message.content = said.map(Content::Text);
    message.reasoning_content = (!reasoning.is_empty()).then_some(reasoning);
    Choice {
        index: index(candidate).unwrap_or(place),
        message,
        finish_reason,
        provider_finish_reason: reason,
        logprobs: None,
    }
}

/// Reads a call. Where the provider gives no id, the call's place among the answer's calls makes one.
pub(super) fn decode_call(part: &Value, call: &Value, place: usize) -> ToolCall {
    let signature = text(part, "thoughtSignature");
    ToolCall {
        id: owned(call, "id").unwrap_or_else(|| format!("call_{place}")),
        r#type: "function".to_owned(),
        function: FunctionCall {
            name: owned(call, "name").unwrap_or_default(),
            arguments: field(call, "args").map_or_else(|| "{}".to_owned(), Value::to_string),
        },
        extra_content: signature.map(|signature| json!({"google": {"thought_signature": signature}})),
    }
}

/// Returns the parts of a candidate.
pub(super) fn parts(candidate: &Value) -> &[Value] {
    candidate.get("content").map_or(&[], |content| items(content, "parts"))
}

/// Returns whether a part is reasoning.
pub(super) fn is_thought(part: &Value) -> bool {
    part.get("thought").and_then(Value::as_bool) == Some(true)
}

/// Returns the place of a candidate, as the provider numbers it.
pub(super) fn index(candidate: &Value) -> Option<u32> {
    count(candidate, "index").and_then(|index| u32::try_from(index).ok())
}

/// Returns a finish reason in OpenAI's words; nothing where the provider says that there is none yet. Hosts may send numbers;
/// those that differ between hosts are left open.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> Option<FinishReason> {
    let reason = match reason {
        "0" => return None,
        "1" => "STOP",
        "2" => "MAX_TOKENS",
        "3" => "SAFETY",
        "4" => "RECITATION",
        "7" => "BLOCKLIST",
        "8" => "PROHIBITED_CONTENT",
        word => word,
    };
    finish_reason::finish_reason(reason, has_calls)
}
