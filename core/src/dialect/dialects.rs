//! Which dialect an endpoint speaks.

use super::chat::Dialect;
use super::endpoint::Endpoint;
use super::{anthropic, openai, openai_responses};

/// Returns the dialect of an endpoint; nothing if the endpoint is none of text.
#[must_use]
pub fn dialect(endpoint: &Endpoint) -> Option<&'static dyn Dialect> {
    Some(match endpoint {
        Endpoint::OpenAiChat => &openai::chat::Chat { is_strict: false },
        Endpoint::StrictOpenAiChat => &openai::chat::Chat { is_strict: true },
        Endpoint::OpenAiResponses => &openai_responses::chat::Chat,
        Endpoint::AnthropicChat => &anthropic::chat::Chat,
        Endpoint::Whole(_) | Endpoint::Models | Endpoint::Model(_) | Endpoint::Warming | Endpoint::Other => {
            return None;
        }
    })
}

/// Returns the dialect whose words an error is told in where the endpoint has none of its own.
#[must_use]
pub fn dialect_of_errors(endpoint: &Endpoint, is_anthropic: bool) -> &'static dyn Dialect {
    dialect(endpoint).unwrap_or(if is_anthropic {
        &anthropic::chat::Chat
    } else {
        &openai::chat::Chat { is_strict: false }
    })
}
