//! Reservations: what an attempt may cost, and what is held for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::budget::admission::Demand;
use crate::types::{
    AccountId, AccountUnit, Capability, Dimensions, Exchange, Meter, ModelConfigId, Money, ReservationId,
    UnpricedPolicy,
};

/// The worst case of an attempt, to be held.
#[derive(Clone, Debug, PartialEq)]
pub struct ReserveRequest {
    /// The id of the call.
    pub request_id: String,
    /// The place among the call's attempts, from 1.
    pub attempt: u32,
    /// The uid that the attempt's record will have.
    pub record_uid: String,
    /// Whom it is billed to.
    pub user: Option<String>,
    /// The labels of the call.
    pub tags: BTreeMap<String, String>,
    /// The config that was picked.
    pub model_config_id: ModelConfigId,
    /// The provider's name.
    pub provider: String,
    /// The model's name at the provider.
    pub model: String,
    /// What it can make.
    pub capability: Capability,
    /// The most that it can cost; absent if it has no price.
    pub worst_case: Option<Money>,
    /// The most tokens that it can consume; absent if that is not known.
    pub worst_case_tokens: Option<u64>,
    /// The most that it can consume of each meter; what is not in it is none of its work. Absent if that is not known.
    pub worst_case_meters: Option<BTreeMap<Meter, u64>>,
    /// What to do without a price; where absent, refuse if a money budget applies.
    pub on_unpriced: Option<UnpricedPolicy>,
    /// The version of the configuration that it was planned with; absent where any will do. It is not kept.
    pub planned_with: Option<u64>,
    /// The instant.
    pub now: Timestamp,
    /// When the reservation is stale, where the system does not say whether its process lives.
    pub expires_at: Timestamp,
}

impl ReserveRequest {
    /// Returns what scopes see of it.
    #[must_use]
    pub fn dimensions(&self) -> Dimensions<'_> {
        Dimensions {
            user: self.user.as_deref(),
            tags: &self.tags,
            provider: Some(&self.provider),
            model: Some(&self.model),
        }
    }

    /// Returns what it asks of budgets.
    #[must_use]
    pub fn demand(&self) -> Demand<'_> {
        Demand {
            provider: &self.provider,
            model: &self.model,
            model_config_id: self.model_config_id,
            worst_case: self.worst_case,
            worst_case_tokens: self.worst_case_tokens,
            worst_case_meters: self.worst_case_meters.as_ref(),
            on_unpriced: self.on_unpriced,
        }
    }
}

/// A row of `reservations`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reservation {
    /// The row.
    pub id: ReservationId,
    /// The open handle that made it, or that asks its provider for the job.
    pub session: u64,
    /// What was asked for.
    pub request: ReserveRequest,
    /// What is held in each account that applies.
    pub holds: Vec<Hold>,
    /// What its provider calls the work, where that goes on without the process: a job, which recovery leaves alone.
    pub job_id: Option<String>,
}

/// What a reservation holds, or a record moved, in one bucket of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The account.
    pub account: AccountId,
    /// Which of its budgets it is, where its scope has `*`; else empty.
    pub part: String,
    /// The first instant of the bucket; absent for a total.
    pub bucket: Option<Timestamp>,
    /// What is counted.
    pub unit: AccountUnit,
    /// What is held, or was moved.
    pub amount: Decimal,
    /// Whether the account is closed until the record is priced.
    pub closes: bool,
    /// The rate that turns the price's currency into the account's, frozen when the hold was made.
    pub exchange: Option<Exchange>,
}
