//! Writing of requests.

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use crate::provider::endpoint::{
    ANTHROPIC, ON_DEMAND, assemble, base_url, check_tools, invalid, join_query, needs_cache_control, overlay, refused,
    split_query,
};
use crate::provider::history::{arguments, with_call_ids};
use crate::provider::vendor::ReasoningControl;
use crate::provider::{EncodedRequest, Framing, Target, WireFormat, body_field, endpoint};
use crate::types::{ChatRequest, Content, Error, ErrorKind, Message, Part, Result};

const PATH: &str = "/chat/completions";

/// Encodes a request.
///
/// The reasoning of earlier answers goes back only to providers that take it; for others it is history without effect, as
/// annotations are for all.
pub(super) fn encode(
    target: &Target<'_>,
    request: &ChatRequest,
    output_limit: Option<u64>,
    framing: Framing,
) -> Result<EncodedRequest> {
    let quirks = &target.vendor.quirks;
    if needs_cache_control(request) && !quirks.cache_control {
        return Err(refused(target, "cache_control"));
    }
    check_tools(target, request)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    let messages = with_call_ids(&request.messages, quirks.call_ids);
    let is_said = |message: &&Message| !(quirks.needs_said && says_nothing(message));
    let messages: Result<Vec<Value>> =
        messages.iter().filter(is_said).map(|message| encode_message(target, message)).collect();
    body.insert("messages".to_owned(), messages?.into());
    if let Some(limit) = endpoint::output_limit(target, request, output_limit) {
        let configured = target.params.get("max_tokens_field").and_then(Value::as_str);
        body.insert(configured.unwrap_or(quirks.max_tokens_field).to_owned(), limit.into());
    }
    put(&mut body, "temperature", request.temperature.as_ref())?;
    put(&mut body, "top_p", request.top_p.as_ref())?;
    put(&mut body, "stop", request.stop.as_ref())?;
    put(&mut body, "n", request.n)?;
    put(&mut body, quirks.seed_field, request.seed)?;
    put(&mut body, "presence_penalty", request.presence_penalty.as_ref())?;
    put(&mut body, "frequency_penalty", request.frequency_penalty.as_ref())?;
    put(&mut body, "service_tier", tier(target, request))?;
    put(&mut body, "response_format", request.response_format.as_ref())?;
    if !request.tools.is_empty() {
        let mut tools = to_value(&request.tools)?;
        if !quirks.cache_control {
            drop_breakpoints(Some(&mut tools));
        }
        body.insert("tools".to_owned(), tools);
    }
    put(&mut body, "tool_choice", request.tool_choice.as_ref())?;
    put(&mut body, "parallel_tool_calls", request.parallel_tool_calls)?;
    if let Some(effort) = &request.reasoning_effort {
        let (field, value) = encode_effort(quirks.reasoning_control, effort);
        body.insert(field.to_owned(), value);
    }
    if framing == Framing::EventStream {
        body.insert("stream".to_owned(), true.into());
        if quirks.include_usage {
            body.insert("stream_options".to_owned(), json!({"include_usage": true}));
        }
    }
    encode_extra(target, request, framing, &mut body)?;
    assemble(target, url(target)?, &[], body, framing)
}

/// Returns the tier to ask for. Groq's ordinary one is unknown to all others, who serve theirs unasked.
fn tier<'a>(target: &Target<'_>, request: &'a ChatRequest) -> Option<&'a str> {
    let tier = request.service_tier.as_deref();
    tier.filter(|tier| *tier != ON_DEMAND || target.vendor.quirks.on_demand_tier)
}

fn url(target: &Target<'_>) -> Result<String> {
    let (path, query) = split_query(base_url(target)?);
    Ok(if path.ends_with(PATH) { join_query(path, query) } else { join_query(&format!("{path}{PATH}"), query) })
}

fn encode_message(target: &Target<'_>, message: &Message) -> Result<Value> {
    let quirks = &target.vendor.quirks;
    let mut written = to_value(message)?;
    let Some(fields) = written.as_object_mut() else { return Ok(written) };
    match message {
        Message::System(_) | Message::User(_) => say_something(fields),
        Message::Tool(tool) => {
            fields.remove("name");
            say_something(fields);
            if fields.remove("is_error").is_some() {
                fields.insert("content".to_owned(), to_value(&failed(&tool.content))?);
            }
        }
        Message::Assistant(assistant) => {
            fields.remove("reasoning_content");
            fields.remove("thinking_blocks");
            fields.remove("annotations");
            if let (Some(field), Some(reasoning)) =
                (target.vendor.reasoning_field(target.model, target.base_url), &assistant.reasoning_content)
            {
                fields.insert(field.to_owned(), reasoning.as_str().into());
            }
            let is_detail = |block: &&Value| {
                block.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("reasoning."))
            };
            let details: Vec<Value> = assistant.thinking_blocks.iter().filter(is_detail).cloned().collect();
            if quirks.reasoning_details && !details.is_empty() {
                fields.insert("reasoning_details".to_owned(), details.into());
            }
            if quirks.needs_said {
                // Who insists on a text or calls knows no field for a refusal or a name.
                let refusal = fields.remove("refusal").filter(|refusal| refusal != "");
                fields.remove("name");
                if let Some(refusal) = refusal
                    && assistant.content.as_ref().is_none_or(|content| content.text().is_empty())
                {
                    fields.insert("content".to_owned(), refusal);
                }
            }
            // Some providers insist on the field even where the model only called tools, others on a text where it called none.
            fields.entry("content").or_insert(Value::Null);
            if assistant.tool_calls.is_empty() && assistant.refusal.is_none() {
                say_something(fields);
            }
            let calls = fields.get_mut("tool_calls").and_then(Value::as_array_mut);
            for call in calls.into_iter().flatten().filter_map(Value::as_object_mut) {
                if !quirks.extra_content {
                    call.remove("extra_content");
                }
                if let Some(text) = call.get_mut("function").and_then(|function| function.get_mut("arguments"))
                    && let Some(mended) = text.as_str().and_then(mended_arguments)
                {
                    *text = mended.into();
                }
            }
        }
    }
    if !quirks.cache_control {
        drop_breakpoints(fields.get_mut("content"));
    }
    Ok(written)
}

/// Puts an empty text where a message has no content: hosts refuse null and a list of nothing.
fn say_something(fields: &mut Map<String, Value>) {
    let is_nothing = |content: &Value| content.is_null() || content.as_array().is_some_and(Vec::is_empty);
    if let Some(content) = fields.get_mut("content").filter(|content| is_nothing(content)) {
        *content = "".into();
    }
}

/// Returns the arguments of an earlier call as an object in JSON, where they are none: many hosts read them.
fn mended_arguments(text: &str) -> Option<String> {
    let is_object = text.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(text).is_ok();
    (!is_object).then(|| Value::Object(arguments(text)).to_string())
}

/// Returns whether a message of the model has neither a text nor calls.
fn says_nothing(message: &Message) -> bool {
    let Message::Assistant(message) = message else { return false };
    let is_silent = message.content.as_ref().is_none_or(|content| content.text().is_empty());
    is_silent && message.tool_calls.is_empty() && message.refusal.as_ref().is_none_or(String::is_empty)
}

/// Leaves out the cache breakpoints of parts or tools, for a provider that caches by itself.
fn drop_breakpoints(items: Option<&mut Value>) {
    for item in items.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        item.shift_remove("cache_control");
    }
}

/// Returns the result of a failed call in words, as the format has no field for the failure.
fn failed(content: &Content) -> Content {
    const FAILED: &str = "Error: ";
    match content {
        Content::Text(text) => Content::Text(format!("{FAILED}{text}")),
        Content::Parts(parts) => {
            let mut parts = parts.clone();
            if let Some(Part::Text { text, .. }) = parts.first_mut() {
                text.insert_str(0, FAILED);
            } else {
                parts.insert(0, Part::Text { text: FAILED.trim_end().to_owned(), cache_control: None });
            }
            Content::Parts(parts)
        }
    }
}

fn encode_effort(control: ReasoningControl, effort: &str) -> (&'static str, Value) {
    let thinks = effort != "none";
    match control {
        ReasoningControl::Effort => ("reasoning_effort", effort.into()),
        ReasoningControl::Thinking => ("thinking", json!({"type": if thinks { "enabled" } else { "disabled" }})),
        ReasoningControl::EnableThinking => ("enable_thinking", thinks.into()),
    }
}

fn encode_extra(
    target: &Target<'_>,
    request: &ChatRequest,
    framing: Framing,
    body: &mut Map<String, Value>,
) -> Result<()> {
    for (key, value) in &request.extra {
        match key.as_str() {
            "stream" if value.as_bool() == Some(framing == Framing::EventStream) => {}
            "stream" => {
                return Err(invalid(target, "field `stream` contradicts the call; choose the streamed call instead"));
            }
            "stream_options" if framing == Framing::Json => return Err(refused(target, key)),
            "stream_options" => {
                let mut options = value.as_object().cloned().ok_or_else(|| refused(target, key))?;
                if target.vendor.quirks.include_usage {
                    options.insert("include_usage".to_owned(), true.into());
                }
                overlay(body, Map::from_iter([(key.clone(), options.into())]));
            }
            ANTHROPIC => {}
            // A sound or an image in the answer has no place in a reply, and must not be paid for and lost.
            "audio" => return Err(refused(target, key)),
            "modalities" if *value != json!(["text"]) => return Err(refused(target, key)),
            "modalities" => {
                body.insert(key.clone(), value.clone());
            }
            own if body_field::is_reserved(WireFormat::OpenAi, own) => {
                let detail = format!(
                    "field `{key}` could pass the bounds of the call; give the output's with `max_tokens` and `n`, and \
                     name the model and the messages in their own fields"
                );
                return Err(invalid(target, detail));
            }
            _ => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
    Ok(())
}

fn put(body: &mut Map<String, Value>, key: &str, value: Option<impl Serialize>) -> Result<()> {
    if let Some(value) = value {
        body.insert(key.to_owned(), to_value(&value)?);
    }
    Ok(())
}

fn to_value(value: &impl Serialize) -> Result<Value> {
    serde_json::to_value(value)
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the request could not be written as JSON: {error}")))
}
