//! OpenAI chat completions, which most providers speak.

mod calls;
mod decode;
pub(super) mod embeddings;
mod encode;
mod error;
mod stream;
mod text_answer;
mod text_piece;
mod usage;
mod usage_table;

use serde_json::Value;

use super::{Adapter, Decoded, EncodedRequest, Flaw, Framing, ResponseHead, StreamDecoder, Target};
use crate::types::{ChatRequest, Error, ReportedUsage, Result};

/// Reads an error inside an answer of status 200, in any shape of the family; nothing if there is none.
pub(super) fn embedded_error(target: &Target<'_>, head: &ResponseHead, value: &Value) -> Option<Error> {
    error::embedded(target, head, value)
}

/// Reads the usage of an answer, in the words of the family.
pub(super) fn read_usage(target: &Target<'_>, value: &Value, document: &[u8]) -> Option<ReportedUsage> {
    let found = usage::find(value)?;
    usage::read(target.vendor, found, usage::stated_cost(target.vendor, found, document))
}

/// The wire format.
pub(super) struct OpenAi;

impl Adapter for OpenAi {
    fn encode(
        &self,
        target: &Target<'_>,
        request: &ChatRequest,
        output_limit: Option<u64>,
        framing: Framing,
    ) -> Result<EncodedRequest> {
        encode::encode(target, request, output_limit, framing)
    }

    fn decode(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> std::result::Result<Decoded, Flaw> {
        decode::decode(target, head, body)
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode_error(target, head, body)
    }

    fn decode_stream(&self, target: &Target<'_>, head: &ResponseHead) -> Box<dyn StreamDecoder> {
        Box::new(stream::Decoder::new(target, head))
    }
}

#[cfg(test)]
mod tests;
