//! Writing of errors.

use serde_json::{Value, json};

use crate::dialect::{error::context, field, receipt_field};
use crate::types::{Error, ErrorKind};

/// Writes an error as a JSON document.
pub(super) fn encode(error: &Error) -> Vec<u8> {
    json!({"error": body(error)}).to_string().into_bytes()
}

/// Returns what the field `error` holds: the type in OpenAI's words, and the engine's stable code.
pub(in crate::dialect) fn body(error: &Error) -> Value {
    json!({
        "message": error.detail(),
        "type": error_type(error.kind()),
        "param": field::named(error),
        "code": error.code(),
        receipt_field::FIELD: context(error),
    })
}

/// Returns OpenAI's type of a kind, or the kind's own code where OpenAI has no such error.
const fn error_type(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest | ErrorKind::ContextLengthExceeded | ErrorKind::ContentFiltered => {
            "invalid_request_error"
        }
        ErrorKind::Authentication => "authentication_error",
        ErrorKind::PermissionDenied => "permission_error",
        ErrorKind::NotFound | ErrorKind::NoRoute => "not_found_error",
        ErrorKind::RateLimited => "rate_limit_error",
        ErrorKind::ProviderQuotaExhausted => "insufficient_quota",
        ErrorKind::ProviderUnavailable | ErrorKind::Internal => "server_error",
        other => other.code(),
    }
}
