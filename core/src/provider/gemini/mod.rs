//! Gemini generateContent.

mod decode;
pub(super) mod embeddings;
mod encode;
mod error;
mod stream;
mod usage;

use super::{Adapter, Decoded, EncodedRequest, Flaw, Framing, ResponseHead, StreamDecoder, Target};
use crate::types::{ChatRequest, Error, Result};

/// The wire format.
pub(super) struct Gemini;

impl Adapter for Gemini {
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
