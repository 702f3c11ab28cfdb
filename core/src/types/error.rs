//! The one error type, with prescriptive kinds: each says what the caller must do.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::{BudgetRefusal, FailedAttempt};
use super::model_name::ModelName;
use super::printable::{cut, printable};

/// The result of every fallible function of the crate.
pub type Result<T> = std::result::Result<T, Error>;

macro_rules! kinds {
    ($($(#[$documentation:meta])+ $kind:ident = $code:literal;)+) => {
        /// What went wrong, in terms of what the caller must do. The codes are stable.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[$documentation])+ #[serde(rename = $code)] $kind,)+
        }

        impl ErrorKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Returns the stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$kind => $code,)+
                }
            }
        }
    };
}

kinds! {
    /// A cap would be passed. Wait for the next window, raise the limit, or ask for less.
    BudgetExceeded = "budget_exceeded";
    /// A user's quota is used up. Wait for the next month, grant or buy more, or ask for less.
    QuotaExceeded = "quota_exceeded";
    /// What was paid to the provider in advance is used up. Recharge the pool.
    PoolExhausted = "pool_exhausted";
    /// The call has no price and the policy refuses such calls. Add a price or choose another policy.
    Unpriced = "unpriced";
    /// A price and a budget are in different currencies. Set a budget in the currency of the price, or an exchange rate.
    CurrencyMismatch = "currency_mismatch";
    /// No model config can serve the request. The detail names each config and why it was passed over.
    NoRoute = "no_route";
    /// The provider limits the rate of calls. Retry after `retry_after`.
    RateLimited = "rate_limited";
    /// The account with the provider is out of money or quota. Recharge it; a retry does not help.
    ProviderQuotaExhausted = "provider_quota_exhausted";
    /// The provider failed or could not be reached. Retry later or add a fallback.
    ProviderUnavailable = "provider_unavailable";
    /// The request is wrong. Change it; the detail names the field.
    InvalidRequest = "invalid_request";
    /// What the request names does not exist, here or at the provider.
    NotFound = "not_found";
    /// The provider did not accept the API key. Replace it.
    Authentication = "authentication";
    /// The API key is valid but may not do this. Ask the provider for access.
    PermissionDenied = "permission_denied";
    /// The input is longer than the model accepts. Shorten it or use another model.
    ContextLengthExceeded = "context_length_exceeded";
    /// The provider refused the content. Change it.
    ContentFiltered = "content_filtered";
    /// The deadline passed. Retry or allow more time.
    Timeout = "timeout";
    /// The caller cancelled the call.
    Cancelled = "cancelled";
    /// The idempotency key was used before with another request. Use a new key.
    IdempotencyConflict = "idempotency_conflict";
    /// The master key does not open this file. Nothing was changed; give the right key.
    WrongMasterKey = "wrong_master_key";
    /// The path is not a Tollway file. Nothing was changed; check the path.
    NotATollwayFile = "not_a_tollway_file";
    /// The file is truncated or damaged. Restore it from a copy.
    CorruptedFile = "corrupted_file";
    /// The file was written by a newer version. Upgrade this one.
    NewerFile = "newer_file";
    /// The file could not be read or written: folder missing or read-only, disk full, opened elsewhere.
    Storage = "storage";
    /// Another process has the file locked for longer than there was time to wait. Retry; if it stays so, let the process that
    /// the detail names go on, or end it.
    StorageBusy = "storage_busy";
    /// The handle was opened in another process, before a fork. Open the file again in this process.
    Forked = "forked";
    /// The handle was shut down. Open the file again.
    Closed = "closed";
    /// A defect of Tollway. Report it.
    Internal = "internal";
}

impl ErrorKind {
    /// Returns whether an account of the ledger had no room for a call.
    #[must_use]
    pub const fn is_lack_of_room(self) -> bool {
        matches!(self, Self::BudgetExceeded | Self::QuotaExceeded | Self::PoolExhausted)
    }
}

/// The most characters of a detail.
const LONGEST_DETAIL: usize = 16_000;

/// The most characters of a request id or a provider's code.
const LONGEST_WORD: usize = 256;

/// An error: a kind, a sentence for people, and what is known of where it arose. It never holds a secret, and no character
/// that a terminal or a log would obey.
#[derive(Clone)]
pub struct Error(Box<Contents>);

#[derive(Clone)]
struct Contents {
    kind: ErrorKind,
    detail: String,
    provider: Option<String>,
    model: Option<String>,
    status: Option<u16>,
    retry_after: Option<Duration>,
    request_id: Option<String>,
    provider_code: Option<String>,
    retryable: Option<bool>,
    attempts: Vec<FailedAttempt>,
    budget: Option<BudgetRefusal>,
}

impl Error {
    /// Makes an error of a kind; the detail says what was wrong and what to do.
    #[must_use]
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self(Box::new(Contents {
            kind,
            detail: shown(detail.into(), LONGEST_DETAIL),
            provider: None,
            model: None,
            status: None,
            retry_after: None,
            request_id: None,
            provider_code: None,
            retryable: None,
            attempts: Vec::new(),
            budget: None,
        }))
    }

    /// Adds the provider and the model that the failed attempt was for.
    #[must_use]
    pub fn with_target(mut self, provider: impl Into<String>, model: impl Into<String>) -> Self {
        self.0.provider = Some(shown(provider.into(), LONGEST_WORD));
        self.0.model = Some(shown(model.into(), LONGEST_WORD));
        self
    }

    /// Adds the HTTP status of the provider's answer.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Adds how long to wait before a retry.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }

    /// Adds the provider's id of the request.
    #[must_use]
    pub fn with_request_id(mut self, request_id: Option<String>) -> Self {
        self.0.request_id = request_id.map(|id| shown(id, LONGEST_WORD));
        self
    }

    /// Adds the provider's own error code or type.
    #[must_use]
    pub fn with_provider_code(mut self, code: Option<String>) -> Self {
        self.0.provider_code = code.map(|code| shown(code, LONGEST_WORD));
        self
    }

    /// Overrules whether the same call may succeed when it is sent again, as the provider said it.
    #[must_use]
    pub fn with_retryable(mut self, retryable: Option<bool>) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Adds the attempts of the call, in order.
    #[must_use]
    pub fn with_attempts(mut self, attempts: Vec<FailedAttempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// Adds what the budget that refused had.
    #[must_use]
    pub fn with_budget(mut self, budget: BudgetRefusal) -> Self {
        self.0.budget = Some(budget);
        self
    }

    /// Adds to the sentence for people.
    #[must_use]
    pub fn with_detail_suffix(mut self, suffix: &str) -> Self {
        let detail = std::mem::take(&mut self.0.detail) + suffix;
        self.0.detail = shown(detail, LONGEST_DETAIL);
        self
    }

    /// Returns what the caller must do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the stable code of the kind.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// Returns the sentence for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Returns the provider of the failed attempt.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// Returns the model of the failed attempt.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// Returns the HTTP status of the provider's answer.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Returns how long to wait before a retry.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the provider's id of the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Returns the provider's own error code or type.
    #[must_use]
    pub fn provider_code(&self) -> Option<&str> {
        self.0.provider_code.as_deref()
    }

    /// Returns the attempts of the call that failed, in order, those that were never sent included; none of what is no call.
    #[must_use]
    pub fn attempts(&self) -> &[FailedAttempt] {
        &self.0.attempts
    }

    /// Returns what the budget had that refused the call.
    #[must_use]
    pub fn budget(&self) -> Option<&BudgetRefusal> {
        self.0.budget.as_ref()
    }

    /// Returns whether the same call, sent again to the same provider, may succeed.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.retryable.unwrap_or(matches!(
            self.0.kind,
            ErrorKind::RateLimited | ErrorKind::ProviderUnavailable | ErrorKind::Timeout | ErrorKind::StorageBusy
        ))
    }
}

/// Writes a text in one line that shows itself and nothing else, and cuts it.
fn shown(text: String, most: usize) -> String {
    let is_plain = text.len() <= most && matches!(printable(&text), Cow::Borrowed(_));
    if is_plain { text } else { cut(&printable(&text), most).into_owned() }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.detail())?;
        if let (Some(provider), Some(model)) = (self.provider(), self.model()) {
            write!(formatter, " [{}", ModelName::new(provider, model))?;
            if let Some(status) = self.status() {
                write!(formatter, ", status {status}")?;
            }
            if let Some(request_id) = self.request_id() {
                write!(formatter, ", request {request_id}")?;
            }
            formatter.write_str("]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Error({self})")
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_an_error_moves_a_cursor_or_has_no_end() {
        let error = Error::new(ErrorKind::NotFound, "no \u{1b}[2J\nmodel")
            .with_detail_suffix("\u{202e}!")
            .with_target("a\rb", "m\u{7}")
            .with_request_id(Some("r\u{9b}".repeat(300)))
            .with_provider_code(Some("\u{0}".to_owned()));
        assert_eq!(error.detail(), "no \\u{1b}[2J\\nmodel\\u{202e}!");
        assert!(!error.to_string().contains(super::super::printable::is_control), "{error:?}");
        assert_eq!(error.request_id().unwrap().chars().count(), LONGEST_WORD + 1);
        let long = Error::new(ErrorKind::NotFound, "x".repeat(LONGEST_DETAIL)).with_detail_suffix("y");
        assert_eq!(long.detail().chars().count(), LONGEST_DETAIL + 1);
    }
}
