//! Anthropic's format of messages, as apps speak it.

mod content;
mod decode;
mod encode;
mod fields;
mod stream;

use crate::dialect::{DecodedRequest, Dialect, UserItems};
use crate::types::{Error, Result};

/// The dialect.
pub(in crate::dialect) struct Chat;

impl Dialect for Chat {
    fn decode_request(&self, body: &[u8], _items: &UserItems) -> Result<DecodedRequest> {
        let (request, framing) = decode::decode_request(body)?;
        let encoder = Box::new(stream::Encoder::new(&request));
        Ok(DecodedRequest { request, framing, encoder })
    }

    fn encode_error(&self, error: &Error) -> Vec<u8> {
        encode::encode_error(error).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests;
