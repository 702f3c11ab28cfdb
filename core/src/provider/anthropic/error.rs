//! Reading of errors.

use serde_json::Value;

use crate::provider::failure::{self, Failure, without_shape};
use crate::provider::json::{error_field, owned, text, word};
use crate::provider::{ResponseHead, Target};
use crate::types::Error;

/// Decodes the answer of a status that is not a success.
pub(super) fn decode_error(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
    let failure = match serde_json::from_slice(body) {
        Ok(value) => failure(&value).unwrap_or_else(|| without_shape(body)),
        Err(_) => without_shape(body),
    };
    failure::error(target, head, failure)
}

/// Reads an error inside an answer or an event of status 200; nothing if there is none.
pub(super) fn embedded(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Option<Error> {
    let has_answer = value.get("content").is_some_and(|content| !content.is_null()) || is_event(value);
    let is_error = text(value, "type") == Some("error") || error_field(value, has_answer).is_some();
    let found = is_error.then(|| failure(value).unwrap_or_default());
    let found = found.or_else(|| if has_answer { None } else { failure::flat(value) });
    found.map(|failure| failure::error(target, head, failure))
}

/// Returns whether a document is an event of the format.
fn is_event(value: &Value) -> bool {
    text(value, "type").is_some_and(|kind| kind != "error")
}

/// Reads an event that is called an error, whatever its shape.
pub(super) fn named(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Error {
    failure::error(target, head, failure(value).unwrap_or_default())
}

/// Reads the object under `error`; hosts that stand before the provider write its fields at the top.
fn failure(value: &Value) -> Option<Failure> {
    let outer = value.as_object()?;
    let inner = match outer.get("error") {
        Some(Value::String(message)) => {
            return Some(Failure { code: word(value, "code"), message: message.clone(), ..Failure::default() });
        }
        Some(inner @ Value::Object(_)) => inner,
        _ => value,
    };
    let class = owned(inner, "type").filter(|class| class != "error");
    Some(Failure {
        kind: None,
        // Inside a stream the type is all that there is; it stands for the status that it comes with otherwise.
        status: class.as_deref().and_then(status),
        code: word(inner, "code"),
        class,
        message: owned(inner, "message").or_else(|| owned(inner, "detail")).unwrap_or_default(),
        request_id: owned(value, "request_id"),
        retry_after: None,
    })
}

fn status(class: &str) -> Option<u16> {
    Some(match class {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "conflict_error" => 409,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "api_error" => 500,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => return None,
    })
}
