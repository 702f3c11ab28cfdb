//! The kinds of work, as siblings: the same functions in the same order, so that reading one is reading all.

pub(super) mod chat;
mod document;
pub(super) mod draft;
pub(super) mod embeddings;
pub(super) mod line;
pub(super) mod outcome;
pub(super) mod passed;
pub(super) mod plan;
pub(super) mod rerank;
pub(super) mod rest;
pub(super) mod watch;
mod whole;

use jiff::Timestamp;
use serde::Serialize;

use self::draft::{Draft, Reply};
use self::line::Line;
use self::outcome::{Account, Used};
use self::rest::Rest;
use super::engine::Engine;
use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::routing::select::Selection;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::types::{CallOptions, Error, ErrorKind, ModelConfig, Result, Usage};

/// A kind of work: what it demands, how it is exchanged, what it used, and what its reply is.
pub(super) trait Work: Send + Sync + Sized + 'static {
    /// What a call comes to.
    type Reply: Reply;
    /// What its caller is handed, on the way and at the end.
    type Event: Send + 'static;
    /// A request that is ready to be sent.
    type Prepared: Send;
    /// What came of one attempt, as far as it came.
    type Received: Send;
    /// The answer of one attempt.
    type Answer: Send;

    /// Whether an attempt that failed may be made again, or with another config.
    const REPEATS: bool;
    /// Whether an answer can be read to its end after its caller has gone.
    const DRAINS: bool;
    /// Whether an idempotency key keeps the reply.
    const KEEPS_REPLIES: bool;

    /// Returns whether it is known to cost nothing, so that it is neither held nor recorded.
    fn is_free(&self) -> bool {
        false
    }

    /// Chooses the configs that can serve.
    fn select(&self, engine: &Engine, snapshot: &Snapshot, fallbacks: Option<&[String]>) -> Result<Selection>;

    /// Returns the request as an idempotency key knows it again: with whom it is billed to, so that a key that is used for
    /// something else is refused.
    fn subject(&self, options: &CallOptions) -> Result<Vec<u8>>;

    /// Limits the output of the attempts that follow to less than was asked for, or to that again; returns whether it can be limited.
    fn limit_output(&mut self, _limit: Option<u64>) -> bool {
        false
    }

    /// Estimates what an attempt with a config takes: the least, the expected, and the most of each meter.
    fn estimate(&self, config: &ModelConfig, prices: &PriceSet, settings: &Settings, now: Timestamp) -> Estimate;

    /// Writes the request in the format of the provider. `is_capped` tells that it must bound its answer.
    fn prepare(&self, line: &Line<'_>, is_capped: bool) -> Result<Self::Prepared>;

    /// Begins to receive an answer. `is_limited` tells whether its length has a limit that the provider knows.
    fn receive(&self, line: &Line<'_>, is_limited: bool) -> Self::Received;

    /// Sends the request and reads its answer to the end.
    fn exchange(
        &mut self,
        line: &Line<'_>,
        prepared: Self::Prepared,
        received: &mut Self::Received,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Returns whether a part of an answer reached the caller: from then on no other config can take over.
    fn has_delivered(&self) -> bool;

    /// Returns what an attempt is billed by, and its answer.
    fn used(&self, line: &Line<'_>, account: &Account<'_>, received: &mut Self::Received) -> Used<Self::Answer>;

    /// Makes the reply of the attempt that answered.
    fn reply(
        &self,
        draft: &Draft,
        request_id: &str,
        config: &ModelConfig,
        answer: Self::Answer,
        usage: Usage,
    ) -> Result<Self::Reply>;

    /// Takes what may follow the answer, once it is complete.
    fn rest(received: Self::Received) -> Option<Rest>;

    /// Lets what may follow an answer come for a moment, so that its connection can be used again. Nobody waits for it.
    fn let_end(engine: &Engine, received: Self::Received) {
        if let Some(rest) = Self::rest(received) {
            rest.let_end(engine);
        }
    }

    /// Hands the reply of an earlier call over, as its own would have come.
    fn replay(&mut self, reply: &Self::Reply) -> impl Future<Output = ()> + Send;

    /// Makes the last event of a call.
    fn done(reply: Self::Reply) -> Self::Event;
}

/// Returns the bytes of a request and of whom it is billed to.
fn subject_of(request: &impl Serialize, options: &CallOptions) -> Result<Vec<u8>> {
    serde_json::to_vec(&(request, &options.user, &options.tags))
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("the request is no JSON: {error}")))
}
