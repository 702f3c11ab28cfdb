//! One attempt: plan, reserve, send, and hand what came to settlement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::call::{Call, panicked};
use super::reply::{Assembly, estimate_output};
use super::settle::Ended;
use super::stream::Answering;
use crate::billing::estimate::{Estimate, head_of};
use crate::billing::price::PriceSet;
use crate::catalog::snapshot::Snapshot;
use crate::provider::{Adapter, EncodedRequest, Framing, ResponseHead, StreamDecoder, Target, adapter, vendor};
use crate::store::{Operation, Outcome, ReserveRequest, Reserved};
use crate::transport::EventReader;
use crate::types::{
    AbandonPolicy, ChatReply, Completion, Delta, Error, ErrorKind, ModelConfig, Money, ReportedUsage, Result,
};

/// What an attempt is expected to do, fixed before it begins: the prices stay those of its first instant.
pub(super) struct Plan {
    pub(super) config: Arc<ModelConfig>,
    pub(super) prices: PriceSet,
    pub(super) estimate: Estimate,
    pub(super) worst_case: Option<Money>,
    pub(super) record_uid: String,
    pub(super) number: u32,
    /// The monotonic instant at which it began.
    pub(super) started: Duration,
}

/// What came from the provider, as far as it came.
#[derive(Default)]
pub(super) struct Received {
    /// Whether the answer began: a status of success arrived.
    pub(super) answered: bool,
    pub(super) provider_request_id: Option<String>,
    /// When the first part of a streamed answer arrived.
    pub(super) first_token_at: Option<Timestamp>,
    whole: Option<(Completion, Option<ReportedUsage>)>,
    decoder: Option<Box<dyn StreamDecoder>>,
    assembly: Assembly,
    body_bytes: u64,
}

impl Received {
    /// Returns the usage that the provider reported, if it is final.
    pub(super) fn usage(&self) -> Option<ReportedUsage> {
        match &self.whole {
            Some((_, usage)) => usage.clone(),
            None => self.decoder.as_ref().and_then(|decoder| decoder.usage()),
        }
    }

    /// Returns what the provider reported before the answer ended: its input can be relied on, its output is a lower bound.
    pub(super) fn reported_so_far(&self) -> Option<ReportedUsage> {
        self.decoder.as_ref().and_then(|decoder| decoder.provisional_usage())
    }

    /// Returns the answer as far as it came.
    pub(super) fn completion(&self) -> Completion {
        match &self.whole {
            Some((completion, _)) => completion.clone(),
            None => Completion {
                choices: self.assembly.choices(),
                ..self.decoder.as_ref().map(|decoder| decoder.summary()).unwrap_or_default()
            },
        }
    }

    /// Tells whether any of the answer came.
    pub(super) fn brought_anything(&self) -> bool {
        self.whole.is_some() || !self.assembly.is_empty() || self.body_bytes > 0
    }

    /// Estimates the output tokens of what came.
    pub(super) fn estimated_output(&self) -> u64 {
        estimate_output(&self.completion().choices).max(self.body_bytes.div_ceil(4))
    }
}

impl Call {
    /// Makes one attempt with a config. On failure the error has its target, and the attempt is settled and recorded
    /// if it was reserved.
    pub(super) async fn attempt(&mut self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<ChatReply> {
        let targeted = |error: Error| error.with_target(&config.provider, &config.model_name);
        let plan = Arc::new(self.plan(snapshot, config).map_err(targeted)?);
        let api_key = self.engine.api_key(config).map_err(targeted)?;
        let target = Target::of(config, api_key.as_ref());
        let adapter = adapter(&target).map_err(targeted)?;
        let capped = snapshot.is_capped(self.options.user.as_deref(), &self.options.tags);
        let limit = plan.estimate.injected_limit.filter(|_| capped);
        let mut encoded = adapter.encode(&target, &self.request, limit, self.framing).map_err(targeted)?;
        let reserved = self.reserve(&plan).await.map_err(targeted)?;
        self.unsettled = Some((reserved.id, Arc::clone(&plan)));
        if reserved.budgets_apply && !capped && plan.estimate.injected_limit.is_some() {
            encoded =
                adapter.encode(&target, &self.request, plan.estimate.injected_limit, self.framing).map_err(targeted)?;
        }
        let ticket = self.engine.health.begin(config.id, self.engine.environment.monotonic());
        let mut received = Received::default();
        let exchange = self.exchange_until_ended(adapter, &target, encoded, &mut received);
        let ended = AssertUnwindSafe(exchange).catch_unwind().await.unwrap_or_else(|_| Ended::Failed(panicked()));
        self.note_health(config, ticket, &ended);
        let settled = self.settle(&plan, &reserved, ended, received).await.map_err(targeted);
        settled?
    }

    fn plan(&self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Plan> {
        let environment = &self.engine.environment;
        let now = environment.now();
        let prices = snapshot.price_set(config.id, now)?;
        let default_limit = self.engine.settings.default_output_limit;
        let mut estimate = Estimate::new(&self.request, config, &prices, default_limit, now);
        if snapshot.caps_money(self.options.user.as_deref(), &self.options.tags) {
            estimate = estimate.under_cap();
        }
        let worst_case = estimate.worst(head_of("", vendor(&config.provider).currency), &prices)?;
        Ok(Plan {
            config: Arc::clone(config),
            prices,
            estimate,
            worst_case: worst_case.map(|worst| worst.cost),
            record_uid: environment.unique_id(),
            number: self.draft.next_number(),
            started: environment.monotonic(),
        })
    }

    /// Holds the worst case. If a budget refuses, what processes that ended still hold is freed first, once.
    async fn reserve(&self, plan: &Plan) -> Result<Reserved> {
        let first = self.engine.store.apply(self.reservation(plan)).await;
        let first = first.map_err(|error| match &plan.estimate.uncovered {
            Some(gap) if error.kind() == ErrorKind::Unpriced => {
                error.with_detail_suffix(&format!("; {}", gap.advice()))
            }
            _ => error,
        });
        let refused = first.as_ref().is_err_and(|error| error.kind() == ErrorKind::BudgetExceeded);
        let outcome = if refused && self.engine.recover().await? > 0 {
            self.engine.store.apply(self.reservation(plan)).await?
        } else {
            first?
        };
        match outcome {
            Outcome::Reserved(reserved) => Ok(reserved),
            other => Err(super::unexpected(&other)),
        }
    }

    fn reservation(&self, plan: &Plan) -> Operation {
        let now = self.engine.environment.now();
        Operation::Reserve(Box::new(ReserveRequest {
            request_id: self.request_id.clone(),
            attempt: plan.number,
            record_uid: plan.record_uid.clone(),
            user: self.options.user.clone(),
            tags: self.options.tags.clone(),
            model_config_id: plan.config.id,
            provider: plan.config.provider.clone(),
            model: plan.config.model_name.clone(),
            capability: plan.config.capability,
            worst_case: plan.worst_case,
            worst_case_tokens: plan.estimate.most_tokens(),
            on_unpriced: self.options.on_unpriced.or(self.engine.settings.on_unpriced),
            now,
            expires_at: now.saturating_add(self.time_left() + super::settle::GRACE).unwrap_or(now),
        }))
    }

    /// Sends and reads until the answer ends, the caller goes, the file closes, or time runs out.
    async fn exchange_until_ended(
        &mut self,
        adapter: &dyn Adapter,
        target: &Target<'_>,
        encoded: EncodedRequest,
        received: &mut Received,
    ) -> Ended {
        let sink = self.sink.clone();
        let stopping = self.engine.stopping.clone();
        let late = self.engine.environment.sleep(self.time_left());
        let drains = self.on_abandon() == AbandonPolicy::Drain;
        let work = self.exchange(adapter, target, encoded, received);
        tokio::select! {
            biased;
            result = work => result.map_or_else(Ended::Failed, |()| Ended::Complete),
            () = sink.closed(), if !drains => Ended::GivenUp,
            () = stopping.cancelled(), if !drains => Ended::GivenUp,
            () = late => Ended::TimedOut,
        }
    }

    async fn exchange(
        &mut self,
        adapter: &dyn Adapter,
        target: &Target<'_>,
        encoded: EncodedRequest,
        received: &mut Received,
    ) -> Result<()> {
        let mut response = self.engine.http.send(encoded).await?;
        let head = response.head.clone();
        received.provider_request_id = provider_request_id(&head);
        if !(200..300).contains(&head.status) {
            let mut body = Vec::new();
            response.read_to(&mut body).await?;
            return Err(adapter.decode_error(target, &head, &body));
        }
        received.answered = true;
        // Some servers answer a request for a stream with the whole reply, which was produced and is billed all the same.
        let says_events = head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
        if self.framing == Framing::EventStream && (says_events || !response.begins_object().await?) {
            let decoder = adapter.decode_stream(target, &head);
            return self.read_stream(target, decoder, response.events(), received).await;
        }
        let mut body = Vec::new();
        let whole = response.read_to(&mut body).await;
        // A body that breaks off or cannot be read was still produced, and will be billed; an error that it states was not.
        received.body_bytes = (body.len() as u64).max(1);
        whole?;
        let decoded = adapter.decode(target, &head, &body);
        if decoded.is_ok() || serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
            received.body_bytes = 0;
        }
        let mut decoded = decoded?;
        if self.asks_for_one_call() {
            decoded.completion.choices.iter_mut().for_each(|choice| choice.message.tool_calls.truncate(1));
        }
        let choices = decoded.completion.choices.clone();
        let model = decoded.completion.model.clone();
        received.whole = Some((decoded.completion, decoded.usage));
        if self.framing == Framing::EventStream {
            received.first_token_at = Some(self.engine.environment.now());
            self.note_answering(target, model);
            self.deliver_whole(&choices).await;
        }
        Ok(())
    }

    /// Notes who answers, with the first piece of the answer.
    fn note_answering(&self, target: &Target<'_>, model: Option<String>) {
        let model = model.unwrap_or_else(|| target.model.to_owned());
        let _ = self.answering.set(Answering { target: format!("{}/{}", target.provider, target.model), model });
    }

    async fn read_stream(
        &mut self,
        target: &Target<'_>,
        decoder: Box<dyn StreamDecoder>,
        mut events: EventReader,
        received: &mut Received,
    ) -> Result<()> {
        let mut deltas = Vec::new();
        let one_call = self.asks_for_one_call();
        let decoder = received.decoder.insert(decoder);
        loop {
            let silence = self.engine.environment.sleep(self.engine.settings.stream_idle_timeout);
            let event = tokio::select! {
                biased;
                event = events.next() => event,
                () = silence => return Err(Error::new(ErrorKind::Timeout, "the stream stayed silent for too long")),
            };
            let Some(event) = event else { break };
            let outcome = decoder.decode_event(&event?, &mut deltas);
            if received.first_token_at.is_none() && !deltas.is_empty() {
                received.first_token_at = Some(self.engine.environment.now());
                let model = decoder.summary().model;
                self.note_answering(target, model);
            }
            for mut delta in deltas.drain(..) {
                if one_call && is_further_call(&mut delta) {
                    continue;
                }
                received.assembly.add(&delta);
                self.deliver(delta).await;
            }
            outcome?;
        }
        if decoder.is_complete() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::ProviderUnavailable, "the stream ended before the answer did; retry the call"))
    }

    /// Tells whether the answer may call one tool at most. Not every format can say so: then a model that calls several is
    /// heard as far as its first call, as one that was told would have stopped there.
    fn asks_for_one_call(&self) -> bool {
        self.request.parallel_tool_calls == Some(false)
    }
}

/// Takes all calls but the first out of a piece; tells whether nothing is left of it.
fn is_further_call(delta: &mut Delta) -> bool {
    let had_calls = !delta.tool_calls.is_empty();
    delta.tool_calls.retain(|call| call.index == 0);
    had_calls && *delta == Delta { index: delta.index, ..Delta::default() }
}

/// Returns the provider's id of a request, by the header that it is in.
pub(super) fn provider_request_id(head: &ResponseHead) -> Option<String> {
    let names =
        ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id", "x-generation-id", "x-client-request-id"];
    names.into_iter().find_map(|name| head.header(name)).map(str::to_owned)
}
