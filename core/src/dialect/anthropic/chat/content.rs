//! Reading of messages and their blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::fields::Fields;
use crate::provider::vendor_tool::is_work_block;
use crate::types::{
    AssistantMessage, CacheControl, Content, FilePart, FunctionCall, ImageUrl, Message, Part, Result, TextMessage,
    ToolCall, ToolMessage,
};

/// Reads a user's message: the results of tools, each as a message, and then what the user says.
pub(super) fn decode_user(message: &mut Fields, messages: &mut Vec<Message>) -> Result<()> {
    let blocks = match message.take("content") {
        None => return Err(message.missing("content")),
        Some(Value::String(text)) => {
            messages.push(Message::User(self::message(Content::Text(text))));
            return Ok(());
        }
        Some(Value::Array(blocks)) => message.each("content", blocks)?,
        Some(_) => return Err(message.wrong("content", "must be a string or an array of blocks")),
    };
    let is_empty = blocks.is_empty();
    let mut parts = Vec::new();
    for mut block in blocks {
        match block.required_text("type")?.as_str() {
            "tool_result" => messages.push(Message::Tool(decode_result(block)?)),
            kind => parts.push(decode_part(kind, block)?),
        }
    }
    if is_empty || !parts.is_empty() {
        messages.push(Message::User(self::message(plain(Content::Parts(parts)))));
    }
    Ok(())
}

/// Reads what the model said before.
///
/// A message here has its reasoning first, then its text and then its calls. Where reasoning follows text, a message of
/// its own begins, so that its place is kept; within one that calls tools none may begin, as the results must follow.
pub(super) fn decode_assistant(message: &mut Fields, messages: &mut Vec<Message>) -> Result<()> {
    let blocks = match message.take("content") {
        None => return Err(message.missing("content")),
        Some(Value::String(text)) => {
            let said = AssistantMessage { content: Some(Content::Text(text)), ..AssistantMessage::default() };
            messages.push(Message::Assistant(said));
            return Ok(());
        }
        Some(Value::Array(blocks)) => message.each("content", blocks)?,
        Some(_) => return Err(message.wrong("content", "must be a string or an array of blocks")),
    };
    let mut said = AssistantMessage::default();
    let mut parts = Vec::new();
    for mut block in blocks {
        match block.required_text("type")?.as_str() {
            "tool_use" => said.tool_calls.push(decode_call(block)?),
            kind @ ("thinking" | "redacted_thinking" | "compaction") => {
                if !parts.is_empty() && said.tool_calls.is_empty() {
                    messages.push(assistant(std::mem::take(&mut said), std::mem::take(&mut parts)));
                }
                decode_thinking(kind, block, &mut said)?;
            }
            "text" => parts.push(decode_part("text", block)?),
            // What the provider's own tools did goes back as it came, in its place.
            kind if is_work_block(kind) => {
                if !parts.is_empty() && said.tool_calls.is_empty() {
                    messages.push(assistant(std::mem::take(&mut said), std::mem::take(&mut parts)));
                }
                let mut kept = Map::from_iter([("type".to_owned(), kind.into())]);
                kept.extend(block.rest());
                said.thinking_blocks.push(kept.into());
            }
            kind => return Err(unknown(kind, &block)),
        }
    }
    messages.push(assistant(said, parts));
    Ok(())
}

fn assistant(said: AssistantMessage, parts: Vec<Part>) -> Message {
    let content = (!parts.is_empty()).then(|| plain(Content::Parts(parts)));
    Message::Assistant(AssistantMessage { content, ..said })
}

/// Reads a block of reasoning. One without a signature was not made by the vendor: it is another one's text.
fn decode_thinking(kind: &str, mut block: Fields, said: &mut AssistantMessage) -> Result<()> {
    let details: Vec<Value> = block.typed("reasoning_details")?.unwrap_or_default();
    let text = block.text("thinking")?.unwrap_or_default();
    let signature = block.text("signature")?.unwrap_or_default();
    if !text.is_empty() {
        said.reasoning_content.get_or_insert_default().push_str(&text);
    }
    said.thinking_blocks.extend(details);
    if kind != "thinking" || !signature.is_empty() {
        let mut kept = Map::from_iter([("type".to_owned(), kind.into())]);
        if kind == "thinking" {
            kept.insert("thinking".to_owned(), text.into());
            kept.insert("signature".to_owned(), signature.into());
        }
        kept.extend(block.rest());
        said.thinking_blocks.push(kept.into());
        return Ok(());
    }
    block.finish()
}

/// Reads a call. What the provider of the call wants back with it, and a cache breakpoint, stand in its extra content.
fn decode_call(mut block: Fields) -> Result<ToolCall> {
    let input: Map<String, Value> = block.typed("input")?.ok_or_else(|| block.missing("input"))?;
    let mut extra: Map<String, Value> = block.typed("extra_content")?.unwrap_or_default();
    if let Some(control) = block.typed::<CacheControl>("cache_control")? {
        extra.insert("anthropic".to_owned(), json!({"cache_control": control}));
    }
    let call = ToolCall {
        id: block.required_text("id")?,
        r#type: "function".to_owned(),
        function: FunctionCall { name: block.required_text("name")?, arguments: Value::Object(input).to_string() },
        extra_content: (!extra.is_empty()).then_some(Value::Object(extra)),
    };
    if let Some(mut caller) = block.object("caller")?
        && caller.required_text("type")? != "direct"
    {
        return Err(caller.wrong("type", "must be direct; calls of the provider's own tools cannot be passed on"));
    }
    block.finish()?;
    Ok(call)
}

/// Reads the result of a call. Its cache breakpoint goes to its last part.
fn decode_result(mut block: Fields) -> Result<ToolMessage> {
    let mut content = decode_content(&mut block, "content")?.unwrap_or_default();
    if let Some(control) = block.typed("cache_control")? {
        let mut parts = match content {
            Content::Text(text) => vec![Part::Text { text, cache_control: None }],
            Content::Parts(parts) => parts,
        };
        match parts.last_mut() {
            Some(
                Part::Text { cache_control, .. }
                | Part::ImageUrl { cache_control, .. }
                | Part::File { cache_control, .. },
            ) => *cache_control = Some(control),
            Some(Part::InputAudio { .. }) | None => {
                parts.push(Part::Text { text: String::new(), cache_control: Some(control) });
            }
        }
        content = Content::Parts(parts);
    }
    let result = ToolMessage {
        content: plain(content),
        tool_call_id: block.required_text("tool_use_id")?,
        is_error: block.flag("is_error")?.unwrap_or_default(),
        ..ToolMessage::default()
    };
    block.finish()?;
    Ok(result)
}

/// Reads a string or an array of blocks, which may be texts, images and documents.
pub(super) fn decode_content(fields: &mut Fields, key: &str) -> Result<Option<Content>> {
    match fields.take(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(Content::Text(text))),
        Some(Value::Array(blocks)) => {
            let decode = |mut block: Fields| {
                let kind = block.required_text("type")?;
                decode_part(&kind, block)
            };
            let parts: Result<Vec<Part>> = fields.each(key, blocks)?.into_iter().map(decode).collect();
            Ok(Some(Content::Parts(parts?)))
        }
        Some(_) => Err(fields.wrong(key, "must be a string or an array of blocks")),
    }
}

/// Returns a content that is one plain text as such, which more providers take.
pub(super) fn plain(content: Content) -> Content {
    match content {
        Content::Parts(parts) => match <[Part; 1]>::try_from(parts) {
            Ok([Part::Text { text, cache_control: None }]) => Content::Text(text),
            Ok([part]) => Content::Parts(vec![part]),
            Err(parts) => Content::Parts(parts),
        },
        text @ Content::Text(_) => text,
    }
}

/// Makes a message of a content.
pub(super) fn message(content: Content) -> TextMessage {
    TextMessage { content, name: None }
}

fn decode_part(kind: &str, mut block: Fields) -> Result<Part> {
    let cache_control = block.typed("cache_control")?;
    let part = match kind {
        "text" => {
            // Where an earlier text came from is told by the results beside it, and is optional.
            block.typed::<Vec<Value>>("citations")?;
            Part::Text { text: block.required_text("text")?, cache_control }
        }
        "image" => Part::ImageUrl { image_url: decode_image(&mut block)?, cache_control },
        "document" => Part::File { file: decode_document(&mut block)?, cache_control },
        kind => return Err(unknown(kind, &block)),
    };
    block.finish()?;
    Ok(part)
}

fn decode_image(block: &mut Fields) -> Result<ImageUrl> {
    let mut source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
    let url = match source.required_text("type")?.as_str() {
        "base64" => data_url(&source.required_text("media_type")?, &source.required_text("data")?),
        "url" => source.required_text("url")?,
        _ => return Err(source.wrong("type", "must be base64 or url")),
    };
    source.finish()?;
    Ok(ImageUrl { url, detail: None })
}

fn decode_document(block: &mut Fields) -> Result<FilePart> {
    let mut source = block.object("source")?.ok_or_else(|| block.missing("source"))?;
    let mut file = FilePart { filename: block.text("title")?, ..FilePart::default() };
    match source.required_text("type")?.as_str() {
        "base64" => {
            file.file_data = Some(data_url(&source.required_text("media_type")?, &source.required_text("data")?));
        }
        "text" => {
            source.text("media_type")?;
            file.file_data = Some(data_url("text/plain", &STANDARD.encode(source.required_text("data")?)));
        }
        "url" => file.file_data = Some(source.required_text("url")?),
        "file" => file.file_id = Some(source.required_text("file_id")?),
        _ => return Err(source.wrong("type", "must be base64, text, url or file")),
    }
    source.finish()?;
    if let Some(mut citations) = block.object("citations")?
        && citations.flag("enabled")? == Some(true)
    {
        return Err(citations.wrong("enabled", "a reply here cannot carry citations; leave it out or give false"));
    }
    Ok(file)
}

fn data_url(media_type: &str, data: &str) -> String {
    format!("data:{media_type};base64,{data}")
}

fn unknown(kind: &str, block: &Fields) -> crate::types::Error {
    block.wrong("type", &format!("a block of type {kind:?} cannot be passed on here; leave it out"))
}
