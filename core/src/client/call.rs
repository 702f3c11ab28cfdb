//! One call: candidates, rounds of attempts, waits, and the reply or the error that its caller gets.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;

use super::Engine;
use super::attempt::Unsettled;
use super::idempotency::KeyState;
use super::reply::ReplyDraft;
use super::stream::{Answering, ChatStream};
use super::waiting::{Waiting, weight};
use crate::provider::Framing;
use crate::routing::retry::{Verdict, judge, wait};
use crate::routing::select::{Selection, select};
use crate::types::{
    AbandonPolicy, CallOptions, ChatReply, ChatRequest, Choice, Delta, Error, ErrorKind, ModelConfig, ModelConfigId,
    Result, StreamEvent,
};

/// What is said of an attempt that failed in a way that passes, and is not repeated all the same.
const NOT_REPEATED: &str = "; it was not repeated, since the provider may charge for this try";

/// Returns whether a provider refused the request itself, for what is wrong in it or for its content.
fn is_refused(error: &Error) -> bool {
    let stated = error.status().is_some_and(|status| (400..500).contains(&status));
    error.kind() == ErrorKind::InvalidRequest || (error.kind() == ErrorKind::ContentFiltered && stated)
}

/// How many events may wait for a slow caller before the provider is read no further, if they are not too great before.
const EVENTS_AHEAD: usize = 256;
/// No call takes longer: sums of times stay within what clocks can hold.
pub(super) const LONGEST_CALL: Duration = Duration::from_hours(30 * 24);

/// A call under way.
pub(super) struct Call {
    pub(super) engine: Arc<Engine>,
    pub(super) request: ChatRequest,
    pub(super) options: CallOptions,
    pub(super) framing: Framing,
    pub(super) request_id: String,
    pub(super) sink: mpsc::Sender<Result<StreamEvent>>,
    /// How much waits for the caller.
    waiting: Arc<Waiting>,
    /// The monotonic instant at which all attempts must have ended.
    pub(super) deadline: Duration,
    /// What the attempts so far add to the reply.
    pub(super) draft: ReplyDraft,
    /// Whether a piece of an answer reached the caller: from then on no other candidate can take over.
    pub(super) delivered: bool,
    /// Who answers; its caller may look at it.
    pub(super) answering: Arc<OnceLock<Answering>>,
    /// What is reserved and not settled yet: each attempt's own.
    pub(super) unsettled: Vec<Unsettled>,
    /// Whether the last attempt may have been charged, so that it is not repeated.
    pub(super) was_billed: bool,
    /// Whether the last attempt was refused for a field that the next one leaves out.
    pub(super) may_mend: bool,
}

impl Call {
    pub(super) fn new(
        engine: Arc<Engine>,
        request: ChatRequest,
        options: CallOptions,
        framing: Framing,
    ) -> (Self, ChatStream) {
        let (sink, events) = mpsc::channel(EVENTS_AHEAD);
        let request_id = engine.environment.unique_id();
        let timeout = options.timeout.unwrap_or(engine.settings.timeout).min(LONGEST_CALL);
        let deadline = engine.environment.monotonic().saturating_add(timeout);
        let answering = Arc::new(OnceLock::new());
        let waiting = Arc::new(Waiting::default());
        let stream = ChatStream::new(request_id.clone(), events, Arc::clone(&waiting), Arc::clone(&answering));
        let draft = ReplyDraft::default();
        (
            Self {
                engine,
                request,
                options,
                framing,
                request_id,
                sink,
                waiting,
                deadline,
                draft,
                delivered: false,
                answering,
                unsettled: Vec::new(),
                was_billed: false,
                may_mend: false,
            },
            stream,
        )
    }

    /// Runs the call to its end and hands over its reply or its error.
    ///
    /// A panic on the way is an error of the kind `internal`. What was reserved then is settled all the same.
    pub(super) async fn run(mut self) {
        let outcome = AssertUnwindSafe(self.reply()).catch_unwind().await.unwrap_or_else(|_| Err(panicked()));
        if outcome.is_err() {
            self.settle_as_reserved().await;
            self.release_key().await;
        }
        let event = outcome.map(|reply| StreamEvent::Done(Box::new(reply)));
        tokio::select! {
            biased;
            // A caller who has gone is not there to be told; the ledger has it.
            _ = self.sink.send(event) => {}
            // One who does not read must not keep the file from closing.
            () = self.engine.stopping.cancelled() => {}
        }
    }

    async fn reply(&mut self) -> Result<ChatReply> {
        match self.claim_key().await? {
            KeyState::Completed(reply) => Box::pin(self.replay(*reply)).await,
            KeyState::Claimed | KeyState::None => self.route().await,
        }
    }

    pub(super) fn on_abandon(&self) -> AbandonPolicy {
        self.options.on_abandon.unwrap_or(self.engine.settings.on_abandon)
    }

    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_sub(self.engine.environment.monotonic())
    }

    /// Hands a piece of an answer to the caller, waiting while too many are unread, or too much.
    pub(super) async fn deliver(&mut self, delta: Delta) {
        let stopping = self.engine.stopping.clone();
        let weight = weight(&delta);
        if !self.waiting.has_room(weight) {
            tokio::select! {
                biased;
                () = self.waiting.room(weight) => {}
                () = self.sink.closed() => {}
                () = stopping.cancelled() => {}
            }
        }
        self.waiting.add(weight);
        tokio::select! {
            biased;
            sent = self.sink.send(Ok(StreamEvent::Delta(delta))) => self.delivered |= sent.is_ok(),
            () = stopping.cancelled() => {}
        }
    }

    /// Hands answers that are known whole to the caller as the pieces of a stream.
    pub(super) async fn deliver_whole(&mut self, choices: &[Choice]) {
        for choice in choices {
            for delta in super::reply::whole_deltas(choice) {
                self.deliver(delta).await;
            }
        }
    }

    async fn replay(&mut self, reply: ChatReply) -> Result<ChatReply> {
        if self.framing == Framing::EventStream {
            let _ = self.answering.set(Answering::of(&reply));
            self.deliver_whole(&reply.choices).await;
        }
        Ok(reply)
    }

    /// Tries the candidates in rounds until one answers, none can, or time or retries are used up.
    async fn route(&mut self) -> Result<ChatReply> {
        let snapshot = self.engine.snapshot().await?;
        let fallbacks = self.options.fallbacks.as_deref();
        let mut selection = select(&snapshot, &self.request, fallbacks, &self.engine.outlook())?;
        let candidates = std::mem::take(&mut selection.candidates);
        let mut retries_left = self.options.max_retries.unwrap_or(self.engine.settings.max_retries);
        let mut out = BTreeSet::<ModelConfigId>::new();
        // Until when a candidate asked to be left alone.
        let mut not_before = BTreeMap::<ModelConfigId, Duration>::new();
        let mut last_error = None;
        // What the first provider that refused the request said of it.
        let mut refusal = None;
        let mut round = 0;
        loop {
            let order = self.engine.health.order(candidates.clone(), self.engine.environment.monotonic());
            for config in order {
                let now = self.engine.environment.monotonic();
                if out.contains(&config.id) || not_before.get(&config.id).is_some_and(|until| *until > now) {
                    continue;
                }
                self.check_running()?;
                self.was_billed = false;
                let mut attempted = self.attempt(&snapshot, &config).await;
                // Each field is learned once, so that this ends.
                while attempted.is_err() && std::mem::take(&mut self.may_mend) {
                    self.check_running()?;
                    attempted = self.attempt(&snapshot, &config).await;
                }
                let error = match attempted {
                    Ok(reply) => return Ok(reply),
                    Err(error) => error,
                };
                if self.delivered {
                    return Err(error);
                }
                match judge(&error) {
                    Verdict::TryAgain if self.was_billed => {
                        let error = error.clone().with_detail_suffix(NOT_REPEATED);
                        out.insert(config.id);
                        selection.pass_over(&config, error.detail());
                        last_error = Some(weightier(last_error.take(), error));
                        continue;
                    }
                    Verdict::TryAgain => {
                        let asked = error.retry_after().unwrap_or_default();
                        not_before.insert(config.id, self.engine.environment.monotonic().saturating_add(asked));
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
            if out.len() == candidates.len() || retries_left == 0 {
                return Err(final_error(error, &selection, candidates.len()));
            }
            // The soonest wait that any candidate asks for; where one asks for none, it can be tried after the usual one.
            let now = self.engine.environment.monotonic();
            let left =
                |config: &Arc<ModelConfig>| not_before.get(&config.id).copied().unwrap_or_default().saturating_sub(now);
            let waiting = candidates.iter().filter(|config| !out.contains(&config.id));
            let asked = waiting.map(left).min().filter(|asked| !asked.is_zero());
            let Some(pause) = wait(round, asked, self.engine.environment.as_ref()) else { return Err(error) };
            if pause >= self.time_left() {
                return Err(error);
            }
            self.pause(pause).await?;
            retries_left -= 1;
            round += 1;
        }
    }

    async fn pause(&self, pause: Duration) -> Result<()> {
        tokio::select! {
            () = self.engine.environment.sleep(pause) => {}
            () = self.sink.closed() => {}
            () = self.engine.stopping.cancelled() => {}
        }
        self.check_running()
    }

    fn check_running(&self) -> Result<()> {
        if self.sink.is_closed() {
            return Err(Error::new(ErrorKind::Cancelled, "the caller gave the call up"));
        }
        if self.engine.stopping.is_cancelled() {
            return Err(file_closed());
        }
        if self.time_left().is_zero() {
            return Err(Error::new(ErrorKind::Timeout, "the call's time ran out; allow more with `timeout`"));
        }
        Ok(())
    }
}

/// The error of a call that the closing of the file gave up.
pub(super) fn file_closed() -> Error {
    Error::new(ErrorKind::Closed, "the file was closed while the call was under way")
}

/// The error of a call, or of an attempt, whose code panicked.
pub(super) fn panicked() -> Error {
    Error::new(ErrorKind::Internal, "the call was broken off by a defect of its code; report it")
}

/// Chooses the error that tells the caller most: what a provider said, then a budget's refusal, then what only keeps one
/// candidate out. Of equals, the later one.
fn weightier(earlier: Option<Error>, later: Error) -> Error {
    let weight = |error: &Error| match error.kind() {
        ErrorKind::CurrencyMismatch | ErrorKind::Unpriced => 0,
        ErrorKind::InvalidRequest if error.status().is_none() => 0,
        ErrorKind::BudgetExceeded => 1,
        _ => 2,
    };
    match earlier {
        Some(earlier) if weight(&earlier) > weight(&later) => earlier,
        _ => later,
    }
}

/// With several candidates, the last one's error also tells why the others could not serve.
fn final_error(error: Error, selection: &Selection, candidates: usize) -> Error {
    let others = selection.passed_over.iter().filter(|(_, reason)| reason != error.detail());
    let others: Vec<_> = others.map(|(name, reason)| format!("{name}: {reason}")).collect();
    if candidates < 2 || others.is_empty() {
        return error;
    }
    error.with_detail_suffix(&format!(" (candidates passed over: {})", others.join("; ")))
}
