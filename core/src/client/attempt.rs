//! The attempts of a call, of whatever kind of work: each is planned, held, exchanged and settled.

mod hold;
mod pricing;
pub(super) mod refusal;
pub(super) mod settlement;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

pub(super) use self::hold::SETTLING;
use self::hold::{Hold, Written};
use self::pricing::{Priced, Rules, price, reservation};
use self::refusal::{waits, with_fitting_limit};
use self::settlement::{Ending, GRACE, latency_ms, settlement};
use super::engine::room::NEXT_TRY;
use super::engine::{Engine, unexpected};
use super::events;
use super::work::Work;
use super::work::draft::{Draft, Reply};
use super::work::line::Line;
use super::work::outcome::timed_out;
use super::work::outcome::{Account, Ended, Used, file_closed, given_up, panicked};
use super::work::plan::{Plan, capped, on_unpriced, reservation_of};
use crate::billing::coverage::Lack;
use crate::billing::estimate::head_of;
use crate::environment::{BoxFuture, Environment, SystemEnvironment};
use crate::provider::{Target, vendor};
use crate::routing::health::Ticket;
use crate::routing::snapshot::Snapshot;
use crate::settings::Durability;
use crate::store::{Operation, Outcome, ReserveRequest};
use crate::transport::Progress;
use crate::types::{
    AbandonPolicy, Attempt, BilledBy, CallOptions, Capability, CostStatus, Dimensions, Error, ErrorKind, ModelConfig,
    RecordStatus, Result, UnpricedPolicy, Usage,
};

/// The attempts of one call, and what they share.
pub(super) struct Attempts<W: Work> {
    pub(super) engine: Arc<Engine>,
    pub(super) work: W,
    pub(super) options: CallOptions,
    pub(super) request_id: String,
    /// The caller, who is gone once it is closed.
    pub(super) sink: mpsc::Sender<Result<W::Event>>,
    /// The monotonic instant at which all attempts must have ended.
    pub(super) deadline: Duration,
    /// What the attempts so far add to the reply.
    pub(super) draft: Draft,
    /// The number of the last attempt, also of one that was never sent and has no record.
    pub(super) number: u32,
    /// Whether the last attempt may have been charged, so that it is not repeated.
    pub(super) was_billed: bool,
    /// The output limit that budgets have room for, where they have less of it than was asked for.
    pub(super) clamped: Option<u64>,
    /// Whether the last attempt was refused for a field that the next one leaves out.
    pub(super) may_mend: bool,
    /// The settlements of what was dropped without one.
    pub(super) dropped: TaskTracker,
}

/// What came of an attempt that did not fail.
pub(super) enum Made<R> {
    /// It answered.
    Answered(R),
    /// It was neither held nor sent: the configuration that it was planned with has been replaced.
    Superseded,
}

impl<W: Work> Attempts<W> {
    pub(super) fn on_abandon(&self) -> AbandonPolicy {
        self.options.on_abandon.unwrap_or(self.engine.settings.on_abandon)
    }

    /// Returns what scopes see of an attempt with a config.
    fn dimensions<'a>(&'a self, config: &'a ModelConfig) -> Dimensions<'a> {
        Dimensions {
            user: self.options.user.as_deref(),
            tags: &self.options.tags,
            provider: Some(&config.provider),
            model: Some(&config.model_name),
        }
    }

    fn on_unpriced(&self) -> Option<UnpricedPolicy> {
        on_unpriced(&self.options, &self.engine.settings)
    }

    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.engine.environment.monotonic())
    }

    /// Makes one attempt with a config of a snapshot that is still in force when it is held. On failure the error has its target,
    /// and the attempt is settled and recorded if it was held.
    pub(super) async fn make(&mut self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Made<W::Reply>> {
        let targeted = |error: Error| error.with_target(&config.provider, &config.model_name);
        let engine = Arc::clone(&self.engine);
        self.number = self.draft.next_number();
        let plan = Arc::new(self.plan(snapshot, config).map_err(targeted)?);
        let api_key = engine.api_key(config).map_err(targeted)?;
        let params = engine.params(config).map_err(targeted)?;
        let target = Target { params: &params, ..Target::of(config, api_key.as_ref()) };
        let redactor = engine.addresses.check(config, &target).map_err(targeted)?;
        let line = Line { engine: &engine, plan: &plan, target, redactor, progress: Progress::default() };
        let is_capped = snapshot.is_capped(&self.dimensions(config));
        let prepared = self.work.prepare(&line, is_capped).map_err(targeted)?;
        if self.work.is_free() {
            // What is not held is not looked at by its reservation.
            let version = engine.read_until(self.late(), || engine.store.configuration_version());
            if version.await.map_err(|error| self.of_wait(error)).map_err(targeted)? != snapshot.version {
                return Ok(Made::Superseded);
            }
            return Box::pin(self.make_free(&line, prepared)).await.map(Made::Answered).map_err(targeted);
        }
        let hold = self.hold(&plan, snapshot.version, &line.progress).await.map_err(targeted)?;
        let Some(hold) = hold else { return Ok(Made::Superseded) };
        let has_limit = plan.estimate.has_limit;
        let injected = plan.estimate.injected_limit.filter(|_| is_capped);
        self.draft.output_limit = self.clamped.or(injected);
        let mut received = self.work.receive(&line, has_limit || is_capped);
        let ticket = engine.health.begin(config.id, engine.environment.monotonic());
        let ended = {
            let exchange = pin!(self.exchange(&line, prepared, &mut received));
            AssertUnwindSafe(exchange).catch_unwind().await.unwrap_or_else(|_| Ended::Failed(panicked()))
        };
        line.progress.withdraw();
        self.note_health(config, ticket, &ended);
        if let Ended::Failed(error) = &ended {
            let field = engine.omissions.learn(config.id, error);
            if let Some(field) = field {
                events::omission(&self.request_id, config, field);
            }
            self.may_mend = field.is_some();
        }
        let settled = self.settle(&line, hold, ended, &mut received).await.map_err(targeted);
        W::let_end(&engine, received);
        settled?.map(Made::Answered)
    }

    /// Makes an attempt that costs nothing, which is neither held nor recorded and says nothing of the config's health.
    async fn make_free(&mut self, line: &Line<'_>, prepared: W::Prepared) -> Result<W::Reply> {
        let mut received = self.work.receive(line, true);
        let ended = self.exchange(line, prepared, &mut received).await;
        line.progress.withdraw();
        let account = Account {
            ended: &ended,
            stage: line.progress.stage(),
            is_capped: false,
            is_drained: false,
            on_abandon: self.on_abandon(),
            elapsed: self.engine.environment.monotonic().saturating_sub(line.plan.started),
        };
        let answer = self.work.used(line, &account, &mut received).answer;
        match self.error_of(ended) {
            None => self.work.reply(&self.draft, &self.request_id, &line.plan.config, answer, Usage::default()),
            Some(error) => Err(error),
        }
    }

    /// Returns the error of what ended badly.
    fn error_of(&self, ended: Ended) -> Option<Error> {
        match ended {
            Ended::Complete => None,
            Ended::Failed(error) => Some(error),
            Ended::GivenUp if self.engine.stopping.is_cancelled() => Some(file_closed()),
            Ended::GivenUp => Some(given_up()),
            Ended::TimedOut => Some(timed_out()),
        }
    }

    fn plan(&self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Plan> {
        let environment = &self.engine.environment;
        let now = environment.now();
        let prices = snapshot.price_set(config.id, now)?;
        let estimate = self.work.estimate(config, &prices, &self.engine.settings, now);
        let estimate = capped(estimate, snapshot, &self.dimensions(config));
        let worst_case = estimate.worst(head_of("", vendor(&config.provider).currency), &prices)?;
        Ok(Plan {
            config: Arc::clone(config),
            prices,
            estimate,
            worst_case: worst_case.map(|worst| worst.cost),
            record_uid: environment.unique_id(),
            number: self.number,
            started: environment.monotonic(),
        })
    }

    /// Returns the candidates and every other active config of their capability that has a price, by the most that an attempt costs
    /// with each, the cheapest first. What is priced in another currency than the first comes last.
    pub(super) fn cheapest_first(
        &self,
        snapshot: &Snapshot,
        candidates: &[Arc<ModelConfig>],
        capability: Capability,
    ) -> Vec<Arc<ModelConfig>> {
        let all = candidates.iter().chain(snapshot.configs().iter().filter(|config| {
            let is_new = candidates.iter().all(|candidate| candidate.id != config.id);
            is_new && config.is_active && config.capability == capability
        }));
        let priced = |config: &Arc<ModelConfig>| {
            let worst = self.plan(snapshot, config).ok()?.worst_case?;
            Some((worst, Arc::clone(config)))
        };
        let mut offers: Vec<_> = all.filter_map(priced).collect();
        let main = offers.first().map(|(worst, _)| worst.currency);
        offers.sort_by_key(|(worst, config)| {
            (Some(worst.currency) != main, worst.currency, worst.amount, config.priority, config.id)
        });
        offers.into_iter().map(|(_, config)| config).collect()
    }

    /// Holds the worst case as [`Self::try_to_hold`] does, and waits for room where the call is to wait for it.
    async fn hold(&self, plan: &Arc<Plan>, version: u64, progress: &Progress) -> Result<Option<Hold>> {
        let held = self.try_to_hold(plan, version, progress).await;
        let Some(wait) = self.options.budget_wait.filter(|wait| !wait.is_zero()) else { return held };
        match held {
            Err(refused) if waits(&refused) => {
                let wait = wait.min(self.time_left());
                Box::pin(self.wait_for_room(plan, (version, progress), wait, refused)).await
            }
            held => held,
        }
    }

    /// Waits until calls under way have settled for less than they hold, so that this one can hold its worst case; in each budget,
    /// who came first is first. After `most`, the last refusal is the error.
    async fn wait_for_room(
        &self,
        plan: &Arc<Plan>,
        (version, progress): (u64, &Progress),
        most: Duration,
        mut refused: Error,
    ) -> Result<Option<Hold>> {
        let engine = &self.engine;
        let late = engine.environment.sleep(most);
        let (mut late, mut queue, mut first) = (std::pin::pin!(late), None, None);
        loop {
            let Some(budget) = refused.budget() else { return Err(refused) };
            if first.is_none() {
                queue = Some(engine.room.queue(budget));
            }
            let settled = engine.room.next_settlement();
            let mut settled = std::pin::pin!(settled);
            settled.as_mut().enable();
            if first.is_some() {
                match self.try_to_hold(plan, version, progress).await {
                    Err(error) if waits(&error) => refused = error,
                    held => return held,
                }
            }
            let turn = async {
                match (&queue, &first) {
                    (Some(queue), None) => Some(Arc::clone(queue).lock_owned().await),
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = self.sink.closed() => return Err(given_up()),
                () = engine.stopping.cancelled() => return Err(file_closed()),
                () = &mut late => {
                    let waited = most.as_secs_f64();
                    return Err(refused.with_detail_suffix(&format!("; {waited:.1} seconds of waiting brought no room")));
                }
                turn = turn => first = turn,
                () = settled, if first.is_some() => {}
                () = engine.environment.sleep(NEXT_TRY), if first.is_some() => {}
            }
        }
    }

    /// Holds the worst case; nothing where the configuration is no longer of the version that the plan was made with. If a budget
    /// refuses, what processes that ended still hold is freed first, once.
    async fn try_to_hold(&self, plan: &Arc<Plan>, version: u64, progress: &Progress) -> Result<Option<Hold>> {
        let first = self.reserve(plan, version, progress).await;
        let first = first.map_err(|error| match &plan.estimate.uncovered {
            // What is not read has no count of tokens either, so that a budget of tokens refuses it too.
            Some(gap)
                if error.kind() == ErrorKind::Unpriced
                    || (error.kind().is_lack_of_room() && gap.lack == Lack::Reading) =>
            {
                error.with_detail_suffix(&format!("; {}", gap.advice()))
            }
            _ => error,
        });
        let refused = first.as_ref().is_err_and(|error| error.kind().is_lack_of_room());
        let frees = async { self.engine.recover_ended(self.late()).await.map_err(|error| self.of_wait(error)) };
        let outcome = if refused && frees.await? > 0 { self.reserve(plan, version, progress).await } else { first };
        let outcome = outcome.map_err(|error| with_fitting_limit(error, plan))?;
        match outcome {
            Outcome::Reserved(reserved) => Ok(Some(Hold::new(&self.engine, plan, progress, reserved, &self.dropped))),
            Outcome::Superseded => Ok(None),
            other => Err(unexpected(&other)),
        }
    }

    /// Writes a reservation, if that begins while the call has time. What comes too late is given back.
    async fn reserve(&self, plan: &Arc<Plan>, version: u64, progress: &Progress) -> Result<Outcome> {
        let reserved = self.engine.store.apply_until(self.reservation(plan, version), self.late()).await;
        reserved.map_err(|late| {
            let error = self.of_wait(late.error);
            if let Some(outcome) = late.outcome {
                let (engine, plan, progress) = (Arc::clone(&self.engine), Arc::clone(plan), progress.clone());
                let (dropped, cause) = (self.dropped.clone(), error.clone());
                let given_back = async move {
                    if let Ok(Outcome::Reserved(reserved)) = outcome.await {
                        Hold::new(&engine, &plan, &progress, reserved, &dropped).give_back(&cause).await;
                    }
                };
                self.engine.tracker.spawn(given_back.in_current_span());
            }
            error
        })
    }

    /// Ends when the call no longer waits for the store: its time is up, its caller has gone, or the handle is shut down.
    pub(super) fn late(&self) -> BoxFuture<'static, ()> {
        let (sink, stopping, time_left) = (self.sink.clone(), self.engine.stopping.clone(), self.time_left());
        Box::pin(async move {
            tokio::select! {
                () = SystemEnvironment.sleep(time_left) => {}
                () = sink.closed() => {}
                () = stopping.cancelled() => {}
            }
        })
    }

    /// Returns the error of a wait for the store that failed: who has gone, or shut the handle down, did not wait for it.
    pub(super) fn of_wait(&self, error: Error) -> Error {
        match error.kind() {
            ErrorKind::StorageBusy | ErrorKind::Timeout if self.engine.stopping.is_cancelled() => file_closed(),
            ErrorKind::StorageBusy | ErrorKind::Timeout if self.sink.is_closed() => given_up(),
            _ => error,
        }
    }

    fn reservation(&self, plan: &Plan, version: u64) -> Operation {
        let now = self.engine.environment.now();
        let demanded = (&plan.estimate, plan.worst_case);
        Operation::Reserve(Box::new(ReserveRequest {
            request_id: self.request_id.clone(),
            attempt: plan.number,
            record_uid: plan.record_uid.clone(),
            planned_with: Some(version),
            expires_at: now.saturating_add(self.time_left() + GRACE).unwrap_or(now),
            ..reservation_of(&self.options, &self.engine.settings, &plan.config, demanded, now)
        }))
    }

    /// Sends and reads until the answer ends, the caller goes, the file closes, or time runs out.
    async fn exchange(&mut self, line: &Line<'_>, prepared: W::Prepared, received: &mut W::Received) -> Ended {
        let sink = self.sink.clone();
        let stopping = self.engine.stopping.clone();
        let late = self.engine.environment.sleep(self.time_left());
        let drains = W::DRAINS && self.on_abandon() == AbandonPolicy::Drain;
        let work = pin!(self.work.exchange(line, prepared, received));
        tokio::select! {
            biased;
            result = work => result.map_or_else(Ended::Failed, |()| Ended::Complete),
            () = sink.closed(), if !drains => Ended::GivenUp,
            () = stopping.cancelled(), if !drains => Ended::GivenUp,
            () = late => Ended::TimedOut,
        }
    }

    /// Tells the health of the config how the exchange ended.
    fn note_health(&self, config: &ModelConfig, ticket: Ticket, ended: &Ended) {
        let health = &self.engine.health;
        let now = self.engine.environment.monotonic();
        let failed = |error: &Error| {
            if let Some(cooldown) = health.failed(config.id, ticket, error, now) {
                events::cooldown(&self.request_id, config, cooldown, error);
            }
        };
        match ended {
            Ended::Complete if health.succeeded(config.id, ticket) => {
                events::cooldown_end(Some(&self.request_id), config);
            }
            Ended::Complete => {}
            Ended::Failed(error) => failed(error),
            Ended::TimedOut => failed(&timed_out()),
            Ended::GivenUp => health.abstained(config.id, ticket),
        }
    }

    /// Bills the attempt, writes its record, and returns the reply, or the error that ended it. It fails only if the record
    /// could not be written.
    async fn settle(
        &mut self,
        line: &Line<'_>,
        hold: Hold,
        ended: Ended,
        received: &mut W::Received,
    ) -> Result<Result<W::Reply>> {
        let plan = line.plan;
        let is_drained = W::DRAINS
            && matches!(ended, Ended::Complete)
            && self.sink.is_closed()
            && self.on_abandon() == AbandonPolicy::Drain;
        let account = Account {
            ended: &ended,
            stage: line.progress.stage(),
            is_capped: hold.budgets_apply(),
            is_drained,
            on_abandon: self.on_abandon(),
            elapsed: self.engine.environment.monotonic().saturating_sub(plan.started),
        };
        let Used { basis, billed_by, answer, served, provider_request_id, may_be_repeated } =
            self.work.used(line, &account, received);
        let status = ended.status(self.work.has_delivered(), is_drained);
        self.was_billed = !may_be_repeated;
        let now = self.engine.environment.now();
        let rules = Rules { reported_cost: self.engine.settings.reported_cost, is_bounded: hold.budgets_apply() };
        let (priced, billed_by) = match price(plan, basis, &served, now, &rules) {
            Ok(priced) => (priced, billed_by),
            Err(error) => {
                events::inexact(&self.request_id, plan, &error);
                (reservation(plan), BilledBy::Reservation)
            }
        };
        let error = self.error_of(ended);
        self.note(plan, &priced, status, error.as_ref());
        let mut reply = match error {
            None => self.work.reply(&self.draft, &self.request_id, &plan.config, answer, priced.usage.clone()),
            Some(error) => Err(error),
        };
        let failure = reply.as_ref().err().map(|error| (error.code(), error.detail()));
        let ending = Ending { priced, billed_by, status, error: failure, now };
        let settlement = crate::store::Settlement {
            provider_request_id,
            served_model: served.model,
            completes_key: reply.as_ref().ok().map_or(Ok(None), |reply| self.completes_key(reply))?,
            ..settlement(&self.engine, plan, hold.id(), ending)
        };
        let is_unpriced = settlement.cost_status == CostStatus::Unpriced;
        let closes_budgets = hold.budgets_apply() && self.on_unpriced() == Some(UnpricedPolicy::Hold);
        let patience = self.time_left().max(SETTLING);
        let model_id = match hold.settle(settlement, patience).await? {
            Written::Known(model_id) => Some(model_id),
            Written::Waits(error) => match &reply {
                Ok(_) if self.engine.settings.durability == Durability::Relaxed => None,
                Ok(_) => return Ok(Err(withheld(error, plan))),
                Err(_) => None,
            },
        };
        if is_unpriced {
            events::unpriced(&self.request_id, plan, closes_budgets);
        }
        if let Some(attempt) = self.draft.attempts.last_mut() {
            attempt.model_id = model_id;
        }
        if let Ok(reply) = &mut reply {
            reply.attempts_mut().clone_from(&self.draft.attempts);
        }
        Ok(reply)
    }

    /// Adds the attempt to the draft of the reply.
    fn note(&mut self, plan: &Plan, priced: &Priced, status: RecordStatus, error: Option<&Error>) {
        let bill = &priced.bill;
        self.draft.lines.extend(bill.lines.iter().cloned());
        self.draft.attempts.push(Attempt {
            number: plan.number,
            provider: plan.config.provider.clone(),
            model: plan.config.model_name.clone(),
            model_config_id: plan.config.id,
            model_id: None,
            record_uid: plan.record_uid.clone(),
            status,
            error_code: error.map(|error| error.code().to_owned()),
            cost: bill.cost.map(|cost| cost.amount),
            currency: bill.cost.map(|cost| cost.currency),
            cost_status: bill.cost_status,
            latency_ms: latency_ms(&self.engine, plan),
        });
    }

    /// Returns the key under which the call's own is kept: each user has keys of its own. The length of the user's name keeps two
    /// pairs of names and keys from meeting.
    pub(super) fn own_key(&self) -> Option<String> {
        let key = self.options.idempotency_key.as_ref().filter(|_| W::KEEPS_REPLIES)?;
        Some(match &self.options.user {
            Some(user) => format!("user/{}/{user}/{key}", user.len()),
            None => format!("anyone/{key}"),
        })
    }

    /// Returns what the settlement of the answering attempt keeps for the key: the reply, sealed. The billing id of its last
    /// attempt is known with the settlement only, and is looked up where the reply is read.
    fn completes_key(&self, reply: &W::Reply) -> Result<Option<(String, Vec<u8>)>> {
        let Some(key) = self.own_key() else { return Ok(None) };
        let text = serde_json::to_vec(reply)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("the reply cannot be kept: {error}")))?;
        let sealed = self.engine.vault.seal(&identity(&key), &text)?;
        Ok(Some((key, sealed)))
    }
}

/// Makes the error of an answer whose settlement waits: what is handed over must be in the file.
fn withheld(error: Error, plan: &Plan) -> Error {
    error.with_retryable(Some(false)).with_detail_suffix(&format!(
        "; the provider has answered, and is billed as record {} as soon as that can be written; a repeated call is billed again",
        plan.record_uid
    ))
}

/// Returns what the reply that a key keeps is bound to.
pub(super) fn identity(key: &str) -> String {
    format!("idempotency_keys/{key}/reply")
}
