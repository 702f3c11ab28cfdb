//! Requests that no dialect knows: handed to a config's provider as they are, and recorded as unpriced.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::Work;
use super::chat::provider_request_id;
use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::client::engine::Engine;
use crate::client::work::draft::{Draft, Reply};
use crate::client::work::line::Line;
use crate::client::work::outcome::{Account, Basis, Served, Used};
use crate::client::work::rest::Rest;
use crate::dialect::{is_foreign_chat, not_read};
use crate::provider::{
    EncodedRequest, Redactor, Target, WireFormat, asked_model, asked_path, asked_wire_format, encode_pass_through,
    is_free, is_known_vendor, is_passed_back, says_page, wire_format,
};
use crate::routing::select::{Selection, select_any};
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::transport::{HttpResponse, Stage};
use crate::types::{
    Attempt, BilledBy, CallOptions, CostStatus, Error, ErrorKind, FetchHead, FetchRequest, Meter, ModelConfig,
    Quantity, Result, Usage,
};

/// How many pieces of a body may wait for a slow caller before the provider is read no further, and the most bytes of each.
pub(in crate::client) const PIECES_AHEAD: usize = 16;
const PIECE: usize = 64 << 10;

/// The most bytes of an answer that are handed on: twice the greatest file that a vendor keeps. None of them is kept.
const LONGEST_ANSWER: u64 = 1 << 30;

/// The most bytes of a refusal that are handed on.
const LONGEST_REFUSAL: usize = 1 << 20;

/// What the caller of a request is handed.
pub(in crate::client) enum PassedEvent {
    /// The head of the answer.
    Head(FetchHead),
    /// A piece of its body, as it came.
    Piece(Bytes),
    /// The end of the body, once the settlement is in the file.
    Done,
}

/// What a request came to, beside the answer that its caller has.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::client) struct PassedReply {
    attempts: Vec<Attempt>,
}

impl Reply for PassedReply {
    fn attempts_mut(&mut self) -> &mut Vec<Attempt> {
        &mut self.attempts
    }

    fn mark_replayed(&mut self) {}
}

/// A request under way.
pub(in crate::client) struct Passed {
    request: FetchRequest,
    /// The model that is asked for.
    wanted: Option<String>,
    request_id: String,
    sink: mpsc::Sender<Result<PassedEvent>>,
    /// Whether the head of an answer that is no refusal was handed over.
    has_delivered: bool,
}

/// What is known of an answer when it has ended.
#[derive(Default)]
pub(in crate::client) struct Received {
    provider_request_id: Option<String>,
    /// Whether the provider refused the request, or what answered is no model's provider.
    was_refused: bool,
}

impl Work for Passed {
    type Reply = PassedReply;
    type Event = PassedEvent;
    type Prepared = EncodedRequest;
    type Received = Received;
    type Answer = ();

    const REPEATS: bool = false;
    const DRAINS: bool = false;
    const KEEPS_REPLIES: bool = false;

    fn is_free(&self) -> bool {
        is_free(&self.request)
    }

    fn select(&self, engine: &Engine, snapshot: &Snapshot, _fallbacks: Option<&[String]>) -> Result<Selection> {
        let is_foreign = is_foreign_chat(&self.request.method, &self.request.url);
        let not_read = || not_read(&self.request.method, asked_path(&self.request.url));
        let selection = select_any(snapshot, self.wanted.as_deref(), &engine.outlook());
        let mut selection = selection.map_err(|error| if is_foreign { not_read() } else { error })?;
        let asked = asked_wire_format(&self.request);
        for config in std::mem::take(&mut selection.candidates) {
            let spoken = wire_format(&Target::of(&config, None))?;
            // What stands at a vendor's name reads the vendor's format; what is nobody's may read any.
            let reads = !is_foreign || asked != WireFormat::OpenAi || !is_known_vendor(&config.provider);
            if spoken == asked && reads {
                selection.candidates.push(config);
            } else {
                let reason = format!("it speaks {}, and the request is in {}", spoken.name(), asked.name());
                selection.pass_over(&config, reason);
            }
        }
        if selection.candidates.is_empty() && is_foreign {
            return Err(not_read());
        }
        if selection.candidates.is_empty() {
            return Err(selection.no_route(&format!("{}, which is handed on as it is", self.name())));
        }
        Ok(selection)
    }

    fn subject(&self, _options: &CallOptions) -> Result<Vec<u8>> {
        Ok(self.request.body.clone())
    }

    fn estimate(&self, _config: &ModelConfig, _prices: &PriceSet, _settings: &Settings, now: Timestamp) -> Estimate {
        Estimate::unread(&self.name(), now)
    }

    fn prepare(&self, line: &Line<'_>, _is_capped: bool) -> Result<EncodedRequest> {
        encode_pass_through(&line.target, &self.request)
    }

    fn receive(&self, _line: &Line<'_>, _is_limited: bool) -> Received {
        Received::default()
    }

    /// Sends, hands the head over, and then the body as it comes.
    async fn exchange(&mut self, line: &Line<'_>, encoded: EncodedRequest, received: &mut Received) -> Result<()> {
        let redactor = &line.redactor;
        let mut response = line.engine.http.send(encoded, &line.progress).await?;
        response.limit_body(LONGEST_ANSWER);
        received.provider_request_id = provider_request_id(&response.head).map(|id| redactor.word(id));
        let is_page = says_page(&response.head);
        received.was_refused = is_page || !(200..300).contains(&response.head.status);
        let head = self.answer_head(&line.plan.config.name(), &response, redactor);
        self.hand_over(PassedEvent::Head(head)).await;
        if received.was_refused {
            return Err(self.hand_refusal_over(response, redactor, is_page).await);
        }
        self.has_delivered = true;
        while let Some(mut piece) = response.chunk().await? {
            while !piece.is_empty() {
                let next = piece.split_to(piece.len().min(PIECE));
                self.hand_over(PassedEvent::Piece(next)).await;
            }
        }
        Ok(())
    }

    fn has_delivered(&self) -> bool {
        self.has_delivered
    }

    /// A request that never left, or that the provider refused, cost nothing; any other has no known cost.
    fn used(&self, _line: &Line<'_>, account: &Account<'_>, received: &mut Received) -> Used<()> {
        let may_cost = account.stage != Stage::NotSent && !received.was_refused;
        let one = Usage { meters: [(Meter::Request, Quantity::from(1))].into(), ..Usage::default() };
        let (basis, billed_by) = if may_cost {
            (Basis::Unpriced(one), BilledBy::ProviderUsage)
        } else {
            (Basis::Nothing, BilledBy::NotBilled)
        };
        let provider_request_id = received.provider_request_id.take();
        Used { basis, billed_by, answer: (), served: Served::default(), provider_request_id, may_be_repeated: false }
    }

    fn reply(
        &self,
        draft: &Draft,
        _request_id: &str,
        _config: &ModelConfig,
        _answer: (),
        _usage: Usage,
    ) -> Result<PassedReply> {
        Ok(PassedReply { attempts: draft.attempts.clone() })
    }

    fn rest(_received: Received) -> Option<Rest> {
        None
    }

    async fn replay(&mut self, _reply: &PassedReply) {}

    fn done(_reply: PassedReply) -> PassedEvent {
        PassedEvent::Done
    }
}

impl Passed {
    /// Hands a request to the provider of the config that it names, or of the first one that speaks the request's format.
    pub(in crate::client) fn new(
        request: FetchRequest,
        wanted: Option<String>,
        request_id: &str,
        sink: mpsc::Sender<Result<PassedEvent>>,
    ) -> Self {
        let wanted = wanted.or_else(|| asked_model(&request));
        Self { request, wanted, request_id: request_id.to_owned(), sink, has_delivered: false }
    }

    /// Returns the method and the path, as errors name the request.
    fn name(&self) -> String {
        format!("{} {}", self.request.method, asked_path(&self.request.url))
    }

    /// Hands something to the caller. One who has gone is noticed by the call.
    async fn hand_over(&self, event: PassedEvent) {
        let _ = self.sink.send(Ok(event)).await;
    }

    /// Reads a refusal to its end, and hands it over without what must not be told. It may repeat the key, in any two of its
    /// pieces.
    async fn hand_refusal_over(&self, mut response: HttpResponse, redactor: &Redactor, is_page: bool) -> Error {
        let status = response.head.status;
        let mut refusal = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            let room = LONGEST_REFUSAL - refusal.len();
            refusal.extend_from_slice(piece.get(..room).unwrap_or(&piece));
            if refusal.len() >= LONGEST_REFUSAL {
                break;
            }
        }
        let told = redactor.told_bytes(refusal);
        if !told.is_empty() {
            self.hand_over(PassedEvent::Piece(told.into())).await;
        }
        let what = if is_page { "a web page; check base_url" } else { "a refusal" };
        let detail = format!("the provider answered with status {status} and {what}");
        Error::new(ErrorKind::ProviderUnavailable, detail).with_status(status)
    }

    fn answer_head(&self, model: &str, response: &HttpResponse, redactor: &Redactor) -> FetchHead {
        let passed = response.head.headers.iter().filter(|(name, _)| is_passed_back(name));
        let told = |value: &str| redactor.without_secrets(value);
        let mut headers: Vec<_> = passed.map(|(name, value)| (name.clone(), told(value))).collect();
        headers.extend(crate::dialect::call_headers(&self.request_id, Some(model)));
        if !is_free(&self.request) {
            headers.push(("x-tollway-cost-status".to_owned(), CostStatus::Unpriced.name().to_owned()));
        }
        FetchHead { status: response.head.status, headers }
    }
}
