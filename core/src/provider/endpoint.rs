//! The parts of a request that all wire formats share: its address, its headers and how its body is put together.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Number, Value};

use super::params::OMIT;
use super::wire_format::{AuthHeader, WireFormat};
use super::{EncodedRequest, Framing, Target, vendor_tool};
use crate::types::{ChatRequest, Content, Error, ErrorKind, Message, Result, Tool};

/// Groq's word for its ordinary tier, which its libraries ask for unasked.
pub(super) const ON_DEMAND: &str = "on_demand";

/// Makes the error for a field that the target cannot express.
pub(super) fn refused(target: &Target<'_>, field: &str) -> Error {
    invalid(
        target,
        format!("field `{field}` cannot be expressed for {}; leave it out or choose another model", target.full_name()),
    )
}

/// Checks that a target takes every tool of a request that a vendor defines.
///
/// Fails with `invalid_request`, naming the tool.
pub(super) fn check_tools(target: &Target<'_>, request: &ChatRequest) -> Result<()> {
    let asked = asked(target)?;
    for (place, tool) in request.tools.iter().enumerate() {
        if let Tool::Vendor(fields) = tool
            && let Some(name) = vendor_tool::unknown_name(&asked, fields)
        {
            let detail = format!(
                "field `tools[{place}]`: {} has no tool {name:?}, which another vendor defines; leave it out, choose \
                 another model, or describe it as a function and run it yourself",
                target.full_name()
            );
            return Err(invalid(target, detail));
        }
    }
    Ok(())
}

/// Returns who is asked, for the table of vendors' tools.
pub(super) fn asked<'a>(target: &Target<'a>) -> Result<vendor_tool::Asked<'a>> {
    Ok(vendor_tool::Asked { vendor: target.vendor.name, format: wire_format(target)?, model: target.model })
}

/// Makes an error about the request.
pub(super) fn invalid(target: &Target<'_>, detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail).with_target(target.provider, target.model)
}

/// Returns the wire format of a target's chats: the one that its config states, or that the address names, or else its provider's.
///
/// Several vendors offer Anthropic's format beside their own, at an address with the segment `anthropic` or the end point
/// `messages` (Azure, DeepSeek and Moonshot among them). Fails with `invalid_request` if the config states an unknown one.
pub fn wire_format(target: &Target<'_>) -> Result<WireFormat> {
    let Some(name) = target.params.get("wire_format") else {
        let path = target.base_url.and_then(|url| split_query(url).0.split_once("://")).map_or("", |(_, path)| path);
        let mut segments = path.split('/').skip(1);
        let is_anthropic = path.ends_with("/messages") || segments.any(|segment| segment == "anthropic");
        return Ok(if is_anthropic { WireFormat::Anthropic } else { target.vendor.wire_format });
    };
    name.as_str().and_then(WireFormat::from_chat_name).ok_or_else(|| {
        let known = WireFormat::OF_CHATS.map(WireFormat::chat_name).join(", ");
        invalid(target, format!("model parameter `wire_format` is {name}; it must be one of {known}"))
    })
}

/// Returns the base address of a target; fails with `invalid_request` if neither its config nor its provider has one.
pub(super) fn base_url<'a>(target: &Target<'a>) -> Result<&'a str> {
    if let Some(base_url) = target.base_url {
        let rest = ["https://", "http://"].iter().find_map(|scheme| base_url.strip_prefix(scheme));
        return match rest {
            Some(rest) if !rest.is_empty() && !rest.starts_with(['/', '?', ':']) => Ok(base_url),
            Some(_) => Err(invalid(target, "base_url names no host; give one such as https://api.example.com/v1")),
            None => Err(invalid(target, "base_url must start with https:// or http://")),
        };
    }
    let format = wire_format(target)?;
    match target.vendor.base_url {
        Some(base_url) if format == target.vendor.wire_format => Ok(base_url),
        Some(_) => Err(invalid(
            target,
            format!(
                "provider {:?} has no address of its own for wire format {}; set base_url on the model",
                target.provider,
                format.chat_name()
            ),
        )),
        None => Err(invalid(
            target,
            format!("provider {:?} has no known address; set base_url on the model", target.provider),
        )),
    }
}

/// Returns what bounds the output: the request, or else the caller, or else the model's config.
pub(super) fn output_limit(target: &Target<'_>, request: &ChatRequest, limit: Option<u64>) -> Option<u64> {
    request.max_tokens.or(limit).or_else(|| target.params.get("max_output_tokens").and_then(Value::as_u64))
}

/// Splits an address into what stands before its query, without a slash at the end, and the query.
pub(super) fn split_query(url: &str) -> (&str, Option<&str>) {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    (path.trim_end_matches('/'), query.filter(|query| !query.is_empty()))
}

/// Joins a path and an optional query.
pub(super) fn join_query(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// Appends a version to a path that has none in any segment, as the vendors' own libraries do.
pub(super) fn with_version(path: &str, version: &str) -> String {
    let segments = path.split_once("://").map_or(path, |(_, rest)| rest).split('/').skip(1);
    let is_version = |segment: &str| {
        let digits = segment.strip_prefix('v').unwrap_or_default();
        digits.starts_with(|character: char| character.is_ascii_digit())
    };
    if segments.into_iter().any(is_version) { path.to_owned() } else { format!("{path}/{version}") }
}

/// Returns whether an extra field only asks for what the call does anyway: its framing, and usage in a stream.
pub(super) fn is_implied(framing: Framing, key: &str, value: &Value) -> bool {
    let is_streamed = framing == Framing::EventStream;
    match key {
        "stream" => value.as_bool() == Some(is_streamed),
        "stream_options" => {
            is_streamed
                && value.as_object().is_some_and(|options| options.keys().all(|option| option == "include_usage"))
        }
        _ => false,
    }
}

/// Returns whether an extra field of OpenAI's may be left out where a format lacks it: it says nothing to the model and changes
/// no price (how OpenAI files the answer, whom it holds responsible, which cache it looks into first), or it asks for what
/// happens anyway. What asks for something else is refused, since an app that asks for it relies on it.
pub(super) fn is_without_effect(key: &str, value: &Value) -> bool {
    match key {
        "store" | "metadata" | "user" | "safety_identifier" | "prompt_cache_key" | "prompt_cache_retention" => true,
        "logprobs" | "safe_prompt" => *value == Value::Bool(false),
        "top_logprobs" => value.as_u64() == Some(0),
        "logit_bias" => value.as_object().is_some_and(Map::is_empty),
        "modalities" => *value == serde_json::json!(["text"]),
        "verbosity" => value == "medium",
        _ => value.is_null(),
    }
}

/// Returns whether a number asks for something, which zero does not.
pub(super) fn is_nonzero(number: Option<&Number>) -> bool {
    number.is_some_and(|number| number.as_f64() != Some(0.0))
}

/// Puts a request together: the config's headers and body fields, and over them the format's own.
pub(super) fn assemble(
    target: &Target<'_>,
    url: String,
    own_headers: &[(&str, &str)],
    body: Map<String, Value>,
    framing: Framing,
) -> Result<EncodedRequest> {
    let accept = match framing {
        Framing::Json => "application/json",
        Framing::EventStream => "text/event-stream",
    };
    let mut headers =
        vec![("content-type".to_owned(), "application/json".to_owned()), ("accept".to_owned(), accept.to_owned())];
    headers.extend(own_headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    put_configured_headers(target, &mut headers);
    let mut whole = target.params.get("body").and_then(Value::as_object).cloned().unwrap_or_default();
    overlay(&mut whole, body);
    for name in target.params.get(OMIT).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        leave_out(&mut whole, name);
    }
    let body = serde_json::to_vec(&whole).map_err(|error| {
        Error::new(ErrorKind::Internal, format!("the request could not be written as JSON: {error}"))
    })?;
    Ok(EncodedRequest { method: "POST".to_owned(), url, headers, secret_header: secret_header(target)?, body })
}

/// Leaves a field out of a body, and out of its messages.
fn leave_out(body: &mut Map<String, Value>, name: &str) {
    body.shift_remove(name);
    let messages = body.get_mut("messages").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !matches!(name, "role" | "content" | "tool_calls" | "tool_call_id") {
            message.shift_remove(name);
        }
    }
}

/// Puts the config's headers in the place of those that have their names.
pub(super) fn put_configured_headers(target: &Target<'_>, headers: &mut Vec<(String, String)>) {
    for (name, value) in target.params.get("headers").and_then(Value::as_object).into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        headers.retain(|(header, _)| *header != name);
        headers.push((name, value.as_str().unwrap_or_default().to_owned()));
    }
}

/// Puts the fields of one object over those of another; objects within are joined, everything else is replaced.
pub(super) fn overlay(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(inner)), Value::Object(value)) => overlay(inner, value),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Returns the header that carries the target's key.
pub(super) fn secret_header(target: &Target<'_>) -> Result<Option<(&'static str, SecretString)>> {
    let Some(key) = target.api_key else { return Ok(None) };
    let named = target.params.get("auth_header").and_then(Value::as_str).and_then(AuthHeader::from_name);
    let style = match named.or(target.vendor.auth_header) {
        Some(style) => style,
        None => wire_format(target)?.auth_header(),
    };
    let value = match style {
        AuthHeader::Bearer => {
            const SCHEME: &str = "Bearer ";
            // One that grew or shrank would leave a copy of the key behind.
            let mut value = String::with_capacity(SCHEME.len() + key.expose_secret().len());
            value.push_str(SCHEME);
            value.push_str(key.expose_secret());
            SecretString::from(value)
        }
        AuthHeader::XApiKey | AuthHeader::XGoogApiKey | AuthHeader::ApiKey => key.clone(),
    };
    Ok(Some((style.header(), value)))
}

/// Writes the name of a target's model as a segment of a path, or as several where it has slashes, as the names of resources do.
///
/// Fails with `invalid_request` if a segment is empty or leads out of the path: readers of addresses follow `..` however it is
/// written.
pub(super) fn model_in_path(target: &Target<'_>) -> Result<String> {
    if target.model.split('/').any(|segment| segment.is_empty() || matches!(segment, "." | "..")) {
        let detail = "the model's name is a part of the address here, and must have no empty segment and neither `.` nor `..` \
                      as one; add the model under its right name";
        return Err(invalid(target, detail));
    }
    let mut encoded = String::with_capacity(target.model.len());
    for byte in target.model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
    Ok(encoded)
}

/// Splits a `data:` address with base64 content into its media type and its content.
pub(super) fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, content) = url.strip_prefix("data:")?.split_once(',')?;
    let media_type = head.strip_suffix(";base64")?;
    Some((media_type.split(';').next().filter(|name| !name.is_empty())?, content))
}

/// Returns whether a text is an address that a provider could fetch.
pub(super) fn is_web_address(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme))
}

/// The extra field with what a request says in Anthropic's own words: how to think, beside `reasoning_effort`, and hints
/// for the cache. It is for that format alone; others leave it out, and cache breakpoints with it.
pub(super) const ANTHROPIC: &str = "anthropic";

/// Returns whether any part of a request carries a cache breakpoint that may not be left out.
pub(super) fn needs_cache_control(request: &ChatRequest) -> bool {
    has_cache_control(request) && !request.extra.contains_key(ANTHROPIC)
}

/// Returns whether any part of a request carries a cache breakpoint.
fn has_cache_control(request: &ChatRequest) -> bool {
    let in_content = |content: &Content| match content {
        Content::Text(_) => false,
        Content::Parts(parts) => parts.iter().any(|part| part.cache_control().is_some()),
    };
    let in_messages = request.messages.iter().any(|message| match message {
        Message::System(message) | Message::User(message) => in_content(&message.content),
        Message::Assistant(message) => message.content.as_ref().is_some_and(in_content),
        Message::Tool(message) => in_content(&message.content),
    });
    in_messages
        || request.tools.iter().any(|tool| match tool {
            Tool::Function { cache_control, .. } => cache_control.is_some(),
            // Its own format alone takes it at all.
            Tool::Vendor(_) => false,
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_wire_format_is_stated_or_named_by_the_address_or_the_providers_own() {
        let format = |provider: &'static str, base_url: Option<&str>, params: Value| {
            let params = params.as_object().unwrap().clone();
            let vendor = super::super::vendor(provider);
            let target = Target { vendor, provider, model: "m", base_url, api_key: None, params: &params };
            wire_format(&target).unwrap()
        };
        assert_eq!(format("openai", None, json!({})), WireFormat::OpenAi);
        let azure = "https://r.services.ai.azure.com/anthropic/v1?api-version=1";
        assert_eq!(format("azure", Some(azure), json!({})), WireFormat::Anthropic);
        assert_eq!(format("house", Some("http://127.0.0.1:9/v1/messages"), json!({})), WireFormat::Anthropic);
        assert_eq!(format("house", Some("https://anthropic/v1"), json!({})), WireFormat::OpenAi);
        let stated = json!({"wire_format": "openai_chat"});
        assert_eq!(format("azure", Some(azure), stated), WireFormat::OpenAi);
    }

    #[test]
    fn a_version_is_added_only_where_there_is_none() {
        assert_eq!(with_version("https://a.test", "v1"), "https://a.test/v1");
        assert_eq!(with_version("https://a.test/anthropic", "v1"), "https://a.test/anthropic/v1");
        assert_eq!(with_version("https://a.test/v1", "v1"), "https://a.test/v1");
        assert_eq!(with_version("https://a.test/v1beta1/projects/p", "v1beta"), "https://a.test/v1beta1/projects/p");
        assert_eq!(with_version("https://v2.test/vault", "v1"), "https://v2.test/vault/v1");
    }

    #[test]
    fn the_name_of_a_model_stays_where_it_stands_in_a_path() {
        let params = Map::new();
        let encoded = |model: &str| {
            let vendor = super::super::vendor("gemini");
            let target = Target { vendor, provider: "gemini", model, base_url: None, api_key: None, params: &params };
            model_in_path(&target)
        };
        for (model, path) in [
            ("gemini-2.5-pro", "gemini-2.5-pro"),
            ("publishers/google/models/gemini", "publishers/google/models/gemini"),
            ("a?key=x#y", "a%3Fkey%3Dx%23y"),
            ("%2e%2e%2ffiles", "%252e%252e%252ffiles"),
            ("a:b\\c d\u{e9}", "a%3Ab%5Cc%20d%C3%A9"),
            ("..a/...", "..a/..."),
        ] {
            assert_eq!(encoded(model).unwrap(), path);
        }
        for model in ["..", ".", "a/../b", "a/./b", "/a", "a/", "a//b", ""] {
            assert_eq!(encoded(model).unwrap_err().kind(), ErrorKind::InvalidRequest, "{model:?}");
        }
    }

    #[test]
    fn objects_are_joined_and_the_upper_one_wins() {
        let mut below = json!({"a": 1, "o": {"x": 1, "y": 2}}).as_object().unwrap().clone();
        overlay(&mut below, json!({"a": 2, "o": {"y": 3}, "b": 4}).as_object().unwrap().clone());
        assert_eq!(Value::Object(below), json!({"a": 2, "o": {"x": 1, "y": 3}, "b": 4}));
    }

    #[test]
    fn data_addresses_are_split() {
        assert_eq!(data_url("data:image/png;base64,QUJD"), Some(("image/png", "QUJD")));
        assert_eq!(data_url("data:text/plain;charset=utf-8;base64,QQ=="), Some(("text/plain", "QQ==")));
        for wrong in ["https://a.test/x.png", "data:,x", "data:image/png,x", "data:;base64,QQ=="] {
            assert_eq!(data_url(wrong), None, "{wrong}");
        }
    }
}
