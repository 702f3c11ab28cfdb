//! Chats: how they are asked for, and what comes back, whole or in pieces. Each format has the same functions in the same order.

use super::exchange::{EncodedRequest, Framing, ResponseHead, ServerEvent};
use super::flaw::Flaw;
use super::target::Target;
use crate::types::{ChatRequest, Completion, Delta, Error, ReportedUsage, Result};

/// What an answer brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedChat {
    /// Whether it is a piece of a stream, of which the rest may follow. Where a piece says nothing by itself there are no choices.
    pub is_piece: bool,
    /// What the model said.
    pub completion: Completion,
    /// What it consumed; absent if the provider did not say.
    pub usage: Option<ReportedUsage>,
}

/// A format of chats.
pub trait ChatAdapter: Send + Sync {
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
    fn decode(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> std::result::Result<DecodedChat, Flaw>;

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

    /// Returns the id, the served model and the tier as known so far; its choices are empty.
    fn summary(&self) -> Completion;

    /// Returns what the provider said of the usage so far, final or not: the input can be relied on, the output may be a
    /// placeholder.
    fn provisional_usage(&self) -> Option<ReportedUsage> {
        self.usage()
    }
}
