//! What clients sent: the last requests, for tests to look at.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A request as it arrived.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// The script that answered it.
    pub script: Option<String>,
    /// The method.
    pub method: String,
    /// The path below the script's prefix, with the query.
    pub path: String,
    /// All headers in the order of arrival, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body: JSON where it is JSON, else text, else `{"base64": "…"}`; null if it is empty.
    pub body: Value,
}

impl RecordedRequest {
    /// Returns the first value of a header; the name is in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The last requests.
#[derive(Default)]
pub(crate) struct Recording {
    requests: Mutex<VecDeque<RecordedRequest>>,
}

impl Recording {
    const CAPACITY: usize = 1000;

    pub(crate) fn add(&self, request: RecordedRequest) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        if requests.len() == Self::CAPACITY {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// Returns the last requests, oldest first, of one script or of all.
    pub(crate) fn list(&self, script: Option<&str>, last: usize) -> Vec<RecordedRequest> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = |request: &&RecordedRequest| script.is_none() || request.script.as_deref() == script;
        let mut found: Vec<_> = requests.iter().rev().filter(wanted).take(last).cloned().collect();
        found.reverse();
        found
    }

    pub(crate) fn clear(&self) {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Returns headers as text; bytes that are not text are replaced.
pub(crate) fn header_list(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect()
}

/// Returns a body in its most readable form.
pub(crate) fn readable_body(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| match std::str::from_utf8(body) {
        Ok(text) => Value::from(text),
        Err(_) => json!({"base64": STANDARD.encode(body)}),
    })
}
