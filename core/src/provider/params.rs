//! The parameters of a model config that more than one adapter reads, and those of its headers that carry a secret.

use serde_json::{Map, Value};

/// The parameter that lets a key go over plain http to another machine.
pub const ALLOW_INSECURE: &str = "allow_insecure";

/// The parameter with the names of fields that a host refuses, and that are left out of its requests.
pub const OMIT: &str = "omit";

/// Parts of the names of headers that carry a secret, as gateways and clouds have them beside the key's own.
const SECRET_HEADERS: [&str; 9] =
    ["auth", "key", "token", "secret", "password", "cookie", "credential", "signature", "session"];

/// Returns whether a header carries a secret, by its name.
#[must_use]
pub fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_HEADERS.iter().any(|part| name.contains(part))
}

/// Returns whether the parameters have a header that carries a secret, sealed or not.
#[must_use]
pub fn has_secret_header(params: &Map<String, Value>) -> bool {
    let headers = params.get("headers").and_then(Value::as_object);
    headers.is_some_and(|headers| headers.keys().any(|name| is_secret_header(name)))
}

/// Returns the names and values of the parameters' headers that carry a secret.
pub fn secret_headers(params: &Map<String, Value>) -> impl Iterator<Item = (&str, &str)> {
    let headers = params.get("headers").and_then(Value::as_object).into_iter().flatten();
    headers
        .filter(|(name, _)| is_secret_header(name))
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}
