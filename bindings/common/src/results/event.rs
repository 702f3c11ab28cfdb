//! Events of streams as they are shown.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::Value;
use tollway::types::{self, Delta, FinishReason, ToolCallDelta};

use super::{ChatReply, Shown};

/// A piece of an answer. The last event of a stream has no text, and has the settled `reply`.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct StreamEvent<'a> {
    /// New text.
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    /// New reasoning text.
    #[serde(skip_serializing_if = "str::is_empty")]
    reasoning: &'a str,
    /// Pieces of tool calls.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tool_calls: &'a [ToolCallDelta],
    /// Why the answer stopped, in OpenAI's words, when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish_reason: Option<FinishReason>,
    /// The whole reply, settled: its cost is in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<ChatReply<'a>>,
    /// The place of the answer among several.
    #[serde(skip_serializing_if = "is_first")]
    index: u32,
    /// Why the answer stopped, in the provider's words, when it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_finish_reason: Option<&'a str>,
    /// New text of a refusal.
    #[serde(skip_serializing_if = "str::is_empty")]
    refusal: &'a str,
    /// An opaque reasoning block that is complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking_block: Option<&'a Value>,
    /// What the provider says of places in the text.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    annotations: &'a [Value],
    /// The logarithms of the probabilities of the tokens in this piece.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
const fn is_first(index: &u32) -> bool {
    *index == 0
}

impl Shown for types::StreamEvent {
    type Form<'a> = StreamEvent<'a>;

    fn shown(&self) -> StreamEvent<'_> {
        static NOTHING_NEW: LazyLock<Delta> = LazyLock::new(Delta::default);
        match self {
            Self::Delta(delta) => event(delta, None),
            Self::Done(reply) => event(&NOTHING_NEW, Some(reply.shown())),
        }
    }
}

fn event<'a>(delta: &'a Delta, reply: Option<ChatReply<'a>>) -> StreamEvent<'a> {
    // Each field by its name, so that one that is added is not forgotten here.
    let Delta {
        index,
        text,
        reasoning,
        thinking_block,
        refusal,
        tool_calls,
        annotations,
        logprobs,
        finish_reason,
        provider_finish_reason,
    } = delta;
    StreamEvent {
        text,
        reasoning,
        tool_calls,
        finish_reason: *finish_reason,
        reply,
        index: *index,
        provider_finish_reason: provider_finish_reason.as_deref(),
        refusal,
        thinking_block: thinking_block.as_ref(),
        annotations,
        logprobs: logprobs.as_ref(),
    }
}
