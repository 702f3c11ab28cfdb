//! The reply of a call and the events of a streamed one.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::attempt::Attempt;
use super::call_reply::call_reply;
use super::currency::Currency;
use super::message::{AssistantMessage, ToolCall};
use super::receipt::{CostStatus, Receipt};
use super::usage::Usage;

/// Why the model stopped, in OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishReason {
    /// The answer is complete, or a stop text was reached.
    Stop,
    /// A token limit was reached.
    Length,
    /// The model calls tools and waits for their results.
    ToolCalls,
    /// The content was withheld.
    ContentFilter,
    /// The provider gave another reason; see `provider_finish_reason`.
    Other,
}

/// One answer of a reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The place of the answer among several.
    pub index: u32,
    /// What the model said.
    pub message: AssistantMessage,
    /// Why it stopped, in OpenAI's words; absent if the provider never said.
    pub finish_reason: Option<FinishReason>,
    /// Why it stopped, in the provider's words.
    pub provider_finish_reason: Option<String>,
    /// The logarithms of the tokens' probabilities as OpenAI shapes them, where the request asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// What an adapter reads from a provider's answer. The client adds what it cost to make a [`ChatReply`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that the provider says it served.
    pub model: Option<String>,
    /// The answers; empty if the provider withheld all of them.
    pub choices: Vec<Choice>,
    /// The tier that was served.
    pub service_tier: Option<String>,
}

/// A complete reply: what the model said, what it consumed, and what it cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChatReply {
    /// The id of the call, shared by all its attempts and records (UUIDv7).
    pub request_id: String,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The provider that answered.
    pub provider: String,
    /// The model that was asked, without its provider.
    pub model: String,
    /// The model that the provider says it served, which may be a dated version.
    pub served_model: Option<String>,
    /// The text of the first answer.
    pub text: String,
    /// The reasoning text of the first answer.
    pub reasoning: Option<String>,
    /// The tool calls of the first answer.
    pub tool_calls: Vec<ToolCall>,
    /// Why the first answer stopped, in OpenAI's words.
    pub finish_reason: Option<FinishReason>,
    /// Why the first answer stopped, in the provider's words.
    pub provider_finish_reason: Option<String>,
    /// Every answer.
    pub choices: Vec<Choice>,
    /// What the answer consumed.
    pub usage: Usage,
    /// The tier that was served, in the provider's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<String>,
    /// The output limit that Tollway set, where the request had none under a cap, or a budget had room for no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_limit: Option<u64>,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    pub cost: Option<Decimal>,
    /// The currency of `cost`.
    pub currency: Option<Currency>,
    /// Where the cost of the answer comes from.
    pub cost_status: CostStatus,
    /// One line per attempt and meter.
    pub receipt: Receipt,
    /// Every attempt, the failed ones included, in order.
    pub attempts: Vec<Attempt>,
    /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
    pub replayed: bool,
}

call_reply!(ChatReply);

/// A piece of an answer, as it arrives.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Delta {
    /// The place of the answer among several.
    pub index: u32,
    /// New text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// New reasoning text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reasoning: String,
    /// An opaque reasoning block that is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thinking_block: Option<Value>,
    /// New text of a refusal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refusal: String,
    /// Pieces of tool calls.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// What the provider says of places in the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Value>,
    /// The logarithms of the probabilities of the tokens in this piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
    /// Why the answer stopped, in OpenAI's words, when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Why the answer stopped, in the provider's words, when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_finish_reason: Option<String>,
}

impl Delta {
    /// Returns whether there is something in it that a model made.
    #[must_use]
    pub fn has_content(&self) -> bool {
        !(self.text.is_empty() && self.reasoning.is_empty() && self.refusal.is_empty() && self.tool_calls.is_empty())
            || self.thinking_block.is_some()
    }
}

/// A piece of a tool call. The first piece of an index has the id and the name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolCallDelta {
    /// The place of the call among the answer's calls.
    pub index: u32,
    /// The id, on the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The function's name, on the first piece.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// More of the arguments' JSON text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub arguments: String,
    /// What the provider wants back unchanged with the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Value>,
}

/// An event of a streamed call. The last one is [`StreamEvent::Done`], unless the stream ends in an error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "pieces are many and short-lived: a box for each would cost more than it saves"
)]
pub enum StreamEvent {
    /// A piece of an answer.
    Delta(Delta),
    /// The whole reply, settled: its cost is in the ledger.
    Done(Box<ChatReply>),
}
