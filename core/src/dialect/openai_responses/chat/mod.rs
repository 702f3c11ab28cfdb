//! OpenAI's format of responses, as apps speak it.

mod decode;
mod encode;
mod error;
mod input;
mod item;
mod stream;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::dialect::{AnswerStart, DecodedRequest, Dialect, ReplyEncoder, UserItems};
use crate::types::{ChatReply, Delta, Error, Result};

/// The dialect.
pub(in crate::dialect) struct Chat;

impl Dialect for Chat {
    fn decode_request(&self, body: &[u8], items: &UserItems) -> Result<DecodedRequest> {
        decode::decode(body, items)
    }

    fn encode_error(&self, error: &Error) -> Vec<u8> {
        error::encode(error)
    }
}

/// What the request says of the answer's form.
#[derive(Clone, Debug)]
struct Form {
    /// The fields that every response repeats.
    echo: Map<String, Value>,
    /// Where the answer's items are kept, so that a later request may name them; nowhere if it said so.
    kept_in: Option<UserItems>,
}

/// Writes the answer of one request.
struct Encoder {
    stream: stream::Encoder,
}

impl Encoder {
    fn new(form: Form) -> Self {
        Self { stream: stream::Encoder::new(form) }
    }
}

impl ReplyEncoder for Encoder {
    fn encode_reply(&mut self, start: &AnswerStart, reply: &ChatReply) -> Result<Vec<u8>> {
        Ok(encode::encode(self.stream.form(), start, reply))
    }

    fn encode_start(&mut self, start: &AnswerStart, events: &mut Vec<u8>) {
        self.stream.encode_start(start, events);
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
