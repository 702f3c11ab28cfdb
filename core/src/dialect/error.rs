//! Errors in the terms of HTTP.

use serde_json::{Map, Value, json};

use crate::types::{Error, ErrorKind};

/// Returns the status that makes vendors' libraries raise the class of error that fits a kind.
///
/// A budget is 402 and not 429, which some libraries would send again by themselves.
#[must_use]
pub const fn status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::BudgetExceeded | ErrorKind::Unpriced | ErrorKind::CurrencyMismatch => 402,
        ErrorKind::NoRoute | ErrorKind::NotFound => 404,
        ErrorKind::RateLimited | ErrorKind::ProviderQuotaExhausted => 429,
        ErrorKind::ProviderUnavailable => 503,
        ErrorKind::InvalidRequest | ErrorKind::ContextLengthExceeded | ErrorKind::ContentFiltered => 400,
        ErrorKind::Authentication => 401,
        ErrorKind::PermissionDenied => 403,
        ErrorKind::Timeout => 504,
        ErrorKind::Cancelled => 499,
        ErrorKind::IdempotencyConflict => 409,
        _ => 500,
    }
}

/// Returns what is known of an error beyond its code and its sentence, for the field `tollway`.
pub(super) fn context(error: &Error) -> Value {
    let mut context = Map::new();
    context.insert("code".to_owned(), error.code().into());
    for (name, value) in [
        ("provider", error.provider().map(Value::from)),
        ("model", error.model().map(Value::from)),
        ("status", error.status().map(Value::from)),
        ("retry_after", error.retry_after().map(|wait| json!(wait.as_secs_f64()))),
        ("request_id", error.request_id().map(Value::from)),
        ("provider_code", error.provider_code().map(Value::from)),
    ] {
        if let Some(value) = value {
            context.insert(name.to_owned(), value);
        }
    }
    context.insert("retryable".to_owned(), error.is_retryable().into());
    Value::Object(context)
}
