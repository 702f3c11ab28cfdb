//! OpenAI's format of chat completions, as apps speak it.

mod decode;
mod encode;
mod error;
mod stream;
#[cfg(test)]
pub(in crate::dialect) mod tests;

pub(in crate::dialect) use encode::service_tier;
pub(in crate::dialect) use error::body as error_body;

use crate::dialect::{AnswerStart, DecodedRequest, Dialect, ReplyEncoder, UserItems};
use crate::types::{ChatReply, Delta, Error, Result};

/// The dialect.
pub(in crate::dialect) struct Chat {
    /// Whether the library reads streams strictly: calls come in one piece each, and every chunk has a fingerprint.
    pub(in crate::dialect) is_strict: bool,
}

impl Dialect for Chat {
    fn decode_request(&self, body: &[u8], _items: &UserItems) -> Result<DecodedRequest> {
        decode::decode(body, self.is_strict)
    }

    fn encode_error(&self, error: &Error) -> Vec<u8> {
        error::encode(error)
    }
}

/// What the request says of the answer's form.
#[derive(Clone, Copy, Debug, Default)]
struct Form {
    /// Whether a stream ends with a chunk of usage.
    include_usage: bool,
    /// Whether the request offers `functions`, the form before tools; its answers call a function in that form.
    has_functions: bool,
    /// Whether each call of a stream is one piece, and every chunk has a fingerprint.
    is_strict: bool,
}

/// Writes the answer of one request.
struct Encoder {
    form: Form,
    stream: stream::Encoder,
}

impl Encoder {
    fn new(form: Form) -> Self {
        Self { form, stream: stream::Encoder::new(form) }
    }
}

impl ReplyEncoder for Encoder {
    fn encode_reply(&mut self, start: &AnswerStart, reply: &ChatReply) -> Result<Vec<u8>> {
        Ok(encode::encode(self.form, start, reply))
    }

    fn encode_start(&mut self, start: &AnswerStart, _events: &mut Vec<u8>) {
        self.stream.start(start);
    }

    fn encode_delta(&mut self, delta: &Delta, events: &mut Vec<u8>) {
        self.stream.encode_delta(delta, events);
    }

    fn encode_done(&mut self, reply: &ChatReply, events: &mut Vec<u8>) {
        self.stream.encode_done(reply, events);
    }

    fn encode_failure(&mut self, error: &Error, events: &mut Vec<u8>) {
        self.stream.encode_failure(error, events);
    }
}
