//! Reading of errors.

use std::time::Duration;

use serde_json::Value;

use crate::provider::failure::{self, Failure, spelled_duration, without_shape};
use crate::provider::json::{error_field, field, items, owned, text, word};
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

/// Reads an error inside an answer or a chunk of status 200; nothing if there is none.
pub(super) fn embedded(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Option<Error> {
    let has_answer = ["candidates", "usageMetadata", "promptFeedback"].iter().any(|key| field(value, key).is_some());
    let found = error_field(value, has_answer).map(|_| failure(value).unwrap_or_default());
    let found = found.or_else(|| if has_answer { None } else { failure::flat(value) });
    found.map(|failure| failure::error(target, head, failure))
}

/// Reads an event that is called an error, whatever its shape.
pub(super) fn named(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Error {
    failure::error(target, head, failure(value).unwrap_or_default())
}

/// Reads the object under `error`, which may stand in a list.
fn failure(value: &Value) -> Option<Failure> {
    let value = value.as_array().and_then(|list| list.first()).unwrap_or(value);
    let inner = match value.as_object()?.get("error") {
        Some(Value::String(message)) => return Some(Failure { message: message.clone(), ..Failure::default() }),
        Some(inner @ Value::Object(_)) => inner,
        _ => value,
    };
    let status = inner.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    Some(Failure {
        kind: None,
        status: status.filter(|status| (400..600).contains(status)),
        code: reason(inner).or_else(|| owned(inner, "status")).or_else(|| word(inner, "code")),
        class: owned(inner, "status"),
        message: owned(inner, "message").unwrap_or_default(),
        request_id: None,
        retry_after: retry_delay(inner),
    })
}

/// Returns what the details add to the status: why a key was refused, or which quota was used up.
fn reason(inner: &Value) -> Option<String> {
    let details = items(inner, "details");
    let daily = details
        .iter()
        .flat_map(|detail| items(detail, "violations"))
        .filter_map(|violation| owned(violation, "quotaId"))
        .find(|quota| quota.contains("PerDay"));
    daily.or_else(|| details.iter().find_map(|detail| owned(detail, "reason")))
}

fn retry_delay(inner: &Value) -> Option<Duration> {
    items(inner, "details").iter().find_map(|detail| text(detail, "retryDelay")).and_then(spelled_duration)
}
