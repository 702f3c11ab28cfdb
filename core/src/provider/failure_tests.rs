use secrecy::SecretString;
use serde_json::Map;

use super::super::vendor;
use super::*;

fn judge(provider: &str, status: u16, code: &str, message: &str) -> Error {
    judge_with(provider, status, &[], code, message)
}

fn judge_with(provider: &str, status: u16, headers: &[(&str, &str)], code: &str, message: &str) -> Error {
    let params = Map::new();
    let key = SecretString::from("sk-very-secret");
    let target =
        Target { vendor: vendor(provider), provider, model: "m", base_url: None, api_key: Some(&key), params: &params };
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let failure = Failure {
        code: (!code.is_empty()).then(|| code.to_owned()),
        message: message.to_owned(),
        ..Failure::default()
    };
    error(&target, &ResponseHead { status, headers }, failure)
}

#[test]
fn kinds_follow_what_the_caller_must_do() {
    use ErrorKind::*;
    for (provider, status, code, message, kind) in [
        ("openai", 401, "invalid_api_key", "", Authentication),
        ("openai", 429, "rate_limit_exceeded", "", RateLimited),
        ("openai", 429, "insufficient_quota", "You exceeded your current quota", ProviderQuotaExhausted),
        ("dashscope", 429, "insufficient_quota", "You exceeded your current quota", RateLimited),
        ("dashscope", 429, "Throttling.AllocationQuota", "", RateLimited),
        ("dashscope", 400, "Arrearage", "Access denied", ProviderQuotaExhausted),
        ("dashscope", 400, "DataInspectionFailed", "", ContentFiltered),
        ("zhipu", 429, "1113", "", ProviderQuotaExhausted),
        ("zhipu", 429, "1302", "", RateLimited),
        ("zhipu", 400, "1261", "", ContextLengthExceeded),
        ("doubao", 403, "AccountOverdueError", "", ProviderQuotaExhausted),
        ("doubao", 404, "InvalidEndpointOrModel.NotFound", "", NotFound),
        ("doubao", 429, "ServerOverloaded", "", RateLimited),
        ("anthropic", 400, "invalid_request_error", "Your credit balance is too low", ProviderQuotaExhausted),
        ("anthropic", 400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ContextLengthExceeded),
        ("anthropic", 529, "overloaded_error", "", ProviderUnavailable),
        ("anthropic", 413, "request_too_large", "", ContextLengthExceeded),
        ("anthropic", 402, "billing_error", "", ProviderQuotaExhausted),
        ("deepseek", 402, "", "Insufficient Balance", ProviderQuotaExhausted),
        ("moonshot", 429, "exceeded_current_quota_error", "", ProviderQuotaExhausted),
        ("moonshot", 429, "engine_overloaded_error", "", RateLimited),
        ("moonshot", 400, "invalid_request_error", "exceeded model token limit: 9", ContextLengthExceeded),
        ("xai", 400, "", "Incorrect API key provided: xx", Authentication),
        ("xai", 403, "", "reached its monthly spending limit", ProviderQuotaExhausted),
        ("gemini", 400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum", ContextLengthExceeded),
        ("gemini", 429, "RESOURCE_EXHAUSTED", "You exceeded your current quota", RateLimited),
        ("openrouter", 403, "403", "Content violates usage guidelines.", ContentFiltered),
        ("groq", 413, "rate_limit_exceeded", "Request too large", ContextLengthExceeded),
        ("openai", 403, "", "no", PermissionDenied),
        ("openai", 404, "", "no", NotFound),
        ("openai", 408, "", "no", Timeout),
        ("openai", 409, "", "no", ProviderUnavailable),
        ("openai", 422, "", "no", InvalidRequest),
        ("openai", 400, "server_error", "no", InvalidRequest),
        ("mistral", 400, "1500", "Invalid model: x", NotFound),
        ("openai", 307, "", "moved", InvalidRequest),
        ("openai", 500, "server_error", "maximum context length", ProviderUnavailable),
        ("openai", 503, "", "", ProviderUnavailable),
        ("openai", 200, "overloaded_error", "", ProviderUnavailable),
        ("openai", 200, "invalid_request_error", "", InvalidRequest),
        ("openai", 200, "something new", "", ProviderUnavailable),
    ] {
        let error = judge(provider, status, code, message);
        assert_eq!(error.kind(), kind, "{provider} {status} {code} {message}");
    }
}

#[test]
fn only_passing_trouble_may_be_retried() {
    for (status, retryable) in
        [(400, false), (401, false), (404, false), (408, true), (409, true), (429, true), (500, true)]
    {
        assert_eq!(judge("openai", status, "", "").is_retryable(), retryable, "{status}");
    }
    assert!(!judge_with("anthropic", 529, &[("x-should-retry", "false")], "", "").is_retryable());
    assert!(judge_with("anthropic", 400, &[("x-should-retry", "true")], "", "").is_retryable());
}

#[test]
fn the_wait_is_read_from_headers_and_texts() {
    let wait = |headers: &[(&str, &str)], message: &str| judge_with("azure", 429, headers, "", message).retry_after();
    assert_eq!(wait(&[("retry-after-ms", "1500"), ("retry-after", "9")], ""), Some(Duration::from_millis(1500)));
    assert_eq!(wait(&[("retry-after", "9")], "Please retry after 26 seconds."), Some(Duration::from_secs(9)));
    assert_eq!(wait(&[], "Please retry after 26 seconds."), Some(Duration::from_secs(26)));
    assert_eq!(wait(&[], "Please try again in 1.5s. Visit"), Some(Duration::from_millis(1500)));
    assert_eq!(wait(&[], "Please try again in 114h18m0s."), Some(Duration::from_mins(6858)));
    assert_eq!(wait(&[], "Please try again later."), None);
    let dated = [("retry-after", "Sun, 22 Nov 2026 10:00:30 GMT"), ("date", "Sun, 22 Nov 2026 10:00:00 GMT")];
    assert_eq!(wait(&dated, ""), Some(Duration::from_secs(30)));
    assert_eq!(wait(&[("retry-after", "-1")], ""), None);
    assert_eq!(judge_with("anthropic", 400, &[("retry-after", "9")], "", "").retry_after(), None);
}

#[test]
fn a_redirect_says_where_to_without_its_query() {
    let error = judge_with("openai", 308, &[("location", "https://new.test/v1?key=secret")], "", "<html>");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(error.detail().contains("https://new.test/v1,") && !error.detail().contains("secret"), "{error}");
}

#[test]
fn the_key_is_nowhere_in_the_error() {
    let error = judge("openai", 401, "sk-very-secret", "Incorrect API key provided: sk-very-secret. Look it up.");
    assert_eq!(error.detail(), "Incorrect API key provided: [api key]. Look it up.");
    assert!(!format!("{error:?} {:?}", error.provider_code()).contains("very-secret"));
    assert_eq!(judge("openai", 400, "k", "a mock key").detail(), "a mock key");
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let error = judge("openai", 400, "", &"长".repeat(5_000));
    assert_eq!(error.detail().chars().count(), MAXIMUM_DETAIL + 1);
}
