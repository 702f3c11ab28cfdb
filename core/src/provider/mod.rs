//! Provider adapters, without I/O. Each wire format is a folder with a part for each kind of work that it does; the parts of one
//! kind have the same functions in the same order. `adapters.rs` is the table of them.

mod adapters;
mod address;
mod anthropic;
pub mod body_field;
mod chat;
mod cohere;
mod dashscope;
mod document;
mod embeddings;
mod endpoint;
mod exchange;
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
mod param_rules;
mod params;
mod pass_through;
mod redaction;
mod rerank;
mod size;
mod snapshots;
mod target;
#[cfg(test)]
mod testing;
mod usage_fields;
mod vendor;
mod vendor_key;
pub mod vendor_tool;
mod vertex;
mod voyage;
mod wire_format;

pub use adapters::{chat_adapter, embedding_adapter, rerank_adapter};
pub use address::{check_address, check_address_with, is_loopback};
pub use chat::{ChatAdapter, DecodedChat, StreamDecoder};
pub use embeddings::{DecodedEmbeddings, EmbeddingAdapter, embedding_limits};
pub use endpoint::wire_format;
pub use exchange::{EncodedRequest, Framing, ResponseHead, ServerEvent};
pub use failure::refused_field;
pub use flaw::{Flaw, Work, compression, is_foreign, says_page, says_pieces};
pub use free_request::is_free;
pub use history::CallIds;
pub use json_scan::{WholeScanner, has_more_values, outline};
pub use param_rules::validate_params;
pub use params::{ALLOW_INSECURE, OMIT, has_secret_header, is_secret_header, secret_headers};
pub use pass_through::{
    asked_model, asked_path, asked_wire_format, check_pass_through, encode_pass_through, is_passed_back,
};
pub use redaction::{LONGEST_MESSAGE, LONGEST_WORD, Redactor};
pub use rerank::{DecodedRanking, RerankAdapter};
pub use size::{Holding, MOST_REQUEST_VALUES, MOST_VALUES};
pub use target::Target;
pub use vendor::{
    CostReport, Embeddings, Quirks, ReasoningControl, SearchReport, Vendor, default_currency, is_known_vendor, seller,
    vendor, vendor_names,
};
pub use vendor_key::{key_variables, wants_key};
pub use wire_format::{AuthHeader, WireFormat};
