//! Chats, as apps ask for them: what a dialect of them does.

use super::recent_items::UserItems;
use crate::provider::Framing;
use crate::types::{ChatReply, ChatRequest, Delta, Error, Result};

/// A format in which apps ask for text.
pub trait Dialect: Send + Sync {
    /// Reads a request, which may name items of answers that its user got before.
    ///
    /// Fails with `invalid_request`, naming the field, if the request is wrong, or asks for what no chat can express.
    fn decode_request(&self, body: &[u8], items: &UserItems) -> Result<DecodedRequest>;

    /// Writes an error as this format's providers do, as a JSON document. Its status is [`status`](super::status).
    fn encode_error(&self, error: &Error) -> Vec<u8>;
}

/// A request that was read, and what writes its answer.
pub struct DecodedRequest {
    /// The request.
    pub request: ChatRequest,
    /// Whether the answer is streamed.
    pub framing: Framing,
    /// Writes the answer; it remembers what the request said of the answer's form.
    pub encoder: Box<dyn ReplyEncoder>,
}

/// What is known of an answer before its first piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerStart {
    /// The id of the call.
    pub request_id: String,
    /// When it was asked, in seconds since 1970.
    pub created: i64,
    /// The model that answers: as the provider names it, or as its config does.
    pub model: String,
}

/// Writes one answer: a whole one, or the events of a streamed one.
pub trait ReplyEncoder: Send {
    /// Writes a whole reply as a JSON document, with its cost and receipt in the field `tollway`.
    fn encode_reply(&mut self, start: &AnswerStart, reply: &ChatReply) -> Result<Vec<u8>>;

    /// Appends what a stream begins with, as server-sent events. It is called once, before any other piece.
    fn encode_start(&mut self, start: &AnswerStart, events: &mut Vec<u8>);

    /// Appends a piece of the answer. The reason why the answer ended is held back until its cost is known.
    fn encode_delta(&mut self, delta: &Delta, events: &mut Vec<u8>);

    /// Appends the end of a stream that ended well, with its cost and receipt in the field `tollway`.
    fn encode_done(&mut self, reply: &ChatReply, events: &mut Vec<u8>);

    /// Appends the end of a stream that failed after it began.
    fn encode_failure(&mut self, error: &Error, events: &mut Vec<u8>);
}
