//! Reading of the input: items of a conversation become messages.

use serde_json::{Map, Value, json};

use super::item;
use crate::dialect::{UserItems, field};
use crate::types::{
    AssistantMessage, Content, FunctionCall, Message, Part, Result, TextMessage, ToolCall, ToolMessage,
};

/// Decodes an input: a string of the user's, or an array of items.
pub(super) fn decode(input: Value, known: &UserItems) -> Result<Vec<Message>> {
    let items = match input {
        Value::String(text) => {
            return Ok(vec![Message::User(TextMessage { content: Content::Text(text), name: None })]);
        }
        Value::Array(items) => items,
        _ => return Err(field::invalid("input", "must be a string or an array of items")),
    };
    let mut reader = Reader { known, messages: Vec::new(), turn: None };
    for (place, item) in items.into_iter().enumerate() {
        reader.read(&format!("input[{place}]"), item)?;
    }
    reader.end_turn();
    Ok(reader.messages)
}

/// Puts the items of one turn of the model together: reasoning, text and calls are items of their own here, and one message
/// everywhere else.
struct Reader<'a> {
    known: &'a UserItems,
    messages: Vec<Message>,
    turn: Option<AssistantMessage>,
}

impl Reader<'_> {
    fn read(&mut self, path: &str, item: Value) -> Result<()> {
        let Value::Object(item) = item else {
            return Err(field::invalid(path, r#"must be an item such as {"role": "user", "content": "Hi"}"#));
        };
        let mut item = field::without_nulls(item);
        let kind = item.remove("type").unwrap_or_else(|| "message".into());
        match kind.as_str() {
            Some("message") => self.read_message(path, &mut item),
            Some("function_call") => self.read_call(path, &mut item),
            Some("function_call_output") => self.read_result(path, &mut item),
            Some("reasoning") => self.read_reasoning(path, &item),
            Some("item_reference") => {
                let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
                let found = self.known.find(id).ok_or_else(|| {
                    let sentence = format!(
                        "{id:?} is no item of an answer that this user got lately from this open file; send the item itself, as libraries \
                         do with `store` false"
                    );
                    field::invalid(&format!("{path}.id"), &sentence)
                })?;
                self.read(path, found)
            }
            _ => {
                let sentence = format!(
                    "items of the type {kind} cannot be expressed; send messages, function calls and their outputs alone"
                );
                Err(field::invalid(&format!("{path}.type"), &sentence))
            }
        }
    }

    /// Ends the model's turn: what follows is another's, or another message of the model's.
    fn end_turn(&mut self) {
        self.messages.extend(self.turn.take().map(Message::Assistant));
    }

    fn read_message(&mut self, path: &str, item: &mut Map<String, Value>) -> Result<()> {
        let role = item.remove("role").unwrap_or_default();
        let content = item.remove("content").unwrap_or_default();
        let path = format!("{path}.content");
        if role == "assistant" {
            if self.turn.as_ref().is_some_and(|turn| turn.content.is_some() || !turn.tool_calls.is_empty()) {
                self.end_turn();
            }
            let (content, refusal) = said(&path, content)?;
            let turn = self.turn.get_or_insert_default();
            turn.content = Some(content);
            turn.refusal = refusal;
            return Ok(());
        }
        let message = TextMessage { content: decode_content(&path, content)?, name: None };
        self.end_turn();
        self.messages.push(match role.as_str() {
            Some("user") => Message::User(message),
            Some("system" | "developer") => Message::System(message),
            _ => {
                let sentence = "must be one of `user`, `assistant`, `system` and `developer`";
                return Err(field::invalid(&path.replace(".content", ".role"), sentence));
            }
        });
        Ok(())
    }

    fn read_call(&mut self, path: &str, item: &mut Map<String, Value>) -> Result<()> {
        let mut text = |name: &str| {
            let value = item.remove(name).unwrap_or_default();
            field::read::<String>(&format!("{path}.{name}"), value)
        };
        let (id, name, arguments) = (text("call_id")?, text("name")?, text("arguments")?);
        self.turn.get_or_insert_default().tool_calls.push(ToolCall {
            id,
            r#type: "function".to_owned(),
            function: FunctionCall { name, arguments },
            extra_content: item.remove("extra_content"),
        });
        Ok(())
    }

    fn read_result(&mut self, path: &str, item: &mut Map<String, Value>) -> Result<()> {
        let id = item.remove("call_id").unwrap_or_default();
        let tool_call_id = field::read(&format!("{path}.call_id"), id)?;
        let content = decode_content(&format!("{path}.output"), item.remove("output").unwrap_or_default())?;
        self.end_turn();
        self.messages.push(Message::Tool(ToolMessage { content, tool_call_id, ..ToolMessage::default() }));
        Ok(())
    }

    /// Reads earlier reasoning: its text, and the blocks that this engine sealed into it. What OpenAI sealed only its own
    /// responses can read, and leaves no trace.
    fn read_reasoning(&mut self, path: &str, item: &Map<String, Value>) -> Result<()> {
        let turn = self.turn.get_or_insert_default();
        for name in ["summary", "content"] {
            let parts = item.get(name).cloned().map_or(Ok(Vec::new()), |parts| {
                field::read::<Vec<Map<String, Value>>>(&format!("{path}.{name}"), parts)
            })?;
            let text: String = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            if !text.is_empty() {
                turn.reasoning_content.get_or_insert_default().push_str(&text);
            }
        }
        let sealed = item.get("encrypted_content").and_then(Value::as_str);
        turn.thinking_blocks.extend(sealed.map(item::unseal).unwrap_or_default());
        Ok(())
    }
}

/// Reads what the model said: its text, and its refusals apart.
fn said(path: &str, content: Value) -> Result<(Content, Option<String>)> {
    let Value::Array(parts) = content else { return Ok((decode_content(path, content)?, None)) };
    let is_refusal = |part: &Value| part.get("type").and_then(Value::as_str) == Some("refusal");
    let refusals: Vec<&str> = parts
        .iter()
        .filter(|part| is_refusal(part))
        .filter_map(|part| part.get("refusal").and_then(Value::as_str))
        .collect();
    let refusal = (!refusals.is_empty()).then(|| refusals.concat());
    let texts: Vec<Value> = parts.into_iter().filter(|part| !is_refusal(part)).collect();
    let content = match &texts[..] {
        [] => Content::default(),
        _ => decode_content(path, texts.into())?,
    };
    Ok((content, refusal))
}

fn decode_content(path: &str, content: Value) -> Result<Content> {
    match content {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(parts) => {
            let parts = parts.into_iter().enumerate();
            parts
                .map(|(place, part)| decode_part(&format!("{path}[{place}]"), part))
                .collect::<Result<_>>()
                .map(Content::Parts)
        }
        _ => Err(field::invalid(path, "must be a string or an array of parts")),
    }
}

fn decode_part(path: &str, part: Value) -> Result<Part> {
    let mut part = field::without_nulls(field::read(path, part)?);
    let kind = part.remove("type").unwrap_or_default();
    let cache_control = part.remove("cache_control");
    let mut written = match kind.as_str() {
        Some("input_text" | "output_text" | "text") => {
            json!({"type": "text", "text": part.remove("text").unwrap_or_default()})
        }
        Some("input_image") => {
            let Some(url) = part.remove("image_url") else {
                let sentence = "an image needs `image_url`: an address, or a data: address with its content";
                return Err(field::invalid(path, sentence));
            };
            json!({"type": "image_url", "image_url": {"url": url, "detail": part.remove("detail")}})
        }
        Some("input_file") => {
            if part.contains_key("file_url") {
                let sentence = "a file is not fetched; send its content as `file_data`, or its `file_id`";
                return Err(field::invalid(&format!("{path}.file_url"), sentence));
            }
            part.remove("detail");
            json!({"type": "file", "file": part})
        }
        Some("input_audio") => json!({"type": "input_audio", "input_audio": part.remove("input_audio")}),
        _ => {
            let sentence = format!(
                "parts of the type {kind} cannot be expressed; the types are `input_text`, `output_text`, `input_image`, \
                 `input_file` and `input_audio`"
            );
            return Err(field::invalid(&format!("{path}.type"), &sentence));
        }
    };
    if let Some(cache_control) = cache_control {
        written["cache_control"] = cache_control;
    }
    field::read(path, written)
}
