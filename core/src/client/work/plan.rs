//! The plan of an attempt: what it is expected to do, fixed before it begins.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::store::ReserveRequest;
use crate::types::{CallOptions, Dimensions, ModelConfig, Money, UnpricedPolicy};

/// Returns an estimate of a call by what must be held of it, where money or anything else is capped.
pub(in crate::client) fn capped(estimate: Estimate, snapshot: &Snapshot, call: &Dimensions<'_>) -> Estimate {
    let estimate = if snapshot.caps_money(call) { estimate.under_cap() } else { estimate };
    if snapshot.is_capped(call) { estimate.within_injected_limit() } else { estimate }
}

/// Returns what becomes of a call that has no price, where that was chosen.
pub(in crate::client) fn on_unpriced(options: &CallOptions, settings: &Settings) -> Option<UnpricedPolicy> {
    options.on_unpriced.or(settings.on_unpriced)
}

/// What an attempt with a config would hold at an instant, apart from what tells one attempt from another.
pub(in crate::client) fn reservation_of(
    options: &CallOptions,
    settings: &Settings,
    config: &ModelConfig,
    (estimate, worst_case): (&Estimate, Option<Money>),
    now: Timestamp,
) -> ReserveRequest {
    ReserveRequest {
        request_id: String::new(),
        attempt: 1,
        record_uid: String::new(),
        user: options.user.clone(),
        tags: options.tags.clone(),
        model_config_id: config.id,
        provider: config.provider.clone(),
        model: config.model_name.clone(),
        capability: config.capability,
        worst_case,
        worst_case_tokens: estimate.most_tokens(),
        worst_case_meters: estimate.most_meters(),
        on_unpriced: on_unpriced(options, settings),
        planned_with: None,
        now,
        expires_at: now,
    }
}

/// What an attempt is expected to do, fixed before it begins: the prices stay those of its first instant.
pub(in crate::client) struct Plan {
    pub(in crate::client) config: Arc<ModelConfig>,
    pub(in crate::client) prices: PriceSet,
    pub(in crate::client) estimate: Estimate,
    pub(in crate::client) worst_case: Option<Money>,
    pub(in crate::client) record_uid: String,
    pub(in crate::client) number: u32,
    /// The monotonic instant at which it began.
    pub(in crate::client) started: Duration,
}
