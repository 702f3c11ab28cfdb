//! Chat: a conversation in, text and tool calls out, whole or piece by piece.

mod allowance;
mod assembly;
mod conversation;
mod delivery;
mod excess;
mod reading;
mod received;
mod stream;
mod used;
mod waiting;

use jiff::Timestamp;

use self::allowance::Allowance;
pub(in crate::client) use self::conversation::Chat;
use self::conversation::Prepared;
pub(in crate::client) use self::delivery::Delivery;
pub(in crate::client) use self::reading::provider_request_id;
use self::received::Received;
pub use self::stream::{Answering, ChatStream};
use super::{Work, subject_of};
use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::client::engine::Engine;
use crate::client::work::draft::Draft;
use crate::client::work::line::Line;
use crate::client::work::outcome::{Account, Used};
use crate::client::work::rest::Rest;
use crate::provider::{Framing, chat_adapter};
use crate::routing::select::{Selection, select};
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::types::{CallOptions, ChatReply, Completion, ModelConfig, Result, StreamEvent, Usage};

impl Work for Chat {
    type Reply = ChatReply;
    type Event = StreamEvent;
    type Prepared = Prepared;
    type Received = Received;
    type Answer = Completion;

    const REPEATS: bool = true;
    const DRAINS: bool = true;
    const KEEPS_REPLIES: bool = true;

    fn select(&self, engine: &Engine, snapshot: &Snapshot, fallbacks: Option<&[String]>) -> Result<Selection> {
        select(snapshot, &self.request, fallbacks, &engine.outlook())
    }

    fn subject(&self, options: &CallOptions) -> Result<Vec<u8>> {
        subject_of(&self.request, options)
    }

    fn limit_output(&mut self, limit: Option<u64>) -> bool {
        if !self.is_limited {
            self.asked_limit = self.request.max_tokens;
        }
        self.is_limited = limit.is_some();
        self.request.max_tokens = limit.or(self.asked_limit);
        true
    }

    fn estimate(&self, config: &ModelConfig, prices: &PriceSet, settings: &Settings, now: Timestamp) -> Estimate {
        Estimate::new(&self.request, config, prices, settings.default_output_limit, now)
    }

    fn prepare(&self, line: &Line<'_>, is_capped: bool) -> Result<Prepared> {
        let adapter = chat_adapter(&line.target)?;
        let limit = line.plan.estimate.injected_limit.filter(|_| is_capped);
        let encoded = adapter.encode(&line.target, &self.request, limit, self.framing)?;
        Ok(Prepared { adapter, encoded })
    }

    fn receive(&self, line: &Line<'_>, is_limited: bool) -> Received {
        let allowance = Allowance::of(line.plan, &self.request, &line.engine.settings, is_limited);
        Received::within(allowance, line)
    }

    async fn exchange(&mut self, line: &Line<'_>, prepared: Prepared, received: &mut Received) -> Result<()> {
        self.send_and_read(line, prepared, received).await
    }

    fn has_delivered(&self) -> bool {
        self.delivery.has_delivered()
    }

    fn used(&self, line: &Line<'_>, account: &Account<'_>, received: &mut Received) -> Used<Completion> {
        used::used(self, line, account, received)
    }

    fn reply(
        &self,
        draft: &Draft,
        request_id: &str,
        config: &ModelConfig,
        completion: Completion,
        usage: Usage,
    ) -> Result<ChatReply> {
        let call = draft.parts(request_id, config)?;
        let first = completion.choices.first().cloned().unwrap_or_default();
        Ok(ChatReply {
            request_id: call.request_id,
            id: completion.id,
            provider: call.provider,
            model: call.model,
            served_model: completion.model,
            text: first.message.content.map(|content| content.text()).unwrap_or_default(),
            reasoning: first.message.reasoning_content,
            tool_calls: first.message.tool_calls,
            finish_reason: first.finish_reason,
            provider_finish_reason: first.provider_finish_reason,
            choices: completion.choices,
            usage,
            service_tier: completion.service_tier,
            output_limit: draft.output_limit,
            cost: call.cost,
            currency: call.currency,
            cost_status: call.cost_status,
            receipt: call.receipt,
            attempts: call.attempts,
            replayed: false,
        })
    }

    fn rest(received: Received) -> Option<Rest> {
        received.rest
    }

    async fn replay(&mut self, reply: &ChatReply) {
        if self.framing == Framing::EventStream {
            self.delivery.note_answering(Answering::of(reply));
            self.delivery.deliver_whole(&reply.choices).await;
        }
    }

    fn done(reply: ChatReply) -> StreamEvent {
        StreamEvent::Done(Box::new(reply))
    }
}
