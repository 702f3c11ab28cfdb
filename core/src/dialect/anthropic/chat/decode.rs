//! Reading of requests.

use serde_json::{Map, Value, json};

use super::content;
use super::fields::{Fields, wrong};
use crate::dialect::field::check_size;
use crate::provider::Framing;
use crate::types::{
    ChatRequest, FunctionDefinition, FunctionName, JsonSchema, Message, ResponseFormat, Result, Stop, Tool, ToolChoice,
    ToolMode,
};

/// The fields that stay what they are: the format that serves the request takes them or refuses them by name.
const KEPT: [&str; 7] =
    ["top_k", "container", "mcp_servers", "context_management", "speed", "inference_geo", "fallbacks"];

/// The budgets of thinking from which an effort of `medium` and of `high` is meant.
const MEDIUM_BUDGET: u64 = 4 * 1024;
const HIGH_BUDGET: u64 = 16 * 1024;

/// Reads a request.
///
/// What only this format has a word for, and other formats can do without, goes into the extra field `anthropic`: how to
/// think, beside the effort that says it to others, and hints for the cache.
pub(super) fn decode_request(body: &[u8]) -> Result<(ChatRequest, Framing)> {
    check_size(body)?;
    let body = serde_json::from_slice(body).map_err(|error| wrong("", &format!("is no JSON ({error})")))?;
    let mut fields = Fields::new(String::new(), body)?;
    let mut request = ChatRequest { model: fields.text("model")?, ..ChatRequest::default() };
    let mut own = Map::new();
    request.max_tokens = fields.count("max_tokens")?;
    if request.max_tokens.is_none() {
        let problem = "Field required; give the most tokens that the answer may have";
        return Err(fields.wrong("max_tokens", problem));
    }
    decode_messages(&mut fields, &mut request)?;
    request.temperature = fields.number("temperature")?;
    request.top_p = fields.number("top_p")?;
    let stops: Vec<String> = fields.typed("stop_sequences")?.unwrap_or_default();
    request.stop = (!stops.is_empty()).then_some(Stop::Many(stops));
    decode_tools(&mut fields, &mut request)?;
    decode_tool_choice(&mut fields, &mut request)?;
    decode_output(&mut fields, &mut request, &mut own)?;
    decode_thinking(&mut fields, &mut request, &mut own)?;
    request.service_tier = match fields.text("service_tier")?.as_deref() {
        None => None,
        Some("auto") => Some("auto".to_owned()),
        Some("standard_only") => Some("default".to_owned()),
        Some(_) => return Err(fields.wrong("service_tier", "must be auto or standard_only")),
    };
    if let Some(mut metadata) = fields.object("metadata")? {
        let user = metadata.text("user_id")?;
        request.extra.extend(user.map(|user| ("user".to_owned(), user.into())));
        metadata.finish()?;
    }
    own.extend(fields.take("cache_control").map(|control| ("cache_control".to_owned(), control)));
    let kept = KEPT.map(|key| (key.to_owned(), fields.take(key)));
    request.extra.extend(kept.into_iter().filter_map(|(key, value)| Some((key, value?))));
    request.extra.insert("anthropic".to_owned(), own.into());
    let framing = if fields.flag("stream")? == Some(true) { Framing::EventStream } else { Framing::Json };
    fields.finish()?;
    Ok((request, framing))
}

fn decode_messages(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    let system = content::decode_content(fields, "system")?;
    request.messages.extend(system.map(|content| Message::System(content::message(content::plain(content)))));
    let messages = fields.objects("messages")?.ok_or_else(|| fields.missing("messages"))?;
    if messages.is_empty() {
        return Err(fields.wrong("messages", "at least one message is required"));
    }
    for mut message in messages {
        match message.required_text("role")?.as_str() {
            "user" => content::decode_user(&mut message, &mut request.messages)?,
            "assistant" => content::decode_assistant(&mut message, &mut request.messages)?,
            "system" => {
                let said = content::decode_content(&mut message, "content")?;
                let said = said.ok_or_else(|| message.missing("content"))?;
                request.messages.push(Message::System(content::message(content::plain(said))));
            }
            _ => return Err(message.wrong("role", "must be user, assistant or system")),
        }
        message.finish()?;
    }
    Ok(())
}

fn decode_tools(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    for mut tool in fields.objects("tools")?.unwrap_or_default() {
        if let Some(kind) = tool.text("type")?.filter(|kind| kind != "custom") {
            // A tool that the vendor defines: the format has it, and others refuse it by name.
            let mut fields = Map::from_iter([("type".to_owned(), kind.into())]);
            fields.extend(tool.rest());
            request.tools.push(Tool::Vendor(fields));
            continue;
        }
        let function = FunctionDefinition {
            name: tool.required_text("name")?,
            description: tool.text("description")?,
            parameters: Some(tool.typed("input_schema")?.ok_or_else(|| tool.missing("input_schema"))?),
            strict: tool.flag("strict")?,
        };
        let cache_control = tool.typed("cache_control")?;
        // These say how the arguments are sent, and who may call, which is the model alone.
        tool.flag("eager_input_streaming")?;
        if tool.flag("defer_loading")? == Some(true) {
            return Err(tool.wrong("defer_loading", "needs the provider's search for tools; leave it out"));
        }
        let callers: Option<Vec<String>> = tool.typed("allowed_callers")?;
        if callers.is_some_and(|callers| callers != ["direct"]) {
            return Err(tool.wrong("allowed_callers", "must be [\"direct\"], or be left out"));
        }
        tool.finish()?;
        request.tools.push(Tool::Function { function, cache_control });
    }
    Ok(())
}

fn decode_tool_choice(fields: &mut Fields, request: &mut ChatRequest) -> Result<()> {
    let Some(mut choice) = fields.object("tool_choice")? else { return Ok(()) };
    request.tool_choice = Some(match choice.required_text("type")?.as_str() {
        "auto" => ToolChoice::Mode(ToolMode::Auto),
        "any" => ToolChoice::Mode(ToolMode::Required),
        "none" => ToolChoice::Mode(ToolMode::None),
        "tool" => ToolChoice::Function {
            r#type: "function".to_owned(),
            function: FunctionName { name: choice.required_text("name")? },
        },
        _ => return Err(choice.wrong("type", "must be auto, any, tool or none")),
    });
    if choice.flag("disable_parallel_tool_use")? == Some(true) {
        request.parallel_tool_calls = Some(false);
    }
    choice.finish()
}

fn decode_output(fields: &mut Fields, request: &mut ChatRequest, own: &mut Map<String, Value>) -> Result<()> {
    let mut format = fields.object("output_format")?;
    if let Some(mut config) = fields.object("output_config")? {
        if let Some(stated) = config.object("format")? {
            if format.is_some() {
                return Err(
                    fields.wrong("output_format", "is the earlier name of output_config.format; give one of them")
                );
            }
            format = Some(stated);
        }
        if let Some(effort) = config.text("effort")? {
            own.insert("output_config".to_owned(), json!({"effort": effort}));
            // Others have no level above the one that is called so.
            request.reasoning_effort = Some(if effort == "max" { "xhigh".to_owned() } else { effort });
        }
        let rest = config.rest();
        if !rest.is_empty() {
            request.extra.insert("output_config".to_owned(), rest.into());
        }
    }
    let Some(mut format) = format else { return Ok(()) };
    if format.required_text("type")? != "json_schema" {
        return Err(format.wrong("type", "must be json_schema"));
    }
    let schema = format.take("schema").ok_or_else(|| format.missing("schema"))?;
    let name = format.text("name")?.unwrap_or_else(|| "output".to_owned());
    format.finish()?;
    // The vendor holds its model to the schema, so others must as well.
    let json_schema = JsonSchema { name, description: None, schema: Some(schema), strict: Some(true) };
    request.response_format = Some(ResponseFormat::JsonSchema { json_schema });
    Ok(())
}

/// Reads how to think: kept as it is for its own format, and as an effort for others. Adaptive thinking is a choice of the
/// model, as it is with others where no effort is named.
fn decode_thinking(fields: &mut Fields, request: &mut ChatRequest, own: &mut Map<String, Value>) -> Result<()> {
    let Some(value) = fields.take("thinking") else { return Ok(()) };
    let mut thinking = Fields::new(fields.path("thinking"), value.clone())?;
    match thinking.required_text("type")?.as_str() {
        "disabled" => request.reasoning_effort = Some("none".to_owned()),
        "enabled" => {
            let budget = thinking.count("budget_tokens")?.ok_or_else(|| thinking.missing("budget_tokens"))?;
            let effort = match budget {
                ..MEDIUM_BUDGET => "low",
                MEDIUM_BUDGET..HIGH_BUDGET => "medium",
                _ => "high",
            };
            request.reasoning_effort.get_or_insert_with(|| effort.to_owned());
        }
        _ => {}
    }
    own.insert("thinking".to_owned(), value);
    Ok(())
}
