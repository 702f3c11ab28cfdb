//! Requests that no dialect knows: handed to a config's provider as they are, and recorded as unpriced.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use super::call::{LONGEST_CALL, file_closed, panicked};
use super::exchange::provider_request_id;
use super::fetch::{FetchResponse, Refused, call_options};
use super::{Engine, Tollway};
use crate::catalog::snapshot::Snapshot;
use crate::provider::{
    Redactor, Target, asked_model, asked_path, asked_wire_format, check_address, check_pass_through,
    encode_pass_through, is_passed_back, says_page, vendor, wire_format,
};
use crate::routing::select::select_any;
use crate::store::{Operation, Outcome, ReserveRequest, Reserved, Settlement};
use crate::transport::{HttpResponse, Progress, Stage};
use crate::types::{
    BilledBy, CallOptions, CostStatus, Decimal, Error, ErrorKind, Facts, FetchHead, FetchOptions, FetchRequest, Meter,
    ModelConfig, Money, Quantity, ReceiptLine, RecordStatus, Result, Usage,
};

/// How many pieces of a body may wait for a slow caller before the provider is read no further, and the most bytes of each.
const PIECES_AHEAD: usize = 16;
const PIECE: usize = 64 << 10;

/// The most bytes of an answer that are handed on: twice the greatest file that a vendor keeps. None of them is kept.
const LONGEST_ANSWER: u64 = 1 << 30;

/// The most bytes of a refusal that are handed on.
const LONGEST_REFUSAL: usize = 1 << 20;

/// A request under way.
struct PassThrough {
    engine: Arc<Engine>,
    request: FetchRequest,
    options: CallOptions,
    config: Arc<ModelConfig>,
    request_id: String,
    started_at: Timestamp,
    started: Duration,
    deadline: Duration,
}

/// A piece of a body as it came; none at its end, which comes once the settlement is in the file.
pub(super) type Piece = Result<Option<Bytes>>;

/// What is known of an answer when it has ended.
#[derive(Default)]
struct Seen {
    provider_request_id: Option<String>,
    /// How far the request came.
    progress: Progress,
    /// Whether the provider refused the request, or what answered is no model's provider.
    was_refused: bool,
    /// What must not be told of what the provider says.
    redactor: Option<Redactor>,
    /// The caller's body, from the head on.
    pieces: Option<mpsc::Sender<Piece>>,
}

type HeadSink = oneshot::Sender<std::result::Result<(FetchHead, mpsc::Receiver<Piece>), Refused>>;

/// How a request ended badly.
type Ended = (RecordStatus, Error);

impl Tollway {
    /// Hands a request to the provider of the config that it names, or of the first one that speaks the request's format.
    ///
    /// One attempt is made: nobody but its author knows whether the request may be repeated.
    pub(super) async fn pass_through(
        &self,
        request: FetchRequest,
        options: FetchOptions,
    ) -> std::result::Result<FetchResponse, Refused> {
        check_pass_through(&request)?;
        let call_options = call_options(&request, options.options)?;
        super::check_options(&call_options)?;
        let snapshot = self.engine.snapshot().await?;
        let wanted = options.model.or_else(|| asked_model(&request));
        let config = self.engine.config_for(&snapshot, wanted.as_deref(), &request)?;
        let environment = &self.engine.environment;
        let started = environment.monotonic();
        let timeout = call_options.timeout.unwrap_or(self.engine.settings.timeout).min(LONGEST_CALL);
        let passed = PassThrough {
            engine: Arc::clone(&self.engine),
            request,
            options: call_options,
            config,
            request_id: environment.unique_id(),
            started_at: environment.now(),
            started,
            deadline: started.saturating_add(timeout),
        };
        let (sink, head) = oneshot::channel();
        self.engine.tracker.spawn(passed.run(sink));
        let broken_off =
            || Error::new(ErrorKind::Cancelled, "the request was broken off; its record says what became of it");
        let (head, chunks) = head.await.map_err(|_| broken_off())??;
        Ok(FetchResponse::passed(head, chunks))
    }
}

impl Engine {
    fn config_for(
        &self,
        snapshot: &Snapshot,
        wanted: Option<&str>,
        request: &FetchRequest,
    ) -> Result<Arc<ModelConfig>> {
        let mut selection = select_any(snapshot, wanted, &self.outlook())?;
        let asked = asked_wire_format(request);
        for config in std::mem::take(&mut selection.candidates) {
            let target = Target::of(&config, None);
            let spoken = wire_format(&target)?;
            if spoken == asked {
                return Ok(config);
            }
            selection
                .pass_over(&config, format!("it speaks {}, and the request is in {}", spoken.name(), asked.name()));
        }
        let what = format!("{} {}, which is handed on as it is", request.method, asked_path(&request.url));
        Err(selection.no_route(&what))
    }
}

impl PassThrough {
    /// Runs the request to its end. Its caller hears of the end once the settlement is in the file.
    ///
    /// A panic on the way is an error of the kind `internal`, and is settled all the same.
    async fn run(self, sink: HeadSink) {
        let refused = Refused::of_call(&self.request_id);
        let reserved = match self.reserve().await {
            Ok(reserved) => reserved,
            Err(error) => return drop(sink.send(Err(refused(error)))),
        };
        let mut seen = Seen::default();
        let mut sink = Some(sink);
        let exchange = AssertUnwindSafe(self.exchange(&mut sink, &mut seen)).catch_unwind();
        let outcome = exchange.await.unwrap_or_else(|_| Err((RecordStatus::Failed, panicked())));
        let told = outcome.as_ref().map(|()| None).map_err(|(_, error)| error.clone());
        if let Err(error) = self.settle(&reserved, &seen, outcome).await {
            tracing::error!(%error, "a request was not settled; recovery will settle its reservation");
        }
        match (sink, seen.pieces) {
            (Some(sink), _) => drop(sink.send(Err(refused(told.err().unwrap_or_else(panicked))))),
            (None, Some(pieces)) => {
                // The provider's own refusal was handed over with its head and its body.
                let told = told.or_else(|error| if error.status().is_some() { Ok(None) } else { Err(error) });
                tokio::select! {
                    biased;
                    // A caller who has gone is not there to be told; the ledger has it.
                    _ = pieces.send(told) => {}
                    // One who does not read must not keep the file from closing.
                    () = self.engine.stopping.cancelled() => {}
                }
            }
            (None, None) => {}
        }
    }

    async fn reserve(&self) -> Result<Reserved> {
        let now = self.engine.environment.now();
        let left = self.deadline.saturating_sub(self.started);
        let on_unpriced = self.options.on_unpriced.or(self.engine.settings.on_unpriced);
        let asked = ReserveRequest {
            request_id: self.request_id.clone(),
            attempt: 1,
            record_uid: self.engine.environment.unique_id(),
            user: self.options.user.clone(),
            tags: self.options.tags.clone(),
            model_config_id: self.config.id,
            provider: self.config.provider.clone(),
            model: self.config.model_name.clone(),
            capability: self.config.capability,
            worst_case: None,
            // How many tokens it takes is known neither before nor after.
            worst_case_tokens: None,
            on_unpriced,
            now,
            expires_at: now.saturating_add(left + super::settle::GRACE).unwrap_or(now),
        };
        match self.engine.store.apply(Operation::Reserve(Box::new(asked))).await {
            Ok(Outcome::Reserved(reserved)) => Ok(reserved),
            Ok(other) => Err(super::unexpected(&other)),
            Err(error) if matches!(error.kind(), ErrorKind::Unpriced | ErrorKind::BudgetExceeded) => Err(error
                .with_detail_suffix(&format!(
                    "; {} {} is handed on as it is, and has neither a price nor a count of tokens: allow such requests \
                     with `on_unpriced`",
                    self.request.method,
                    asked_path(&self.request.url)
                ))),
            Err(error) => Err(error),
        }
    }

    /// Sends, hands the head over, and then the body as it comes. Returns what ended it badly, and how.
    async fn exchange(&self, sink: &mut Option<HeadSink>, seen: &mut Seen) -> std::result::Result<(), Ended> {
        let late = self.engine.environment.sleep(self.deadline.saturating_sub(self.started));
        tokio::select! {
            biased;
            outcome = self.send(sink, seen) => outcome,
            () = self.engine.stopping.cancelled() => Err((RecordStatus::Cancelled, file_closed())),
            () = late => {
                let error = Error::new(ErrorKind::Timeout, "the request's time ran out; allow more with `timeout`");
                Err((RecordStatus::Timeout, error))
            }
        }
    }

    async fn send(&self, sink: &mut Option<HeadSink>, seen: &mut Seen) -> std::result::Result<(), Ended> {
        let mut response = self.head(sink, seen).await?;
        response.limit_body(LONGEST_ANSWER);
        let redactor = seen.redactor.get_or_insert_default();
        seen.provider_request_id = provider_request_id(&response.head).map(|id| redactor.word(id));
        let is_page = says_page(&response.head);
        seen.was_refused = is_page || !(200..300).contains(&response.head.status);
        let (pieces, chunks) = mpsc::channel(PIECES_AHEAD);
        seen.pieces = Some(pieces.clone());
        let Some(sink) = sink.take() else { return Ok(()) };
        let gone = || Error::new(ErrorKind::Cancelled, "the caller gave the request up");
        if sink.send(Ok((self.answer_head(&response, redactor), chunks))).is_err() {
            return Err((RecordStatus::Cancelled, gone()));
        }
        let status = response.head.status;
        // A refusal may repeat the key, in any two of its pieces.
        let mut refusal = seen.was_refused.then(Vec::new);
        loop {
            let piece = tokio::select! {
                biased;
                piece = response.chunk() => piece,
                () = pieces.closed() => return Err((RecordStatus::Partial, gone())),
            };
            match (piece, &mut refusal) {
                (Ok(Some(mut piece)), None) => {
                    while !piece.is_empty() {
                        let next = piece.split_to(piece.len().min(PIECE));
                        if pieces.send(Ok(Some(next))).await.is_err() {
                            return Err((RecordStatus::Partial, gone()));
                        }
                    }
                }
                (Ok(Some(piece)), Some(refusal)) if refusal.len() < LONGEST_REFUSAL => {
                    let room = LONGEST_REFUSAL - refusal.len();
                    refusal.extend_from_slice(piece.get(..room).unwrap_or(&piece));
                }
                (Ok(None), None) => return Ok(()),
                (Ok(_), Some(refusal)) => {
                    let told = redactor.told_bytes(std::mem::take(refusal));
                    if !told.is_empty() {
                        let _ = pieces.send(Ok(Some(told.into()))).await;
                    }
                    let what = if is_page { "a web page; check base_url" } else { "a refusal" };
                    let detail = format!("the provider answered with status {status} and {what}");
                    let error = Error::new(ErrorKind::ProviderUnavailable, detail);
                    return Err((RecordStatus::Failed, error.with_status(status)));
                }
                (Err(error), _) => return Err((RecordStatus::Partial, error)),
            }
        }
    }

    /// Waits for the head of the answer, or for the caller to go.
    async fn head(&self, sink: &mut Option<HeadSink>, seen: &mut Seen) -> std::result::Result<HttpResponse, Ended> {
        let failed =
            |error: Error| (RecordStatus::Failed, error.with_target(&self.config.provider, &self.config.model_name));
        let key = self.engine.api_key(&self.config).map_err(failed)?;
        let params = self.engine.params(&self.config).map_err(failed)?;
        let target = Target { params: &params, ..Target::of(&self.config, key.as_ref()) };
        check_address(&target).map_err(failed)?;
        seen.redactor = Some(Redactor::of(&target));
        let encoded = encode_pass_through(&target, &self.request).map_err(failed)?;
        let progress = seen.progress.clone();
        let gone = async {
            match sink.as_mut() {
                Some(sink) => sink.closed().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            response = self.engine.http.send(encoded, &progress) => response.map_err(failed),
            () = gone => {
                Err((RecordStatus::Cancelled, Error::new(ErrorKind::Cancelled, "the caller gave the request up")))
            }
        }
    }

    fn answer_head(&self, response: &HttpResponse, redactor: &Redactor) -> FetchHead {
        let passed = response.head.headers.iter().filter(|(name, _)| is_passed_back(name));
        let told = |value: &str| redactor.without_secrets(value);
        let mut headers: Vec<_> = passed.map(|(name, value)| (name.clone(), told(value))).collect();
        headers.extend(crate::dialect::call_headers(&self.request_id, Some(&self.config.name())));
        headers.push(("x-tollway-cost-status".to_owned(), CostStatus::Unpriced.name().to_owned()));
        FetchHead { status: response.head.status, headers }
    }

    /// Records the request: one that never left, or that the provider refused, cost nothing; any other has no known cost.
    async fn settle(&self, reserved: &Reserved, seen: &Seen, outcome: std::result::Result<(), Ended>) -> Result<()> {
        let now = self.engine.environment.now();
        let (status, error) =
            outcome.err().map_or((RecordStatus::Success, None), |(status, error)| (status, Some(error)));
        seen.progress.withdraw();
        let may_cost = seen.progress.stage() != Stage::NotSent && !seen.was_refused;
        let one = BTreeMap::from([(Meter::Request, Quantity::from(1))]);
        let line = ReceiptLine {
            attempt: 1,
            model: self.config.name(),
            meter: Some(Meter::Request),
            note: None,
            quantity: Quantity::from(1),
            billed_quantity: None,
            unit_price: None,
            unit: None,
            price_id: None,
            modifiers: Vec::new(),
            amount: None,
            currency: None,
        };
        let nothing = Money::new(Decimal::ZERO, vendor(&self.config.provider).currency);
        let latency = self.engine.environment.monotonic().saturating_sub(self.started);
        let settlement = Settlement {
            reservation_id: reserved.id,
            usage: Usage { meters: if may_cost { one } else { BTreeMap::new() }, ..Usage::default() },
            facts: Facts::at(self.started_at),
            cost: (!may_cost).then_some(nothing),
            cost_status: if may_cost { CostStatus::Unpriced } else { CostStatus::Computed },
            billed_by: if may_cost { BilledBy::ProviderUsage } else { BilledBy::NotBilled },
            receipt: if may_cost { vec![line] } else { Vec::new() },
            price_ids: Vec::new(),
            status,
            provider_request_id: seen.provider_request_id.clone(),
            served_model: None,
            error_code: error.as_ref().map(|error| error.code().to_owned()),
            error_message: error.as_ref().map(|error| error.detail().to_owned()),
            latency_ms: u64::try_from(latency.as_millis()).unwrap_or(u64::MAX),
            completes_key: None,
            now,
        };
        self.engine.store.apply(Operation::Settle(Box::new(settlement))).await.map(|_| ())
    }
}
