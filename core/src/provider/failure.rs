//! What a provider's error means, in terms of what the caller must do.

use std::time::Duration;

use serde_json::Value;

use super::endpoint::split_query;
use super::json::{field, owned, word};
use super::redaction::Redactor;
use super::{ResponseHead, Target};
use crate::types::{Error, ErrorKind};

/// The most bytes of a body without a shape that are read as a message.
const LONGEST_SHAPELESS: usize = 16 << 10;

/// What a provider's error body said.
#[derive(Clone, Debug, Default)]
pub(super) struct Failure {
    /// The status that the body names, which counts where the answer's own status is a success.
    pub(super) status: Option<u16>,
    /// The error code.
    pub(super) code: Option<String>,
    /// The error's type or class.
    pub(super) class: Option<String>,
    /// The message for people.
    pub(super) message: String,
    /// The provider's id of the request.
    pub(super) request_id: Option<String>,
    /// The wait before a retry that the body asks for.
    pub(super) retry_after: Option<Duration>,
    /// What a code means that means something else at other vendors.
    pub(super) kind: Option<ErrorKind>,
}

/// Codes and texts are compared in lower case.
struct Rule {
    kind: ErrorKind,
    /// The whole code or type.
    codes: &'static [&'static str],
    /// A part of the code or type.
    code_parts: &'static [&'static str],
    /// A part of the message.
    texts: &'static [&'static str],
    /// The statuses at which the message counts; any where empty.
    statuses: &'static [u16],
}

/// The rules that stand before those of the status, in order: the first that holds decides.
const RULES: [Rule; 7] = [
    Rule {
        kind: ErrorKind::ContentFiltered,
        codes: &["content_filter", "content_policy_violation", "moderation_blocked", "data_inspection_failed", "1301"],
        code_parts: &["responsibleaipolicyviolation", "datainspectionfailed", "sensitivecontent", "riskdetection"],
        texts: &[
            "content management policy",
            "violates usage guidelines",
            "violates our usage polic",
            "requires moderation",
            "input was flagged",
            "data may contain inappropriate content",
        ],
        statuses: &[],
    },
    Rule {
        kind: ErrorKind::ContextLengthExceeded,
        codes: &[
            "context_length_exceeded",
            "context_window_exceeded",
            "exceed_context_size_error",
            "model_max_prompt_tokens_exceeded",
            "outofcontexterror",
            "prompt_too_long",
            "request_too_large",
            "tokens_limit_reached",
            "too_many_tokens",
            "too_many_prompt_tokens",
            "1261",
        ],
        code_parts: &[],
        texts: &[
            "maximum context length",
            "prompt is too long",
            "prompt too long",
            "prompt exceeds max length",
            "input is too long",
            "input too long",
            "input token count",
            "input token length too long",
            "input tokens exceed",
            "input length exceeds",
            "prompt token count",
            "prompt length exceeds",
            "exceeds the maximum number of tokens",
            "exceeded model token limit",
            "exceed context limit",
            "exceeds the context limit",
            "context window",
            "context length",
            "context size",
            "maximum model length",
            "maximum prompt length",
            "maximum input length",
            "maximum allowed input",
            "too many input tokens",
            "too many tokens: ",
            "too many tokens in ",
            "tokens, max allowed is",
            "tokens, but max allowed is",
            "tokens but max allowed is",
            "prompt is too large",
            "input is too large",
            "tokens limit exceeded",
            "number of tokens in the prompt",
            "reduce the length of the messages",
            "reduce the length of the prompt",
            "reduce the length of your prompt",
            "reduce the length of the input",
            "reduce your prompt",
            "range of input length",
            "exceed max message tokens",
            "too large for model with",
            "`inputs` tokens + `max_new_tokens`",
            "`inputs` must have less than",
            "tokens) exceeds the maximum allowed length",
            "too many prompt tokens",
            "tokens too long",
            "prompt\u{8d85}\u{957f}",
            "\u{8f93}\u{5165}\u{8d85}\u{957f}",
        ],
        statuses: &[400, 413, 422, 500],
    },
    Rule {
        kind: ErrorKind::ProviderQuotaExhausted,
        codes: &[
            "billing_error",
            "billing_not_active",
            "billing_hard_limit_reached",
            "exceeded_current_quota_error",
            "accountoverdueerror",
            "setlimitexceeded",
            "insufficient_balance",
            "insufficient_balance_error",
            "insufficient_credits",
            "insufficient_funds",
            "insufficient_user_quota",
            "budget_exceeded",
            "payment_required",
            "1113",
            "1304",
            "1308",
            "1310",
        ],
        code_parts: &["arrearage", "perday", "freetieronly"],
        texts: &[
            "credit balance is too low",
            "insufficient balance",
            "insufficient account",
            "insufficient credit",
            "insufficient fund",
            "balance is insufficient",
            "balance is not enough",
            "not enough credit",
            "no credits left",
            "credits are depleted",
            "credits have been depleted",
            "balance not enough",
            "unpaid bill",
            "out of credit",
            "negative balance",
            "account is in arrears",
            "\u{4f59}\u{989d}\u{4e0d}\u{8db3}",
            "\u{989d}\u{5ea6}\u{4e0d}\u{8db3}",
            "\u{6b20}\u{8d39}",
            "overdue balance",
            "not enough balance",
            "spending limit",
            "spend limit",
            "specified api usage limits",
        ],
        statuses: &[],
    },
    Rule {
        kind: ErrorKind::Authentication,
        codes: &[
            "invalid_api_key",
            "api_key_invalid",
            "invalidapikey",
            "authentication_error",
            "authenticationerror",
            "invalid_authentication_error",
            "unauthenticated",
            "1000",
            "1001",
            "1002",
            "1003",
            "1004",
            "1005",
        ],
        code_parts: &[],
        texts: &[
            "incorrect api key",
            "no api key provided",
            "api key is invalid",
            "api key is missing",
            "missing api key",
            "invalid authentication",
            "api key not valid",
            "invalid api key",
            "invalid x-api-key",
            "api key expired",
            "api key has expired",
            "api token has expired",
            "invalid api token",
        ],
        statuses: &[],
    },
    Rule {
        kind: ErrorKind::RateLimited,
        codes: &[
            "rate_limit_error",
            "rate_limit_exceeded",
            "rate_limit_reached_error",
            "resource_exhausted",
            "1302",
            "1303",
            "1305",
            "1312",
        ],
        code_parts: &["throttling", "ratelimit"],
        texts: &["rate limit", "rate-limit", "too many requests", "requests per minute", "tokens per minute"],
        statuses: &[400, 403],
    },
    Rule {
        kind: ErrorKind::NotFound,
        codes: &[
            "model_not_found",
            "modelnotfound",
            "not_found_error",
            "not_found",
            "deploymentnotfound",
            "1211",
            "1500",
        ],
        code_parts: &["invalidendpointormodel", "modelnotopen"],
        texts: &["is not a valid model", "model not found", "model not exist", "invalid model"],
        statuses: &[400, 404],
    },
    Rule {
        kind: ErrorKind::ProviderUnavailable,
        codes: &["overloaded_error", "api_error", "server_error", "timeout_error", "internal", "unavailable", "1234"],
        code_parts: &["serveroverloaded", "internalservice", "internalerror"],
        texts: &[],
        statuses: &[],
    },
];

/// Makes the error of a provider's answer. No secret of the config stands in it.
pub(super) fn error(target: &Target<'_>, head: &ResponseHead, failure: Failure) -> Error {
    let status = effective_status(head, &failure);
    let kind = classify(target, status, &failure);
    let may_wait = matches!(status, Some(408 | 409 | 429 | 498 | 500..)) || kind == ErrorKind::RateLimited;
    let retry_after = may_wait.then(|| retry_after(head, &failure)).flatten();
    let should_retry = match head.header("x-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let request_id = failure.request_id.or_else(|| {
        let names = ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id", "x-trace-id"];
        names.iter().find_map(|name| head.header(name)).map(str::to_owned)
    });
    let detail = match failure.message.trim() {
        _ if (300..400).contains(&head.status) => {
            // The query may carry a key.
            let place = head.header("location").map_or("another address", |place| split_query(place).0);
            format!("{} redirects to {place}, which is not followed; set base_url to where it is now", target.provider)
        }
        "" => format!("{} answered with status {} and no message", target.provider, head.status),
        message => message.to_owned(),
    };
    let code = failure.code.or(failure.class);
    let redactor = Redactor::of(target);
    Error::new(kind, redactor.message(&detail))
        .with_target(target.provider, target.model)
        .with_status(status.unwrap_or(head.status))
        .with_retry_after(retry_after)
        .with_request_id(request_id.map(|id| redactor.word(&id)))
        .with_provider_code(code.map(|code| redactor.word(&code)))
        .with_retryable(should_retry)
}

/// Makes the error for an answer that cannot be read.
pub(super) fn unreadable(target: &Target<'_>, head: &ResponseHead, problem: &str) -> Error {
    // What is wrong may be told by showing it.
    let redactor = Redactor::of(target);
    let detail = format!("the answer of {} cannot be read: {problem}", target.provider);
    let request_id = head.header("x-request-id").or_else(|| head.header("request-id"));
    Error::new(ErrorKind::ProviderUnavailable, redactor.message(&detail))
        .with_target(target.provider, target.model)
        .with_status(head.status)
        .with_request_id(request_id.map(|id| redactor.word(id)))
}

/// Reads an error that stands flat in a document of status 200, in the words of gateways and of vendors before they took on a
/// format: a code and a message, or both under `base_resp`. A code of success is none.
pub(super) fn flat(value: &Value) -> Option<Failure> {
    let found = field(value, "base_resp").unwrap_or(value);
    let code = ["status_code", "code", "error_code", "errcode", "status"].iter().find_map(|key| word(found, key))?;
    if matches!(code.to_ascii_lowercase().as_str(), "0" | "200" | "ok" | "success" | "succeeded" | "completed") {
        return None;
    }
    let said = ["status_msg", "message", "msg", "error_msg", "errmsg", "error_message", "detail"];
    let message = said.iter().find_map(|key| owned(found, key))?;
    let status = code.parse().ok().filter(|status| (400..600).contains(status));
    // The code of a request that cannot be served as it is says less than its text, where that says why.
    let is_vague = |kind: &ErrorKind| *kind == ErrorKind::InvalidRequest && says_too_long(&message);
    let kind = field(value, "base_resp").and_then(|_| base_response_kind(&code)).filter(|kind| !is_vague(kind));
    let request_id = owned(value, "request_id");
    Some(Failure { status, code: Some(code), message, request_id, kind, ..Failure::default() })
}

fn says_too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    let rule = RULES.iter().find(|rule| rule.kind == ErrorKind::ContextLengthExceeded);
    rule.is_some_and(|rule| rule.texts.iter().any(|text| message.contains(text)))
}

/// Returns what the codes under `base_resp` mean, by the table of the vendor that has it.
fn base_response_kind(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "1000" | "1001" | "1013" | "1024" | "1033" => ErrorKind::ProviderUnavailable,
        "1002" | "1039" | "1041" => ErrorKind::RateLimited,
        "1004" | "2049" => ErrorKind::Authentication,
        "1008" => ErrorKind::ProviderQuotaExhausted,
        "1026" | "1027" => ErrorKind::ContentFiltered,

        "2013" => ErrorKind::InvalidRequest,
        _ => return None,
    })
}

/// Returns which of some fields, all of which the engine adds by itself, a refusal names.
#[must_use]
pub fn refused_field(error: &Error, added: &[&'static str]) -> Option<&'static str> {
    let is_refusal = error.kind() == ErrorKind::InvalidRequest && matches!(error.status(), Some(400 | 422));
    // Where a request is repeated in its refusal, the field stands there as a key.
    let is_named = |field: &&'static str| {
        error.detail().match_indices(*field).any(|(place, _)| {
            let rest = &error.detail()[place + field.len()..];
            let rest = rest.trim_start_matches(['\'', '"', '\\', '`']).trim_start();
            !rest.strip_prefix(':').is_some_and(|value| value.trim_start().starts_with(['{', 'n', 'N']))
        })
    };
    added.iter().copied().find(|field| is_refusal && is_named(field))
}

/// Makes the failure of an answer whose body is no error that the format knows.
pub(super) fn without_shape(body: &[u8]) -> Failure {
    // A page can be long, and its beginning says what it is.
    let body = body.trim_ascii();
    let beginning = body.get(..LONGEST_SHAPELESS).unwrap_or(body);
    Failure { message: String::from_utf8_lossy(beginning).into_owned(), ..Failure::default() }
}

fn effective_status(head: &ResponseHead, failure: &Failure) -> Option<u16> {
    if (200..300).contains(&head.status) { failure.status } else { Some(head.status) }
}

fn classify(target: &Target<'_>, status: Option<u16>, failure: &Failure) -> ErrorKind {
    if let Some(kind) = failure.kind {
        return kind;
    }
    let words: Vec<String> =
        [&failure.code, &failure.class].into_iter().flatten().map(|word| word.to_ascii_lowercase()).collect();
    let message = failure.message.to_ascii_lowercase();
    if words.iter().any(|word| word == "insufficient_quota") {
        let transient = target.vendor.quirks.quota_is_transient;
        return if transient { ErrorKind::RateLimited } else { ErrorKind::ProviderQuotaExhausted };
    }
    // A code counts at any status; a message only at those where it can mean what it says.
    let decided = RULES.iter().find(|rule| {
        words
            .iter()
            .any(|word| rule.codes.contains(&word.as_str()) || rule.code_parts.iter().any(|part| word.contains(part)))
            || (rule.statuses.is_empty() || status.is_none_or(|status| rule.statuses.contains(&status)))
                && rule.texts.iter().any(|text| message.contains(text))
    });
    let by_status = match status {
        Some(401) => Some(ErrorKind::Authentication),
        Some(402) => Some(ErrorKind::ProviderQuotaExhausted),
        Some(403) => Some(ErrorKind::PermissionDenied),
        Some(404) => Some(ErrorKind::NotFound),
        Some(408) => Some(ErrorKind::Timeout),
        Some(409 | 424 | 500..) => Some(ErrorKind::ProviderUnavailable),
        Some(413) => Some(ErrorKind::ContextLengthExceeded),
        Some(429 | 498) => Some(ErrorKind::RateLimited),
        Some(300..) => Some(ErrorKind::InvalidRequest),
        _ => None,
    };
    match (decided.map(|rule| rule.kind), by_status) {
        // What no repetition can mend stays what it is, whatever the status.
        (Some(kind @ (ErrorKind::ContextLengthExceeded | ErrorKind::ProviderQuotaExhausted)), _)
            if status.is_some_and(|status| status >= 500) =>
        {
            kind
        }
        // Everything else that a server calls a failure of its own stays one, whatever the wording.
        (_, Some(ErrorKind::ProviderUnavailable)) if status.is_some_and(|status| status >= 500) => {
            ErrorKind::ProviderUnavailable
        }
        // A throttle that says it is one may come with 403 or 503; a general code never softens a clear status.
        (Some(ErrorKind::ProviderUnavailable) | None, Some(by_status)) => by_status,
        (Some(ErrorKind::NotFound), Some(by_status)) if by_status != ErrorKind::InvalidRequest => by_status,
        (Some(ErrorKind::RateLimited), Some(ErrorKind::ContextLengthExceeded)) => ErrorKind::ContextLengthExceeded,
        (Some(decided), _) => decided,
        (None, None) => by_words(&words),
    }
}

/// Judges an error inside an answer of status 200 that names no status of its own.
fn by_words(words: &[String]) -> ErrorKind {
    let has = |part: &str| words.iter().any(|word| word.contains(part));
    if has("permission") || has("accessdenied") {
        ErrorKind::PermissionDenied
    } else if has("invalid") || has("tool_use_failed") {
        ErrorKind::InvalidRequest
    } else {
        ErrorKind::ProviderUnavailable
    }
}

fn retry_after(head: &ResponseHead, failure: &Failure) -> Option<Duration> {
    let milliseconds = head.header("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok());
    milliseconds
        .and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1_000.0).ok())
        .or_else(|| head.header("retry-after").and_then(|text| retry_after_value(text.trim(), head)))
        .or(failure.retry_after)
        .or_else(|| retry_after_text(&failure.message))
}

fn retry_after_value(text: &str, head: &ResponseHead) -> Option<Duration> {
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // The answer's own date stands for the present, so that a wrong local clock does no harm.
    let until = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(head.header("date")?).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

/// Reads `Please retry after 26 seconds` and `Please try again in 6m0s`.
fn retry_after_text(message: &str) -> Option<Duration> {
    let message = message.to_ascii_lowercase();
    let rest = ["retry after ", "retry in ", "try again in "]
        .iter()
        .find_map(|mark| message.split_once(mark).map(|(_, rest)| rest))?;
    let mut words = rest.split_ascii_whitespace();
    let first = words.next()?.trim_end_matches(['.', ',', ';', ')']);
    match first.parse::<f64>() {
        Ok(number) => {
            let unit = words.next().unwrap_or_default();
            let seconds = if unit.starts_with("millisecond") || unit.starts_with("ms") {
                number / 1_000.0
            } else if unit.starts_with("minute") {
                number * 60.0
            } else if unit.starts_with("hour") {
                number * 3_600.0
            } else {
                number
            };
            Duration::try_from_secs_f64(seconds).ok()
        }
        Err(_) => spelled_duration(first),
    }
}

/// Reads durations such as `48s`, `1.5s`, `6m0s`, `114h18m0s` and `20ms`.
pub(super) fn spelled_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit() && character != '.')?;
        let number = rest[..digits].parse::<f64>().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len());
        let seconds = match &rest[..unit] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
