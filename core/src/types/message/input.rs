//! What apps write for a message of the model: the fields of all vendors, and the nulls that their libraries write out.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::{AssistantMessage, Content, ImageUrl, Part, ToolCall};

/// A message of the model as it may be given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssistantInput {
    #[serde(default)]
    content: Option<SaidInput>,
    #[serde(default)]
    reasoning_content: Option<String>,
    #[serde(default)]
    reasoning: Option<String>,
    #[serde(default)]
    reasoning_details: Option<Vec<Value>>,
    #[serde(default)]
    thinking_blocks: Option<Vec<Value>>,
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    annotations: Option<Vec<Value>>,
    #[serde(default)]
    name: Option<String>,
    // Libraries write these out with every message; only null says nothing.
    #[serde(default)]
    audio: Option<Null>,
    #[serde(default)]
    function_call: Option<Null>,
}

/// Nothing: a field that must be null, and be given in another way otherwise.
struct Null;

impl<'de> Deserialize<'de> for Null {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(serde::de::Error::custom(
            "`audio` and `function_call` must be null; send the transcript as `content`, and calls as `tool_calls`",
        ))
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`content` must be a string, or an array of parts of the types `text`, `image_url`, `input_audio`, `file`, \
                 `thinking`, `redacted_thinking`, `reasoning` and `refusal`, each with the field of its type"
)]
enum SaidInput {
    Text(String),
    Parts(Vec<SaidPart>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SaidPart {
    Part(Part),
    Beside(Beside),
}

/// A part that stands beside what was said.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Beside {
    Thinking(Map<String, Value>),
    RedactedThinking(Map<String, Value>),
    Reasoning(Map<String, Value>),
    Refusal { refusal: String },
}

impl From<AssistantInput> for AssistantMessage {
    fn from(input: AssistantInput) -> Self {
        let AssistantInput { audio: None | Some(Null), function_call: None | Some(Null), .. } = input;
        // Under two names stands the same text, and the same blocks.
        let blocks = [input.thinking_blocks, input.reasoning_details].into_iter().flatten();
        let mut message = Self {
            content: None,
            reasoning_content: match (input.reasoning_content, input.reasoning) {
                (Some(empty), Some(reasoning)) if empty.is_empty() => Some(reasoning),
                (content, reasoning) => content.or(reasoning),
            },
            thinking_blocks: blocks.into_iter().find(|blocks| !blocks.is_empty()).unwrap_or_default(),
            refusal: input.refusal,
            tool_calls: input.tool_calls.unwrap_or_default(),
            annotations: input.annotations.unwrap_or_default(),
            name: input.name,
        };
        let has_reasoning = message.reasoning_content.is_some();
        match input.content {
            None => {}
            Some(SaidInput::Text(text)) => message.content = Some(Content::Text(text)),
            Some(SaidInput::Parts(parts)) => {
                let had_parts = !parts.is_empty();
                let mut said = Vec::with_capacity(parts.len());
                for part in parts {
                    match part {
                        SaidPart::Part(part) => said.push(part),
                        SaidPart::Beside(beside) => message.take(beside, has_reasoning),
                    }
                }
                message.content = Some(Content::Parts(said)).filter(|content| !had_parts || !content.is_empty());
            }
        }
        message
    }
}

impl AssistantMessage {
    /// Takes a part that stands beside what was said. Reasoning that the message states is not repeated.
    fn take(&mut self, beside: Beside, has_reasoning: bool) {
        let mut reason = |text: &str| {
            if !has_reasoning && !text.is_empty() {
                self.reasoning_content.get_or_insert_default().push_str(text);
            }
        };
        match beside {
            Beside::Refusal { refusal } => self.refusal.get_or_insert_default().push_str(&refusal),
            Beside::RedactedThinking(fields) => self.thinking_blocks.push(block("redacted_thinking", fields)),
            Beside::Reasoning(fields) => reason(&texts(&fields, &["text", "reasoning", "content", "summary"])),
            Beside::Thinking(fields) => {
                reason(&texts(&fields, &["thinking"]));
                // Without a signature it is another vendor's text, which Anthropic does not take back.
                if fields.get("signature").and_then(Value::as_str).is_some_and(|signature| !signature.is_empty()) {
                    self.thinking_blocks.push(block("thinking", fields));
                }
            }
        }
    }
}

fn block(kind: &str, fields: Map<String, Value>) -> Value {
    let mut block = Map::from_iter([("type".to_owned(), kind.into())]);
    block.extend(fields);
    Value::Object(block)
}

/// Returns the text of the first field that has one: a text, or a list of parts with texts.
fn texts(fields: &Map<String, Value>, names: &[&str]) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    };
    names.iter().filter_map(|name| fields.get(*name)).map(text).find(|text| !text.is_empty()).unwrap_or_default()
}

/// Where an image is, as it may be given: its address alone, or an object.
#[derive(Deserialize)]
#[serde(untagged, expecting = "`image_url` must be an address, or an object with `url` and `detail`")]
pub(super) enum ImageUrlInput {
    Address(String),
    Fields(ImageUrlFields),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageUrlFields {
    url: String,
    #[serde(default)]
    detail: Option<String>,
}

impl From<ImageUrlInput> for ImageUrl {
    fn from(input: ImageUrlInput) -> Self {
        match input {
            ImageUrlInput::Address(url) => Self { url, detail: None },
            ImageUrlInput::Fields(ImageUrlFields { url, detail }) => Self { url, detail },
        }
    }
}

/// Reads arguments of a call: a JSON text, or the object itself, which some vendors' libraries keep.
pub(super) fn arguments<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        object @ Value::Object(_) => object.to_string(),
        _ => return Err(serde::de::Error::custom("must be the arguments as JSON text, or as an object")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Message;
    use super::*;

    fn assistant(fields: &Value) -> Result<AssistantMessage, String> {
        let mut message = json!({"role": "assistant"});
        message.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        match serde_json::from_value(message) {
            Ok(Message::Assistant(message)) => Ok(message),
            Ok(other) => panic!("{other:?}"),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn null_and_empty_fields_that_libraries_write_are_ignored() {
        let nulls = json!({"content": "a", "refusal": null, "annotations": [], "audio": null, "function_call": null,
            "tool_calls": null, "reasoning_content": null, "reasoning_details": null, "thinking_blocks": null, "name": null});
        assert_eq!(assistant(&nulls).unwrap(), assistant(&json!({"content": "a"})).unwrap());
        assert_eq!(assistant(&json!({"content": null})).unwrap(), AssistantMessage::default());
        for (role, more) in [("user", json!({})), ("system", json!({})), ("tool", json!({"tool_call_id": "a"}))] {
            let mut message = json!({"role": role, "content": null, "name": null});
            message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            serde_json::from_value::<Message>(message).unwrap();
        }
    }

    #[test]
    fn reasoning_is_taken_under_every_name_and_once() {
        for fields in [
            json!({"content": "a", "reasoning_content": "r"}),
            json!({"content": "a", "reasoning": "r"}),
            json!({"content": "a", "reasoning_content": "", "reasoning": "r"}),
            json!({"content": "a", "reasoning_content": "r", "reasoning": "r"}),
            json!({"content": [{"type": "thinking", "thinking": "r"}, {"type": "text", "text": "a"}]}),
            json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}, {"type": "text", "text": "a"}]}),
            json!({"content": [{"type": "reasoning", "text": "r"}, {"type": "text", "text": "a"}]}),
            json!({"reasoning": "r", "content": [{"type": "thinking", "thinking": "r"}, {"type": "text", "text": "a"}]}),
        ] {
            let message = assistant(&fields).unwrap();
            assert_eq!(message.reasoning_content.as_deref(), Some("r"), "{fields}");
            assert_eq!(message.content.unwrap().text(), "a", "{fields}");
        }
        let details = json!([{"type": "reasoning.text", "text": "r"}]);
        assert_eq!(json!(assistant(&json!({"reasoning_details": details})).unwrap().thinking_blocks), details);
        let signed = json!({"type": "thinking", "thinking": "r", "signature": "s"});
        let redacted = json!({"type": "redacted_thinking", "data": "d"});
        let message = assistant(&json!({"content": [signed, redacted]})).unwrap();
        assert_eq!((json!(message.thinking_blocks), message.content), (json!([signed, redacted]), None));
    }

    #[test]
    fn parts_that_refuse_and_addresses_without_an_object_are_taken() {
        let message = assistant(&json!({"content": [{"type": "refusal", "refusal": "no"}]})).unwrap();
        assert_eq!((message.refusal.as_deref(), message.content), (Some("no"), None));
        let image = |url: Value| serde_json::from_value::<Part>(json!({"type": "image_url", "image_url": url}));
        assert_eq!(
            image(json!("https://a.test/x.png")).unwrap(),
            image(json!({"url": "https://a.test/x.png"})).unwrap()
        );
        assert!(image(json!({"url": "x", "size": 1})).is_err());
    }

    #[test]
    fn calls_are_taken_without_an_id_and_with_arguments_as_an_object() {
        let call = json!({"id": null, "type": null, "function": {"name": "f", "arguments": {"a": 1}}});
        let message =
            assistant(&json!({"tool_calls": [call, {"function": {"name": "g", "arguments": null}}]})).unwrap();
        let calls: Vec<_> =
            message.tool_calls.iter().map(|call| (call.id.as_str(), call.function.arguments.as_str())).collect();
        assert_eq!(calls, [("", r#"{"a":1}"#), ("", "")]);
    }

    #[test]
    fn unknown_fields_are_still_named() {
        for (fields, said) in [
            (json!({"content": "a", "colour": 1}), "colour"),
            (json!({"audio": {"id": "x"}}), "transcript"),
            (json!({"function_call": {"name": "f"}}), "tool_calls"),
            (json!({"content": 5}), "`content` must be a string"),
            (json!({"content": [{"type": "colour"}]}), "`redacted_thinking`"),
        ] {
            let error = assistant(&fields).unwrap_err();
            assert!(error.contains(said), "{fields}: {error}");
        }
    }
}
