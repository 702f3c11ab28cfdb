//! Requests that are handed to a provider as they are: only the address and the key are the config's.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::address::{is_dots, is_key_in_query};
use super::endpoint::{
    base_url, invalid, join_query, model_in_path, put_configured_headers, secret_header, split_query, with_version,
};
use super::params::is_secret_header;
use super::wire_format::WireFormat;
use super::{EncodedRequest, Target, endpoint};
use crate::types::{Error, ErrorKind, FetchRequest, Result, is_control};

/// The methods that are handed on.
const METHODS: [&str; 5] = ["DELETE", "GET", "PATCH", "POST", "PUT"];

/// The headers of a request that are handed on: what describes its body and the wanted answer, and what vendors' libraries set.
/// Everything else stays here: what belongs to one connection, keys and cookies, what tells of the app's own callers, and words
/// for the engine. A header that a provider needs beside these belongs into the `headers` of the config's parameters.
const PASSED_ON: [&str; 17] = [
    "accept",
    "accept-language",
    "content-encoding",
    "content-language",
    "content-type",
    "http-referer",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-unmodified-since",
    "prefer",
    "range",
    "user-agent",
    "x-client-request-id",
    "x-goog-api-client",
    "x-title",
];

/// How the names of headers begin that vendors have made up for requests.
const PASSED_ON_BEGINNINGS: [&str; 4] = ["anthropic-", "openai-", "x-dashscope-", "x-goog-upload-"];

/// The headers of an answer that are handed back.
const PASSED_BACK: [&str; 21] = [
    "accept-ranges",
    "apim-request-id",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-ds-trace-id",
    "x-generation-id",
    "x-ms-region",
    "x-request-id",
    "x-should-retry",
    "x-trace-id",
];

/// How the names of headers begin that vendors have made up for answers.
const PASSED_BACK_BEGINNINGS: [&str; 6] =
    ["anthropic-", "openai-", "ratelimit-", "x-dashscope-", "x-goog-upload-", "x-ratelimit-"];

/// How often a path may be encoded over and over.
const MOST_ENCODINGS: usize = 8;

/// The ends of paths that name the chat of a wire format, which a config's address may have.
const CHAT_PATHS: [&str; 2] = ["/chat/completions", "/messages"];

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
}

/// Returns the model that a request names: in its body, be it JSON or a form, or in its path, as Gemini's format does.
#[must_use]
pub fn asked_model(request: &FetchRequest) -> Option<String> {
    // The names of OpenAI's trained models have colons too.
    if asked_wire_format(request) == WireFormat::Gemini
        && let Some(place) = place_in_path(&request.url)
    {
        return request.url.get(place).map(str::to_owned);
    }
    let text = request.body.get(model_place(request)?)?;
    if is_form(request) {
        return Some(String::from_utf8_lossy(text).trim().to_owned()).filter(|name| !name.is_empty());
    }
    serde_json::from_slice(text).ok()
}

/// Tells the wire format of the vendor whose library made a request.
#[must_use]
pub fn asked_wire_format(request: &FetchRequest) -> WireFormat {
    if request.header("anthropic-version").is_some() {
        WireFormat::Anthropic
    } else if request.header("x-goog-api-key").is_some() || request.url.contains("/v1beta/") {
        WireFormat::Gemini
    } else {
        WireFormat::OpenAi
    }
}

/// Returns whether a header of a request is handed on, by its name in lower case.
fn is_passed_on(name: &str) -> bool {
    let is_known = || PASSED_ON_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    PASSED_ON.contains(&name) || (is_known() && !is_secret_header(name))
}

/// Returns whether a header of a provider's answer is handed back, by its name in lower case.
#[must_use]
pub fn is_passed_back(name: &str) -> bool {
    PASSED_BACK.contains(&name) || PASSED_BACK_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Checks that a request may be handed on as it is, whatever the target: its method and its path.
///
/// Fails with `invalid_request`.
pub fn check_pass_through(request: &FetchRequest) -> Result<()> {
    let method = request.method.to_ascii_uppercase();
    if !METHODS.contains(&method.as_str()) {
        let detail = format!("method {method:?} is not handed on; use one of {}", METHODS.join(", "));
        return Err(Error::new(ErrorKind::InvalidRequest, detail));
    }
    check_path(split_address(&request.url).0).map_err(|detail| Error::new(ErrorKind::InvalidRequest, detail))
}

/// Returns the path of a request, without its host and its query, which may hold a key.
#[must_use]
pub fn asked_path(url: &str) -> &str {
    split_address(url).0
}

/// Encodes a request for a target: the path behind its version is appended to the target's address, the keys are dropped
/// and the target's own is added. The body stays as it is, but for the name of the model, which becomes the target's.
///
/// Fails with `invalid_request` if the target has no address, or if the request's path could lead away from it, or if its method
/// is none that is handed on.
pub fn encode_pass_through(target: &Target<'_>, request: &FetchRequest) -> Result<EncodedRequest> {
    check_pass_through(request).map_err(|error| error.with_target(target.provider, target.model))?;
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if is_passed_on(&name) {
            // The lists of a header that comes more than once are one list.
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => *values = format!("{values}, {value}"),
                None => headers.push((name, value.clone())),
            }
        }
    }
    put_configured_headers(target, &mut headers);
    Ok(EncodedRequest {
        method: request.method.to_ascii_uppercase(),
        url: url(target, &request.url)?,
        headers,
        secret_header: secret_header(target)?,
        body: body(target, request)?,
    })
}

fn url(target: &Target<'_>, asked: &str) -> Result<String> {
    let (base, base_query) = split_query(base_url(target)?);
    let base = CHAT_PATHS.iter().find_map(|path| base.strip_suffix(path)).unwrap_or(base);
    let format = endpoint::wire_format(target)?;
    let base = match format {
        WireFormat::Anthropic => with_version(base, "v1"),
        WireFormat::Gemini => with_version(base, "v1beta"),
        _ => base.to_owned(),
    };
    let (path, query) = split_address(asked);
    let query = query.map(without_keys).filter(|query| !query.is_empty());
    let behind = behind_version(path);
    let renamed = match place_in_path(behind).filter(|_| format == WireFormat::Gemini) {
        Some(place) => {
            let (before, after) = (behind.get(..place.start), behind.get(place.end..));
            Some(format!("{}{}{}", before.unwrap_or_default(), model_in_path(target)?, after.unwrap_or_default()))
        }
        None => None,
    };
    let behind = renamed.as_deref().unwrap_or(behind);
    let joined = join_query(&format!("{base}{behind}"), query.as_deref());
    Ok(match base_query {
        Some(more) if joined.contains('?') => format!("{joined}&{more}"),
        more => join_query(&joined, more),
    })
}

/// Splits an address, whole or not, into its path and its query; the host is not looked at.
fn split_address(asked: &str) -> (&str, Option<&str>) {
    let asked = asked.split('#').next().unwrap_or_default();
    let (path, query) = asked.split_once('?').map_or((asked, None), |(path, query)| (path, Some(query)));
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| path.get(..scheme.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(scheme)));
    let behind = scheme.and_then(|scheme| path.get(scheme.len()..));
    let path = behind.map_or(path, |rest| rest.find('/').map_or("/", |start| &rest[start..]));
    (path, query)
}

/// Refuses a path that would not stay behind the target's address, or of which a server along the way could think so: what is
/// appended to a host becomes a part of its name; readers of addresses follow dots, take a backslash for a slash and skip tabs;
/// and some decode what is encoded, some of them more than once.
fn check_path(path: &str) -> std::result::Result<(), String> {
    let is_plain = |character: char| !is_control(character) && !matches!(character, '\\' | ' ');
    let stays = |path: &str| {
        path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_plain) && !path.split('/').any(is_dots)
    };
    let mut path = path.to_owned();
    for _ in 0..MOST_ENCODINGS {
        if !stays(&path) {
            break;
        }
        let decoded = percent_decoded(&path);
        if decoded == path {
            return Ok(());
        }
        path = decoded;
    }
    Err("the request's path must begin with one slash, and have neither `.` nor `..` as a segment nor a backslash, a blank or a \
         control character, not even in an encoded form"
        .to_owned())
}

/// Undoes one layer of percent-encoding; what is no text then becomes the mark of an unknown character.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |place: usize| bytes.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        let value = digit(place + 1).zip(digit(place + 2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        if let Some(value) = value.filter(|_| *byte == b'%') {
            decoded.push(value);
            place += 3;
        } else {
            decoded.push(*byte);
            place += 1;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Returns a query without the fields that carry a key.
fn without_keys(query: &str) -> String {
    let is_key = |field: &str| {
        let name = field.split_once('=').map_or(field, |(name, _)| name);
        is_key_in_query(&percent_decoded(name))
    };
    query.split('&').filter(|field| !is_key(field)).collect::<Vec<_>>().join("&")
}

/// Returns what stands behind the version in a path, or the whole path if it has none.
pub(super) fn behind_version(path: &str) -> &str {
    let mut place = 0;
    for segment in path.split('/') {
        place += segment.len();
        let digits = segment.strip_prefix('v').unwrap_or_default();
        if digits.starts_with(|character: char| character.is_ascii_digit()) {
            return path.get(place..).unwrap_or_default();
        }
        place += 1;
    }
    path
}

fn body(target: &Target<'_>, request: &FetchRequest) -> Result<Vec<u8>> {
    let Some(place) = model_place(request).filter(|_| asked_model(request).as_deref() != Some(target.model)) else {
        return Ok(request.body.clone());
    };
    let name = if is_form(request) {
        target.model.to_owned()
    } else {
        serde_json::to_string(target.model).map_err(|error| invalid(target, format!("the model's name: {error}")))?
    };
    let mut body = request.body.clone();
    body.splice(place, name.into_bytes());
    Ok(body)
}

fn is_form(request: &FetchRequest) -> bool {
    request.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().starts_with("multipart/form-data"))
}

/// Finds where an address names the model, as in `/v1beta/models/NAME:generateContent`.
fn place_in_path(url: &str) -> Option<Range<usize>> {
    let path = url.split(['?', '#']).next()?;
    let start = path.find("/models/")? + "/models/".len();
    let end = start + path.get(start..)?.find(':')?;
    Some(start..end)
}

/// Finds where the body names the model.
fn model_place(request: &FetchRequest) -> Option<Range<usize>> {
    if is_form(request) {
        let name = find(&request.body, b"name=\"model\"", 0)?;
        let start = find(&request.body, b"\r\n\r\n", name)? + 4;
        return Some(start..find(&request.body, b"\r\n", start)?);
    }
    let peek: Peek<'_> = serde_json::from_slice(&request.body).ok()?;
    let text = peek.model?.get();
    // The text is a part of the body, whose place tells where it stands.
    let start = text.as_ptr().addr().checked_sub(request.body.as_ptr().addr())?;
    text.starts_with('"').then_some(start..start + text.len())
}

fn find(body: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    let rest = body.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|place| from + place)
}

#[cfg(test)]
#[path = "pass_through_tests.rs"]
mod tests;
