//! Anthropic's format of messages, as apps speak it.

use super::{DecodedRequest, Dialect};
use crate::types::{Error, ErrorKind, Result};

/// The dialect.
pub(super) struct AnthropicMessages;

impl Dialect for AnthropicMessages {
    fn decode_request(&self, _body: &[u8]) -> Result<DecodedRequest> {
        Err(Error::new(ErrorKind::InvalidRequest, "not written yet"))
    }

    fn encode_error(&self, error: &Error) -> Vec<u8> {
        error.detail().as_bytes().to_vec()
    }
}
