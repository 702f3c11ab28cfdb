//! Settlement: what an attempt is billed, by how it ended, and its record.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Engine;
use super::attempt::{Plan, Unsettled};
use super::call::Call;
use super::exchange::Received;
use super::pricing::{Priced, Rules, Served, nothing, price, reservation};
use crate::billing::belief::{Believed, Evidence, believe, is_plausible};
use crate::billing::bound::estimated_usage;
use crate::billing::meter::disjoint;
use crate::routing::health::Ticket;
use crate::routing::prompt_cache::beginnings;
use crate::settings::Durability;
use crate::store::{Operation, Outcome, Reserved, Settled, Settlement};
use crate::transport::Stage;
use crate::types::{
    AbandonPolicy, Attempt, Attribute, BilledBy, ChatReply, Completion, Error, ErrorKind, ModelConfig, ModelId,
    RecordStatus, ReportedUsage, Result, Usage,
};

/// How long after a call's deadline its reservation is stale, whatever became of its process.
pub(super) const GRACE: Duration = Duration::from_mins(15);

/// How many tokens a second a model is taken to make while nothing of them is seen. Few make as many.
const HIDDEN_TOKENS_PER_SECOND: u128 = 1_000;

/// How the exchange with a provider ended.
pub(super) enum Ended {
    /// The answer is complete.
    Complete,
    /// The provider, the connection or the answer was faulty.
    Failed(Error),
    /// The caller went, or the file is being closed.
    GivenUp,
    /// The call's time ran out.
    TimedOut,
}

/// What an attempt is billed by.
pub(super) enum Basis {
    Usage(Usage),
    Reservation,
    Nothing,
}

/// What an answer was, as far as it came.
struct Known<'a> {
    completion: &'a Completion,
    reported: Option<&'a ReportedUsage>,
    /// Whether it is certain that no model worked.
    did_no_work: bool,
    /// Whether budgets hold the worst case of the attempt.
    is_capped: bool,
}

/// The billing ids that are known, so that a relaxed reply need not wait for its settlement.
#[derive(Debug, Default)]
pub(super) struct BillingIds(Mutex<HashMap<(String, String), ModelId>>);

impl BillingIds {
    pub(super) fn get(&self, provider: &str, model: &str) -> Option<ModelId> {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(&(provider.to_owned(), model.to_owned())).copied()
    }

    fn put(&self, config: &ModelConfig, id: ModelId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert((config.provider.clone(), config.model_name.clone()), id);
    }
}

impl Call {
    /// Tells the health of the config how the exchange ended.
    pub(super) fn note_health(&self, config: &ModelConfig, ticket: Ticket, ended: &Ended) {
        let health = &self.engine.health;
        let now = self.engine.environment.monotonic();
        match ended {
            Ended::Complete => health.succeeded(config.id, ticket),
            Ended::Failed(error) => health.failed(config.id, ticket, error, now),
            Ended::TimedOut => health.failed(config.id, ticket, &timed_out(), now),
            Ended::GivenUp => health.abstained(config.id, ticket),
        }
    }

    /// Bills the attempt, writes its record, and returns the reply, or the error that ended it. It fails only if the record
    /// could not be written.
    pub(super) async fn settle(
        &mut self,
        plan: &Plan,
        reserved: &Reserved,
        ended: Ended,
        mut received: Received,
    ) -> Result<Result<ChatReply>> {
        let did_no_work = received.did_no_work();
        let completion = received.take_completion();
        let reported = received.told_usage();
        let known = Known {
            completion: &completion,
            reported: reported.as_ref(),
            did_no_work,
            is_capped: reserved.budgets_apply,
        };
        let (basis, billed_by, status) = self.basis(plan, &ended, &received, &known);
        self.was_billed = billed_by != BilledBy::NotBilled;
        let served_tier = completion.service_tier.as_deref();
        let now = self.engine.environment.now();
        let served = Served {
            tier: served_tier,
            search_size: reported.and_then(|usage| usage.search_size),
            first_token_at: received.first_token_at,
            completed_at: now,
        };
        let rules = Rules { reported_cost: self.engine.settings.reported_cost, is_bounded: reserved.budgets_apply };
        let (priced, billed_by) = match price(plan, basis, &served, &rules) {
            Ok(priced) => (priced, billed_by),
            Err(error) => {
                tracing::error!(%error, "an attempt has no exact cost; its reservation is billed");
                (reservation(plan), BilledBy::Reservation)
            }
        };
        let Priced { usage, bill, facts } = priced;
        if matches!(ended, Ended::Complete) && self.engine.prompt_cache.is_asked() {
            let now = self.engine.environment.monotonic();
            self.engine.prompt_cache.remember(plan.config.id, &beginnings(&self.request), now);
        }
        let error = match ended {
            Ended::Complete => None,
            Ended::Failed(error) => Some(error),
            Ended::GivenUp if self.engine.stopping.is_cancelled() => Some(super::call::file_closed()),
            Ended::GivenUp => Some(Error::new(ErrorKind::Cancelled, "the caller gave the call up")),
            Ended::TimedOut => Some(timed_out()),
        };
        let latency = self.engine.environment.monotonic().saturating_sub(plan.started);
        let latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.draft.lines.extend(bill.lines.iter().cloned());
        self.draft.attempts.push(Attempt {
            number: plan.number,
            provider: plan.config.provider.clone(),
            model: plan.config.model_name.clone(),
            model_config_id: plan.config.id,
            model_id: None,
            record_uid: plan.record_uid.clone(),
            status,
            error_code: error.as_ref().map(|error| error.code().to_owned()),
            cost: bill.cost.map(|cost| cost.amount),
            currency: bill.cost.map(|cost| cost.currency),
            cost_status: bill.cost_status,
            latency_ms,
        });
        let served_model = completion.model.clone();
        let mut reply = match error {
            None => self.draft.finish(&self.request_id, &plan.config, completion, usage.clone()),
            Some(error) => Err(error),
        };
        let settlement = Settlement {
            reservation_id: reserved.id,
            usage,
            facts,
            cost: bill.cost,
            cost_status: bill.cost_status,
            billed_by,
            receipt: bill.lines,
            price_ids: bill.price_ids,
            status,
            provider_request_id: received.provider_request_id,
            served_model,
            error_code: reply.as_ref().err().map(|error| error.code().to_owned()),
            error_message: reply.as_ref().err().map(|error| error.detail().to_owned()),
            latency_ms,
            completes_key: reply.as_ref().ok().map_or(Ok(None), |reply| self.completes_key(reply))?,
            now,
        };
        let model_id = self.write(plan, settlement).await?;
        self.unsettled.retain(|other| other.reservation_id != reserved.id);
        if let Some(attempt) = self.draft.attempts.last_mut() {
            attempt.model_id = Some(model_id);
        }
        if let Ok(reply) = &mut reply {
            reply.attempts.clone_from(&self.draft.attempts);
        }
        Ok(reply)
    }

    /// Bills the whole reservation of each attempt whose settlement failed or was never made: what it cost is not known, and
    /// nothing must stay held. A request that never left cost nothing.
    pub(super) async fn settle_as_reserved(&mut self) {
        for unsettled in std::mem::take(&mut self.unsettled) {
            if let Err(error) = self.settle_blindly(unsettled).await {
                tracing::error!(%error, "an attempt was not settled; recovery will settle its reservation");
            }
        }
    }

    async fn settle_blindly(&self, Unsettled { reservation_id, plan, progress }: Unsettled) -> Result<()> {
        let error = super::call::panicked();
        let now = self.engine.environment.now();
        progress.withdraw();
        let (Priced { usage, bill, facts }, billed_by, detail) = match progress.stage() {
            Stage::NotSent => (nothing(&plan), BilledBy::NotBilled, "the attempt was broken off before it was sent"),
            Stage::Sent | Stage::Answered => {
                let detail = "the attempt could not be settled; its reservation is billed";
                (reservation(&plan), BilledBy::Reservation, detail)
            }
        };
        let latency = self.engine.environment.monotonic().saturating_sub(plan.started);
        let settlement = Settlement {
            reservation_id,
            usage,
            facts,
            cost: bill.cost,
            cost_status: bill.cost_status,
            billed_by,
            receipt: bill.lines,
            price_ids: bill.price_ids,
            status: RecordStatus::Failed,
            provider_request_id: None,
            served_model: None,
            error_code: Some(error.code().to_owned()),
            error_message: Some(detail.to_owned()),
            latency_ms: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
            completes_key: None,
            now,
        };
        self.engine.store.apply(Operation::Settle(Box::new(settlement))).await.map(|_| ())
    }

    /// Writes the settlement. With `relaxed` durability it is not waited for once the billing id is known.
    async fn write(&self, plan: &Plan, settlement: Settlement) -> Result<ModelId> {
        let engine = Arc::clone(&self.engine);
        let written = engine.store.apply(Operation::Settle(Box::new(settlement)));
        if engine.settings.durability == Durability::Relaxed
            && let Some(model_id) = engine.billing_ids.get(&plan.config.provider, &plan.config.model_name)
        {
            engine.tracker.spawn(async move {
                if let Err(error) = written.await {
                    tracing::error!(%error, "a settlement was not written; recovery will settle its reservation");
                }
            });
            return Ok(model_id);
        }
        match written.await? {
            Outcome::Settled(Settled { model_id, .. }) => {
                engine.billing_ids.put(&plan.config, model_id);
                Ok(model_id)
            }
            other => Err(super::unexpected(&other)),
        }
    }

    /// Decides what the attempt is billed by. What the provider reported as final always wins over an estimate; nothing is
    /// billed only where it is certain that no model worked.
    fn basis(
        &self,
        plan: &Plan,
        ended: &Ended,
        received: &Received,
        known: &Known<'_>,
    ) -> (Basis, BilledBy, RecordStatus) {
        let completion = known.completion;
        let gone = self.sink.is_closed();
        let partial = if self.delivered { RecordStatus::Partial } else { RecordStatus::Cancelled };
        let is_drained = matches!(ended, Ended::Complete) && gone && self.on_abandon() == AbandonPolicy::Drain;
        let status = match ended {
            Ended::Complete if is_drained => partial,
            Ended::Complete => RecordStatus::Success,
            Ended::Failed(error) if error.kind() == ErrorKind::Timeout => RecordStatus::Timeout,
            Ended::Failed(_) if self.delivered => RecordStatus::Partial,
            Ended::Failed(_) => RecordStatus::Failed,
            Ended::GivenUp => partial,
            Ended::TimedOut => RecordStatus::Timeout,
        };
        if let Some(reported) = known.reported.filter(|reported| is_plausible(reported)) {
            let Believed { usage, is_estimate } = believe(reported, || evidence(plan, received, completion));
            let billed_by = match is_estimate {
                true => BilledBy::Estimate,
                false if is_drained => BilledBy::Drain,
                false => BilledBy::ProviderUsage,
            };
            return (Basis::Usage(usage), billed_by, status);
        }
        if known.did_no_work {
            return (Basis::Nothing, BilledBy::NotBilled, status);
        }
        let is_given_up = matches!(ended, Ended::GivenUp | Ended::TimedOut);
        if is_given_up && self.on_abandon() == AbandonPolicy::BillReserved {
            return (Basis::Reservation, BilledBy::Reservation, status);
        }
        // What breaks by itself is nobody's choice; what a caller gives up at will must not be free where it is capped.
        let hidden = if is_given_up && known.is_capped { self.hidden_output(plan, received, completion) } else { 0 };
        (Basis::Usage(estimate(plan, received, completion, hidden)), BilledBy::Estimate, status)
    }

    /// Bounds the output tokens of an attempt that nobody saw, by the time that they took: all of it where nothing of the answer
    /// came, and the time before its first piece where the request asks for reasoning.
    fn hidden_output(&self, plan: &Plan, received: &Received, completion: &Completion) -> u64 {
        let elapsed = self.engine.environment.monotonic().saturating_sub(plan.started);
        let has_content = completion.choices.iter().any(|choice| choice.message.has_content());
        let thinks = plan.estimate.facts.get(Attribute::Thinking) == Some("true");
        let seen = match received.first_token_at {
            _ if !has_content => Duration::ZERO,
            Some(first) if thinks => {
                Duration::try_from(self.engine.environment.now().duration_since(first)).unwrap_or_default()
            }
            _ => elapsed,
        };
        let hidden = elapsed.saturating_sub(seen).as_millis() * HIDDEN_TOKENS_PER_SECOND / 1_000;
        u64::try_from(hidden).unwrap_or(u64::MAX)
    }
}

impl Engine {
    /// Settles what processes that ended left behind; returns how many reservations that were.
    pub(super) async fn recover(&self) -> Result<u64> {
        let recover = Operation::Recover { policy: self.settings.recovery, now: self.environment.now() };
        match self.store.apply(recover).await? {
            Outcome::Recovered(count) => Ok(count),
            other => Err(super::unexpected(&other)),
        }
    }
}

/// Returns what is known of an answer without its usage.
fn evidence(plan: &Plan, received: &Received, completion: &Completion) -> Evidence {
    let estimated = estimate(plan, received, completion, 0);
    let has_content = completion.choices.iter().any(|choice| choice.message.has_content());
    let side = |side: Option<u64>| side.unwrap_or_default();
    let output = side(estimated.output_tokens()).max(has_content.into());
    Evidence { input: side(estimated.input_tokens()), output, has_content }
}

/// Estimates what the attempt consumed: the output by what came, or by what the provider counted so far if that is more
/// (it counts reasoning that it does not show); the input by what the provider said of it, or else by its text. What is hidden is
/// added to what came.
fn estimate(plan: &Plan, received: &Received, completion: &Completion, hidden: u64) -> Usage {
    let reported = received.reported_so_far().filter(is_plausible).map(|reported| disjoint(&reported));
    let counted = reported.as_ref().and_then(Usage::output_tokens).unwrap_or_default();
    let output = received.estimated_output(completion).saturating_add(hidden).max(counted);
    let output = output.min(plan.estimate.output_bound);
    let mut usage = estimated_usage(plan.estimate.size.estimate.min(plan.estimate.size.bound), output);
    if let Some(reported) = reported
        && reported.input_tokens().is_some_and(|input| input > 0)
    {
        usage.meters.retain(|meter, _| meter.is_output());
        usage.meters.extend(reported.meters.into_iter().filter(|(meter, _)| meter.is_input()));
    }
    usage
}

fn timed_out() -> Error {
    Error::new(ErrorKind::Timeout, "the call's time ran out; allow more with `timeout`")
}
