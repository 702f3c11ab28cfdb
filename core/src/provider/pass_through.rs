//! Requests that are handed to a provider as they are: only the address and the key are the config's.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::endpoint::{
    base_url, invalid, join_query, percent_encoded, put_configured_headers, secret_header, split_query, with_version,
};
use super::vendor::WireFormat;
use super::{EncodedRequest, Target, endpoint};
use crate::types::{FetchRequest, Result};

/// Headers that belong to one connection, or that carry a key of the app's, or words for the engine.
const KEPT_HERE: [&str; 18] = [
    "accept-encoding",
    "api-key",
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
    "x-goog-api-key",
    "set-cookie",
];

/// Fields of a query that carry a key of the app's.
const KEYS_IN_QUERY: [&str; 6] = ["key", "api-key", "api_key", "apikey", "access_token", "subscription-key"];

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
    if asked_wire_format(request) == WireFormat::GeminiGenerateContent
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
        WireFormat::AnthropicMessages
    } else if request.header("x-goog-api-key").is_some() || request.url.contains("/v1beta/") {
        WireFormat::GeminiGenerateContent
    } else {
        WireFormat::OpenAiChat
    }
}

/// Tells whether a header of a provider's answer is handed back.
#[must_use]
pub fn is_passed_back(name: &str) -> bool {
    !KEPT_HERE.contains(&name) && !name.starts_with("x-tollway-")
}

/// Returns the path of a request, without its host and its query, which may hold a key.
#[must_use]
pub fn asked_path(url: &str) -> &str {
    split_address(url).0
}

/// Encodes a request for a target: the path behind its version is appended to the target's address, the keys are dropped
/// and the target's own is added. The body stays as it is, but for the name of the model, which becomes the target's.
///
/// Fails with `invalid_request` if the target has no address, or if the request's path could lead away from it.
pub fn encode_pass_through(target: &Target<'_>, request: &FetchRequest) -> Result<EncodedRequest> {
    let mut headers: Vec<(String, String)> = Vec::new();
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        if !KEPT_HERE.contains(&name.as_str()) && !name.starts_with("x-tollway-") && !name.starts_with("x-stainless-") {
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
        WireFormat::OpenAiChat => base.to_owned(),
        WireFormat::AnthropicMessages => with_version(base, "v1"),
        WireFormat::GeminiGenerateContent => with_version(base, "v1beta"),
    };
    let (path, query) = split_address(asked);
    check_path(target, path)?;
    let query = query.map(without_keys).filter(|query| !query.is_empty());
    let behind = behind_version(path);
    let renamed = place_in_path(behind).filter(|_| format == WireFormat::GeminiGenerateContent).map(|place| {
        let model = percent_encoded(target.model);
        format!(
            "{}{model}{}",
            behind.get(..place.start).unwrap_or_default(),
            behind.get(place.end..).unwrap_or_default()
        )
    });
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
    let path = path.split_once("://").map_or(path, |(_, rest)| rest.find('/').map_or("/", |start| &rest[start..]));
    (path, query)
}

/// Refuses a path that would not stay behind the target's address: what is appended to a host becomes a part of its name,
/// and readers of addresses follow dots, take a backslash for a slash and skip tabs.
fn check_path(target: &Target<'_>, path: &str) -> Result<()> {
    let is_dots = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    let is_plain = |character: char| !character.is_ascii_control() && !matches!(character, '\\' | ' ');
    if path.starts_with('/') && path.chars().all(is_plain) && !path.split('/').any(is_dots) {
        return Ok(());
    }
    let detail = "the request's path must begin with a slash, and have neither `.` nor `..` as a segment nor a backslash, \
                  a blank or a control character";
    Err(invalid(target, detail))
}

/// Returns a query without the fields that carry a key.
fn without_keys(query: &str) -> String {
    let is_key = |field: &str| {
        let name = field.split_once('=').map_or(field, |(name, _)| name);
        KEYS_IN_QUERY.iter().any(|key| name.eq_ignore_ascii_case(key))
    };
    query.split('&').filter(|field| !is_key(field)).collect::<Vec<_>>().join("&")
}

/// Returns what stands behind the version in a path, or the whole path if it has none.
fn behind_version(path: &str) -> &str {
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
mod tests {
    use secrecy::{ExposeSecret, SecretString};
    use serde_json::json;

    use super::*;

    fn request(url: &str, content_type: &str, body: &str) -> FetchRequest {
        FetchRequest {
            method: "post".into(),
            url: url.into(),
            headers: vec![
                ("Content-Type".into(), content_type.into()),
                ("Authorization".into(), "Bearer the-apps-own".into()),
                ("X-Tollway-User".into(), "alice".into()),
                ("OpenAI-Beta".into(), "assistants=v2".into()),
            ],
            body: body.into(),
        }
    }

    fn encoded(provider: &'static str, base_url: Option<&str>, request: &FetchRequest) -> EncodedRequest {
        let key = SecretString::from("sk-config");
        let params = json!({"headers": {"X-House": "1"}}).as_object().unwrap().clone();
        let vendor = super::super::vendor(provider);
        let target = Target { vendor, provider, model: "embed-1", base_url, api_key: Some(&key), params: &params };
        encode_pass_through(&target, request).unwrap()
    }

    #[test]
    fn the_path_behind_the_version_goes_to_the_configs_address() {
        for (provider, base, asked, url) in [
            ("openai", None, "https://api.openai.com/v1/embeddings", "https://api.openai.com/v1/embeddings"),
            ("openai", Some("http://h/v1/chat/completions"), "/v1/files?limit=2", "http://h/v1/files?limit=2"),
            ("deepseek", None, "https://api.openai.com/v1/models", "https://api.deepseek.com/models"),
            (
                "azure",
                Some("https://r.test/openai/v1?api-version=1"),
                "/v1/a?b=2",
                "https://r.test/openai/v1/a?b=2&api-version=1",
            ),
            (
                "anthropic",
                Some("http://h"),
                "https://api.anthropic.com/v1/messages/count_tokens",
                "http://h/v1/messages/count_tokens",
            ),
            ("openai", Some("http://h/v1"), "https://x.test/embeddings", "http://h/v1/embeddings"),
            ("openai", Some("http://h/v1"), "https://x.test", "http://h/v1/"),
        ] {
            assert_eq!(encoded(provider, base, &request(asked, "application/json", "{}")).url, url, "{asked}");
        }
    }

    #[test]
    fn no_path_leads_the_key_away_from_the_configs_address() {
        let key = SecretString::from("sk-config");
        let params = serde_json::Map::new();
        let url = |provider: &'static str, base_url: Option<&str>, asked: &str| {
            let vendor = super::super::vendor(provider);
            let target = Target { vendor, provider, model: "m", base_url, api_key: Some(&key), params: &params };
            encode_pass_through(&target, &request(asked, "application/json", "{}")).map(|encoded| encoded.url)
        };
        let tenant = Some("https://gateway.test/tenants/a/v1");
        for asked in [
            "@evil.test/x",
            ".evil.test/x",
            ":secret@evil.test/x",
            "",
            "/v1/../../b/v1/files",
            "/v1/%2e%2E/files",
            "/v1/./files",
            "/v1\\..\\..\\b",
            "/v1/.\t./.\n./b",
            "/v1/a b",
            "https://x.test/v1/..",
        ] {
            let error = url("openai", tenant, asked).unwrap_err();
            assert!(error.detail().contains("must begin with a slash"), "{asked:?}: {error}");
            assert!(url("deepseek", None, asked).is_err(), "{asked:?}");
        }
        // What stands before the path is the app's idea of the host, and is not looked at.
        for asked in
            ["https://user:word@evil.test/v1/files", "//evil.test/v1/files", "https://a.test/v1/files#@evil", "/files"]
        {
            let host = reqwest::Url::parse(&url("deepseek", None, asked).unwrap()).unwrap();
            assert_eq!(host.host_str(), Some("api.deepseek.com"), "{asked}");
        }
        let asked = "https://x.test?to=https://evil.test/v1/files";
        assert_eq!(
            url("openai", tenant, asked).unwrap(),
            "https://gateway.test/tenants/a/v1/?to=https://evil.test/v1/files"
        );
    }

    #[test]
    fn keys_in_the_query_are_dropped() {
        let asked = "https://x.test/v1beta/models/m:embedContent?key=AIza-the-apps&alt=json&API-KEY=b";
        let sent = encoded("gemini", Some("http://h/v1beta"), &request(asked, "application/json", "{}"));
        assert_eq!(sent.url, "http://h/v1beta/models/embed-1:embedContent?alt=json");
        assert_eq!(asked_path(asked), "/v1beta/models/m:embedContent");
    }

    #[test]
    fn a_header_that_comes_twice_is_one_list() {
        let mut asked = request("/v1/x", "application/json", "{}");
        asked.headers.push(("openai-beta".into(), "b".into()));
        let sent = encoded("openai", None, &asked);
        assert!(sent.headers.contains(&("openai-beta".into(), "assistants=v2, b".into())), "{:?}", sent.headers);
    }

    #[test]
    fn a_model_in_the_path_becomes_the_configs() {
        for (asked, named, url) in [
            ("/v1beta/models/gemini/pro:generateContent", Some("gemini/pro"), "models/embed-1:generateContent"),
            ("https://h/v1beta/models/pro:countTokens?a=b", Some("pro"), "models/embed-1:countTokens?a=b"),
            ("https://h/v1/models/ft:gpt:me", None, "models/embed-1:gpt:me"),
            ("https://h:8/v1beta/models", None, "models"),
            ("https://h:8/v1beta/models/x", None, "models/x"),
            ("https://h:8/v1beta/files/x:y", None, "files/x:y"),
        ] {
            let request = request(asked, "application/json", "{}");
            assert_eq!(asked_model(&request).as_deref(), named, "{asked}");
            assert_eq!(encoded("gemini", Some("http://g"), &request).url, format!("http://g/v1beta/{url}"), "{asked}");
        }
    }

    #[test]
    fn the_body_stays_but_for_the_models_name() {
        let body = r#"{ "input": [1.0, "ä"],  "model" : "openai/embed-1", "x": 12345678901234567890123 }"#;
        let sent = encoded("openai", None, &request("/v1/embeddings", "application/json", body));
        let expected = r#"{ "input": [1.0, "ä"],  "model" : "embed-1", "x": 12345678901234567890123 }"#;
        assert_eq!(String::from_utf8(sent.body).unwrap(), expected);
        let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nopenai/embed-1\r\n--b\r\nContent-Disposition: \
                    form-data; name=\"file\"\r\n\r\n\u{0}\r\n--b--\r\n";
        let asked = request("/v1/audio/transcriptions", "multipart/form-data; boundary=b", form);
        assert_eq!(asked_model(&asked).as_deref(), Some("openai/embed-1"));
        let sent = encoded("openai", None, &asked);
        assert_eq!(String::from_utf8(sent.body).unwrap(), form.replace("openai/embed-1", "embed-1"));
        for untouched in ["", "no json", "[1]", r#"{"model": 5}"#, r#"{"model": "embed-1" }"#] {
            let sent = encoded("openai", None, &request("/v1/x", "application/json", untouched));
            assert_eq!(sent.body, untouched.as_bytes());
        }
    }

    #[test]
    fn the_apps_keys_are_dropped_and_the_configs_is_sent() {
        let sent = encoded("openai", None, &request("/v1/embeddings", "application/json", "{}"));
        let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["content-type", "openai-beta", "x-house"]);
        assert_eq!(sent.secret_header.unwrap().1.expose_secret(), "Bearer sk-config");
        assert_eq!(sent.method, "POST");
    }
}
