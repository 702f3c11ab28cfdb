//! Replies as they are shown.

use serde::Serialize;
use serde_json::Value;
use tollway::types::{
    self, AssistantMessage, CostStatus, Currency, Decimal, FinishReason, ModelConfigId, ModelId, Receipt, RecordStatus,
    Usage,
};

use super::{Shown, full_name};

/// A complete reply: what the model said, what it consumed, and what it cost.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChatReply<'a> {
    /// The text of the first answer.
    text: &'a str,
    /// The model that was asked, as `provider/model`.
    model: String,
    /// The provider that answered.
    provider: &'a str,
    /// The model that the provider says it served, which may be a dated version.
    served_model: Option<&'a str>,
    /// What the answer consumed.
    usage: &'a Usage,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    cost: Option<Decimal>,
    /// The currency of `cost`.
    currency: Option<Currency>,
    /// Where the cost of the answer comes from: `reported`, `computed`, `estimated` or `unpriced`.
    cost_status: CostStatus,
    /// One line per attempt and meter.
    receipt: &'a Receipt,
    /// Every attempt, the failed ones included, in order.
    attempts: Vec<Attempt<'a>>,
    /// The tool calls of the first answer.
    tool_calls: Vec<ToolCall<'a>>,
    /// Why the first answer stopped, in OpenAI's words.
    finish_reason: Option<FinishReason>,
    /// Why the first answer stopped, in the provider's words.
    provider_finish_reason: Option<&'a str>,
    /// The reasoning text of the first answer.
    reasoning: Option<&'a str>,
    /// Every answer.
    choices: Vec<Choice<'a>>,
    /// The provider's id of the answer.
    id: Option<&'a str>,
    /// The id of the call, shared by all its attempts and records.
    request_id: &'a str,
    /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
    replayed: bool,
    /// The tier that was served, in the provider's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'a str>,
    /// The output limit that Tollway set, where the request had none under a cap, or a budget had room for no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_limit: Option<u64>,
}

/// One attempt of a call, which may have failed.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Attempt<'a> {
    /// The place among the attempts, from 1.
    number: u32,
    /// The provider that was asked.
    provider: &'a str,
    /// The model that was asked, as `provider/model`.
    model: String,
    /// The config that was picked: the pricing id.
    model_config_id: ModelConfigId,
    /// The model that is billed: the billing id.
    model_id: Option<ModelId>,
    /// The usage record of the attempt.
    record_uid: &'a str,
    /// How it ended: `success`, `failed`, `timeout`, `cancelled` or `partial`.
    status: RecordStatus,
    /// The code of the error that ended it.
    error_code: Option<&'a str>,
    /// What it cost, in `currency`; absent if it has no price.
    cost: Option<Decimal>,
    /// The currency of `cost`.
    currency: Option<Currency>,
    /// Where the cost comes from: `reported`, `computed`, `estimated` or `unpriced`.
    cost_status: CostStatus,
    /// How long it took, in milliseconds.
    latency_ms: u64,
}

/// A call that a model asks for.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToolCall<'a> {
    /// The id that the result must name; empty where the provider gave none.
    id: &'a str,
    /// The function's name.
    name: &'a str,
    /// The arguments as JSON text, exactly as the model wrote them.
    arguments: &'a str,
    /// Always `function`.
    #[cfg_attr(feature = "schema", schemars(extend("default" = "function")))]
    r#type: &'a str,
    /// What the provider wants back unchanged with the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a Value>,
}

/// One answer of a reply.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Choice<'a> {
    /// The place of the answer among several.
    index: u32,
    /// What the model said. It can be sent back as it is in the next turn.
    #[cfg_attr(feature = "schema", schemars(with = "MessageShape"))]
    message: Message<'a>,
    /// Why it stopped, in OpenAI's words; absent if the provider never said.
    finish_reason: Option<FinishReason>,
    /// Why it stopped, in the provider's words.
    provider_finish_reason: Option<&'a str>,
    /// The logarithms of the tokens' probabilities as OpenAI shapes them, where the request asked for them.
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<&'a Value>,
}

/// A message of an assistant as a conversation holds it, with its role.
#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    #[serde(flatten)]
    message: &'a AssistantMessage,
}

/// A message, in the shape in which requests have it.
#[cfg(feature = "schema")]
struct MessageShape;

#[cfg(feature = "schema")]
impl schemars::JsonSchema for MessageShape {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Message".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "object", "format": "message" })
    }
}

impl Shown for types::ChatReply {
    type Form<'a> = ChatReply<'a>;

    fn shown(&self) -> ChatReply<'_> {
        // Each field by its name, so that one that is added is not forgotten here.
        let Self {
            request_id,
            id,
            provider,
            model,
            served_model,
            text,
            reasoning,
            tool_calls,
            finish_reason,
            provider_finish_reason,
            choices,
            usage,
            service_tier,
            output_limit,
            cost,
            currency,
            cost_status,
            receipt,
            attempts,
            replayed,
        } = self;
        ChatReply {
            text,
            model: full_name(provider, model),
            provider,
            served_model: served_model.as_deref(),
            usage,
            cost: *cost,
            currency: *currency,
            cost_status: *cost_status,
            receipt,
            attempts: attempts.iter().map(attempt).collect(),
            tool_calls: tool_calls.iter().map(tool_call).collect(),
            finish_reason: *finish_reason,
            provider_finish_reason: provider_finish_reason.as_deref(),
            reasoning: reasoning.as_deref(),
            choices: choices.iter().map(choice).collect(),
            id: id.as_deref(),
            request_id,
            replayed: *replayed,
            service_tier: service_tier.as_deref(),
            output_limit: *output_limit,
        }
    }
}

pub(crate) fn attempt(attempt: &types::Attempt) -> Attempt<'_> {
    let types::Attempt {
        number,
        provider,
        model,
        model_config_id,
        model_id,
        record_uid,
        status,
        error_code,
        cost,
        currency,
        cost_status,
        latency_ms,
    } = attempt;
    Attempt {
        number: *number,
        provider,
        model: full_name(provider, model),
        model_config_id: *model_config_id,
        model_id: *model_id,
        record_uid,
        status: *status,
        error_code: error_code.as_deref(),
        cost: *cost,
        currency: *currency,
        cost_status: *cost_status,
        latency_ms: *latency_ms,
    }
}

fn tool_call(call: &types::ToolCall) -> ToolCall<'_> {
    let types::ToolCall { id, r#type, function, extra_content } = call;
    ToolCall { id, name: &function.name, arguments: &function.arguments, r#type, extra_content: extra_content.as_ref() }
}

fn choice(choice: &types::Choice) -> Choice<'_> {
    let types::Choice { index, message, finish_reason, provider_finish_reason, logprobs } = choice;
    Choice {
        index: *index,
        message: Message { role: "assistant", message },
        finish_reason: *finish_reason,
        provider_finish_reason: provider_finish_reason.as_deref(),
        logprobs: logprobs.as_ref(),
    }
}
