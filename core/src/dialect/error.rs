//! Errors in the terms of HTTP.

use serde_json::{Map, Value, json};

use crate::types::{Error, ErrorKind};

/// Returns the status that makes vendors' libraries raise the class of error that fits a kind.
///
/// A budget is 402 and not 429, which some libraries would send again by themselves.
#[must_use]
pub const fn status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::BudgetExceeded
        | ErrorKind::QuotaExceeded
        | ErrorKind::PoolExhausted
        | ErrorKind::Unpriced
        | ErrorKind::CurrencyMismatch => 402,
        ErrorKind::NoRoute | ErrorKind::NotFound => 404,
        ErrorKind::RateLimited | ErrorKind::ProviderQuotaExhausted => 429,
        ErrorKind::ProviderUnavailable | ErrorKind::StorageBusy => 503,
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
        ("budget", error.budget().map(|budget| json!(budget))),
        ("attempts", Some(error.attempts()).filter(|attempts| !attempts.is_empty()).map(|attempts| json!(attempts))),
    ] {
        if let Some(value) = value {
            context.insert(name.to_owned(), value);
        }
    }
    context.insert("retryable".to_owned(), error.is_retryable().into());
    Value::Object(context)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_refusal_by_a_budget_is_not_retryable() {
        for (kind, expected) in [
            (ErrorKind::BudgetExceeded, 402),
            (ErrorKind::QuotaExceeded, 402),
            (ErrorKind::PoolExhausted, 402),
            (ErrorKind::Unpriced, 402),
            (ErrorKind::CurrencyMismatch, 402),
            (ErrorKind::NoRoute, 404),
            (ErrorKind::NotFound, 404),
            (ErrorKind::RateLimited, 429),
            (ErrorKind::ProviderQuotaExhausted, 429),
            (ErrorKind::ProviderUnavailable, 503),
            (ErrorKind::InvalidRequest, 400),
            (ErrorKind::ContextLengthExceeded, 400),
            (ErrorKind::ContentFiltered, 400),
            (ErrorKind::Authentication, 401),
            (ErrorKind::PermissionDenied, 403),
            (ErrorKind::Timeout, 504),
            (ErrorKind::Cancelled, 499),
            (ErrorKind::IdempotencyConflict, 409),
            (ErrorKind::Storage, 500),
            (ErrorKind::StorageBusy, 503),
            (ErrorKind::Closed, 500),
            (ErrorKind::Internal, 500),
        ] {
            assert_eq!(status(kind), expected, "{kind:?}");
        }
    }

    #[test]
    fn the_context_of_an_error_has_only_the_fields_that_are_known() {
        let error = Error::new(ErrorKind::RateLimited, "wait")
            .with_target("acme", "m")
            .with_status(429)
            .with_retry_after(Some(Duration::from_millis(1500)))
            .with_request_id(Some("r".to_owned()))
            .with_provider_code(Some("slow_down".to_owned()));
        assert_eq!(
            context(&error),
            json!({"code": "rate_limited", "provider": "acme", "model": "m", "status": 429, "retry_after": 1.5,
                "request_id": "r", "provider_code": "slow_down", "retryable": true})
        );
        let bare = Error::new(ErrorKind::BudgetExceeded, "raise the limit");
        assert_eq!(context(&bare), json!({"code": "budget_exceeded", "retryable": false}));
    }
}
