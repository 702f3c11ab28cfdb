use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::*;

fn request(url: &str, content_type: &str, body: &str) -> FetchRequest {
    FetchRequest {
        method: "post".into(),
        url: url.into(),
        headers: vec![
            ("Content-Type".into(), content_type.into()),
            ("Authorization".into(), "Bearer the-apps-own".into()),
            ("X-Tollway-User".into(), "alice".into()),
            ("OpenAI-Beta".into(), "assistants=v2".into()),
        ],
        body: body.into(),
    }
}

fn encoded(provider: &'static str, base_url: Option<&str>, request: &FetchRequest) -> EncodedRequest {
    let key = SecretString::from("sk-config");
    let params = json!({"headers": {"X-House": "1"}}).as_object().unwrap().clone();
    let vendor = super::super::vendor(provider);
    let target = Target { vendor, provider, model: "embed-1", base_url, api_key: Some(&key), params: &params };
    encode_pass_through(&target, request).unwrap()
}

#[test]
fn the_path_behind_the_version_goes_to_the_configs_address() {
    for (provider, base, asked, url) in [
        ("openai", None, "https://api.openai.com/v1/embeddings", "https://api.openai.com/v1/embeddings"),
        ("openai", Some("http://h/v1/chat/completions"), "/v1/files?limit=2", "http://h/v1/files?limit=2"),
        ("deepseek", None, "https://api.openai.com/v1/models", "https://api.deepseek.com/models"),
        (
            "azure",
            Some("https://r.test/openai/v1?api-version=1"),
            "/v1/a?b=2",
            "https://r.test/openai/v1/a?b=2&api-version=1",
        ),
        (
            "anthropic",
            Some("http://h"),
            "https://api.anthropic.com/v1/messages/count_tokens",
            "http://h/v1/messages/count_tokens",
        ),
        ("openai", Some("http://h/v1"), "https://x.test/embeddings", "http://h/v1/embeddings"),
        ("openai", Some("http://h/v1"), "https://x.test", "http://h/v1/"),
    ] {
        assert_eq!(encoded(provider, base, &request(asked, "application/json", "{}")).url, url, "{asked}");
    }
}

#[test]
fn no_path_leads_the_key_away_from_the_configs_address() {
    let key = SecretString::from("sk-config");
    let params = serde_json::Map::new();
    let url = |provider: &'static str, base_url: Option<&str>, asked: &str| {
        let vendor = super::super::vendor(provider);
        let target = Target { vendor, provider, model: "m", base_url, api_key: Some(&key), params: &params };
        encode_pass_through(&target, &request(asked, "application/json", "{}")).map(|encoded| encoded.url)
    };
    let tenant = Some("https://gateway.test/tenants/a/v1");
    for asked in [
        "@evil.test/x",
        ".evil.test/x",
        ":secret@evil.test/x",
        "",
        "/v1/../../b/v1/files",
        "/v1/%2e%2E/files",
        "/v1/./files",
        "/v1\\..\\..\\b",
        "/v1/.\t./.\n./b",
        "/v1/a b",
        "https://x.test/v1/..",
        "//evil.test/v1/files",
        "/v1/..%2f..%2fadmin",
        "/v1/%252e%252e%252fadmin",
        "/v1/%25252e./admin",
        "/v1/..;x=y/admin",
        "/v1/%00",
        "/v1/%5c..%5c",
        "/v1/%250d%250aHost:%20evil.test",
        "%2f%2fevil.test/v1",
        "/%2fevil.test/files",
        "/v1/%25252525252525252525252525252e",
        "ftp://evil.test/v1/files",
        "javascript:alert(1)",
    ] {
        let error = url("openai", tenant, asked).unwrap_err();
        assert!(error.detail().contains("must begin with one slash"), "{asked:?}: {error}");
        assert!(url("deepseek", None, asked).is_err(), "{asked:?}");
    }
    // What stands before the path is the app's idea of the host, and is not looked at.
    for asked in [
        "https://user:word@evil.test/v1/files",
        "HTTPS://evil.test/v1/files",
        "https://a.test/v1/files#@evil",
        "/files",
    ] {
        let host = reqwest::Url::parse(&url("deepseek", None, asked).unwrap()).unwrap();
        assert_eq!(host.host_str(), Some("api.deepseek.com"), "{asked}");
    }
    let asked = "https://x.test?to=https://evil.test/v1/files";
    assert_eq!(
        url("openai", tenant, asked).unwrap(),
        "https://gateway.test/tenants/a/v1/?to=https://evil.test/v1/files"
    );
}

#[test]
fn only_known_methods_and_headers_are_handed_on() {
    let target = |request: &FetchRequest| {
        let (key, params) = (SecretString::from("sk-config"), serde_json::Map::new());
        let vendor = super::super::vendor("openai");
        let target =
            Target { vendor, provider: "openai", model: "m", base_url: None, api_key: Some(&key), params: &params };
        encode_pass_through(&target, request)
    };
    let mut asked = request("/v1/files", "application/json", "{}");
    for method in ["CONNECT", "TRACE", "OPTIONS", "PROPFIND", "GET /", ""] {
        asked.method = method.into();
        let error = target(&asked).map(|_| ()).unwrap_err();
        assert!(error.detail().contains("DELETE, GET, PATCH, POST, PUT"), "{error}");
    }
    asked.method = "GET".into();
    for dropped in [
        "Cookie",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "Proxy-Authorization",
        "Connection",
        "Upgrade",
        "TE",
        "Host",
        "Authorization",
        "x-api-key",
        "X-Tollway-Tags",
        "X-Stainless-Lang",
        "OpenAI-Session-Token",
        "Origin",
        "Referer",
        "X-Http-Method-Override",
        "traceparent",
        "Content-Length",
        "Transfer-Encoding",
        "X-Made-Up",
    ] {
        asked.headers.push((dropped.into(), "secret-of-the-app".into()));
    }
    asked.headers.push(("Range".into(), "bytes=0-9".into()));
    asked.headers.push(("Anthropic-Beta".into(), "files-api".into()));
    let sent = target(&asked).unwrap();
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "openai-beta", "range", "anthropic-beta"]);
}

#[test]
fn only_known_headers_are_handed_back() {
    for name in ["content-type", "retry-after", "x-ratelimit-limit-requests", "openai-processing-ms", "x-request-id"] {
        assert!(is_passed_back(name), "{name}");
    }
    for name in [
        "set-cookie",
        "location",
        "connection",
        "transfer-encoding",
        "content-length",
        "www-authenticate",
        "proxy-authenticate",
        "x-tollway-cost-status",
        "strict-transport-security",
        "server",
        "alt-svc",
        "refresh",
    ] {
        assert!(!is_passed_back(name), "{name}");
    }
}

#[test]
fn keys_in_the_query_are_dropped() {
    let asked = "https://x.test/v1beta/models/m:embedContent?key=AIza-the-apps&alt=json&API-KEY=b&%6bey=c";
    let sent = encoded("gemini", Some("http://h/v1beta"), &request(asked, "application/json", "{}"));
    assert_eq!(sent.url, "http://h/v1beta/models/embed-1:embedContent?alt=json");
    assert_eq!(asked_path(asked), "/v1beta/models/m:embedContent");
}

#[test]
fn a_header_that_comes_twice_is_one_list() {
    let mut asked = request("/v1/x", "application/json", "{}");
    asked.headers.push(("openai-beta".into(), "b".into()));
    let sent = encoded("openai", None, &asked);
    assert!(sent.headers.contains(&("openai-beta".into(), "assistants=v2, b".into())), "{:?}", sent.headers);
}

#[test]
fn a_model_in_the_path_becomes_the_configs() {
    for (asked, named, url) in [
        ("/v1beta/models/gemini/pro:generateContent", Some("gemini/pro"), "models/embed-1:generateContent"),
        ("https://h/v1beta/models/pro:countTokens?a=b", Some("pro"), "models/embed-1:countTokens?a=b"),
        ("https://h/v1/models/ft:gpt:me", None, "models/embed-1:gpt:me"),
        ("https://h:8/v1beta/models", None, "models"),
        ("https://h:8/v1beta/models/x", None, "models/x"),
        ("https://h:8/v1beta/files/x:y", None, "files/x:y"),
    ] {
        let request = request(asked, "application/json", "{}");
        assert_eq!(asked_model(&request).as_deref(), named, "{asked}");
        assert_eq!(encoded("gemini", Some("http://g"), &request).url, format!("http://g/v1beta/{url}"), "{asked}");
    }
}

#[test]
fn the_body_stays_but_for_the_models_name() {
    let body = r#"{ "input": [1.0, "ä"],  "model" : "openai/embed-1", "x": 12345678901234567890123 }"#;
    let sent = encoded("openai", None, &request("/v1/embeddings", "application/json", body));
    let expected = r#"{ "input": [1.0, "ä"],  "model" : "embed-1", "x": 12345678901234567890123 }"#;
    assert_eq!(String::from_utf8(sent.body).unwrap(), expected);
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nopenai/embed-1\r\n--b\r\nContent-Disposition: \
                form-data; name=\"file\"\r\n\r\n\u{0}\r\n--b--\r\n";
    let asked = request("/v1/audio/transcriptions", "multipart/form-data; boundary=b", form);
    assert_eq!(asked_model(&asked).as_deref(), Some("openai/embed-1"));
    let sent = encoded("openai", None, &asked);
    assert_eq!(String::from_utf8(sent.body).unwrap(), form.replace("openai/embed-1", "embed-1"));
    for untouched in ["", "no json", "[1]", r#"{"model": 5}"#, r#"{"model": "embed-1" }"#] {
        let sent = encoded("openai", None, &request("/v1/x", "application/json", untouched));
        assert_eq!(sent.body, untouched.as_bytes());
    }
}

#[test]
fn the_apps_keys_are_dropped_and_the_configs_is_sent() {
    let sent = encoded("openai", None, &request("/v1/embeddings", "application/json", "{}"));
    let names: Vec<_> = sent.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "openai-beta", "x-house"]);
    assert_eq!(sent.secret_header.unwrap().1.expose_secret(), "Bearer sk-config");
    assert_eq!(sent.method, "POST");
}
