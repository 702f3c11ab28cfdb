//! Reading of requests.

use serde_json::{Map, Value, json};

use super::{Encoder, Form, input};
use crate::dialect::{DecodedRequest, UserItems, call_id, field};
use crate::provider::{Framing, vendor_tool};
use crate::types::{ChatRequest, Content, Message, Result, TextMessage};

/// Fields that need a server which keeps what was said, or that belong to another format, and what to do instead.
const REFUSED: [(&str, &str); 10] = [
    ("previous_response_id", "Tollway keeps no conversations; send the whole input"),
    ("conversation", "Tollway keeps no conversations; send the whole input"),
    ("prompt", "Tollway keeps no prompts; send instructions and input"),
    ("context_management", "cannot be expressed; shorten the input instead"),
    ("moderation", "cannot be expressed; leave it out"),
    ("messages", "belongs to chat completions; send `input`"),
    ("max_tokens", "belongs to chat completions; send `max_output_tokens`"),
    ("max_completion_tokens", "belongs to chat completions; send `max_output_tokens`"),
    ("response_format", "belongs to chat completions; send `text.format`"),
    ("n", "belongs to chat completions; a response has one answer"),
];

/// Fields that every response repeats, with what they are where the request does not have them.
fn echoed() -> [(&'static str, Value); 14] {
    [
        ("instructions", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", true.into()),
        ("temperature", Value::Null),
        ("tool_choice", "auto".into()),
        ("tools", json!([])),
        ("top_p", Value::Null),
        ("max_output_tokens", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("text", json!({"format": {"type": "text"}})),
        ("truncation", "disabled".into()),
        ("user", Value::Null),
        ("safety_identifier", Value::Null),
        ("prompt_cache_key", Value::Null),
    ]
}

/// Decodes a request.
///
/// What only describes a response that OpenAI keeps (`metadata`) is taken and has no effect.
pub(super) fn decode(body: &[u8], items: &UserItems) -> Result<DecodedRequest> {
    let mut fields = field::read_body(body)?;
    for (name, sentence) in REFUSED {
        if fields.contains_key(name) {
            return Err(field::invalid(name, sentence));
        }
    }
    let echo = echoed().into_iter().map(|(name, otherwise)| {
        let value = fields.get(name).cloned().unwrap_or(otherwise);
        (name.to_owned(), value)
    });
    let echo: Map<String, Value> = echo.collect();
    let framing = if field::take_flag(&mut fields, "stream")? { Framing::EventStream } else { Framing::Json };
    if field::take_flag(&mut fields, "background")? {
        return Err(field::invalid("background", "an answer in the background would be lost; leave it out"));
    }
    let is_kept = match fields.remove("store") {
        Some(store) => field::read("store", store)?,
        None => true,
    };
    take_without_effect(&mut fields)?;
    let mut messages = Vec::new();
    if let Some(instructions) = fields.remove("instructions") {
        let instructions: String = field::read("instructions", instructions)?;
        messages.push(Message::System(TextMessage { content: Content::Text(instructions), name: None }));
    }
    let Some(input) = fields.remove("input") else {
        return Err(field::invalid("input", "is missing; give a string or an array of items"));
    };
    messages.extend(input::decode(input, items)?);
    translate_output(&mut fields)?;
    translate_tools(&mut fields)?;
    fields.insert("messages".to_owned(), json!([]));
    let mut request: ChatRequest = field::read("", fields.into())?;
    call_id::restore(&mut messages);
    request.messages = messages;
    Ok(DecodedRequest {
        request,
        framing,
        encoder: Box::new(Encoder::new(Form { echo, kept_in: is_kept.then(|| items.clone()) })),
    })
}

/// Takes the fields that change neither the answer nor its price.
fn take_without_effect(fields: &mut Map<String, Value>) -> Result<()> {
    // Only tools that OpenAI runs are counted by it, and those are refused.
    fields.remove("max_tool_calls");
    if let Some(metadata) = fields.remove("metadata") {
        field::read::<Map<String, Value>>("metadata", metadata)?;
    }
    if let Some(options) = fields.remove("stream_options") {
        let mut options = field::without_nulls(field::read("stream_options", options)?);
        options.remove("include_obfuscation");
        if let Some(other) = options.keys().next() {
            return Err(field::invalid(&format!("stream_options.{other}"), "is not known; leave it out"));
        }
    }
    match fields.remove("truncation") {
        // It permits to shorten an input that is too long. That is never done here: such an input fails, with its own error.
        None => Ok(()),
        Some(Value::String(mode)) if matches!(mode.as_str(), "auto" | "disabled") => Ok(()),
        Some(_) => Err(field::invalid("truncation", "must be `auto` or `disabled`")),
    }
}

/// Translates what the request says of the answer's form and of what is told beside it.
fn translate_output(fields: &mut Map<String, Value>) -> Result<()> {
    if let Some(limit) = fields.remove("max_output_tokens") {
        let limit: u64 = field::read("max_output_tokens", limit)?;
        fields.insert("max_tokens".to_owned(), limit.into());
    }
    if let Some(text) = fields.remove("text") {
        let mut text: Map<String, Value> = field::without_nulls(field::read("text", text)?);
        if let Some(format) = text.remove("format") {
            fields.insert("response_format".to_owned(), translate_format(format)?);
        }
        fields.extend(text.remove("verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity)));
        refuse_rest("text", &text)?;
    }
    if let Some(reasoning) = fields.remove("reasoning") {
        let mut reasoning: Map<String, Value> = field::without_nulls(field::read("reasoning", reasoning)?);
        if let Some(effort) = reasoning.remove("effort") {
            let effort: String = field::read("reasoning.effort", effort)?;
            fields.insert("reasoning_effort".to_owned(), effort.into());
        }
        // Reasoning that the provider shows is told in any case.
        reasoning.remove("summary");
        // Which earlier reasoning the model sees again is the rule of the provider that serves the request.
        if let Some(context) = reasoning.remove("context") {
            field::read::<String>("reasoning.context", context)?;
        }
        reasoning.remove("generate_summary");
        refuse_rest("reasoning", &reasoning)?;
    }
    // What else can be included comes from tools that OpenAI runs.
    let include: Vec<String> =
        fields.remove("include").map_or(Ok(Vec::new()), |value| field::read("include", value))?;
    let top: u64 = fields.remove("top_logprobs").map_or(Ok(0), |value| field::read("top_logprobs", value))?;
    if top > 0 {
        fields.insert("top_logprobs".to_owned(), top.into());
    }
    if top > 0 || include.iter().any(|included| included == "message.output_text.logprobs") {
        fields.insert("logprobs".to_owned(), true.into());
    }
    Ok(())
}

fn translate_format(format: Value) -> Result<Value> {
    let mut format: Map<String, Value> = field::without_nulls(field::read("text.format", format)?);
    let kind = format.remove("type").unwrap_or_default();
    match kind.as_str() {
        Some("json_schema") => Ok(json!({"type": "json_schema", "json_schema": format})),
        Some("text" | "json_object") => Ok(json!({"type": kind})),
        _ => Err(field::invalid("text.format.type", "must be one of `text`, `json_object` and `json_schema`")),
    }
}

fn translate_tools(fields: &mut Map<String, Value>) -> Result<()> {
    if let Some(tools) = fields.remove("tools") {
        let tools: Vec<Map<String, Value>> = field::read("tools", tools)?;
        let tools: Result<Vec<Value>> =
            tools.into_iter().enumerate().map(|(place, tool)| translate_tool(place, tool)).collect();
        fields.insert("tools".to_owned(), tools?.into());
    }
    if let Some(choice) = fields.get_mut("tool_choice")
        && let Some(chosen) = choice.as_object()
    {
        let kind = chosen.get("type").and_then(Value::as_str).unwrap_or_default();
        let name = chosen.get("name").and_then(Value::as_str);
        let (true, Some(name)) = (kind == "function", name) else {
            let sentence = r#"must be "auto", "none", "required" or {"type": "function", "name": ...}"#;
            return Err(field::invalid("tool_choice", sentence));
        };
        *choice = json!({"type": "function", "function": {"name": name}});
    }
    Ok(())
}

fn translate_tool(place: usize, tool: Map<String, Value>) -> Result<Value> {
    let mut tool = field::without_nulls(tool);
    // What OpenAI itself runs only its own responses can ask for; other vendors' tools go to those that have them.
    if tool.get("type").is_none_or(|kind| kind != "function" && kind != "web_search") && vendor_tool::is_known(&tool) {
        return Ok(tool.into());
    }
    let kind = tool.remove("type").unwrap_or_default();
    if kind != "function" {
        let sentence = format!(
            "tools of the type {kind} are run by OpenAI or have a form that others lack; describe the tool as a function \
             and run it yourself"
        );
        return Err(field::invalid(&format!("tools[{place}].type"), &sentence));
    }
    // Some libraries write a function as chat completions do, one level deeper, which OpenAI takes as well.
    if let Some(Value::Object(function)) = tool.get("function").cloned() {
        tool.remove("function");
        tool.extend(field::without_nulls(function));
    }
    let cache_control = tool.remove("cache_control");
    let mut written = json!({"type": "function", "function": tool});
    if let Some(cache_control) = cache_control {
        written["cache_control"] = cache_control;
    }
    Ok(written)
}

fn refuse_rest(path: &str, fields: &Map<String, Value>) -> Result<()> {
    match fields.keys().next() {
        Some(other) => Err(field::invalid(&format!("{path}.{other}"), "cannot be expressed; leave it out")),
        None => Ok(()),
    }
}
