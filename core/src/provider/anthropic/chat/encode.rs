//! Writing of requests.

use serde_json::{Map, Value, json};

use super::decode::is_kept;
use crate::provider::endpoint::{
    ANTHROPIC, ON_DEMAND, assemble, base_url, check_tools, data_url, invalid, is_implied, is_nonzero, is_web_address,
    is_without_effect, join_query, overlay, refused, split_query, with_version,
};
use crate::provider::history::{NOTHING_SAID, arguments, is_blank, with_call_ids};
use crate::provider::{CallIds, EncodedRequest, Framing, Target, WireFormat, body_field, endpoint};
use crate::types::{
    AssistantMessage, CacheControl, ChatRequest, Content, FilePart, ImageUrl, Message, Part, ResponseFormat, Result,
    Stop, TextMessage, Tool, ToolChoice, ToolMode,
};

const PATH: &str = "/messages";

/// What asks for any JSON object. Bounds count it: it is to have at most 128 bytes.
const JSON_INSTRUCTION: &str = "Answer with one valid JSON object and nothing else: no other text, no code fence.";

/// The output limit where neither the request, the config nor the catalog has one, by what the model's name says: the most that
/// the generation can give, as the format requires a limit and one that is invented cuts answers short.
const OUTPUT_LIMITS: [(&[&str], u64); 2] = [
    (&["claude-3-5", "claude-3.5"], 8_192),
    (&["claude-3-haiku", "claude-3-opus", "claude-3-sonnet", "claude-2"], 4_096),
];

/// The same for every other model; the least limit of the generations since.
const OUTPUT_LIMIT: u64 = 32_000;

/// The least tokens that the provider accepts as a budget for thinking.
const LEAST_THINKING: u64 = 1024;

/// The fields that may stand in the extra field for this format alone. Of all others what they cost is looked for in their
/// own places.
const OWN: [&str; 3] = ["thinking", "output_config", "cache_control"];

/// Encodes a request.
///
/// All instructions go to the top, in order. Of earlier reasoning only signed blocks go back: plain reasoning text has no
/// place in the format. A schema's name has none either, and says nothing to the model. Hints that promise nothing even
/// where they are taken are left out: the seed, the names of speakers, and how closely to look at an image.
pub(super) fn encode(
    target: &Target<'_>,
    request: &ChatRequest,
    output_limit: Option<u64>,
    framing: Framing,
) -> Result<EncodedRequest> {
    refuse_fields(target, request)?;
    check_tools(target, request)?;
    let limit = endpoint::output_limit(target, request, output_limit).unwrap_or_else(|| own_limit(target.model));
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    body.insert("max_tokens".to_owned(), limit.into());
    encode_messages(target, request, &mut body)?;
    put_number(&mut body, "temperature", request.temperature.as_ref());
    put_number(&mut body, "top_p", request.top_p.as_ref());
    let stops = request.stop.as_ref().map(Stop::texts).unwrap_or_default();
    let stops: Vec<&str> = stops.into_iter().filter(|text| !is_blank(text)).collect();
    if !stops.is_empty() {
        body.insert("stop_sequences".to_owned(), json!(stops));
    }
    encode_tools(request, &mut body);
    encode_format(request, &mut body);
    if let Some(effort) = request.reasoning_effort.as_ref().filter(|_| !states_thinking(request)) {
        encode_effort(target, effort, limit, &mut body)?;
    }
    if let Some(tier) = &request.service_tier {
        let tier = match tier.as_str() {
            "auto" => "auto",
            "default" | "standard" | "standard_only" | ON_DEMAND => "standard_only",
            _ => return Err(refused(target, "service_tier")),
        };
        body.insert("service_tier".to_owned(), tier.into());
    }
    encode_extra(target, request, framing, &mut body)?;
    if framing == Framing::EventStream {
        body.insert("stream".to_owned(), true.into());
    }
    assemble(target, url(target)?, &[("anthropic-version", "2023-06-01")], body, framing)
}

/// Returns the most that a model gives, by its name.
fn own_limit(model: &str) -> u64 {
    let known = OUTPUT_LIMITS.iter().find(|(names, _)| names.iter().any(|name| model.contains(name)));
    known.map_or(OUTPUT_LIMIT, |(_, limit)| *limit)
}

fn url(target: &Target<'_>) -> Result<String> {
    let (path, query) = split_query(base_url(target)?);
    if path.ends_with(PATH) {
        return Ok(join_query(path, query));
    }
    Ok(join_query(&format!("{}{PATH}", with_version(path, "v1")), query))
}

fn refuse_fields(target: &Target<'_>, request: &ChatRequest) -> Result<()> {
    for (field, is_set) in [
        ("n", request.n.is_some_and(|n| n != 1)),
        ("presence_penalty", is_nonzero(request.presence_penalty.as_ref())),
        ("frequency_penalty", is_nonzero(request.frequency_penalty.as_ref())),
    ] {
        if is_set {
            return Err(refused(target, field));
        }
    }
    Ok(())
}

fn encode_messages(target: &Target<'_>, request: &ChatRequest, body: &mut Map<String, Value>) -> Result<()> {
    let mut system: Vec<Value> = Vec::new();
    let mut messages: Vec<Value> = Vec::new();
    let mut results: Vec<Value> = Vec::new();
    let history = with_call_ids(&request.messages, CallIds::Plain);
    let last = history.len().saturating_sub(1);
    for (place, message) in history.iter().enumerate() {
        if !matches!(message, Message::Tool(_)) && !results.is_empty() {
            messages.push(json!({"role": "user", "content": std::mem::take(&mut results)}));
        }
        match message {
            Message::System(TextMessage { content, .. }) => system.extend(encode_content(target, content)?),
            Message::User(TextMessage { content, .. }) => {
                let said = match content {
                    Content::Text(text) if !is_blank(text) => Some(text.as_str().into()),
                    content => Some(encode_content(target, content)?).filter(|said| !said.is_empty()).map(Value::from),
                };
                // The user speaks first, and an answer to nothing would be one to go on with.
                let is_missed = messages.is_empty() || place == last;
                if let Some(said) = said.or_else(|| is_missed.then(|| NOTHING_SAID.into())) {
                    messages.push(json!({"role": "user", "content": said}));
                }
            }
            Message::Assistant(message) => {
                let mut said = encode_assistant(target, message)?;
                if place == last {
                    trim_end(&mut said);
                }
                if !said.is_empty() {
                    messages.push(json!({"role": "assistant", "content": said}));
                }
            }
            Message::Tool(message) => {
                let content: Value = match &message.content {
                    Content::Text(text) if !text.is_empty() && is_blank(text) => json!([]),
                    Content::Text(text) => text.as_str().into(),
                    content @ Content::Parts(_) => encode_content(target, content)?.into(),
                };
                let mut result = json!({"type": "tool_result", "tool_use_id": message.tool_call_id});
                let is_empty = content.as_array().is_some_and(Vec::is_empty);
                if !is_empty {
                    result["content"] = content;
                }
                if message.is_error {
                    result["is_error"] = true.into();
                    // A failure must say something.
                    if is_empty || result["content"] == "" {
                        result["content"] = "error".into();
                    }
                }
                results.push(raised(result, &message.content));
            }
        }
    }
    if !results.is_empty() {
        messages.push(json!({"role": "user", "content": results}));
    }
    if messages.first().is_none_or(|first| first["role"] != "user") {
        messages.insert(0, json!({"role": "user", "content": NOTHING_SAID}));
    }
    // The format has no JSON without a schema, and a schema of any object allows it no field. So the model is told.
    if request.response_format == Some(ResponseFormat::JsonObject) {
        system.push(json!({"type": "text", "text": JSON_INSTRUCTION}));
    }
    if !system.is_empty() {
        body.insert("system".to_owned(), system.into());
    }
    body.insert("messages".to_owned(), messages.into());
    Ok(())
}

fn encode_assistant(target: &Target<'_>, message: &AssistantMessage) -> Result<Vec<Value>> {
    let is_own = target.vendor.name == "anthropic";
    let kept = |block: &&Value| {
        block
            .get("type")
            .and_then(Value::as_str)
            .is_some_and(|kind| is_kept(kind) && (!is_own || is_signed(kind, block)))
    };
    let mut blocks: Vec<Value> = message.thinking_blocks.iter().filter(kept).cloned().collect();
    if let Some(content) = &message.content {
        blocks.extend(encode_content(target, content)?);
    }
    if let Some(refusal) = message.refusal.as_ref().filter(|refusal| !is_blank(refusal)) {
        blocks.push(json!({"type": "text", "text": refusal}));
    }
    for call in &message.tool_calls {
        let input = arguments(&call.function.arguments);
        let mut block = json!({"type": "tool_use", "id": call.id, "name": call.function.name, "input": input});
        let own = call.extra_content.as_ref().and_then(|extra| extra.pointer("/anthropic/cache_control"));
        if let Some(control) = own {
            block["cache_control"] = control.clone();
        }
        blocks.push(block);
    }
    Ok(blocks)
}

/// Returns whether a block has what Anthropic signs it with; hosts that imitate the format leave it out, and Anthropic refuses
/// such a block.
fn is_signed(kind: &str, block: &Value) -> bool {
    kind != "thinking" || block.get("signature").and_then(Value::as_str).is_some_and(|signature| !signature.is_empty())
}

/// Takes the white space at the end of the last text, with which the provider lets no answer begin.
fn trim_end(said: &mut [Value]) {
    let Some(Value::String(text)) = said.last_mut().and_then(|block| block.get_mut("text")) else { return };
    text.truncate(text.trim_end().len());
}

/// Encodes content as blocks. Blank texts are left out: the provider refuses them, and they say nothing.
fn encode_content(target: &Target<'_>, content: &Content) -> Result<Vec<Value>> {
    match content {
        Content::Text(text) if is_blank(text) => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![json!({"type": "text", "text": text})]),
        Content::Parts(parts) => {
            let is_said = |part: &&Part| !matches!(part, Part::Text { text, .. } if is_blank(text));
            parts.iter().filter(is_said).map(|part| encode_part(target, part)).collect()
        }
    }
}

fn encode_part(target: &Target<'_>, part: &Part) -> Result<Value> {
    match part {
        Part::Text { text, cache_control } => Ok(cached(json!({"type": "text", "text": text}), cache_control.as_ref())),
        Part::ImageUrl { image_url, cache_control } => {
            Ok(cached(encode_image(target, image_url)?, cache_control.as_ref()))
        }
        Part::InputAudio { .. } => Err(refused(target, "input_audio")),
        Part::File { file, cache_control } => Ok(cached(encode_file(target, file)?, cache_control.as_ref())),
    }
}

fn encode_image(target: &Target<'_>, image: &ImageUrl) -> Result<Value> {
    let source = match data_url(&image.url) {
        Some((media_type, data)) => json!({"type": "base64", "media_type": media_type, "data": data}),
        None if image.url.starts_with("data:") => {
            return Err(invalid(target, "field `image_url.url` is a data address without base64 content"));
        }
        None => json!({"type": "url", "url": image.url}),
    };
    Ok(json!({"type": "image", "source": source}))
}

fn encode_file(target: &Target<'_>, file: &FilePart) -> Result<Value> {
    let source = match (&file.file_data, &file.file_id) {
        (Some(data), None) => match data_url(data) {
            Some(("text/plain", data)) => {
                let text = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).ok();
                let text = text.and_then(|bytes| String::from_utf8(bytes).ok());
                let text = text.ok_or_else(|| invalid(target, "field `file.file_data` is no base64 of UTF-8 text"))?;
                json!({"type": "text", "media_type": "text/plain", "data": text})
            }
            Some((media_type, data)) => json!({"type": "base64", "media_type": media_type, "data": data}),
            None if is_web_address(data) => json!({"type": "url", "url": data}),
            None => {
                let detail = "field `file.file_data` must be a data: address with base64 content, or an https: address";
                return Err(invalid(target, detail));
            }
        },
        (None, Some(id)) => json!({"type": "file", "file_id": id}),
        _ => return Err(invalid(target, "field `file` needs either file_data or file_id")),
    };
    let mut block = json!({"type": "document", "source": source});
    if let Some(name) = &file.filename {
        block["title"] = name.as_str().into();
    }
    Ok(block)
}

fn encode_tools(request: &ChatRequest, body: &mut Map<String, Value>) {
    let tools = request.tools.iter().map(|tool| {
        let (function, cache_control) = match tool {
            Tool::Function { function, cache_control } => (function, cache_control),
            Tool::Vendor(fields) => return Value::Object(fields.clone()),
        };
        let schema = function.parameters.clone().map_or_else(|| json!({"type": "object"}), Value::Object);
        let mut tool = json!({"name": function.name, "input_schema": schema});
        if let Some(description) = &function.description {
            tool["description"] = description.as_str().into();
        }
        if let Some(strict) = function.strict {
            tool["strict"] = strict.into();
        }
        cached(tool, cache_control.as_ref())
    });
    let tools: Vec<Value> = tools.collect();
    let has_tools = !tools.is_empty();
    if has_tools {
        body.insert("tools".to_owned(), tools.into());
    }
    let one_at_a_time = request.parallel_tool_calls == Some(false) && has_tools;
    let mut choice = match &request.tool_choice {
        None if one_at_a_time => json!({"type": "auto"}),
        None => return,
        Some(ToolChoice::Mode(ToolMode::None)) => {
            body.insert("tool_choice".to_owned(), json!({"type": "none"}));
            return;
        }
        Some(ToolChoice::Mode(ToolMode::Auto)) => json!({"type": "auto"}),
        Some(ToolChoice::Mode(ToolMode::Required)) => json!({"type": "any"}),
        Some(ToolChoice::Function { function, .. }) => json!({"type": "tool", "name": function.name}),
    };
    if one_at_a_time {
        choice["disable_parallel_tool_use"] = true.into();
    }
    body.insert("tool_choice".to_owned(), choice);
}

fn encode_format(request: &ChatRequest, body: &mut Map<String, Value>) {
    let Some(ResponseFormat::JsonSchema { json_schema }) = &request.response_format else { return };
    let mut schema = json_schema.schema.clone().unwrap_or_else(|| json!({"type": "object"}));
    if let (Some(description), Some(fields)) = (&json_schema.description, schema.as_object_mut()) {
        fields.entry("description").or_insert_with(|| description.as_str().into());
    }
    let format = json!({"format": {"type": "json_schema", "schema": schema}});
    overlay(body, Map::from_iter([("output_config".to_owned(), format)]));
}

/// Encodes the amount of reasoning: a level for models that think adaptively, a budget of tokens for those before them.
fn encode_effort(target: &Target<'_>, effort: &str, limit: u64, body: &mut Map<String, Value>) -> Result<()> {
    // The least that the provider can think, beyond not at all.
    let effort = if effort == "minimal" { "low" } else { effort };
    if effort == "none" {
        body.insert("thinking".to_owned(), json!({"type": "disabled"}));
        return Ok(());
    }
    if thinks_adaptively(target.model) {
        if !matches!(effort, "low" | "medium" | "high" | "xhigh" | "max") {
            return Err(refused(target, "reasoning_effort"));
        }
        body.insert("thinking".to_owned(), json!({"type": "adaptive"}));
        overlay(body, Map::from_iter([("output_config".to_owned(), json!({"effort": effort}))]));
        return Ok(());
    }
    let wanted = match effort {
        "low" => LEAST_THINKING,
        "medium" => 4 * LEAST_THINKING,
        "high" => 16 * LEAST_THINKING,
        _ => return Err(refused(target, "reasoning_effort")),
    };
    if limit <= LEAST_THINKING {
        let detail = format!("field `reasoning_effort` needs max_tokens above {LEAST_THINKING} here; it is {limit}");
        return Err(invalid(target, detail));
    }
    let budget = wanted.min((limit / 2).max(LEAST_THINKING));
    body.insert("thinking".to_owned(), json!({"type": "enabled", "budget_tokens": budget}));
    Ok(())
}

/// Returns whether a request says in the format's own words how to think, which an effort would say once more.
fn states_thinking(request: &ChatRequest) -> bool {
    let own = request.extra.get(ANTHROPIC);
    own.is_some_and(|own| ["thinking", "output_config"].iter().any(|key| own.get(key).is_some()))
}

/// Tells models that take an effort from the earlier ones, which take a budget, by their names.
fn thinks_adaptively(model: &str) -> bool {
    const BUDGETED: [&str; 14] = [
        "claude-3",
        "opus-4-0",
        "opus-4-1",
        "opus-4-5",
        "opus-4-2025",
        "opus-4.1",
        "opus-4.5",
        "sonnet-4-0",
        "sonnet-4-5",
        "sonnet-4-2025",
        "sonnet-4.5",
        "haiku-4-5",
        "haiku-4.5",
        "haiku-3",
    ];
    !BUDGETED.iter().any(|earlier| model.contains(earlier))
        && !model.ends_with("opus-4")
        && !model.ends_with("sonnet-4")
}

fn encode_extra(
    target: &Target<'_>,
    request: &ChatRequest,
    framing: Framing,
    body: &mut Map<String, Value>,
) -> Result<()> {
    for (key, value) in &request.extra {
        match key.as_str() {
            _ if is_implied(framing, key, value) => {}
            "user" if value.is_string() => {
                overlay(body, Map::from_iter([("metadata".to_owned(), json!({"user_id": value}))]));
            }
            ANTHROPIC => {
                let own = value.as_object().ok_or_else(|| refused(target, key))?;
                if let Some(unknown) = own.keys().find(|key| !OWN.contains(&key.as_str())) {
                    return Err(refused(target, &format!("{ANTHROPIC}.{unknown}")));
                }
                overlay(body, own.clone());
            }
            // OpenAI's metadata are labels of the app's own, and Anthropic's name the user.
            "metadata" if !is_of_user(value) => {}
            known if body_field::is_taken(WireFormat::Anthropic, known) => {
                overlay(body, Map::from_iter([(key.clone(), value.clone())]));
            }
            _ if is_without_effect(key, value) => {}
            _ => return Err(refused(target, key)),
        }
    }
    Ok(())
}

fn is_of_user(metadata: &Value) -> bool {
    metadata.as_object().is_some_and(|fields| fields.keys().all(|key| key == "user_id") && !fields.is_empty())
}

fn cached(mut block: Value, cache_control: Option<&CacheControl>) -> Value {
    if let Some(CacheControl { r#type, ttl }) = cache_control {
        block["cache_control"] = json!({"type": r#type});
        if let Some(ttl) = ttl {
            block["cache_control"]["ttl"] = ttl.as_str().into();
        }
    }
    block
}

/// Moves the cache breakpoint of a result's last part to the result: parts within a block cannot be cached by themselves.
fn raised(mut result: Value, content: &Content) -> Value {
    let Content::Parts(parts) = content else { return result };
    let Some(control) = parts.last().and_then(Part::cache_control) else { return result };
    if let Some(last) = result["content"].as_array_mut().and_then(|blocks| blocks.last_mut()?.as_object_mut()) {
        last.shift_remove("cache_control");
    }
    cached(result, Some(control))
}

fn put_number(body: &mut Map<String, Value>, key: &str, value: Option<&serde_json::Number>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), Value::Number(value.clone()));
    }
}
