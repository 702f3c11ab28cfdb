//! What embeddings and reranking return, as they are shown.

use serde::Serialize;
use tollway::types::{self, CostStatus, Currency, Decimal, RankedDocument, Receipt, Usage, Vector};

use super::reply::attempt;
use super::{Attempt, Shown, full_name};

/// The embeddings of a call, and what they cost.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EmbedReply<'a> {
    /// One vector for each input, in the order of the inputs, all of one length.
    embeddings: &'a [Vector],
    /// The model that was asked, as `provider/model`.
    model: String,
    /// The provider that answered.
    provider: &'a str,
    /// The model that the provider says it served, which may be a dated version.
    served_model: Option<&'a str>,
    /// What the answer consumed.
    usage: &'a Usage,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    cost: Option<Decimal>,
    /// The currency of `cost`.
    currency: Option<Currency>,
    /// Where the cost of the answer comes from: `reported`, `computed`, `estimated` or `unpriced`.
    cost_status: CostStatus,
    /// One line per attempt and meter.
    receipt: &'a Receipt,
    /// Every attempt, the failed ones included, in order.
    attempts: Vec<Attempt<'a>>,
    /// The id of the call, shared by all its attempts and records.
    request_id: &'a str,
    /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
    replayed: bool,
}

impl Shown for types::EmbedReply {
    type Form<'a> = EmbedReply<'a>;

    fn shown(&self) -> EmbedReply<'_> {
        // Each field by its name, so that one that is added is not forgotten here.
        let Self {
            request_id,
            provider,
            model,
            served_model,
            embeddings,
            usage,
            cost,
            currency,
            cost_status,
            receipt,
            attempts,
            replayed,
        } = self;
        EmbedReply {
            embeddings,
            model: full_name(provider, model),
            provider,
            served_model: served_model.as_deref(),
            usage,
            cost: *cost,
            currency: *currency,
            cost_status: *cost_status,
            receipt,
            attempts: attempts.iter().map(attempt).collect(),
            request_id,
            replayed: *replayed,
        }
    }
}

/// The documents of a call in their order, and what that cost.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RerankReply<'a> {
    /// The documents, the best first.
    results: &'a [RankedDocument],
    /// The model that was asked, as `provider/model`.
    model: String,
    /// The provider that answered.
    provider: &'a str,
    /// The model that the provider says it served, which may be a dated version.
    served_model: Option<&'a str>,
    /// What the answer consumed.
    usage: &'a Usage,
    /// What all attempts cost together, in `currency`; absent if any of them has no price.
    cost: Option<Decimal>,
    /// The currency of `cost`.
    currency: Option<Currency>,
    /// Where the cost of the answer comes from: `reported`, `computed`, `estimated` or `unpriced`.
    cost_status: CostStatus,
    /// One line per attempt and meter.
    receipt: &'a Receipt,
    /// Every attempt, the failed ones included, in order.
    attempts: Vec<Attempt<'a>>,
    /// The id of the call, shared by all its attempts and records.
    request_id: &'a str,
    /// Whether an earlier call with the same idempotency key made this reply; it was billed then.
    replayed: bool,
}

impl Shown for types::RerankReply {
    type Form<'a> = RerankReply<'a>;

    fn shown(&self) -> RerankReply<'_> {
        // Each field by its name, so that one that is added is not forgotten here.
        let Self {
            request_id,
            provider,
            model,
            served_model,
            results,
            usage,
            cost,
            currency,
            cost_status,
            receipt,
            attempts,
            replayed,
        } = self;
        RerankReply {
            results,
            model: full_name(provider, model),
            provider,
            served_model: served_model.as_deref(),
            usage,
            cost: *cost,
            currency: *currency,
            cost_status: *cost_status,
            receipt,
            attempts: attempts.iter().map(attempt).collect(),
            request_id,
            replayed: *replayed,
        }
    }
}
