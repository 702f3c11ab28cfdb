//! Embeddings: texts in, vectors out. More inputs than the provider takes at once go in several requests, under one bill.

use std::ops::Range;

use jiff::Timestamp;

use super::document::{Document, fetch};
use super::whole::{self, Asked, without_zeros};
use super::{Work, subject_of};
use crate::billing::belief::{Evidence, believe, is_plausible};
use crate::billing::bound::{InputSize, estimate_tokens, estimated_usage};
use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::client::engine::{Engine, refuse_first};
use crate::client::work::draft::Draft;
use crate::client::work::line::Line;
use crate::client::work::outcome::{Account, Basis, Ended, Served, Used};
use crate::client::work::rest::Rest;
use crate::provider::{
    DecodedEmbeddings, EmbeddingAdapter, EncodedRequest, Flaw, Work as Done, embedding_adapter, embedding_limits,
};
use crate::routing::select::Selection;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::transport::{Progress, Stage};
use crate::types::{
    AbandonPolicy, BilledBy, CallOptions, Capability, EmbedInput, EmbedReply, EmbedRequest, Error, ModelConfig,
    ModelConfigId, ReportedUsage, Result, Usage, Vector, exact_add,
};

/// The tokens that a model adds to an input, to mark where it begins and ends.
const INPUT_OVERHEAD: u64 = 8;

/// The most bytes of one vector as it is written: 16,384 numbers of 24 letters each.
const VECTOR_BYTES: u64 = 384 << 10;

/// The most bytes of an answer beside its vectors.
const BYTES_BESIDE: u64 = 2 << 20;

/// Embeddings under way.
pub(in crate::client) struct Embeddings {
    request: EmbedRequest,
    /// What earlier attempts with one config made, which is not made again.
    made: Option<Made>,
}

/// Vectors of the first inputs, by one config: those of another would mean something else.
#[derive(Clone)]
struct Made {
    config: ModelConfigId,
    vectors: Vec<Vector>,
}

pub(in crate::client) struct Prepared {
    adapter: &'static dyn EmbeddingAdapter,
    /// The request for the first inputs.
    first: EncodedRequest,
}

/// What came of one attempt.
#[derive(Default)]
pub(in crate::client) struct Received {
    vectors: Vec<Vector>,
    usage: Usage,
    /// Whether a part of the usage is an estimate.
    is_estimate: bool,
    /// The request that is not answered yet: how far it came, and about how many tokens it has.
    pending: Option<(Progress, u64)>,
    provider_request_id: Option<String>,
    served_model: Option<String>,
    rest: Option<Rest>,
}

/// The vectors of all inputs, and the model that the provider says it served.
pub(in crate::client) struct Answer {
    vectors: Vec<Vector>,
    served_model: Option<String>,
}

impl Work for Embeddings {
    type Reply = EmbedReply;
    type Event = EmbedReply;
    type Prepared = Prepared;
    type Received = Received;
    type Answer = Answer;

    const REPEATS: bool = true;
    const DRAINS: bool = true;
    const KEEPS_REPLIES: bool = true;

    fn select(&self, engine: &Engine, snapshot: &Snapshot, fallbacks: Option<&[String]>) -> Result<Selection> {
        let expected = |estimate: &Estimate| without_zeros(estimated_usage(estimate.size.estimate, 0));
        let asked = Asked { model: self.request.model.as_deref(), capability: Capability::Embedding, fallbacks };
        whole::select(self, engine, snapshot, &asked, expected)
    }

    fn subject(&self, options: &CallOptions) -> Result<Vec<u8>> {
        subject_of(&("embed", &self.request), options)
    }

    fn estimate(&self, config: &ModelConfig, _prices: &PriceSet, _settings: &Settings, now: Timestamp) -> Estimate {
        let inputs = self.request.input.get(self.made_with(config.id)..).unwrap_or_default();
        let mut size = InputSize::default();
        for input in inputs {
            size.bound = size.bound.saturating_add(bound(input));
            size.estimate = size.estimate.saturating_add(estimated(input));
        }
        Estimate::of_input(size, std::collections::BTreeMap::new(), now)
    }

    fn prepare(&self, line: &Line<'_>, _is_capped: bool) -> Result<Prepared> {
        let adapter = embedding_adapter(&line.target)?;
        let range = self.next_batch(line, self.made_with(line.plan.config.id));
        let first = adapter.encode(&line.target, &self.request, &self.request.input[range])?;
        Ok(Prepared { adapter, first })
    }

    fn receive(&self, line: &Line<'_>, _is_limited: bool) -> Received {
        let done = self.made_with(line.plan.config.id);
        let vectors = self.made.as_ref().map(|made| made.vectors[..done].to_vec()).unwrap_or_default();
        Received { vectors, ..Received::default() }
    }

    async fn exchange(&mut self, line: &Line<'_>, prepared: Prepared, received: &mut Received) -> Result<()> {
        let Prepared { adapter, first } = prepared;
        let mut encoded = Some((first, line.progress.clone()));
        while received.vectors.len() < self.request.input.len() {
            let range = self.next_batch(line, received.vectors.len());
            let inputs = &self.request.input[range];
            let (encoded, progress) = match encoded.take() {
                Some(first) => first,
                None => (adapter.encode(&line.target, &self.request, inputs)?, Progress::default()),
            };
            let tokens = inputs.iter().map(estimated).fold(0, u64::saturating_add);
            received.pending = Some((progress.clone(), tokens));
            let batch = self.fetch_batch(line, adapter, encoded, &progress, inputs.len(), received).await;
            progress.withdraw();
            let batch = batch.map_err(|flaw| received.note(flaw, tokens))?;
            received.take(batch, tokens);
            self.made = Some(Made { config: line.plan.config.id, vectors: received.vectors.clone() });
        }
        Ok(())
    }

    fn has_delivered(&self) -> bool {
        false
    }

    fn used(&self, line: &Line<'_>, account: &Account<'_>, received: &mut Received) -> Used<Answer> {
        let pending = received.pending.take().filter(|(progress, _)| progress.stage() != Stage::NotSent);
        let is_given_up = matches!(account.ended, Ended::GivenUp | Ended::TimedOut);
        let may_be_repeated = pending.is_none();
        let has_usage = !received.usage.meters.is_empty();
        let (basis, billed_by) = match pending {
            None if !has_usage => (Basis::Nothing, BilledBy::NotBilled),
            Some(_) if is_given_up && account.on_abandon == AbandonPolicy::BillReserved => {
                (Basis::Reservation, BilledBy::Reservation)
            }
            pending => {
                if let Some((_, tokens)) = pending {
                    received.add(&without_zeros(estimated_usage(tokens, 0)), true);
                }
                let billed_by = match received.is_estimate {
                    true => BilledBy::Estimate,
                    false if account.is_drained => BilledBy::Drain,
                    false => BilledBy::ProviderUsage,
                };
                (Basis::Usage(std::mem::take(&mut received.usage)), billed_by)
            }
        };
        let served_model = received.served_model.take().map(|model| line.redactor.word(&model));
        Used {
            basis,
            billed_by,
            served: Served { model: served_model.clone(), ..Served::default() },
            answer: Answer { vectors: std::mem::take(&mut received.vectors), served_model },
            provider_request_id: received.provider_request_id.take(),
            may_be_repeated,
        }
    }

    fn reply(
        &self,
        draft: &Draft,
        request_id: &str,
        config: &ModelConfig,
        Answer { vectors, served_model }: Answer,
        usage: Usage,
    ) -> Result<EmbedReply> {
        Ok(EmbedReply::of(draft.parts(request_id, config)?, served_model, usage, vectors))
    }

    fn rest(received: Received) -> Option<Rest> {
        received.rest
    }

    async fn replay(&mut self, _reply: &EmbedReply) {}

    fn done(reply: EmbedReply) -> EmbedReply {
        reply
    }
}

impl Embeddings {
    /// Begins with no vector made. Fails with `invalid_request` if no provider could make sense of the request.
    pub(in crate::client) fn new(request: EmbedRequest) -> Result<Self> {
        check_request(&request)?;
        Ok(Self { request, made: None })
    }

    /// Returns how many vectors a config made already.
    fn made_with(&self, config: ModelConfigId) -> usize {
        self.made.as_ref().filter(|made| made.config == config).map_or(0, |made| made.vectors.len())
    }

    /// Returns the inputs of the next request: as many as the provider takes at once, and one at the least.
    fn next_batch(&self, line: &Line<'_>, done: usize) -> Range<usize> {
        let (most_inputs, most_tokens) = embedding_limits(&line.target);
        let mut tokens = 0_u64;
        let fits = |input: &&EmbedInput| {
            tokens = tokens.saturating_add(estimated(input));
            tokens <= most_tokens
        };
        let count = self.request.input[done..].iter().take(most_inputs).take_while(fits).count().max(1);
        done..done.saturating_add(count).min(self.request.input.len())
    }

    async fn fetch_batch(
        &self,
        line: &Line<'_>,
        adapter: &dyn EmbeddingAdapter,
        encoded: EncodedRequest,
        progress: &Progress,
        count: usize,
        received: &mut Received,
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        let vectors = u64::try_from(count).unwrap_or(u64::MAX).saturating_mul(VECTOR_BYTES);
        let most_bytes = vectors.saturating_add(BYTES_BESIDE).min(line.engine.settings.maximum_answer_bytes);
        let target = &line.target;
        let decode_error = |head: &_, body: &[u8]| adapter.decode_error(target, head, body);
        let Document { head, body, provider_request_id, rest } =
            fetch(line, encoded, progress, most_bytes, decode_error).await?;
        received.provider_request_id = provider_request_id;
        received.rest = rest;
        let decoded = adapter.decode(target, &head, &body)?;
        let length = received.vectors.first().or(decoded.vectors.first()).map_or(0, |vector| vector.0.len());
        let problem = if decoded.vectors.len() != count {
            Some(format!("it has {} vectors for {count} inputs", decoded.vectors.len()))
        } else if length == 0 || decoded.vectors.iter().any(|vector| vector.0.len() != length) {
            Some("its vectors are not all of one length".to_owned())
        } else {
            None
        };
        match problem {
            None => Ok(decoded),
            Some(problem) => {
                let flaw = Flaw::unreadable(target, &head, &problem);
                Err(Flaw { usage: decoded.usage.map(Box::new), ..flaw })
            }
        }
    }
}

impl Received {
    /// Takes an answer in.
    fn take(&mut self, batch: DecodedEmbeddings, tokens: u64) {
        self.pending = None;
        self.served_model = batch.model.or(self.served_model.take());
        self.note_usage(batch.usage.as_ref(), tokens);
        self.vectors.extend(batch.vectors);
    }

    /// Keeps what a flaw says of the work, and returns its error.
    fn note(&mut self, flaw: Flaw, tokens: u64) -> Error {
        match (flaw.work, &flaw.usage) {
            (_, Some(usage)) => {
                self.pending = None;
                self.note_usage(Some(usage), tokens);
            }
            (Done::None, None) => self.pending = None,
            (Done::Possible, None) => {}
        }
        flaw.error
    }

    /// Counts what a request consumed, as its provider says; an estimate where that cannot be true.
    fn note_usage(&mut self, reported: Option<&ReportedUsage>, tokens: u64) {
        let evidence = Evidence { input: tokens, output: 0, has_content: true };
        match reported.filter(|reported| is_plausible(reported)) {
            Some(reported) => {
                let believed = believe(reported, || evidence);
                self.add(&without_zeros(believed.usage), believed.is_estimate);
            }
            None => self.add(&without_zeros(estimated_usage(tokens, 0)), true),
        }
    }

    /// Adds what a request consumed.
    fn add(&mut self, usage: &Usage, is_estimate: bool) {
        self.is_estimate |= is_estimate;
        let is_first = self.usage.meters.is_empty();
        for (meter, quantity) in &usage.meters {
            let sum = self.usage.meters.entry(*meter).or_default();
            *sum = sum.saturating_add(*quantity);
        }
        usage.flags.iter().for_each(|flag| self.usage.flag(*flag));
        let both = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
        self.usage.reported_total =
            if is_first { usage.reported_total } else { both(self.usage.reported_total, usage.reported_total) };
        let cost = self.usage.reported_cost.zip(usage.reported_cost);
        self.usage.reported_cost =
            if is_first { usage.reported_cost } else { cost.and_then(|(one, other)| exact_add(one, other).ok()) };
    }
}

/// Refuses what no provider could make sense of.
fn check_request(request: &EmbedRequest) -> Result<()> {
    let is_empty = |input: &EmbedInput| match input {
        EmbedInput::Text(text) => text.is_empty(),
        EmbedInput::Tokens(tokens) => tokens.is_empty(),
    };
    refuse_first(&[
        (request.input.is_empty(), "`input` is empty; give at least one string"),
        (request.input.iter().any(is_empty), "`input` has an empty string, which has no vector; leave it out"),
        (request.dimensions == Some(0), "`dimensions` is zero; give at least one, or leave it out"),
    ])
}

/// Returns no more tokens than an input can have.
fn bound(input: &EmbedInput) -> u64 {
    let tokens = match input {
        EmbedInput::Text(text) => text.len(),
        EmbedInput::Tokens(tokens) => tokens.len(),
    };
    u64::try_from(tokens).unwrap_or(u64::MAX).saturating_add(INPUT_OVERHEAD)
}

/// Returns about how many tokens an input has.
fn estimated(input: &EmbedInput) -> u64 {
    match input {
        EmbedInput::Text(text) => estimate_tokens(text).saturating_add(1),
        EmbedInput::Tokens(tokens) => u64::try_from(tokens.len()).unwrap_or(u64::MAX),
    }
}
