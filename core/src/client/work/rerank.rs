//! Reranking: documents in, their order out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::document::{Document, fetch};
use super::whole::{self, Asked, without_zeros};
use super::{Work, subject_of};
use crate::billing::belief::{Evidence, believe, is_plausible};
use crate::billing::bound::{InputSize, estimate_tokens, estimated_usage};
use crate::billing::estimate::Estimate;
use crate::billing::meter::disjoint;
use crate::billing::price::PriceSet;
use crate::client::engine::{Engine, refuse_first};
use crate::client::work::draft::Draft;
use crate::client::work::line::Line;
use crate::client::work::outcome::{Account, Basis, Ended, Served, Used};
use crate::client::work::plan::Plan;
use crate::client::work::rest::Rest;
use crate::provider::{DecodedRanking, EncodedRequest, Flaw, RerankAdapter, Work as Done, rerank_adapter};
use crate::routing::select::Selection;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::transport::{Progress, Stage};
use crate::types::{
    AbandonPolicy, BilledBy, CallOptions, Capability, Error, Meter, ModelConfig, RankedDocument, ReportedUsage,
    RerankReply, RerankRequest, Result, Usage, UsageFlag,
};

/// The tokens that a model adds to a query and a document, to mark where they begin and end.
const PAIR_OVERHEAD: u64 = 16;

/// How many documents one search has (Cohere's pricing: up to 100, of up to 500 tokens with the query; a longer one counts as
/// several).
const DOCUMENTS_OF_A_SEARCH: u64 = 100;
const TOKENS_OF_A_DOCUMENT: u64 = 500;

/// The most bytes of an answer beside its documents, and beside the text of one.
const BYTES_BESIDE: u64 = 2 << 20;
const BYTES_OF_A_RESULT: u64 = 1 << 10;

/// Reranking under way.
pub(in crate::client) struct Rerank {
    request: RerankRequest,
}

pub(in crate::client) struct Prepared {
    adapter: &'static dyn RerankAdapter,
    encoded: EncodedRequest,
}

/// What came of one attempt.
#[derive(Default)]
pub(in crate::client) struct Received {
    ranking: Option<DecodedRanking>,
    /// What a flawed answer says of its usage.
    usage: Option<Box<ReportedUsage>>,
    /// Whether it is certain that no model worked.
    did_no_work: bool,
    provider_request_id: Option<String>,
    rest: Option<Rest>,
}

impl Work for Rerank {
    type Reply = RerankReply;
    type Event = RerankReply;
    type Prepared = Prepared;
    type Received = Received;
    type Answer = DecodedRanking;

    const REPEATS: bool = true;
    const DRAINS: bool = true;
    const KEEPS_REPLIES: bool = true;

    fn select(&self, engine: &Engine, snapshot: &Snapshot, fallbacks: Option<&[String]>) -> Result<Selection> {
        let asked = Asked { model: self.request.model.as_deref(), capability: Capability::Rerank, fallbacks };
        whole::select(self, engine, snapshot, &asked, estimated)
    }

    fn subject(&self, options: &CallOptions) -> Result<Vec<u8>> {
        subject_of(&("rerank", &self.request), options)
    }

    /// Bounds the tokens, or the searches where the prices are of those: the query is read again with each document.
    fn estimate(&self, _config: &ModelConfig, prices: &PriceSet, _settings: &Settings, now: Timestamp) -> Estimate {
        let query = length(&self.request.query);
        let mut size = InputSize::default();
        let mut pieces = 0_u64;
        for document in &self.request.documents {
            let bytes = length(document);
            size.bound = size.bound.saturating_add(query).saturating_add(bytes).saturating_add(PAIR_OVERHEAD);
            let expected = estimate_tokens(&self.request.query).saturating_add(estimate_tokens(document));
            size.estimate = size.estimate.saturating_add(expected);
            let room = TOKENS_OF_A_DOCUMENT.saturating_sub(query).max(TOKENS_OF_A_DOCUMENT / 10);
            pieces = pieces.saturating_add(bytes.div_ceil(room).max(1));
        }
        let searches = pieces.div_ceil(DOCUMENTS_OF_A_SEARCH);
        if prices.has_price(Meter::SearchUnit) {
            return Estimate::of_input(InputSize::default(), BTreeMap::from([(Meter::SearchUnit, searches)]), now);
        }
        Estimate::of_input(size, BTreeMap::new(), now)
    }

    fn prepare(&self, line: &Line<'_>, _is_capped: bool) -> Result<Prepared> {
        let adapter = rerank_adapter(&line.target)?;
        let encoded = adapter.encode(&line.target, &self.request)?;
        Ok(Prepared { adapter, encoded })
    }

    fn receive(&self, _line: &Line<'_>, _is_limited: bool) -> Received {
        Received::default()
    }

    async fn exchange(&mut self, line: &Line<'_>, prepared: Prepared, received: &mut Received) -> Result<()> {
        let Prepared { adapter, encoded } = prepared;
        let answered = self.fetch_ranking(line, adapter, encoded, &line.progress, received).await;
        let ranking = answered.map_err(|flaw| received.note(flaw))?;
        received.ranking = Some(ranking);
        Ok(())
    }

    fn has_delivered(&self) -> bool {
        false
    }

    fn used(&self, line: &Line<'_>, account: &Account<'_>, received: &mut Received) -> Used<DecodedRanking> {
        let ranking = received.ranking.take();
        let reported = ranking.as_ref().and_then(|ranking| ranking.usage.clone());
        let reported = reported.or_else(|| received.usage.take().map(|usage| *usage));
        let is_given_up = matches!(account.ended, Ended::GivenUp | Ended::TimedOut);
        let (basis, billed_by) = match reported.filter(is_plausible) {
            Some(reported) => {
                let (usage, is_estimate) = believed(&reported, line.plan);
                let billed_by = match is_estimate {
                    true => BilledBy::Estimate,
                    false if account.is_drained => BilledBy::Drain,
                    false => BilledBy::ProviderUsage,
                };
                (Basis::Usage(usage), billed_by)
            }
            None if received.did_no_work || account.stage == Stage::NotSent => (Basis::Nothing, BilledBy::NotBilled),
            None if is_given_up && account.on_abandon == AbandonPolicy::BillReserved => {
                (Basis::Reservation, BilledBy::Reservation)
            }
            None => (Basis::Usage(estimated(&line.plan.estimate)), BilledBy::Estimate),
        };
        let mut answer = ranking.unwrap_or_default();
        answer.model = answer.model.as_deref().map(|model| line.redactor.word(model));
        Used {
            may_be_repeated: billed_by == BilledBy::NotBilled,
            basis,
            billed_by,
            served: Served { model: answer.model.clone(), ..Served::default() },
            answer,
            provider_request_id: received.provider_request_id.take(),
        }
    }

    fn reply(
        &self,
        draft: &Draft,
        request_id: &str,
        config: &ModelConfig,
        ranking: DecodedRanking,
        usage: Usage,
    ) -> Result<RerankReply> {
        let document = |index: u32| usize::try_from(index).ok().and_then(|place| self.request.documents.get(place));
        let mut results: Vec<_> = ranking
            .ranked
            .into_iter()
            .filter_map(|(index, relevance_score)| {
                Some(RankedDocument { index, relevance_score, document: document(index)?.clone() })
            })
            .collect();
        results.sort_by(|one, other| other.relevance_score.total_cmp(&one.relevance_score));
        results.truncate(self.request.top_n.map_or(usize::MAX, |most| usize::try_from(most).unwrap_or(usize::MAX)));
        Ok(RerankReply::of(draft.parts(request_id, config)?, ranking.model, usage, results))
    }

    fn rest(received: Received) -> Option<Rest> {
        received.rest
    }

    async fn replay(&mut self, _reply: &RerankReply) {}

    fn done(reply: RerankReply) -> RerankReply {
        reply
    }
}

impl Rerank {
    /// Fails with `invalid_request` if no provider could make sense of the request.
    pub(in crate::client) fn new(request: RerankRequest) -> Result<Self> {
        check_request(&request)?;
        Ok(Self { request })
    }

    async fn fetch_ranking(
        &self,
        line: &Line<'_>,
        adapter: &dyn RerankAdapter,
        encoded: EncodedRequest,
        progress: &Progress,
        received: &mut Received,
    ) -> std::result::Result<DecodedRanking, Flaw> {
        let texts = self.request.documents.iter().map(|text| length(text).saturating_mul(6) + BYTES_OF_A_RESULT);
        let most_bytes = texts.fold(BYTES_BESIDE, u64::saturating_add).min(line.engine.settings.maximum_answer_bytes);
        let target = &line.target;
        let decode_error = |head: &_, body: &[u8]| adapter.decode_error(target, head, body);
        let Document { head, body, provider_request_id, rest } =
            fetch(line, encoded, progress, most_bytes, decode_error).await?;
        received.provider_request_id = provider_request_id;
        received.rest = rest;
        let decoded = adapter.decode(target, &head, &body)?;
        let places: BTreeSet<u32> = decoded.ranked.iter().map(|(place, _)| *place).collect();
        let is_known = |place: &u32| usize::try_from(*place).is_ok_and(|place| place < self.request.documents.len());
        let problem = if decoded.ranked.is_empty() {
            "it has no results that can be read"
        } else if places.len() != decoded.ranked.len() || !places.iter().all(is_known) {
            "its results name a document twice, or one that there is not"
        } else {
            return Ok(decoded);
        };
        let flaw = Flaw::unreadable(target, &head, problem);
        Err(Flaw { usage: decoded.usage.map(Box::new), ..flaw })
    }
}

impl Received {
    /// Keeps what a flaw says of the work, and returns its error.
    fn note(&mut self, flaw: Flaw) -> Error {
        self.did_no_work = flaw.work == Done::None;
        self.usage = flaw.usage;
        flaw.error
    }
}

/// Refuses what no provider could make sense of.
fn check_request(request: &RerankRequest) -> Result<()> {
    refuse_first(&[
        (request.query.is_empty(), "`query` is empty; say what the documents are searched for"),
        (request.documents.is_empty(), "`documents` is empty; give at least one"),
        (request.top_n == Some(0), "`top_n` is zero; give at least one, or leave it out"),
    ])
}

/// Returns what is believed of a usage, and whether nothing of it is the provider's own statement.
fn believed(reported: &ReportedUsage, plan: &Plan) -> (Usage, bool) {
    // Who bills by searches has no tokens to tell.
    if reported.counts.contains_key(&Meter::SearchUnit) {
        return (without_zeros(disjoint(reported)), false);
    }
    let evidence = || Evidence { input: plan.estimate.size.estimate, output: 0, has_content: true };
    let believed = believe(reported, evidence);
    (without_zeros(believed.usage), believed.is_estimate)
}

/// Returns about what an attempt takes.
fn estimated(estimate: &Estimate) -> Usage {
    let mut usage = without_zeros(estimated_usage(estimate.size.estimate, 0));
    for (meter, most) in &estimate.counts {
        usage.meters.insert(*meter, (*most).into());
    }
    usage.flag(UsageFlag::Estimated);
    usage
}

fn length(text: &str) -> u64 {
    u64::try_from(text.len()).unwrap_or(u64::MAX)
}
