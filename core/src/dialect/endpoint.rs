//! What a request is for, by its method and its address.

use super::{jina, openai};

/// What a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// A chat in OpenAI's format of completions.
    OpenAiChat,
    /// The same, by a library that reads streams more strictly than OpenAI's do.
    StrictOpenAiChat,
    /// A chat in OpenAI's format of responses.
    OpenAiResponses,
    /// A chat in Anthropic's format.
    AnthropicChat,
    /// Work whose answer comes whole, by the end of its address, such as `/embeddings`.
    Whole(&'static str),
    /// The list of models.
    Models,
    /// One model, by its name.
    Model(String),
    /// The warming of a connection, of which there is none: Cerebras's libraries ask for it when they are made.
    Warming,
    /// Anything else, which a provider must know.
    Other,
}

/// The hosts of vendors whose own libraries accept of a stream what their vendor sends, and no less: each call in one
/// piece (Mistral, xAI), and a fingerprint in every chunk (Cerebras).
const STRICT: [&str; 3] = ["api.mistral.ai", "api.x.ai", "api.cerebras.ai"];

/// Tells what a request is for by the end of its path, whatever version stands before it. The host tells no more than whose
/// library asks.
#[must_use]
pub fn recognize(method: &str, url: &str) -> Endpoint {
    let path = path_of(url);
    let path = path.trim_end_matches('/');
    match method.to_ascii_uppercase().as_str() {
        "POST" if path.ends_with("/chat/completions") && STRICT.contains(&host_of(url)) => Endpoint::StrictOpenAiChat,
        "POST" if path.ends_with("/chat/completions") => Endpoint::OpenAiChat,
        "POST" if path.ends_with("/responses") => Endpoint::OpenAiResponses,
        "POST" if path.ends_with("/messages") && !path.contains("/threads/") => Endpoint::AnthropicChat,
        "POST" => {
            let whole = openai::WHOLE.iter().chain(jina::WHOLE).find(|end| path.ends_with(**end));
            whole.map_or(Endpoint::Other, |end| Endpoint::Whole(end))
        }
        "GET" if path.ends_with("/models") => Endpoint::Models,
        "GET" if path.ends_with("/tcp_warming") => Endpoint::Warming,
        "GET" => match path.split_once("/models/") {
            Some((_, name)) if !name.is_empty() => Endpoint::Model(percent_decoded(name)),
            _ => Endpoint::Other,
        },
        _ => Endpoint::Other,
    }
}

/// Returns the path of an address, or of a path with a query.
pub(super) fn path_of(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    url.split_once("://").map_or(url, |(_, rest)| rest.find('/').map_or("", |start| &rest[start..]))
}

/// Returns the host of an address; nothing of a path.
fn host_of(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let rest = url.split_once("://").map(|(_, rest)| rest);
    rest.and_then(|rest| rest.split(['/', ':']).next()).unwrap_or_default()
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut place = 0;
    while let Some(byte) = bytes.get(place) {
        // A sign is no digit, though a number may begin with one.
        let digits =
            text.get(place + 1..place + 3).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) if *byte == b'%' => {
                decoded.push(code);
                place += 3;
            }
            _ => {
                decoded.push(*byte);
                place += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_path_decides_the_endpoint() {
        for (method, url, endpoint) in [
            ("POST", "https://api.openai.com/v1/chat/completions", Endpoint::OpenAiChat),
            ("post", "/v1/chat/completions?api-version=1", Endpoint::OpenAiChat),
            ("POST", "https://x.test/openai/deployments/d/chat/completions?api-version=1", Endpoint::OpenAiChat),
            ("POST", "https://api.mistral.ai/v1/chat/completions", Endpoint::StrictOpenAiChat),
            ("POST", "https://api.x.ai:443/v1/chat/completions", Endpoint::StrictOpenAiChat),
            ("POST", "/v1/chat/completions?to=https://api.x.ai/", Endpoint::OpenAiChat),
            ("GET", "https://api.cerebras.ai/v1/tcp_warming", Endpoint::Warming),
            ("POST", "https://api.openai.com/v1/responses", Endpoint::OpenAiResponses),
            ("POST", "https://api.openai.com/v1/responses/compact", Endpoint::Other),
            ("GET", "https://api.openai.com/v1/responses", Endpoint::Other),
            ("POST", "https://api.anthropic.com/v1/messages", Endpoint::AnthropicChat),
            ("POST", "https://api.anthropic.com/v1/messages?beta=true", Endpoint::AnthropicChat),
            ("POST", "https://api.anthropic.com/v1/messages/count_tokens", Endpoint::Other),
            ("POST", "https://api.openai.com/v1/threads/t/messages", Endpoint::Other),
            ("GET", "https://api.openai.com/v1/models", Endpoint::Models),
            ("GET", "https://api.openai.com/v1/models/openai%2Fgpt-4o", Endpoint::Model("openai/gpt-4o".into())),
            ("GET", "https://api.openai.com/v1/models/openai/gpt-4o", Endpoint::Model("openai/gpt-4o".into())),
            ("POST", "https://api.openai.com/v1/embeddings", Endpoint::Whole("/embeddings")),
            ("POST", "https://api.openai.com/v1/embeddings/multimodal", Endpoint::Other),
            ("GET", "https://api.openai.com/v1/embeddings", Endpoint::Other),
            ("POST", "https://api.cohere.com/v2/rerank", Endpoint::Whole("/rerank")),
            ("POST", "https://api.openai.com", Endpoint::Other),
            ("POST", "https://api.openai.com?to=/chat/completions", Endpoint::Other),
            ("POST", "https://a.test/v1/messages/#x", Endpoint::AnthropicChat),
            ("POST", "/v1/forward?to=https://a.test/v1/responses", Endpoint::Other),
            ("POST", "https://api.anthropic.com/v1/messages/batches", Endpoint::Other),
            ("GET", "https://api.anthropic.com/v1/models?limit=20", Endpoint::Models),
            ("GET", "https://api.anthropic.com/v1/models/", Endpoint::Models),
            ("GET", "/v1/models/a%2fb%20c%C3%BC", Endpoint::Model("a/b cü".into())),
            ("GET", "/v1/models/50%+5%zz%", Endpoint::Model("50%+5%zz%".into())),
            ("DELETE", "/v1/models/a", Endpoint::Other),
        ] {
            assert_eq!(recognize(method, url), endpoint, "{method} {url}");
        }
    }
}
