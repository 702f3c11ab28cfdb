//! The items of an answer: reasoning, a message, or a call of a function.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::dialect::call_id;
use crate::types::{AssistantMessage, Choice, Content, ToolCall};

/// What stands before reasoning blocks that are sealed into an item, so that others' sealed contents are told apart.
const SEAL: &str = "tollway:";

/// What an item holds.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Reasoning.
    Reasoning(Reasoning),
    /// What the model said.
    Message(Spoken),
    /// A call of a function.
    Call(ToolCall),
}

/// Reasoning: the text that the provider shows, and the opaque blocks that it wants back.
#[derive(Clone, Debug, Default)]
pub(super) struct Reasoning {
    pub(super) text: String,
    pub(super) blocks: Vec<Value>,
}

/// What the model said, as parts of text and refusal in the order in which they began.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    pub(super) parts: Vec<SpokenPart>,
}

/// A part of what the model said.
#[derive(Clone, Debug, Default)]
pub(super) struct SpokenPart {
    pub(super) is_refusal: bool,
    pub(super) text: String,
    pub(super) annotations: Vec<Value>,
    pub(super) logprobs: Vec<Value>,
}

impl Item {
    /// Returns the id of an item: its kind, the call and its place.
    pub(super) fn id(&self, request_id: &str, place: usize) -> String {
        let kind = match self {
            Self::Reasoning(_) => "rs",
            Self::Message(_) => "msg",
            Self::Call(_) => "fc",
        };
        format!("{kind}_{request_id}_{place}")
    }

    /// Writes an item as far as it came.
    pub(super) fn encode(&self, id: &str, status: &str) -> Value {
        match self {
            Self::Reasoning(reasoning) => {
                let summary: Vec<Value> = match reasoning.text.as_str() {
                    "" => Vec::new(),
                    text => vec![json!({"type": "summary_text", "text": text})],
                };
                let mut written = json!({"id": id, "type": "reasoning", "summary": summary});
                if !reasoning.blocks.is_empty() {
                    written["encrypted_content"] = seal(&reasoning.blocks).into();
                }
                written
            }
            Self::Message(message) => {
                let content: Vec<Value> = message.parts.iter().map(SpokenPart::encode).collect();
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": content})
            }
            Self::Call(call) => {
                let mut written = json!({
                    "id": id,
                    "type": "function_call",
                    "call_id": call_id::encode(&call.id, call.extra_content.as_ref()),
                    "name": call.function.name,
                    "arguments": call.function.arguments,
                    "status": status,
                });
                if let Some(extra) = &call.extra_content {
                    written["extra_content"] = extra.clone();
                }
                written
            }
        }
    }
}

impl SpokenPart {
    /// Writes a part as far as it came.
    pub(super) fn encode(&self) -> Value {
        if self.is_refusal {
            return json!({"type": "refusal", "refusal": self.text});
        }
        json!({"type": "output_text", "text": self.text, "annotations": self.annotations, "logprobs": self.logprobs})
    }
}

/// Returns the items of a whole answer.
pub(super) fn items(choice: &Choice) -> Vec<Item> {
    let AssistantMessage { content, reasoning_content, thinking_blocks, refusal, tool_calls, annotations, name: _ } =
        choice.message.clone();
    let mut items = Vec::new();
    if reasoning_content.is_some() || !thinking_blocks.is_empty() {
        items.push(Item::Reasoning(Reasoning { text: reasoning_content.unwrap_or_default(), blocks: thinking_blocks }));
    }
    let mut spoken = Spoken::default();
    let text = content.as_ref().map(Content::text).unwrap_or_default();
    if !text.is_empty() || !annotations.is_empty() {
        spoken.parts.push(SpokenPart {
            is_refusal: false,
            text,
            annotations: annotations.into_iter().map(annotation).collect(),
            logprobs: choice.logprobs.as_ref().map(logprobs).unwrap_or_default(),
        });
    }
    if let Some(refusal) = refusal.filter(|refusal| !refusal.is_empty()) {
        spoken.parts.push(SpokenPart { is_refusal: true, text: refusal, ..SpokenPart::default() });
    }
    if !spoken.parts.is_empty() {
        items.push(Item::Message(spoken));
    }
    items.extend(tool_calls.into_iter().map(Item::Call));
    items
}

/// Returns the probabilities of a text's tokens. What chat completions may leave out is filled in: this format requires it.
pub(super) fn logprobs(logprobs: &Value) -> Vec<Value> {
    let mut tokens = logprobs.get("content").and_then(Value::as_array).cloned().unwrap_or_default();
    for fields in tokens.iter_mut().filter_map(Value::as_object_mut) {
        put_bytes(fields);
        let others = fields.entry("top_logprobs").or_insert_with(|| json!([]));
        for fields in others.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            put_bytes(fields);
        }
    }
    tokens
}

fn put_bytes(fields: &mut Map<String, Value>) {
    if fields.get("bytes").is_none_or(Value::is_null) {
        let bytes = fields.get("token").and_then(Value::as_str).map_or(json!([]), |token| json!(token.as_bytes()));
        fields.insert("bytes".to_owned(), bytes);
    }
}

/// Writes an annotation of chat completions, whose content stands one level deeper. A citation without a place in the text
/// is one of the whole text, which the format writes as an empty range.
pub(super) fn annotation(annotation: Value) -> Value {
    let Value::Object(mut fields) = annotation else { return annotation };
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(Value::Object(inner)) = fields.remove(&kind) {
        fields.extend(inner);
    }
    if kind == "url_citation" {
        let url = fields.get("url").cloned().unwrap_or_default();
        for (name, otherwise) in [("start_index", 0.into()), ("end_index", 0.into()), ("title", url)] {
            fields.entry(name).or_insert(otherwise);
        }
    }
    Value::Object(fields)
}

/// Seals reasoning blocks into a text that apps send back unread.
fn seal(blocks: &[Value]) -> String {
    format!("{SEAL}{}", STANDARD.encode(Value::from(blocks).to_string()))
}

/// Returns the blocks that a text seals; none if it is not this engine's.
pub(super) fn unseal(sealed: &str) -> Vec<Value> {
    let bytes = sealed.strip_prefix(SEAL).and_then(|text| STANDARD.decode(text).ok());
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}
