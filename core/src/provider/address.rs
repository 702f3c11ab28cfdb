//! Addresses: which ones a config may have, and to which ones a key may go.

use std::net::IpAddr;

use reqwest::Url;
use serde_json::Value;

use super::Target;
use super::endpoint::invalid;
use super::params::{ALLOW_INSECURE, has_secret_header};
use crate::types::{Result, is_control};

/// Fields of a query that carry a key.
pub(super) const KEYS_IN_QUERY: [&str; 9] =
    ["key", "api-key", "api_key", "apikey", "access_token", "access-token", "token", "subscription-key", "sig"];

/// Checks the address of a target's config, and that its secrets do not go over the network for everyone to read.
///
/// Fails with `invalid_request`, saying what is wrong with the address and what to do.
pub fn check_address(target: &Target<'_>) -> Result<()> {
    let has_secret = target.api_key.is_some() || has_secret_header(target.params);
    check_address_with(target, has_secret)
}

/// Does what [`check_address`] does for a config of which it is known whether it has a secret.
pub fn check_address_with(target: &Target<'_>, has_secret: bool) -> Result<()> {
    let Some(text) = target.base_url else { return Ok(()) };
    let wrong = |problem: &str| Err(invalid(target, format!("base_url {problem}")));
    if text.contains(|character: char| is_control(character) || character.is_whitespace() || character == '\\') {
        return wrong("has a blank, a backslash or a control character; leave it out");
    }
    if text.contains('#') {
        return wrong("has a fragment, which no server ever sees; leave out `#` and what follows it");
    }
    let Ok(url) = Url::parse(text) else {
        return wrong("is no address; give one such as https://api.example.com/v1");
    };
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return wrong("must start with https:// or http://, and name a host, such as https://api.example.com/v1");
    }
    let behind_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
    let authority = behind_scheme.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return wrong("has a user or a password; give a key as api_key, where it is sealed, or a header in params");
    }
    let path = behind_scheme.split('?').next().unwrap_or_default();
    if path.split('/').skip(1).any(is_dots) {
        return wrong("has `.` or `..` as a part of its path; write out where it leads to");
    }
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_key_in_query(name)) {
        let problem = format!("has the key {name:?} in its query, where it cannot be sealed; give the key as api_key");
        return wrong(&problem);
    }
    if url.scheme() == "http" && has_secret && !is_loopback(&url) && !allows_insecure(target) {
        let problem = format!(
            "is plain http, so that everyone on the way to {} could read the key; use https, or set `allow_insecure` on the \
             model if that network is trusted",
            url.host_str().unwrap_or_default()
        );
        return wrong(&problem);
    }
    Ok(())
}

fn allows_insecure(target: &Target<'_>) -> bool {
    target.params.get(ALLOW_INSECURE).and_then(Value::as_bool) == Some(true)
}

/// Returns whether a field of a query carries a key.
pub(super) fn is_key_in_query(name: &str) -> bool {
    KEYS_IN_QUERY.iter().any(|key| name.eq_ignore_ascii_case(key))
}

/// Returns whether an address stays on this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

/// Returns whether a part of a path leads out of it, as readers of addresses and servers understand it.
pub(super) fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.split(';').next(), Some("." | ".."))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use serde_json::json;

    use super::*;

    fn check(base_url: &str, api_key: Option<&str>, params: &Value) -> Result<()> {
        let key = api_key.map(SecretString::from);
        let params = params.as_object().unwrap();
        let vendor = super::super::vendor("house");
        let base_url = Some(base_url);
        check_address(&Target { vendor, provider: "house", model: "m", base_url, api_key: key.as_ref(), params })
    }

    #[test]
    fn an_address_is_a_plain_one_of_the_web() {
        for good in [
            "https://api.example.com/v1",
            "https://r.openai.azure.com/openai/v1?api-version=2025-01-01",
            "https://bücher.example/v1",
            "http://[::1]:8080/v1",
            "https://a.test:8443/a.b/..c/v1/",
        ] {
            check(good, Some("k"), &json!({})).unwrap();
        }
        for (bad, said) in [
            ("https://user:w0rd@a.test/v1", "user or a password"),
            ("https://@a.test/v1", "user or a password"),
            ("https://a.test:443@evil.test/v1", "user or a password"),
            ("https://a.test/v1#x", "fragment"),
            ("https://a.test/\nv1", "control character"),
            (" https://a.test/v1", "blank"),
            ("https://a.test\\@evil.test/v1", "backslash"),
            ("https://a.test/\u{202e}v1", "control character"),
            ("https://a.test/v1/../admin", "write out"),
            ("https://a.test/v1/%2E%2e/admin", "write out"),
            ("https://a.test/v1/..;x/admin", "write out"),
            ("https://a.test/v1?key=AIza", "api_key"),
            ("https://a.test/v1?Api-Key=AIza", "api_key"),
            ("ftp://a.test/v1", "https://"),
            ("file:///etc/passwd", "https://"),
            ("a.test/v1", "no address"),
            ("https://", "no address"),
            ("https://a.test:99999/", "no address"),
        ] {
            let error = check(bad, None, &json!({})).unwrap_err();
            assert!(error.detail().contains(said), "{bad}: {error}");
            assert!(!error.detail().contains("w0rd"), "{error}");
        }
    }

    #[test]
    fn a_key_goes_over_plain_http_on_this_machine_only_or_where_that_is_allowed() {
        for loopback in [
            "http://127.0.0.1:8000/v1",
            "http://127.8.8.8/v1",
            "http://localhost/v1",
            "http://LOCALHOST./v1",
            "http://vllm.localhost/v1",
            "http://[::1]/v1",
            "http://[::ffff:127.0.0.1]/v1",
            "http://2130706433/v1",
        ] {
            check(loopback, Some("k"), &json!({})).unwrap();
        }
        for open in [
            "http://10.0.0.7:8000/v1",
            "http://192.168.1.2/v1",
            "http://vllm:8000/v1",
            "http://0.0.0.0:8000/v1",
            "http://127.0.0.1.evil.test/v1",
            "http://localhost.evil.test/v1",
            "http://[fd00::1]/v1",
        ] {
            let error = check(open, Some("k"), &json!({})).unwrap_err();
            assert!(error.detail().contains("allow_insecure"), "{open}: {error}");
            let secret = json!({"headers": {"X-Gateway-Token": "t"}});
            assert!(check(open, None, &secret).is_err(), "{open}");
            assert!(check(open, Some("k"), &json!({"allow_insecure": false})).is_err(), "{open}");
            check(open, Some("k"), &json!({"allow_insecure": true})).unwrap();
            check(open, None, &json!({"headers": {"x-title": "t"}})).unwrap();
        }
    }
}
