//! Writing of requests.

use std::collections::HashMap;

use serde_json::{Map, Number, Value, json};

use crate::provider::endpoint::{
    ANTHROPIC, ON_DEMAND, assemble, base_url, check_tools, data_url, invalid, is_implied, is_web_address,
    is_without_effect, join_query, model_in_path, needs_cache_control, overlay, refused, split_query, with_version,
};
use crate::provider::history::{NOTHING_SAID, arguments, with_call_ids};
use crate::provider::{CallIds, EncodedRequest, Framing, Target, endpoint};
use crate::types::{
    AssistantMessage, ChatRequest, Content, FilePart, Message, Part, ResponseFormat, Result, Stop, TextMessage, Tool,
    ToolChoice, ToolMessage, ToolMode,
};

/// The fields beyond OpenAI's that the format has: the accepted name, its own name, and whether it is a part of
/// `generationConfig`.
pub(super) const EXTRA: [(&str, &str, bool); 11] = [
    ("top_k", "topK", true),
    ("topK", "topK", true),
    ("thinking_config", "thinkingConfig", true),
    ("thinkingConfig", "thinkingConfig", true),
    ("media_resolution", "mediaResolution", true),
    ("mediaResolution", "mediaResolution", true),
    ("safety_settings", "safetySettings", false),
    ("safetySettings", "safetySettings", false),
    ("cached_content", "cachedContent", false),
    ("cachedContent", "cachedContent", false),
    ("labels", "labels", false),
];

/// Encodes a request.
///
/// All instructions go to the top, in order. Earlier reasoning text, the names of schemas and of files have no place in
/// the format and say nothing to the model; the signatures of calls go back. Hints that promise nothing even where they are
/// taken are left out: the names of speakers, and how closely to look at an image. That one tool is called at a time has no
/// word either; whoever reads the answer sees to it.
pub(super) fn encode(
    target: &Target<'_>,
    request: &ChatRequest,
    output_limit: Option<u64>,
    framing: Framing,
) -> Result<EncodedRequest> {
    refuse_fields(target, request)?;
    check_tools(target, request)?;
    let mut body = Map::new();
    encode_messages(target, request, &mut body)?;
    encode_tools(request, &mut body);
    let mut config = encode_config(request, endpoint::output_limit(target, request, output_limit));
    if let Some(effort) = &request.reasoning_effort {
        config.insert("thinkingConfig".to_owned(), encode_effort(target, effort)?);
    }
    if let Some(tier) = &request.service_tier {
        let tier = match tier.as_str() {
            "auto" => None,
            "default" | "standard" | ON_DEMAND => Some("standard"),
            "flex" => Some("flex"),
            "priority" => Some("priority"),
            _ => return Err(refused(target, "service_tier")),
        };
        body.extend(tier.map(|tier| ("serviceTier".to_owned(), tier.into())));
    }
    for (key, value) in &request.extra {
        match EXTRA.iter().find(|(name, ..)| name == key) {
            Some((_, name, true)) => overlay(&mut config, Map::from_iter([((*name).to_owned(), value.clone())])),
            Some((_, name, false)) => overlay(&mut body, Map::from_iter([((*name).to_owned(), value.clone())])),
            None if is_implied(framing, key, value) || is_without_effect(key, value) => {}
            None if key == ANTHROPIC => {}
            None => return Err(refused(target, key)),
        }
    }
    if !config.is_empty() {
        body.insert("generationConfig".to_owned(), config.into());
    }
    assemble(target, url(target, framing)?, &[], body, framing)
}

fn url(target: &Target<'_>, framing: Framing) -> Result<String> {
    let (path, query) = split_query(base_url(target)?);
    let method = match framing {
        Framing::Json => ":generateContent",
        Framing::EventStream => ":streamGenerateContent",
    };
    let named = [":generateContent", ":streamGenerateContent"].iter().find_map(|method| path.strip_suffix(method));
    let model = match named {
        Some(model) => model.to_owned(),
        None if target.model.contains('/') => {
            format!("{}/{}", with_version(path, "v1beta"), model_in_path(target)?)
        }
        None => format!("{}/models/{}", with_version(path, "v1beta"), model_in_path(target)?),
    };
    let query = match (framing, query) {
        (Framing::Json, query) => query.map(str::to_owned),
        (Framing::EventStream, None) => Some("alt=sse".to_owned()),
        (Framing::EventStream, Some(query)) if query.split('&').any(|part| part == "alt=sse") => Some(query.to_owned()),
        (Framing::EventStream, Some(query)) => Some(format!("{query}&alt=sse")),
    };
    Ok(join_query(&format!("{model}{method}"), query.as_deref()))
}

fn refuse_fields(target: &Target<'_>, request: &ChatRequest) -> Result<()> {
    if needs_cache_control(request) { Err(refused(target, "cache_control")) } else { Ok(()) }
}

fn encode_messages(target: &Target<'_>, request: &ChatRequest, body: &mut Map<String, Value>) -> Result<()> {
    let mut system: Vec<Value> = Vec::new();
    let mut contents: Vec<Value> = Vec::new();
    let mut responses: Vec<Value> = Vec::new();
    let mut functions: HashMap<&str, &str> = HashMap::new();
    let history = with_call_ids(&request.messages, CallIds::Any);
    let push = |contents: &mut Vec<Value>, role: &str, parts: Vec<Value>| {
        if !parts.is_empty() {
            contents.push(json!({"role": role, "parts": parts}));
        }
    };
    for message in history.iter() {
        if !matches!(message, Message::Tool(_)) && !responses.is_empty() {
            contents.push(json!({"role": "user", "parts": std::mem::take(&mut responses)}));
        }
        match message {
            Message::System(TextMessage { content, .. }) => system.extend(encode_content(target, content)?),
            Message::User(TextMessage { content, .. }) => {
                push(&mut contents, "user", encode_content(target, content)?);
            }
            Message::Assistant(message) => {
                // An id that was made from a call's place may come again: the latest call of that id is meant.
                functions.extend(message.tool_calls.iter().map(|call| (call.id.as_str(), call.function.name.as_str())));
                push(&mut contents, "model", encode_assistant(target, message)?);
            }
            Message::Tool(message) => responses.push(encode_result(target, message, &functions)?),
        }
    }
    if !responses.is_empty() {
        contents.push(json!({"role": "user", "parts": responses}));
    }
    if contents.is_empty() {
        push(&mut contents, "user", vec![json!({"text": NOTHING_SAID})]);
    }
    if !system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({"parts": system}));
    }
    body.insert("contents".to_owned(), contents.into());
    Ok(())
}

fn encode_assistant(target: &Target<'_>, message: &AssistantMessage) -> Result<Vec<Value>> {
    let mut parts = match &message.content {
        Some(content) => encode_content(target, content)?,
        None => Vec::new(),
    };
    if let Some(refusal) = message.refusal.as_ref().filter(|refusal| !refusal.is_empty()) {
        parts.push(json!({"text": refusal}));
    }
    for call in &message.tool_calls {
        let input = arguments(&call.function.arguments);
        let mut function = json!({"name": call.function.name, "args": input});
        if !is_made_up(&call.id) {
            function["id"] = call.id.as_str().into();
        }
        let mut part = json!({"functionCall": function});
        let extra = call.extra_content.as_ref().and_then(|extra| extra.pointer("/google/thought_signature"));
        if let Some(signature) = extra {
            part["thoughtSignature"] = signature.clone();
        }
        parts.push(part);
    }
    Ok(parts)
}

fn encode_result(target: &Target<'_>, message: &ToolMessage, functions: &HashMap<&str, &str>) -> Result<Value> {
    let named = functions.get(message.tool_call_id.as_str()).copied().or(message.name.as_deref());
    let name = named.ok_or_else(|| {
        let id = &message.tool_call_id;
        invalid(
            target,
            format!("field `tool_call_id` {id:?} answers no call of an earlier message; give the tool's name"),
        )
    })?;
    let said = message.content.text();
    let response = match serde_json::from_str::<Value>(&said) {
        Ok(object @ Value::Object(_)) if !message.is_error => object,
        Ok(object @ Value::Object(_)) => json!({"error": object}),
        _ => json!({if message.is_error { "error" } else { "result" }: said}),
    };
    let mut function = json!({"name": name, "response": response});
    if !is_made_up(&message.tool_call_id) {
        function["id"] = message.tool_call_id.as_str().into();
    }
    if let Content::Parts(parts) = &message.content {
        let media = parts.iter().filter(|part| !matches!(part, Part::Text { .. }));
        let media: Result<Vec<Value>> = media.map(|part| encode_part(target, part)).collect();
        let media = media?;
        if !media.is_empty() {
            function["parts"] = media.into();
        }
    }
    Ok(json!({"functionResponse": function}))
}

/// Returns whether an id was made when the answer was read, and means nothing to the provider.
fn is_made_up(id: &str) -> bool {
    let number = id.strip_prefix("call_").unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Encodes content as parts. Empty texts are left out: the provider refuses parts without anything in them.
fn encode_content(target: &Target<'_>, content: &Content) -> Result<Vec<Value>> {
    match content {
        Content::Text(text) if text.is_empty() => Ok(Vec::new()),
        Content::Text(text) => Ok(vec![json!({"text": text})]),
        Content::Parts(parts) => {
            let is_said = |part: &&Part| !matches!(part, Part::Text { text, .. } if text.is_empty());
            parts.iter().filter(is_said).map(|part| encode_part(target, part)).collect()
        }
    }
}

fn encode_part(target: &Target<'_>, part: &Part) -> Result<Value> {
    match part {
        Part::Text { text, .. } => Ok(json!({"text": text})),
        Part::ImageUrl { image_url, .. } => match data_url(&image_url.url) {
            Some((media_type, data)) => Ok(json!({"inlineData": {"mimeType": media_type, "data": data}})),
            None if image_url.url.starts_with("data:") => {
                Err(invalid(target, "field `image_url.url` is a data address without base64 content"))
            }
            None => Ok(file_data(&image_url.url)),
        },
        Part::InputAudio { input_audio } => {
            let media_type = format!("audio/{}", input_audio.format);
            Ok(json!({"inlineData": {"mimeType": media_type, "data": input_audio.data}}))
        }
        Part::File { file, .. } => encode_file(target, file),
    }
}

fn encode_file(target: &Target<'_>, file: &FilePart) -> Result<Value> {
    match (&file.file_data, &file.file_id) {
        (Some(address), None) if is_web_address(address) => Ok(file_data(address)),
        (Some(data), None) => {
            let (media_type, data) = data_url(data)
                .ok_or_else(|| invalid(target, "field `file.file_data` must be a data: address with base64 content"))?;
            Ok(json!({"inlineData": {"mimeType": media_type, "data": data}}))
        }
        (None, Some(id)) => Ok(file_data(id)),
        _ => Err(invalid(target, "field `file` needs either file_data or file_id")),
    }
}

/// Names a file by its address; the kind of an image is told where its ending tells it.
fn file_data(address: &str) -> Value {
    let path = split_query(address).0;
    let media_type = match path.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("png") => Some("image/png"),
        Some("jpg" | "jpeg") => Some("image/jpeg"),
        Some("webp") => Some("image/webp"),
        Some("gif") => Some("image/gif"),
        Some("pdf") => Some("application/pdf"),
        _ => None,
    };
    let mut file = json!({"fileUri": address});
    if let Some(media_type) = media_type {
        file["mimeType"] = media_type.into();
    }
    json!({"fileData": file})
}

fn encode_tools(request: &ChatRequest, body: &mut Map<String, Value>) {
    let mut is_strict = false;
    let mut vendors: Vec<Value> = Vec::new();
    let declarations = request.tools.iter().filter_map(|tool| {
        let function = match tool {
            Tool::Function { function, .. } => function,
            Tool::Vendor(fields) => {
                vendors.push(Value::Object(fields.clone()));
                return None;
            }
        };
        is_strict |= function.strict == Some(true);
        let mut declaration = json!({"name": function.name});
        if let Some(description) = &function.description {
            declaration["description"] = description.as_str().into();
        }
        if let Some(parameters) = &function.parameters {
            declaration["parametersJsonSchema"] = Value::Object(parameters.clone());
        }
        Some(declaration)
    });
    let declarations: Vec<Value> = declarations.collect();
    if !declarations.is_empty() {
        vendors.insert(0, json!({"functionDeclarations": declarations}));
    }
    if !vendors.is_empty() {
        body.insert("tools".to_owned(), vendors.into());
    }
    let config = match &request.tool_choice {
        None | Some(ToolChoice::Mode(ToolMode::Auto)) if is_strict => json!({"mode": "VALIDATED"}),
        None => return,
        Some(ToolChoice::Mode(ToolMode::Auto)) => json!({"mode": "AUTO"}),
        Some(ToolChoice::Mode(ToolMode::None)) => json!({"mode": "NONE"}),
        Some(ToolChoice::Mode(ToolMode::Required)) => json!({"mode": "ANY"}),
        Some(ToolChoice::Function { function, .. }) => json!({"mode": "ANY", "allowedFunctionNames": [function.name]}),
    };
    body.insert("toolConfig".to_owned(), json!({"functionCallingConfig": config}));
}

fn encode_config(request: &ChatRequest, limit: Option<u64>) -> Map<String, Value> {
    let mut config = Map::new();
    let number = |number: &Option<Number>| number.clone().map(Value::Number);
    let stops = request.stop.as_ref().map(Stop::texts).map(|texts| json!(texts));
    for (key, value) in [
        ("maxOutputTokens", limit.map(Value::from)),
        ("temperature", number(&request.temperature)),
        ("topP", number(&request.top_p)),
        ("stopSequences", stops),
        ("candidateCount", request.n.map(Value::from)),
        ("seed", request.seed.map(Value::from)),
        ("presencePenalty", number(&request.presence_penalty)),
        ("frequencyPenalty", number(&request.frequency_penalty)),
    ] {
        config.extend(value.map(|value| (key.to_owned(), value)));
    }
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => {
            config.insert("responseMimeType".to_owned(), "application/json".into());
        }
        Some(ResponseFormat::JsonSchema { json_schema }) => {
            config.insert("responseMimeType".to_owned(), "application/json".into());
            let mut schema = json_schema.schema.clone().unwrap_or_else(|| json!({"type": "object"}));
            if let (Some(description), Some(fields)) = (&json_schema.description, schema.as_object_mut()) {
                fields.entry("description").or_insert_with(|| description.as_str().into());
            }
            config.insert("responseJsonSchema".to_owned(), schema);
        }
    }
    config
}

/// Encodes the amount of reasoning: a budget of tokens for models of the second generation, a level for later ones.
fn encode_effort(target: &Target<'_>, effort: &str) -> Result<Value> {
    if target.model.contains("gemini-2") {
        let budget = match effort {
            "none" => 0,
            "minimal" => 512,
            "low" => 1_024,
            "medium" => 8_192,
            "high" => 24_576,
            _ => return Err(refused(target, "reasoning_effort")),
        };
        return Ok(json!({"thinkingBudget": budget}));
    }
    match effort {
        "minimal" | "low" | "medium" | "high" => Ok(json!({"thinkingLevel": effort})),
        _ => Err(refused(target, "reasoning_effort")),
    }
}
