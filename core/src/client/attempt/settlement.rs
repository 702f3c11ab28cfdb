//! The settlement of an attempt: the one place that makes the record of what it was and what it cost.

use std::time::Duration;

use jiff::Timestamp;

use super::pricing::Priced;
use crate::client::engine::Engine;
use crate::client::work::plan::Plan;
use crate::store::Settlement;
use crate::types::{BilledBy, RecordStatus, ReservationId};

/// How long after a call's deadline its reservation is stale, where the system does not say whether its process lives.
pub(in crate::client) const GRACE: Duration = Duration::from_mins(15);

/// What an attempt is billed, and how it ended.
pub(super) struct Ending<'a> {
    pub(super) priced: Priced,
    pub(super) billed_by: BilledBy,
    pub(super) status: RecordStatus,
    /// The code and the detail of its error.
    pub(super) error: Option<(&'a str, &'a str)>,
    /// When it ended.
    pub(super) now: Timestamp,
}

/// Makes the settlement of a reservation, without what its answer said and without an idempotency key.
pub(super) fn settlement(engine: &Engine, plan: &Plan, id: ReservationId, ending: Ending<'_>) -> Settlement {
    let Ending { priced: Priced { usage, bill, facts }, billed_by, status, error, now } = ending;
    Settlement {
        reservation_id: id,
        usage,
        facts,
        cost: bill.cost,
        cost_status: bill.cost_status,
        billed_by,
        receipt: bill.lines,
        price_ids: bill.price_ids,
        status,
        provider_request_id: None,
        served_model: None,
        error_code: error.map(|(code, _)| code.to_owned()),
        error_message: error.map(|(_, detail)| detail.to_owned()),
        latency_ms: latency_ms(engine, plan),
        completes_key: None,
        now,
    }
}

/// Returns how long an attempt has taken so far, in milliseconds.
pub(super) fn latency_ms(engine: &Engine, plan: &Plan) -> u64 {
    let latency = engine.environment.monotonic().saturating_sub(plan.started);
    u64::try_from(latency.as_millis()).unwrap_or(u64::MAX)
}
