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
        (
            "house",
            400,
            "",
            "Input length (9 tokens) exceeds the maximum allowed length (8 tokens).",
            ContextLengthExceeded,
        ),
        ("house", 400, "", "\u{8f93}\u{5165}\u{8d85}\u{957f}", ContextLengthExceeded),
        ("house", 400, "", "The name exceeds the maximum allowed length", InvalidRequest),
        ("house", 403, "insufficient_user_quota", "", ProviderQuotaExhausted),
        ("house", 400, "budget_exceeded", "Budget has been exceeded", ProviderQuotaExhausted),
        ("groq", 413, "rate_limit_exceeded", "Request too large", ContextLengthExceeded),
        ("house", 400, "", "No API key provided in the header", Authentication),
        ("house", 400, "", "Your API key is invalid", Authentication),
        ("house", 400, "", "Too many requests, slow down", RateLimited),
        ("house", 403, "", "You have hit the rate limit of your plan", RateLimited),
        ("house", 403, "AllocationQuota.FreeTierOnly", "The free tier of the model is used up", ProviderQuotaExhausted),
        ("house", 429, "", "Your prepayment credits are depleted", ProviderQuotaExhausted),
        ("house", 403, "", "Insufficient account funds", ProviderQuotaExhausted),
        ("house", 403, "", "Access is blocked by unpaid bills", ProviderQuotaExhausted),
        ("openai", 403, "", "no", PermissionDenied),
        ("openai", 404, "", "no", NotFound),
        ("openai", 408, "", "no", Timeout),
        ("openai", 409, "", "no", ProviderUnavailable),
        ("openai", 422, "", "no", InvalidRequest),
        ("openai", 400, "server_error", "no", InvalidRequest),
        ("mistral", 400, "1500", "Invalid model: x", NotFound),
        ("openai", 307, "", "moved", InvalidRequest),
        ("openai", 500, "server_error", "maximum context length", ContextLengthExceeded),
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
fn only_transient_errors_are_retryable() {
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
fn no_error_contains_the_key() {
    let error = judge("openai", 401, "sk-very-secret", "Incorrect API key provided: sk-very-secret. Look it up.");
    assert_eq!(error.detail(), "Incorrect API key provided: [api key]. Look it up.");
    assert!(!format!("{error:?} {:?}", error.provider_code()).contains("very-secret"));
    assert_eq!(judge("openai", 400, "k", "a mock key").detail(), "a mock key");
}

#[test]
fn a_long_message_is_cut_between_characters() {
    let error = judge("openai", 400, "", &"长".repeat(5_000));
    assert_eq!(error.detail().chars().count(), super::super::redaction::LONGEST_MESSAGE + 1);
}

#[test]
fn context_length_errors_are_recognised_in_many_wordings() {
    for (status, message) in [
        (400, "input length and `max_tokens` exceed context limit: 174167 + 64000 > 200000"),
        (400, "request (4267 tokens) exceeds the available context size (4096 tokens), try increasing it"),
        (500, "Context size has been exceeded."),
        (400, "the request exceeds the available context size. try increasing the context size"),
        (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
        (400, "prompt token count of 125516 exceeds the limit of 64000"),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        (400, "Input is too long for requested model."),
        (422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000"),
        (422, "Input validation error: `inputs` must have less than 1024 tokens. Given: 5000"),
        (400, "invalid params, context window exceeds limit (2013)"),
        (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5003"),
        (400, "Please reduce the length of the messages or completion."),
        (
            400,
            "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context length of only 4096 tokens",
        ),
        (400, "This model's maximum prompt length is 131072 but the request contains 150000 tokens."),
        (400, "Range of input length should be [1, 129024]"),
        (413, "The request is too big"),
        (400, "Too many tokens in prompt: 140000"),
        (400, "This prompt has 140000 tokens, but max allowed is 131072"),
        (400, "Your prompt is too large; reduce the length of your prompt and try again"),
        (400, "invalid params, tokens limit exceeded (2013)"),
    ] {
        assert_eq!(judge("house", status, "", message).kind(), ErrorKind::ContextLengthExceeded, "{message}");
    }
    for (status, message, kind) in [
        (
            400,
            "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
            ErrorKind::InvalidRequest,
        ),
        (
            400,
            "`max_tokens` must be less than or equal to `8192`, the maximum value for this model",
            ErrorKind::InvalidRequest,
        ),
        (429, "Limit of input tokens per minute: the context window of the minute is used up", ErrorKind::RateLimited),
        (503, "The context window service is down", ErrorKind::ProviderUnavailable),
        (500, "no such thing", ErrorKind::ProviderUnavailable),
    ] {
        assert_eq!(judge("house", status, "", message).kind(), kind, "{message}");
    }
}

#[test]
fn an_empty_account_is_one_at_any_status() {
    for status in [400, 402, 403, 429, 500, 503] {
        for (code, message) in [
            ("", "insufficient balance (1008)"),
            ("insufficient_balance_error", "no"),
            ("", "Your account balance is not enough"),
            ("", "\u{8d26}\u{6237}\u{4f59}\u{989d}\u{4e0d}\u{8db3}"),
            ("billing_not_active", ""),
        ] {
            let error = judge("house", status, code, message);
            assert_eq!(
                (error.kind(), error.is_retryable()),
                (ErrorKind::ProviderQuotaExhausted, false),
                "{status} {message}"
            );
        }
    }
}

#[test]
fn the_codes_of_a_base_response_are_told_from_those_of_others() {
    for (code, kind) in [
        ("1002", ErrorKind::RateLimited),
        ("1004", ErrorKind::Authentication),
        ("1008", ErrorKind::ProviderQuotaExhausted),
        ("2013", ErrorKind::InvalidRequest),
    ] {
        let document = serde_json::json!({"base_resp": {"status_code": code, "status_msg": "no"}});
        assert_eq!(flat(&document).unwrap().kind, Some(kind), "{code}");
    }
    assert_eq!(flat(&serde_json::json!({"code": "1002", "message": "no"})).unwrap().kind, None);
}

#[test]
fn flat_errors_are_read_and_codes_of_success_are_none() {
    for (document, code, message) in [
        (
            r#"{"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}}"#,
            "1008",
            "insufficient balance",
        ),
        (
            r#"{"status": "439", "msg": "Your API Token has expired.", "body": null}"#,
            "439",
            "Your API Token has expired.",
        ),
        (r#"{"code": 50004, "message": "busy"}"#, "50004", "busy"),
        (
            r#"{"error_code": 18, "error_msg": "Open api qps request limit reached"}"#,
            "18",
            "Open api qps request limit reached",
        ),
        (r#"{"status_code": 401, "detail": "no"}"#, "401", "no"),
    ] {
        let failure = flat(&serde_json::from_str(document).unwrap()).unwrap();
        assert_eq!((failure.code.as_deref(), failure.message.as_str()), (Some(code), message), "{document}");
    }
    for document in [
        r#"{"base_resp": {"status_code": 0, "status_msg": "success"}}"#,
        r#"{"code": 200, "msg": "ok", "data": {}}"#,
        r#"{"message": "pong"}"#,
        r#"{"status": "completed", "message": "m"}"#,
        r#"{"code": 5}"#,
        "[]",
    ] {
        assert!(flat(&serde_json::from_str(document).unwrap()).is_none(), "{document}");
    }
}

#[test]
fn a_refusal_that_names_an_added_field_is_told_from_others() {
    let added = ["stream_options"];
    for message in [
        "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted'}]",
        "Unrecognized request argument supplied: stream_options",
        "property 'stream_options' is unsupported",
        "unknown field `stream_options`",
        "create() got an unexpected keyword argument 'stream_options'",
    ] {
        assert_eq!(refused_field(&judge("house", 400, "", message), &added), Some("stream_options"), "{message}");
        assert_eq!(refused_field(&judge("house", 422, "", message), &added), Some("stream_options"), "{message}");
        assert_eq!(refused_field(&judge("house", 500, "", message), &added), None);
    }
    for message in [
        "messages: too few",
        "{'loc': ('body', 'n'), 'input': {'n': 0, 'stream_options': {'include_usage': True}}, 'msg': 'too small'}",
        r#"n is too small in {"n":0,"stream_options":{"include_usage":true}}"#,
        r#"n is too small in "{\"n\":0,\"stream_options\": {\"include_usage\":true}}""#,
    ] {
        assert_eq!(refused_field(&judge("house", 400, "", message), &added), None, "{message}");
    }
}
