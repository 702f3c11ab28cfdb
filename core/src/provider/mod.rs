//! Provider adapters: wire formats, without I/O. Each format has the same functions in the same order.

mod address;
mod anthropic;
pub mod body_field;
mod cohere;
mod dashscope;
mod document;
mod embeddings;
mod endpoint;
mod failure;
mod finish_reason;
mod flaw;
mod free_request;
mod gemini;
mod history;
mod jina;
mod json;
mod json_scan;
mod ollama;
mod openai;
mod origin;
mod params;
mod pass_through;
mod redaction;
mod rerank;
mod size;
mod snapshots;
#[cfg(test)]
mod testing;
mod usage_fields;
mod vendor;
mod vendor_key;
pub mod vendor_tool;
mod vertex;
mod voyage;

pub use address::{check_address, check_address_with, is_loopback};
pub use embeddings::{DecodedEmbeddings, EmbeddingAdapter, embedding_adapter, embedding_limits};
pub use failure::refused_field;
pub use flaw::{Flaw, Work, compression, is_foreign, says_page, says_pieces};
pub use free_request::is_free;
pub use history::CallIds;
pub use json_scan::{WholeScanner, has_more_values, outline};
pub use params::{ALLOW_INSECURE, OMIT, has_secret_header, is_secret_header, secret_headers, validate_params};
pub use pass_through::{
    asked_model, asked_path, asked_wire_format, check_pass_through, encode_pass_through, is_passed_back,
};
pub use redaction::{LONGEST_MESSAGE, LONGEST_WORD, Redactor};
pub use rerank::{DecodedRanking, RerankAdapter, rerank_adapter};
pub use size::{Holding, MOST_REQUEST_VALUES, MOST_VALUES};
pub use vendor::*;
pub use vendor_key::{key_variables, wants_key};

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::types::{ChatRequest, Completion, Delta, Error, ModelConfig, ReportedUsage, Result};

/// What a request is encoded for.
pub struct Target<'a> {
    /// The facts of the provider.
    pub vendor: &'static Vendor,
    /// The provider's name, as configured.
    pub provider: &'a str,
    /// The model's name at the provider.
    pub model: &'a str,
    /// The address that replaces the provider's own.
    pub base_url: Option<&'a str>,
    /// The API key.
    pub api_key: Option<&'a SecretString>,
    /// The parameters of the model config.
    pub params: &'a Map<String, Value>,
}

impl<'a> Target<'a> {
    /// Makes the target that a model config is, with its API key unsealed.
    #[must_use]
    pub fn of(config: &'a ModelConfig, api_key: Option<&'a SecretString>) -> Self {
        Self {
            vendor: vendor(&config.provider),
            provider: &config.provider,
            model: &config.model_name,
            base_url: config.base_url.as_deref(),
            api_key,
            params: &config.model_params,
        }
    }
}

/// A request that is ready to be sent.
pub struct EncodedRequest {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers that are no secret.
    pub headers: Vec<(String, String)>,
    /// The header that carries the API key.
    pub secret_header: Option<(&'static str, SecretString)>,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// How an answer's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON document.
    Json,
    /// Server-sent events.
    EventStream,
}

/// A complete answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded {
    /// Whether it is a piece of a stream, of which the rest may follow. Where a piece says nothing by itself there are no choices.
    pub is_piece: bool,
    /// What the model said.
    pub completion: Completion,
    /// What it consumed; absent if the provider did not say.
    pub usage: Option<ReportedUsage>,
}

/// One event of a stream, after framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// The event's name; empty or `message` where the format names none.
    pub event: String,
    /// The data lines, joined.
    pub data: String,
}

/// What an answer's headers said.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Arc<[(String, String)]>,
}

impl ResponseHead {
    /// Returns the value of a header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}

/// A wire format.
pub trait Adapter: Send + Sync {
    /// Encodes a request. `output_limit` bounds the output where the request does not.
    ///
    /// Fails with `invalid_request`, naming the field, if the format cannot express the request.
    fn encode(
        &self,
        target: &Target<'_>,
        request: &ChatRequest,
        output_limit: Option<u64>,
        framing: Framing,
    ) -> Result<EncodedRequest>;

    /// Decodes a whole answer of status 200, or tells that it is a piece of a stream. An error in its body, or a body that is no
    /// answer, is a flaw.
    fn decode(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> std::result::Result<Decoded, Flaw>;

    /// Decodes the answer of a status that is not a success.
    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error;

    /// Starts the decoding of a streamed answer of status 200.
    fn decode_stream(&self, target: &Target<'_>, head: &ResponseHead) -> Box<dyn StreamDecoder>;
}

/// Decodes the events of one stream.
pub trait StreamDecoder: Send {
    /// Decodes an event and appends what it brings. An error in the stream, or an event that cannot be read, is a flaw.
    fn decode_event(&mut self, event: &ServerEvent, deltas: &mut Vec<Delta>) -> std::result::Result<(), Flaw>;

    /// Appends what was kept back in the hope of more, once no more comes.
    fn finish(&mut self, deltas: &mut Vec<Delta>);

    /// Returns whether the format's own end was seen, behind which nothing comes though the connection stays open.
    fn is_over(&self) -> bool;

    /// Returns whether the answer came to its end: the format's last event, or a finish reason, was seen.
    fn is_complete(&self) -> bool;

    /// Returns the usage; absent if the provider has not said anything final.
    fn usage(&self) -> Option<ReportedUsage>;

    /// Returns what the provider said of the usage so far, final or not: the input can be relied on, the output may be a
    /// placeholder.
    fn provisional_usage(&self) -> Option<ReportedUsage> {
        self.usage()
    }

    /// Returns the id, the served model and the tier as known so far; its choices are empty.
    fn summary(&self) -> Completion;
}

/// Returns the wire format that a target speaks; fails with `invalid_request` if its parameters name an unknown one.
pub fn wire_format(target: &Target<'_>) -> Result<WireFormat> {
    endpoint::wire_format(target)
}

/// Returns the adapter that speaks a target's wire format.
///
/// Fails with `invalid_request` if the target has no address, or if its parameters name an unknown format.
pub fn adapter(target: &Target<'_>) -> Result<&'static dyn Adapter> {
    endpoint::base_url(target)?;
    Ok(match endpoint::wire_format(target)? {
        WireFormat::OpenAiChat => &openai::OpenAi,
        WireFormat::AnthropicMessages => &anthropic::Anthropic,
        WireFormat::GeminiGenerateContent => &gemini::Gemini,
    })
}
