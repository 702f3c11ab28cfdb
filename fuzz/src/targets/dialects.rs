//! The formats in which apps ask.

use jiff::Timestamp;
use serde_json::Map;
use tollway::billing::estimate::Estimate;
use tollway::billing::price::PriceSet;
use tollway::dialect::{Endpoint, RecentItems, dialect};
use tollway::provider::{Target, chat_adapter, vendor};
use tollway::types::{Capability, ModelConfig, ModelConfigId};

pub(super) const WORDS: &[&str] = &[
    "\"model\"",
    "\"messages\"",
    "\"role\"",
    "\"user\"",
    "\"assistant\"",
    "\"tool\"",
    "\"system\"",
    "\"developer\"",
    "\"content\"",
    "\"type\"",
    "\"text\"",
    "\"image_url\"",
    "\"input_image\"",
    "\"tool_calls\"",
    "\"tool_call_id\"",
    "\"tools\"",
    "\"function\"",
    "\"parameters\"",
    "\"tool_choice\"",
    "\"max_tokens\"",
    "\"stream\"",
    "\"input\"",
    "\"previous_response_id\"",
    "\"id\"",
    "\"thinking\"",
    "\"signature\"",
    "\"tool_use\"",
    "\"tool_result\"",
    "\"input_schema\"",
    "\"response_format\"",
    "\"reasoning\"",
    "\"function_call_output\"",
    "\"call_id\"",
    "\"item_reference\"",
    "\"arguments\"",
    "\"cache_control\"",
    "\"n\"",
];

/// Reads requests in OpenAI's format of completions.
pub fn openai_chat(bytes: &[u8]) {
    request(&Endpoint::OpenAiChat, bytes);
    request(&Endpoint::StrictOpenAiChat, bytes);
}

/// Reads requests in OpenAI's format of responses.
pub fn openai_responses(bytes: &[u8]) {
    request(&Endpoint::OpenAiResponses, bytes);
}

/// Reads requests in Anthropic's format.
pub fn anthropic_messages(bytes: &[u8]) {
    request(&Endpoint::AnthropicChat, bytes);
}

/// Reads a request, bounds what it can cost, and writes it in every format of providers.
fn request(endpoint: &Endpoint, body: &[u8]) {
    let Some(dialect) = dialect(endpoint) else { return };
    let items = RecentItems::default().of(None);
    let decoded = match dialect.decode_request(body, &items) {
        Ok(decoded) => decoded,
        Err(error) => {
            assert!(serde_json::from_slice::<serde_json::Value>(&dialect.encode_error(&error)).is_ok());
            return;
        }
    };
    for provider in ["openai", "anthropic", "gemini", "openrouter", "dashscope"] {
        let config = config(provider);
        let estimate =
            Estimate::new(&decoded.request, &config, &PriceSet::default(), 777, Timestamp::UNIX_EPOCH).under_cap();
        let params = Map::new();
        let base_url = Some("https://provider.test/v1");
        let target =
            Target { vendor: vendor(provider), provider, model: "m", base_url, api_key: None, params: &params };
        let Ok(adapter) = chat_adapter(&target) else { continue };
        if let Ok(sent) = adapter.encode(&target, &decoded.request, estimate.injected_limit, decoded.framing) {
            assert!(serde_json::from_slice::<serde_json::Value>(&sent.body).is_ok(), "what is sent is no JSON");
        }
    }
}

fn config(provider: &str) -> ModelConfig {
    ModelConfig {
        id: ModelConfigId::new(1),
        provider: provider.to_owned(),
        model_name: "m".to_owned(),
        alias: None,
        capability: Capability::Text,
        api_key: None,
        base_url: None,
        params: Map::new(),
        is_default: false,
        priority: 0,
        is_active: true,
        description: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}
