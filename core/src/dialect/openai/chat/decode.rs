//! Reading of requests.

use serde_json::{Map, Value, json};

use super::{Encoder, Form};
use crate::dialect::{DecodedRequest, call_id, field};
use crate::provider::{Framing, vendor_tool};
use crate::types::{AssistantMessage, ChatRequest, Error, Message, Result, ToolCall, ToolMessage};

/// Fields of an assistant's message that the engine knows, or that ask the provider for something. What else stands in
/// such a message is what an answer said of itself, and says nothing in the next turn.
const ASSISTANT_FIELDS: [&str; 11] = [
    "content",
    "reasoning_content",
    "reasoning",
    "thinking_blocks",
    "refusal",
    "tool_calls",
    "annotations",
    "name",
    "cache_control",
    "prefix",
    "partial",
];

/// Decodes a request.
pub(super) fn decode(body: &[u8], is_strict: bool) -> Result<DecodedRequest> {
    let mut fields = field::read_body(body)?;
    let is_streamed = field::take_flag(&mut fields, "stream")?;
    let include_usage = take_stream_options(&mut fields)?;
    let has_functions = translate_functions(&mut fields)?;
    tidy_tools(&mut fields)?;
    if fields.contains_key("max_tokens") && fields.contains_key("max_completion_tokens") {
        return Err(field::invalid(
            "max_tokens",
            "stands beside `max_completion_tokens`, which means the same; give one",
        ));
    }
    let mut messages = match fields.insert("messages".to_owned(), json!([])) {
        Some(Value::Array(messages)) => decode_messages(messages)?,
        Some(_) => return Err(field::invalid("messages", "must be an array of messages")),
        None => return Err(field::invalid("messages", "is missing; give the conversation as an array of messages")),
    };
    let mut request: ChatRequest = field::read("", Value::Object(fields)).map_err(|error| {
        // Tools of the old form were moved; the error names them where the app wrote them.
        if has_functions { renamed(&error) } else { error }
    })?;
    call_id::restore(&mut messages);
    request.messages = messages;
    Ok(DecodedRequest {
        request,
        framing: if is_streamed { Framing::EventStream } else { Framing::Json },
        encoder: Box::new(Encoder::new(Form { include_usage, has_functions, is_strict })),
    })
}

/// Takes the options of a stream and returns whether it ends with its usage.
fn take_stream_options(fields: &mut Map<String, Value>) -> Result<bool> {
    let Some(options) = fields.remove("stream_options") else { return Ok(false) };
    let mut options: Map<String, Value> = field::without_nulls(field::read("stream_options", options)?);
    let include_usage = field::take_flag(&mut options, "include_usage")?;
    // Padding against eavesdroppers has no use in process.
    options.remove("include_obfuscation");
    match options.keys().next() {
        Some(other) => Err(field::invalid(&format!("stream_options.{other}"), "is not known; leave it out")),
        None => Ok(include_usage),
    }
}

/// Translates `functions` and `function_call`, the form before tools; returns whether they were there.
fn translate_functions(fields: &mut Map<String, Value>) -> Result<bool> {
    let functions = fields.remove("functions");
    let choice = fields.remove("function_call");
    if functions.is_none() && choice.is_none() {
        return Ok(false);
    }
    if fields.contains_key("tools") || fields.contains_key("tool_choice") {
        return Err(field::invalid("functions", "stand beside tools; give every function as a tool"));
    }
    if let Some(functions) = functions {
        let functions: Vec<Value> = field::read("functions", functions)?;
        let tools = functions.into_iter().map(|function| json!({"type": "function", "function": function}));
        fields.insert("tools".to_owned(), tools.collect());
    }
    let choice = match choice {
        None => return Ok(true),
        Some(Value::String(mode)) if matches!(mode.as_str(), "auto" | "none") => mode.into(),
        Some(Value::Object(function)) if function.get("name").is_some_and(Value::is_string) => {
            json!({"type": "function", "function": function})
        }
        Some(_) => return Err(field::invalid("function_call", r#"must be "auto", "none" or {"name": ...}"#)),
    };
    fields.insert("tool_choice".to_owned(), choice);
    Ok(true)
}

fn renamed(error: &Error) -> Error {
    Error::new(error.kind(), error.detail().replacen("field `tools[", "field `functions[", 1))
}

/// Reads the words of Mistral's library in OpenAI's: it leaves the type of a function out, and calls a call that must be
/// `any`. Tools that no vendor is known to define are refused.
fn tidy_tools(fields: &mut Map<String, Value>) -> Result<()> {
    if fields.get("tool_choice").is_some_and(|choice| choice == "any") {
        fields.insert("tool_choice".to_owned(), "required".into());
    }
    let tools = fields.get_mut("tools").and_then(Value::as_array_mut);
    for (place, tool) in tools.into_iter().flatten().enumerate() {
        let Some(tool) = tool.as_object_mut() else { continue };
        if tool.contains_key("function") {
            tool.entry("type").or_insert_with(|| "function".into());
        }
        let kind = tool.get("type").and_then(Value::as_str).filter(|kind| *kind != "function");
        if let Some(kind) = kind.filter(|_| !vendor_tool::is_known(tool)) {
            let sentence = format!("tools of the type {kind:?} cannot be expressed; describe the tool as a function");
            return Err(field::invalid(&format!("tools[{place}].type"), &sentence));
        }
    }
    Ok(())
}

fn decode_messages(messages: Vec<Value>) -> Result<Vec<Message>> {
    let mut decoded: Vec<Message> = Vec::with_capacity(messages.len());
    for (place, message) in messages.into_iter().enumerate() {
        let path = format!("messages[{place}]");
        let Value::Object(message) = message else {
            return Err(field::invalid(&path, r#"must be a message such as {"role": "user", "content": "Hi"}"#));
        };
        let mut message = field::without_nulls(message);
        let role = message.remove("role").unwrap_or_default();
        decoded.push(match role.as_str() {
            Some("system" | "developer") => Message::System(field::read(&path, message.into())?),
            Some("user") => Message::User(field::read(&path, message.into())?),
            Some("assistant") => Message::Assistant(decode_assistant(&path, place, message)?),
            Some("tool") => Message::Tool(field::read(&path, message.into())?),
            Some("function") => Message::Tool(decode_function_result(&path, message, &decoded)?),
            _ => {
                let sentence = "must be one of `system`, `developer`, `user`, `assistant`, `tool` and `function`";
                return Err(field::invalid(&format!("{path}.role"), sentence));
            }
        });
    }
    Ok(decoded)
}

fn decode_assistant(path: &str, place: usize, mut message: Map<String, Value>) -> Result<AssistantMessage> {
    if message.contains_key("audio") {
        return Err(field::invalid(
            &format!("{path}.audio"),
            "an earlier spoken answer cannot be named by its id; send its transcript as `content`",
        ));
    }
    let call = message.remove("function_call");
    let details = message.remove("reasoning_details");
    message.retain(|name, _| ASSISTANT_FIELDS.contains(&name.as_str()));
    if message.contains_key("reasoning_content") {
        message.remove("reasoning");
    }
    if let Some(details) = details {
        message.entry("thinking_blocks").or_insert(details);
    }
    let refusal = take_refusal_parts(&mut message);
    for call in message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(fields) = call.as_object_mut() {
            fields.retain(|_, value| !value.is_null());
        }
    }
    let mut message: AssistantMessage = field::read(path, message.into())?;
    if !refusal.is_empty() {
        message.refusal.get_or_insert_default().push_str(&refusal);
    }
    if let Some(function) = call {
        let function = field::read(&format!("{path}.function_call"), function)?;
        let call = ToolCall {
            id: format!("call_function_{place}"),
            r#type: "function".to_owned(),
            function,
            extra_content: None,
        };
        message.tool_calls.insert(0, call);
    }
    Ok(message)
}

/// Takes the parts of a content that are refusals, and returns their text.
fn take_refusal_parts(message: &mut Map<String, Value>) -> String {
    let Some(parts) = message.get_mut("content").and_then(Value::as_array_mut) else { return String::new() };
    let mut refusal = String::new();
    parts.retain(|part| {
        let is_refusal = part.get("type").and_then(Value::as_str) == Some("refusal");
        if is_refusal {
            refusal.push_str(part.get("refusal").and_then(Value::as_str).unwrap_or_default());
        }
        !is_refusal
    });
    if parts.is_empty() {
        message.remove("content");
    }
    refusal
}

/// Reads the result of a call of the old form, which names the function and not the call: it answers the last call of that
/// function that has no result yet.
fn decode_function_result(path: &str, mut message: Map<String, Value>, earlier: &[Message]) -> Result<ToolMessage> {
    let name = message.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut answered: Vec<&str> = Vec::new();
    let mut id = None;
    for message in earlier.iter().rev() {
        match message {
            Message::Tool(result) => answered.push(&result.tool_call_id),
            Message::Assistant(message) => {
                let mut calls = message.tool_calls.iter().filter(|call| !answered.contains(&call.id.as_str()));
                id = calls.find(|call| call.function.name == name).map(|call| call.id.clone());
            }
            Message::System(_) | Message::User(_) => {}
        }
        if id.is_some() {
            break;
        }
    }
    let Some(id) = id else {
        let sentence = format!("no call of a function {name:?} stands before this result without a result of its own");
        return Err(field::invalid(&format!("{path}.name"), &sentence));
    };
    message.entry("content").or_insert_with(|| "".into());
    message.insert("tool_call_id".to_owned(), id.into());
    field::read(path, message.into())
}
