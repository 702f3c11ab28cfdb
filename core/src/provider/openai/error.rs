//! Reading of errors.

use serde_json::Value;

use crate::provider::failure::{self, Failure, without_shape};
use crate::provider::json::{error_field, get, items, owned, text, word};
use crate::provider::{ResponseHead, Target};
use crate::types::Error;

/// Decodes the answer of a status that is not a success.
pub(in crate::provider) fn decode_error(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
    let failure = match serde_json::from_slice(body) {
        Ok(value) => failure(&value).unwrap_or_else(|| without_shape(body)),
        Err(_) => without_shape(body),
    };
    failure::error(target, head, failure)
}

/// Reads an error inside an answer or an event of status 200; nothing if there is none.
pub(in crate::provider) fn embedded(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Option<Error> {
    let has_answer = get(value, "choices").is_some_and(Value::is_array);
    let is_error = error_field(value, has_answer).is_some() || text(value, "object") == Some("error");
    let in_choice = || get(value, "choices")?.as_array()?.iter().find(|choice| error_field(choice, true).is_some());
    let found = if is_error { Some(value) } else { in_choice() };
    let found = found
        .and_then(failure)
        .or_else(|| if items(value, "choices").is_empty() { failure::flat(value) } else { None });
    found.map(|failure| failure::error(target, head, failure))
}

/// Reads an event that is called an error, whatever its shape.
pub(super) fn named(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Error {
    failure::error(target, head, failure(value).unwrap_or_default())
}

/// Reads the shapes of the family: an object under `error`, a text under `error`, or the fields at the top.
fn failure(value: &Value) -> Option<Failure> {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    let outer = value.as_object()?;
    let request_id = owned(value, "request_id");
    let mut failure = match outer.get("error") {
        Some(Value::String(message)) => {
            Failure { code: word(value, "code"), message: message.clone(), ..Failure::default() }
        }
        Some(inner @ Value::Object(_)) => inner_failure(inner),
        _ => inner_failure(value),
    };
    failure.request_id = failure.request_id.or(request_id);
    Some(failure)
}

fn inner_failure(value: &Value) -> Failure {
    let code = word(value, "code").or_else(|| get(value, "innererror").and_then(|inner| owned(inner, "code")));
    let named = ["status_code", "status", "code"].iter().find_map(|key| word(value, key)?.parse().ok());
    let message = ["message", "detail", "msg"].iter().find_map(|key| match value.get(*key) {
        Some(Value::String(message)) => Some(message.clone()),
        Some(other @ (Value::Array(_) | Value::Object(_))) => Some(other.to_string()),
        _ => None,
    });
    let mut message = message.unwrap_or_default();
    let metadata = get(value, "metadata");
    if let Some(raw) = metadata.and_then(|metadata| owned(metadata, "raw")) {
        // The upstream provider's own error says more than the router's summary of it.
        let upstream = serde_json::from_str::<Value>(&raw).ok().and_then(|raw| failure(&raw));
        let said = upstream.map(|upstream| upstream.message).filter(|said| !said.is_empty()).unwrap_or(raw);
        message = format!("{message}: {said}");
    }
    Failure {
        kind: None,
        status: named.filter(|status| (400..600).contains(status)),
        code,
        class: owned(value, "type"),
        message,
        request_id: owned(value, "request_id"),
        retry_after: None,
    }
}
