//! Errors as they cross into another language: flat, and serialisable.

use serde::Serialize;
use tollway::types::{BudgetRefusal, Error, ErrorKind, FailedAttempt};

/// Returns the codes of all kinds of errors, for bindings that make a class of each.
#[must_use]
pub fn codes() -> Vec<&'static str> {
    ErrorKind::ALL.iter().map(|kind| kind.code()).collect()
}

/// An error in the one shape that every language knows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The stable code of the kind, such as `budget_exceeded`.
    pub code: &'static str,
    /// The sentence for people; it says what to do.
    pub detail: Box<str>,
    /// The provider of the failed attempt.
    pub provider: Option<Box<str>>,
    /// The model of the failed attempt.
    pub model: Option<Box<str>>,
    /// The HTTP status of the provider's answer.
    pub status: Option<u16>,
    /// How long to wait before a retry, in seconds.
    pub retry_after: Option<f64>,
    /// The provider's id of the request.
    pub request_id: Option<Box<str>>,
    /// What else is known of it.
    #[serde(flatten)]
    pub more: Box<ErrorContext>,
}

/// What an error tells beside where it arose.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErrorContext {
    /// The provider's own error code or type.
    pub provider_code: Option<Box<str>>,
    /// Whether the same call, sent again, may succeed.
    pub retryable: bool,
    /// The attempts of the call that failed, in order, those that were never sent included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<FailedAttempt>,
    /// What the budget had that refused the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetRefusal>,
    /// The argument that is wrong, as its path such as `prices.input_token.unit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<Box<str>>,
}

impl ErrorInfo {
    /// Makes an error of a kind; the detail says what was wrong and what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Error::new(kind, detail).into()
    }

    /// Names the argument that is wrong, by its path.
    #[must_use]
    pub(crate) fn with_field(mut self, path: &str) -> Self {
        self.more.field = Some(path.into());
        self
    }

    /// Returns the error as JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A struct of texts and numbers always serialises: a wait is finite, because a `Duration` is.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Makes an error that shows a defect of Tollway.
    #[must_use]
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, detail)
    }

    pub(crate) fn forked() -> Self {
        Self::new(
            ErrorKind::Forked,
            "this call was started before a fork, by the parent process; start it again in this process",
        )
    }

    /// Makes the error of a forked child that uses a ledger in its parent's memory.
    pub(crate) fn of_another_memory() -> Self {
        Self::new(
            ErrorKind::Forked,
            "this ledger is in the memory of the process that made it, before a fork; open a ledger of its own in this process, or \
             give all processes the path of one file",
        )
    }

    pub(crate) fn closed() -> Self {
        Self::new(ErrorKind::Closed, "this handle was closed; open the file again")
    }

    /// Says why a task ended without a result.
    pub(crate) fn lost() -> Self {
        if std::thread::panicking() {
            Self::new(ErrorKind::Internal, "the call ended in a panic; report it, with what was called")
        } else {
            Self::new(ErrorKind::Cancelled, "the call was given up before its end; its record says what was billed")
        }
    }
}

impl From<Error> for ErrorInfo {
    fn from(error: Error) -> Self {
        Self {
            code: error.code(),
            detail: error.detail().into(),
            provider: error.provider().map(Into::into),
            model: error.model().map(Into::into),
            status: error.status(),
            retry_after: error.retry_after().map(|wait| wait.as_secs_f64()),
            request_id: error.request_id().map(Into::into),
            more: Box::new(ErrorContext {
                provider_code: error.provider_code().map(Into::into),
                retryable: error.is_retryable(),
                attempts: error.attempts().to_vec(),
                budget: error.budget().cloned(),
                field: None,
            }),
        }
    }
}

impl std::fmt::Display for ErrorInfo {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.code, self.detail)
    }
}

impl std::error::Error for ErrorInfo {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_kind_has_its_code_in_the_list() {
        // The parser lists all variants that the type has, in their order.
        let known = serde_json::from_str::<ErrorKind>("\"?\"").unwrap_err().to_string();
        let listed: Vec<_> = codes().iter().map(|code| format!("`{code}`")).collect();
        assert!(known.contains(&format!("expected one of {} at line", listed.join(", "))), "{known}");
    }

    #[test]
    fn every_field_of_an_error_reaches_the_shell() {
        let error = Error::new(ErrorKind::RateLimited, "wait")
            .with_target("openai", "gpt-4o-mini")
            .with_status(429)
            .with_retry_after(Some(Duration::from_millis(1500)))
            .with_request_id(Some("r1".to_owned()))
            .with_provider_code(Some("rate_limit_exceeded".to_owned()));
        assert_eq!(
            ErrorInfo::from(error).to_json(),
            r#"{"code":"rate_limited","detail":"wait","provider":"openai","model":"gpt-4o-mini","status":429,"retry_after":1.5,"request_id":"r1","provider_code":"rate_limit_exceeded","retryable":true}"#
        );
    }
}
