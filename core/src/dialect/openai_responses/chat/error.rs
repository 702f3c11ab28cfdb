//! Writing of errors.

use serde_json::{Value, json};

use crate::dialect::openai;
use crate::types::{Error, ErrorKind};

/// Writes an error as a JSON document: both of OpenAI's formats have the same.
pub(super) fn encode(error: &Error) -> Vec<u8> {
    json!({"error": body(error)}).to_string().into_bytes()
}

/// Returns what the field `error` of a document or an event holds.
pub(super) fn body(error: &Error) -> Value {
    openai::chat::error_body(error)
}

/// Returns what the field `error` of a response that failed holds; its codes are a closed list.
pub(super) fn of_response(error: &Error) -> Value {
    let code = match error.kind() {
        ErrorKind::RateLimited | ErrorKind::ProviderQuotaExhausted => "rate_limit_exceeded",
        _ => "server_error",
    };
    json!({"code": code, "message": error.detail()})
}
