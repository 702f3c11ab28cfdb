//! Chats in formats that no dialect reads, and errors in the shapes of their libraries.

use serde_json::{Value, json};

use super::endpoint::path_of;
use super::{Dialect, Endpoint, dialect_of_errors, status};
use crate::types::{Error, ErrorKind};

/// Whose library asks, where no dialect is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Library {
    Cohere,
    Gemini,
    Ollama,
}

/// The ends of the addresses of chats in formats that are not read.
const CHATS: [(&str, Library); 9] = [
    ("/v1/chat", Library::Cohere),
    ("/v2/chat", Library::Cohere),
    ("/v1/chat-stream", Library::Cohere),
    ("/api/chat", Library::Ollama),
    ("/api/generate", Library::Ollama),
    (":generateContent", Library::Gemini),
    (":streamGenerateContent", Library::Gemini),
    (":predict", Library::Gemini),
    (":generateAnswer", Library::Gemini),
];

fn library(method: &str, url: &str) -> Option<Library> {
    let path = path_of(url).trim_end_matches('/');
    let asks = |(end, _): &&(&str, Library)| method.eq_ignore_ascii_case("POST") && path.ends_with(end);
    CHATS.iter().find(asks).map(|(_, library)| *library)
}

/// Returns whether a request is a chat in a format that no dialect reads. A provider may read it.
#[must_use]
pub fn is_foreign_chat(method: &str, url: &str) -> bool {
    library(method, url).is_some()
}

/// Makes the error of a request whose format no dialect reads, and which nobody who is configured would read either.
#[must_use]
pub fn not_read(method: &str, path: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        format!(
            "{} {path} is not read here, and no model config leads to a provider that reads it; ask in OpenAI's format \
             (POST /v1/chat/completions or /v1/responses) or in Anthropic's (POST /v1/messages), which any config answers",
            method.to_ascii_uppercase()
        ),
    )
}

/// How errors are written.
pub struct ErrorShape(Shape);

enum Shape {
    Read(&'static dyn Dialect),
    Foreign(Library),
}

impl ErrorShape {
    /// Returns the shape that the library reads which made a request.
    #[must_use]
    pub fn of(endpoint: &Endpoint, method: &str, url: &str, is_anthropic: bool) -> Self {
        match library(method, url).filter(|_| *endpoint == Endpoint::Other) {
            Some(library) => Self(Shape::Foreign(library)),
            None => Self(Shape::Read(dialect_of_errors(endpoint, is_anthropic))),
        }
    }

    /// Writes an error as a JSON document.
    #[must_use]
    pub fn encode(&self, error: &Error) -> Vec<u8> {
        let library = match self.0 {
            Shape::Read(dialect) => return dialect.encode_error(error),
            Shape::Foreign(library) => library,
        };
        let (message, context) = (error.detail(), super::error::context(error));
        let body: Value = match library {
            Library::Cohere => json!({"message": message, "tollway": context}),
            Library::Ollama => json!({"error": message, "tollway": context}),
            Library::Gemini => json!({
                "error": {"code": status(error.kind()), "message": message, "status": canonical(error.kind())},
                "tollway": context,
            }),
        };
        body.to_string().into_bytes()
    }
}

/// Returns the word that Google's libraries know for a kind.
const fn canonical(kind: ErrorKind) -> &'static str {
    match status(kind) {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        402 | 429 => "RESOURCE_EXHAUSTED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "ABORTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "INTERNAL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::recognize;

    fn told(method: &str, url: &str) -> Value {
        let shape = ErrorShape::of(&recognize(method, url), method, url, false);
        serde_json::from_slice(&shape.encode(&not_read(method, "/asked"))).unwrap()
    }

    #[test]
    fn each_library_is_told_in_its_own_shape() {
        let cohere = told("POST", "https://api.cohere.com/v2/chat");
        assert!(cohere["message"].as_str().unwrap().starts_with("POST /asked is not read here"), "{cohere}");
        assert_eq!(cohere["tollway"]["code"], "not_found");
        assert!(told("POST", "http://localhost:11434/api/chat")["error"].is_string());
        let gemini = told("post", "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse");
        assert_eq!((&gemini["error"]["code"], &gemini["error"]["status"]), (&json!(404), &json!("NOT_FOUND")));
        assert_eq!(told("POST", "/v1/things")["error"]["code"], "not_found", "OpenAI's shape where nobody else asks");
    }

    #[test]
    fn what_a_dialect_reads_is_not_foreign() {
        for (method, url, expected) in [
            ("POST", "/v2/chat", true),
            ("GET", "/v2/chat", false),
            ("POST", "/v1/chat/completions", false),
            ("POST", "/v1/embeddings", false),
            ("POST", "/v1/forward?to=/v2/chat", false),
        ] {
            assert_eq!(is_foreign_chat(method, url), expected, "{method} {url}");
        }
    }
}
