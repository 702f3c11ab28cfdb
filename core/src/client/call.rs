//! A call of whatever kind of work: candidates, rounds of attempts, waits, and the reply or the error that its caller gets.

mod chat;
mod idempotency;
pub(super) mod passed;
mod quote;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use self::idempotency::KeyState;
use super::attempt::refusal::clamped_limit;
use super::attempt::{Attempts, Made, SETTLING};
use super::engine::Engine;
use super::events::{self, FailedTry};
use super::work::Work;
use super::work::draft::Draft;
use super::work::outcome::{file_closed, given_up, panicked};
use crate::environment::{Environment, SystemEnvironment};
use crate::routing::retry::{Verdict, judge, wait};
use crate::routing::select::Selection;
use crate::routing::snapshot::Snapshot;
use crate::types::{
    CallOptions, Error, ErrorKind, FailedAttempt, FailedOutcome, ModelConfig, ModelConfigId, OnExceeded, Result,
};

/// What is said of an attempt that failed in a way that passes, and is not repeated all the same.
const NOT_REPEATED: &str = "; it was not repeated, since the provider may charge for this try";

/// Returns whether a provider refused the request itself, for what is wrong in it or for its content.
fn is_refused(error: &Error) -> bool {
    let stated = error.status().is_some_and(|status| (400..500).contains(&status));
    error.kind() == ErrorKind::InvalidRequest || (error.kind() == ErrorKind::ContentFiltered && stated)
}

/// How often a call is planned again because the configuration was replaced before it was held.
const MOST_PLANS: u32 = 32;

/// How often the output limit is lowered to what budgets have room for, which others may take meanwhile.
const MOST_CLAMPS: usize = 8;

/// No call takes longer: sums of times stay within what clocks can hold.
const LONGEST_CALL: Duration = Duration::from_hours(30 * 24);

/// A call under way.
struct Call<W: Work> {
    attempts: Attempts<W>,
    /// What was tried so far and failed.
    tried: Vec<Tried>,
    /// The attempt that failed last, until another is made in its place.
    failed: Option<FailedTry>,
    /// How often it was planned in vain.
    superseded: u32,
}

/// What a call chooses from: a configuration, and those of its models that can serve.
struct Choice {
    snapshot: Arc<Snapshot>,
    selection: Selection,
    candidates: Vec<Arc<ModelConfig>>,
}

/// A config that was tried and failed.
struct Tried {
    config: Arc<ModelConfig>,
    attempt: FailedAttempt,
    detail: String,
}

/// Starts a call in a task of its own, which the engine tracks until its settlement is in the file. Its caller is gone once the
/// other end of `sink` is dropped.
fn start<W: Work>(
    engine: &Arc<Engine>,
    work: W,
    options: CallOptions,
    request_id: String,
    sink: mpsc::Sender<Result<W::Event>>,
) {
    let timeout = options.timeout.unwrap_or(engine.settings.timeout).min(LONGEST_CALL);
    let attempts = Attempts {
        engine: Arc::clone(engine),
        work,
        options,
        request_id,
        sink,
        deadline: engine.environment.monotonic().saturating_add(timeout),
        draft: Draft::default(),
        number: 0,
        was_billed: false,
        clamped: None,
        may_mend: false,
        dropped: TaskTracker::new(),
    };
    let call = Call { attempts, tried: Vec::new(), failed: None, superseded: 0 };
    engine.tracker.spawn(call.run().in_current_span());
}

impl<W: Work> Call<W> {
    /// Runs the call to its end and hands over its reply or its error.
    ///
    /// A panic on the way is an error of the kind `internal`. What was held then is settled all the same.
    async fn run(mut self) {
        let outcome = AssertUnwindSafe(self.reply()).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
        if outcome.is_err() {
            self.attempts.dropped.close();
            // What is dropped is settled, and the key freed, all the same; the caller is not kept for it.
            tokio::select! {
                biased;
                () = self.attempts.dropped.wait() => {}
                () = SystemEnvironment.sleep(self.attempts.time_left().max(SETTLING)) => {}
            }
            self.attempts.release_key().await;
        }
        tokio::select! {
            biased;
            // A caller who has gone is not there to be told; the ledger has it.
            _ = self.attempts.sink.send(outcome.map(W::done)) => {}
            // One who does not read must not keep the file from closing.
            () = self.attempts.engine.stopping.cancelled() => {}
        }
    }

    async fn reply(&mut self) -> Result<W::Reply> {
        match self.attempts.claim_key().await? {
            KeyState::Completed(reply) => {
                Box::pin(self.attempts.work.replay(&reply)).await;
                Ok(*reply)
            }
            KeyState::Claimed | KeyState::None => {
                // On the heap, because what a call is made of is moved several times until its task begins.
                let outcome = Box::pin(self.route()).await;
                outcome.map_err(|error| self.with_attempts(error))
            }
        }
    }

    /// Makes an attempt with a config, and notes how it failed.
    async fn try_one(&mut self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Made<W::Reply>> {
        let before = self.attempts.draft.attempts.len();
        self.attempts.clamped = None;
        self.attempts.work.limit_output(None);
        let mut clamps = 0..MOST_CLAMPS;
        let outcome = loop {
            let outcome = self.attempts.make(snapshot, config).await;
            let limit = outcome.as_ref().err().and_then(clamped_limit);
            let Some(limit) = limit.filter(|_| clamps.next().is_some()) else { break outcome };
            if !self.attempts.work.limit_output(Some(limit)) {
                break outcome;
            }
            self.attempts.clamped = Some(limit);
        };
        if let Err(error) = &outcome {
            let recorded = self.attempts.draft.attempts.get(before);
            let attempt = FailedAttempt {
                model: config.name(),
                outcome: recorded.map_or(FailedOutcome::NotSent, |attempt| attempt.status.into()),
                error_code: error.code(),
                status: error.status(),
                record_uid: recorded.map(|attempt| attempt.record_uid.clone()),
            };
            let failed = FailedTry { attempt: self.attempts.number, config: Arc::clone(config), error: error.clone() };
            if recorded.is_none() {
                events::refusal(&self.attempts.request_id, &failed);
            }
            self.failed = Some(failed);
            self.tried.push(Tried { config: Arc::clone(config), attempt, detail: error.detail().to_owned() });
        }
        outcome
    }

    /// Tries a config, and again for each field that its provider refuses and that may be left out.
    async fn try_and_mend(&mut self, snapshot: &Snapshot, config: &Arc<ModelConfig>) -> Result<Made<W::Reply>> {
        loop {
            let attempted = self.try_one(snapshot, config).await;
            // Each field is learned once, so that this ends.
            if attempted.is_ok() || !std::mem::take(&mut self.attempts.may_mend) {
                return attempted;
            }
            self.check_running()?;
        }
    }

    fn log_fallback(&mut self, next: &ModelConfig) {
        if let Some(failed) = self.failed.take() {
            events::fallback(&self.attempts.request_id, &failed, next);
        }
    }

    fn log_retry(&mut self, wait: Duration) {
        if let Some(failed) = self.failed.take() {
            events::retry(&self.attempts.request_id, &failed, wait);
        }
    }

    /// Adds what was tried to the error of the call; in words, too, what others than the error's own model said.
    fn with_attempts(&self, error: Error) -> Error {
        let mut named = BTreeMap::new();
        for tried in &self.tried {
            let is_own = error.provider() == Some(tried.config.provider.as_str())
                && error.model() == Some(tried.config.model_name.as_str());
            if !is_own {
                named.insert(tried.config.id, tried);
            }
        }
        let others: Vec<_> = named
            .values()
            .map(|tried| {
                format!("{}: {}", tried.config.alias.clone().unwrap_or_else(|| tried.config.name()), tried.detail)
            })
            .collect();
        let error = error.with_attempts(self.tried.iter().map(|tried| tried.attempt.clone()).collect());
        if others.is_empty() {
            return error;
        }
        error.with_detail_suffix(&format!(" (candidates passed over: {})", others.join("; ")))
    }

    /// Chooses the candidates of a configuration.
    fn choose(&self, snapshot: Arc<Snapshot>) -> Result<Choice> {
        let fallbacks = self.attempts.options.fallbacks.as_deref();
        let mut selection = self.attempts.work.select(&self.attempts.engine, &snapshot, fallbacks)?;
        let candidates = std::mem::take(&mut selection.candidates);
        Ok(Choice { snapshot, selection, candidates })
    }

    /// Chooses from the configuration that is in force.
    async fn choose_first(&self) -> Result<Choice> {
        let engine = &self.attempts.engine;
        let chosen = engine.read_until(self.attempts.late(), || async {
            engine.choose(engine.snapshot().await?, |snapshot| self.choose(snapshot)).await
        });
        chosen.await.map_err(|error| self.attempts.of_wait(error))
    }

    /// Chooses again, from the configuration that took the place of one.
    async fn choose_again(&mut self, replaced: &Snapshot) -> Result<Choice> {
        self.superseded += 1;
        self.check_running()?;
        if self.superseded >= MOST_PLANS {
            return Err(Error::new(
                ErrorKind::Storage,
                "the configuration is changed faster than a call can be planned; make fewer changes, then call again",
            ));
        }
        let engine = &self.attempts.engine;
        let after = engine.read_until(self.attempts.late(), || engine.snapshot_after(replaced)).await;
        self.choose(after.map_err(|error| self.attempts.of_wait(error))?)
    }

    /// Tries the candidates in rounds until one answers, none can, or time or retries are used up.
    async fn route(&mut self) -> Result<W::Reply> {
        let Choice { mut snapshot, mut selection, mut candidates } = self.choose_first().await?;
        let mut retries_left = self.attempts.options.max_retries.unwrap_or(self.attempts.engine.settings.max_retries);
        let mut out = BTreeSet::<ModelConfigId>::new();
        // Until when a candidate asked to be left alone.
        let mut not_before = BTreeMap::<ModelConfigId, Duration>::new();
        let mut last_error = None;
        // What the first provider that refused the request said of it.
        let mut refusal = None;
        let mut round = 0;
        // Whether a budget had room for a cheaper candidate only.
        let mut is_downgraded = false;
        'rounds: loop {
            let order =
                self.attempts.engine.health.order(candidates.clone(), self.attempts.engine.environment.monotonic());
            for config in order {
                let now = self.attempts.engine.environment.monotonic();
                if out.contains(&config.id) || not_before.get(&config.id).is_some_and(|until| *until > now) {
                    continue;
                }
                self.check_running()?;
                self.log_fallback(&config);
                self.attempts.was_billed = false;
                let error = match self.try_and_mend(&snapshot, &config).await {
                    Ok(Made::Answered(reply)) => return Ok(reply),
                    Ok(Made::Superseded) => {
                        match self.choose_again(&snapshot).await {
                            Ok(choice) => Choice { snapshot, selection, candidates } = choice,
                            Err(error) => return Err(refusal.or(last_error).unwrap_or(error)),
                        }
                        continue 'rounds;
                    }
                    Err(error) => error,
                };
                if !W::REPEATS || self.attempts.work.has_delivered() {
                    return Err(error);
                }
                let downgrades = error.budget().is_some_and(|budget| budget.on_exceeded == OnExceeded::Downgrade);
                if downgrades && !std::mem::replace(&mut is_downgraded, true) {
                    out.insert(config.id);
                    selection.pass_over(&config, error.detail());
                    last_error = Some(weightier(last_error, error));
                    candidates = self.attempts.cheapest_first(&snapshot, &candidates, config.capability);
                    continue 'rounds;
                }
                match judge(&error) {
                    Verdict::TryAgain if self.attempts.was_billed => {
                        let error = error.clone().with_detail_suffix(NOT_REPEATED);
                        out.insert(config.id);
                        selection.pass_over(&config, error.detail());
                        last_error = Some(weightier(last_error.take(), error));
                        continue;
                    }
                    Verdict::TryAgain => {
                        let asked = error.retry_after().unwrap_or_default();
                        not_before
                            .insert(config.id, self.attempts.engine.environment.monotonic().saturating_add(asked));
                    }
                    Verdict::NextCandidate => {
                        out.insert(config.id);
                        selection.pass_over(&config, error.detail());
                    }
                    Verdict::GiveUp if error.kind() == ErrorKind::InvalidRequest && error.status().is_none() => {
                        out.insert(config.id);
                        selection.pass_over(&config, error.detail());
                    }
                    // What one vendor refuses another may take.
                    Verdict::GiveUp
                        if is_refused(&error)
                            && candidates
                                .iter()
                                .any(|other| !out.contains(&other.id) && other.provider != config.provider) =>
                    {
                        out.insert(config.id);
                        selection.pass_over(&config, error.detail());
                        refusal.get_or_insert_with(|| error.clone());
                    }
                    Verdict::GiveUp => return Err(refusal.unwrap_or(error)),
                }
                last_error = Some(weightier(last_error, error));
            }
            let Some(error) = refusal.clone().or_else(|| last_error.clone()) else {
                return Err(selection.no_route("the request"));
            };
            if candidates.iter().all(|config| out.contains(&config.id)) || retries_left == 0 {
                return Err(error);
            }
            let asked = self.soonest_wait(candidates.iter().filter(|config| !out.contains(&config.id)), &not_before);
            let Some(pause) = wait(round, asked, self.attempts.engine.environment.as_ref()) else { return Err(error) };
            if pause >= self.attempts.time_left() {
                return Err(error);
            }
            self.log_retry(pause);
            self.pause(pause).await?;
            retries_left -= 1;
            round += 1;
        }
    }

    /// Returns the soonest wait that any candidate asks for; where one asks for none, it can be tried after the usual one.
    fn soonest_wait<'c>(
        &self,
        waiting: impl Iterator<Item = &'c Arc<ModelConfig>>,
        not_before: &BTreeMap<ModelConfigId, Duration>,
    ) -> Option<Duration> {
        let now = self.attempts.engine.environment.monotonic();
        let left = |config: &Arc<ModelConfig>| not_before.get(&config.id).copied().unwrap_or_default();
        waiting.map(|config| left(config).saturating_sub(now)).min().filter(|asked| !asked.is_zero())
    }

    async fn pause(&self, pause: Duration) -> Result<()> {
        tokio::select! {
            () = self.attempts.engine.environment.sleep(pause) => {}
            () = self.attempts.sink.closed() => {}
            () = self.attempts.engine.stopping.cancelled() => {}
        }
        self.check_running()
    }

    fn check_running(&self) -> Result<()> {
        if self.attempts.sink.is_closed() {
            return Err(given_up());
        }
        if self.attempts.engine.stopping.is_cancelled() {
            return Err(file_closed());
        }
        if self.attempts.time_left().is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "the call's time ran out; allow more with `timeout`"));
        }
        Ok(())
    }
}

/// Chooses the error that tells the caller most: what a provider said, then a budget's refusal, then what only keeps one
/// candidate out. Of equals, the later one.
fn weightier(earlier: Option<Error>, later: Error) -> Error {
    let weight = |error: &Error| match error.kind() {
        ErrorKind::CurrencyMismatch | ErrorKind::Unpriced => 0,
        ErrorKind::InvalidRequest if error.status().is_none() => 0,
        kind if kind.is_lack_of_room() => 1,
        _ => 2,
    };
    match earlier {
        Some(earlier) if weight(&earlier) > weight(&later) => earlier,
        _ => later,
    }
}
