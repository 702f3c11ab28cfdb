//! Requests that are handed on and that no vendor charges for: looking at what one has there.

use super::pass_through::{asked_path, behind_version};
use crate::types::FetchRequest;

/// The things that vendors keep for their customers. To list them, and to fetch one or its content, is free everywhere.
const KEPT: [&str; 19] = [
    "assistants",
    "batches",
    "cachedContents",
    "chat/completions",
    "containers",
    "conversations",
    "evals",
    "files",
    "fine_tuning",
    "fine-tuning",
    "messages/batches",
    "models",
    "operations",
    "organization",
    "responses",
    "threads",
    "uploads",
    "vector_stores",
    "videos",
];

/// Returns whether a request only lists or fetches what a vendor keeps, for which none charges.
#[must_use]
pub fn is_free(request: &FetchRequest) -> bool {
    let behind = behind_version(asked_path(&request.url)).trim_start_matches('/');
    let is_of = |kept: &str| behind.strip_prefix(kept).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let does_work = behind.contains(':');
    request.method.eq_ignore_ascii_case("GET") && !does_work && KEPT.into_iter().any(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_is_free_and_working_is_not() {
        for (method, url, expected) in [
            ("GET", "https://api.openai.com/v1/files?limit=2", true),
            ("get", "/v1/files/f-1/content", true),
            ("GET", "/v1/batches/b-1", true),
            ("GET", "/v1/messages/batches/b/results", true),
            ("GET", "/v1beta/files/f", true),
            ("GET", "/openai/v1/responses/r-1", true),
            ("GET", "/v1/responses/r-1/input_items", true),
            ("GET", "/v1/filesystem", false),
            ("GET", "/v1/search?q=rivers", false),
            ("GET", "/v1beta/models/m:generateContent", false),
            ("POST", "/v1/files", false),
            ("DELETE", "/v1/files/f", false),
        ] {
            let request =
                FetchRequest { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() };
            assert_eq!(is_free(&request), expected, "{method} {url}");
        }
    }
}
