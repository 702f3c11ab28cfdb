//! Settlements, and what corrects them later.

use jiff::Timestamp;

use crate::types::{BilledBy, CostStatus, Facts, Money, PriceId, ReceiptLine, RecordStatus, ReservationId, Usage};

/// The end of an attempt, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Settlement {
    /// The reservation. Where it was settled before, nothing is written again; what recovery wrote for it is corrected.
    pub reservation_id: ReservationId,
    /// What it consumed.
    pub usage: Usage,
    /// What it was, as far as prices depend on it.
    pub facts: Facts,
    /// What it cost; absent if unpriced.
    pub cost: Option<Money>,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// What produced the number.
    pub billed_by: BilledBy,
    /// The lines of the cost.
    pub receipt: Vec<ReceiptLine>,
    /// The price rows that were applied.
    pub price_ids: Vec<PriceId>,
    /// How it ended.
    pub status: RecordStatus,
    /// The provider's id of the request.
    pub provider_request_id: Option<String>,
    /// The model that the provider says it served.
    pub served_model: Option<String>,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// The error's sentence.
    pub error_message: Option<String>,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
    /// The idempotency key that this attempt completes, and the sealed reply that it returns from now on.
    pub completes_key: Option<(String, Vec<u8>)>,
    /// The instant.
    pub now: Timestamp,
}

/// A correction of a record's cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// The record that is corrected.
    pub adjusts: String,
    /// The cost that it and its corrections are to sum to, in the currency of its own.
    pub cost: Money,
    /// The price rows that make that cost.
    pub price_ids: Vec<PriceId>,
    /// The uid that the correction will have.
    pub record_uid: String,
    /// The instant.
    pub now: Timestamp,
}
