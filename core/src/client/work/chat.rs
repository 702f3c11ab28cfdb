//! Chat: a conversation in, text and tool calls out, whole or piece by piece.

mod allowance;
mod assembly;
mod delivery;
mod excess;
mod reading;
mod received;
mod stream;
mod used;
mod waiting;

use jiff::Timestamp;

use self::allowance::Allowance;
use self::delivery::Delivery;
pub(in crate::client) use self::reading::provider_request_id;
use self::received::Received;
pub use self::stream::{Answering, ChatStream};
use super::{Work, subject_of};
use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::client::attempt::{Account, Draft, Line, Used};
use crate::client::call;
use crate::client::engine::{Engine, Tollway, check_options, refuse_first};
use crate::provider::{Adapter, EncodedRequest, Framing, adapter};
use crate::routing::select::{Selection, select};
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::types::{CallOptions, ChatReply, ChatRequest, Completion, ModelConfig, Result, StreamEvent, Usage};

impl Tollway {
    /// Sends a chat request and returns the whole reply, settled.
    ///
    /// Dropping the future gives the call up: it is cancelled at the provider and billed by its abandon policy. Fails
    /// with the kinds of [`ErrorKind`](crate::types::ErrorKind) that the design of the call names: budgets, routing, and the
    /// provider's.
    pub async fn chat(&self, request: ChatRequest, options: CallOptions) -> Result<ChatReply> {
        self.start_chat(request, options, Framing::Json)?.reply().await
    }

    /// Sends a chat request and returns its reply piece by piece.
    ///
    /// It returns at once; a failure before the first piece is the stream's first item. Dropping the stream gives the
    /// call up: it is billed by its abandon policy.
    #[expect(clippy::unused_async, reason = "every call of the surface is awaited, in every language")]
    pub async fn chat_stream(&self, request: ChatRequest, options: CallOptions) -> Result<ChatStream> {
        self.start_chat(request, options, Framing::EventStream)
    }

    pub(in crate::client) fn start_chat(
        &self,
        request: ChatRequest,
        options: CallOptions,
        framing: Framing,
    ) -> Result<ChatStream> {
        self.engine.check()?;
        check_request(&request)?;
        check_options(&options)?;
        let request_id = self.engine.environment.unique_id();
        let (delivery, stream) = Delivery::new(&request_id, framing, self.engine.stopping.clone());
        let sink = delivery.sink();
        call::start(&self.engine, Chat { request, framing, delivery }, options, request_id, sink);
        Ok(stream)
    }
}

/// Refuses what no provider and no budget could make sense of.
pub(in crate::client) fn check_request(request: &ChatRequest) -> Result<()> {
    request.check_levels()?;
    refuse_first(&[
        (request.messages.is_empty(), "`messages` is empty; give at least one message"),
        // Some formats read a limit of zero as none at all, which no bound would hold.
        (request.max_tokens == Some(0), "`max_tokens` is zero; give at least one, or leave it out"),
        (request.n == Some(0), "`n` is zero; give at least one, or leave it out"),
    ])
}

/// A chat under way.
struct Chat {
    request: ChatRequest,
    framing: Framing,
    delivery: Delivery,
}

/// A request in the format of its provider, and who reads the answer.
struct Prepared {
    adapter: &'static dyn Adapter,
    encoded: EncodedRequest,
}

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

    fn estimate(&self, config: &ModelConfig, prices: &PriceSet, settings: &Settings, now: Timestamp) -> Estimate {
        Estimate::new(&self.request, config, prices, settings.default_output_limit, now)
    }

    fn prepare(&self, line: &Line<'_>, is_capped: bool) -> Result<Prepared> {
        let adapter = adapter(&line.target)?;
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
        let cost = draft.total_cost();
        let first = completion.choices.first().cloned().unwrap_or_default();
        Ok(ChatReply {
            request_id: request_id.to_owned(),
            id: completion.id,
            provider: config.provider.clone(),
            model: config.model_name.clone(),
            served_model: completion.model,
            text: first.message.content.map(|content| content.text()).unwrap_or_default(),
            reasoning: first.message.reasoning_content,
            tool_calls: first.message.tool_calls,
            finish_reason: first.finish_reason,
            provider_finish_reason: first.provider_finish_reason,
            choices: completion.choices,
            usage,
            service_tier: completion.service_tier,
            cost: cost.map(|cost| cost.amount),
            currency: cost.map(|cost| cost.currency),
            cost_status: draft.cost_status(),
            receipt: draft.receipt()?,
            attempts: draft.attempts.clone(),
            replayed: false,
        })
    }

    fn let_end(engine: &Engine, received: Received) {
        if let Some(rest) = received.rest {
            rest.let_end(engine);
        }
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
