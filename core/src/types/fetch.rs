//! An HTTP exchange as a vendor's own library makes it, answered in process.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::request::CallOptions;

/// A request as a library would send it. No part of it reaches the network as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FetchRequest {
    /// The method, such as `POST`.
    pub method: String,
    /// The address: whole, or its path and query. The host only tells whose library it is; nothing is sent there.
    pub url: String,
    /// The headers. Keys of providers among them are dropped.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The choices of the app for all requests of one client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FetchOptions {
    /// What serves each request whatever model it names: `provider/model`, an alias, or a capability.
    #[serde(default)]
    pub model: Option<String>,
    /// The choices that every call has. They are final: headers of a request choose only what they leave open.
    #[serde(default)]
    pub options: CallOptions,
}

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchHead {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
}

// The headers and the query may hold keys, and the body what a person said.
impl fmt::Debug for FetchRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        formatter
            .debug_struct("FetchRequest")
            .field("method", &self.method)
            .field("url", &self.url.split(['?', '#']).next().unwrap_or_default())
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}

impl FetchRequest {
    /// Returns the value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_a_request_shows_no_key_and_no_body() {
        let request = FetchRequest {
            method: "POST".into(),
            url: "/v1beta/models/m:embedContent?key=AIza-secret".into(),
            headers: vec![("authorization".into(), "Bearer sk-secret".into())],
            body: b"a secret".to_vec(),
        };
        let printed = format!("{request:?}");
        assert!(!printed.contains("secret") && printed.contains("authorization"), "{printed}");
    }
}
