//! Anthropic messages.

mod decode;
mod encode;
mod stream;

use crate::provider::anthropic::error;
use crate::provider::chat::{ChatAdapter, DecodedChat, StreamDecoder};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target};
use crate::types::{ChatRequest, Error, Result};

/// The format.
pub(in crate::provider) struct Chat;

impl ChatAdapter for Chat {
    fn encode(
        &self,
        target: &Target<'_>,
        request: &ChatRequest,
        output_limit: Option<u64>,
        framing: Framing,
    ) -> Result<EncodedRequest> {
        encode::encode(target, request, output_limit, framing)
    }

    fn decode(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> std::result::Result<DecodedChat, Flaw> {
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
