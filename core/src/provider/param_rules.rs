//! What the parameters of a model config may be.

use serde_json::{Map, Value};

use super::adapters::{FORMAT_PARAMETERS, format_names};
use super::body_field;
use super::params::{ALLOW_INSECURE, OMIT};
use super::wire_format::AuthHeader;
use crate::types::{Attribute, Error, ErrorKind, Result, check_value_levels};

/// The parameters that are understood, beside those that name a wire format.
const KEYS: [&str; 11] = [
    "most_inputs",
    "auth_header",
    "context_window",
    "max_output_tokens",
    "max_tokens_field",
    "max_uses",
    "headers",
    "body",
    "facts",
    ALLOW_INSECURE,
    OMIT,
];

/// Fields without which a request makes no sense, or is not bounded.
const KEPT: [&str; 12] = [
    "model",
    "messages",
    "system",
    "contents",
    "systemInstruction",
    "generationConfig",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "maxOutputTokens",
    "n",
];

/// Headers that carry a key, or that belong to the transport.
const RESERVED_HEADERS: [&str; 8] = [
    "authorization",
    "x-api-key",
    "x-goog-api-key",
    "api-key",
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
];

/// Checks the parameters of a model config.
///
/// Fails with `invalid_request`, naming the parameter and what it may be.
pub fn validate_params(params: &Map<String, Value>) -> Result<()> {
    for (key, value) in params {
        check_value_levels(key, value)?;
        if let Some((_, capability)) = FORMAT_PARAMETERS.iter().find(|(parameter, _)| parameter == key) {
            one_of(key, value, &format_names(*capability))?;
            continue;
        }
        match key.as_str() {
            "auth_header" => {
                one_of(key, value, &AuthHeader::ALL.map(AuthHeader::name))?;
            }
            "max_tokens_field" => {
                one_of(key, value, &["max_tokens", "max_completion_tokens"])?;
            }
            "max_output_tokens" if value.as_u64().is_some_and(|limit| limit > 0) => {}
            "context_window" if value.as_u64().is_some_and(|window| window > 0) => {}
            "most_inputs" if value.as_u64().is_some_and(|most| most > 0) => {}
            "max_output_tokens" | "context_window" | "most_inputs" => {
                return Err(wrong(key, "must be a whole number above zero"));
            }
            "max_uses" => validate_max_uses(value)?,
            "headers" => validate_headers(value)?,
            "body" => validate_body(value)?,
            "facts" => validate_facts(value)?,
            ALLOW_INSECURE if value.is_boolean() => {}
            ALLOW_INSECURE => return Err(wrong(key, "must be true or false")),
            OMIT => validate_omit(value)?,
            _ => {
                let of_formats = FORMAT_PARAMETERS.iter().map(|(parameter, _)| *parameter);
                let known: Vec<_> = of_formats.chain(KEYS).collect();
                return Err(wrong(key, &format!("is not known; the known ones are {}", known.join(", "))));
            }
        }
    }
    Ok(())
}

/// Facts that prices depend on and no request shows, such as the region of an account.
fn validate_facts(value: &Value) -> Result<()> {
    let facts = value.as_object().ok_or_else(|| wrong("facts", "must be an object of words"))?;
    for (name, word) in facts {
        if Attribute::from_name(name).is_none() {
            let known: Vec<_> = Attribute::ALL.iter().map(|attribute| attribute.name()).collect();
            return Err(wrong("facts", &format!("has {name:?}, which is none of {}", known.join(", "))));
        }
        if !(word.is_boolean() || word.as_str().is_some_and(|word| !word.is_empty())) {
            return Err(wrong("facts", &format!("must give {name:?} as a word, or as true or false")));
        }
    }
    Ok(())
}

/// Names of fields that are left out.
fn validate_omit(value: &Value) -> Result<()> {
    let wanted = "must be an array of the names of fields, such as [\"stream_options\"]";
    let names = value.as_array().ok_or_else(|| wrong(OMIT, wanted))?;
    for name in names {
        let name = name.as_str().filter(|name| !name.is_empty()).ok_or_else(|| wrong(OMIT, wanted))?;
        if KEPT.contains(&name) {
            let problem = format!("must not name {name:?}, without which the request makes no sense or has no bound");
            return Err(wrong(OMIT, &problem));
        }
    }
    Ok(())
}

fn validate_headers(value: &Value) -> Result<()> {
    let headers = value.as_object().ok_or_else(|| wrong("headers", "must be an object of texts"))?;
    for (name, value) in headers {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(wrong("headers", &format!("has {name:?}, which is no header name")));
        }
        if RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(wrong(
                "headers",
                &format!(
                    "must not set {name:?}; a key belongs into api_key, where it is sealed, and auth_header chooses its header"
                ),
            ));
        }
        let printable = |text: &str| text.bytes().all(|byte| byte == b'\t' || (32..127).contains(&byte));
        if !value.as_str().is_some_and(printable) {
            return Err(wrong("headers", &format!("must give {name:?} as a string of printable ASCII")));
        }
    }
    Ok(())
}

fn validate_body(value: &Value) -> Result<()> {
    let body = value.as_object().ok_or_else(|| wrong("body", "must be an object"))?;
    body_field::reserved_in(body).map_or(Ok(()), |key| {
        Err(wrong("body", &format!("must not set `{key}`, which requests set; max_output_tokens bounds the output")))
    })
}

/// How much of its paid work a model does in one request at the most, by the name of a tool or of a meter.
fn validate_max_uses(value: &Value) -> Result<()> {
    let uses = value.as_object().ok_or_else(|| wrong("max_uses", "must be an object of whole numbers"))?;
    match uses.iter().find(|(_, most)| most.as_u64().is_none()) {
        Some((name, _)) => Err(wrong("max_uses", &format!("must give {name:?} as a whole number"))),
        None => Ok(()),
    }
}

fn one_of(key: &str, value: &Value, known: &[&str]) -> Result<()> {
    if value.as_str().is_some_and(|text| known.contains(&text)) {
        return Ok(());
    }
    Err(wrong(key, &format!("must be one of {}", known.join(", "))))
}

fn wrong(key: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("model parameter `{key}` {problem}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(params: &Value) -> Result<()> {
        validate_params(params.as_object().unwrap())
    }

    #[test]
    fn known_parameters_pass() {
        check(&json!({
            "wire_format": "anthropic_messages", "auth_header": "bearer", "max_output_tokens": 4096,
            "max_tokens_field": "max_tokens", "context_window": 200_000, "max_uses": {"web_search": 5}, "headers": {"anthropic-beta": "x"}, "body": {"enable_thinking": false},
            "omit": ["stream_options", "reasoning_content"], "allow_insecure": true,
        }))
        .unwrap();
    }

    #[test]
    fn wrong_parameters_are_named() {
        for (params, said) in [
            (json!({"colour": 1}), "colour"),
            (json!({"colour": 1}), "max_output_tokens"),
            (json!({"wire_format": "soap"}), "gemini_generate_content"),
            (json!({"auth_header": 1}), "x-api-key"),
            (json!({"max_output_tokens": 0}), "above zero"),
            (json!({"headers": {"Authorization": "Bearer x"}}), "api_key"),
            (json!({"headers": {"a b": "x"}}), "a b"),
            (json!({"headers": {"x": "a\nb"}}), "printable"),
            (json!({"headers": []}), "object"),
            (json!({"context_window": 0}), "above zero"),
            (json!({"max_uses": {"web_search": "9"}}), "web_search"),
            (json!({"max_uses": 9}), "object"),
            (json!({"body": {"max_tokens": 9}}), "max_tokens"),
            (json!({"body": {"max_tokens_to_sample": 9}}), "max_tokens_to_sample"),
            (json!({"body": {"maxOutputTokens": 9}}), "maxOutputTokens"),
            (json!({"body": {"candidateCount": 9}}), "candidateCount"),
            (json!({"body": {"generation_config": {"max_output_tokens": 9}}}), "max_output_tokens"),
            (json!({"body": {"generationConfig": {"candidateCount": 9}}}), "candidateCount"),
            (json!({"body": 1}), "object"),
            (json!({"allow_insecure": 1}), "true or false"),
            (json!({"omit": "stream_options"}), "array"),
            (json!({"omit": [1]}), "array"),
            (json!({"omit": [""]}), "array"),
            (json!({"omit": ["messages"]}), "messages"),
            (json!({"omit": ["max_tokens"]}), "bound"),
        ] {
            let error = check(&params).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.detail().contains(said), "{params}: {error}");
        }
    }
}
