//! The attempts of a call.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::ids::{ModelConfigId, ModelId};
use super::receipt::CostStatus;
use super::record_status::RecordStatus;

/// One attempt of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The place among the attempts, from 1.
    pub number: u32,
    /// The provider that was asked.
    pub provider: String,
    /// The model that was asked.
    pub model: String,
    /// The config that was picked: the pricing id.
    pub model_config_id: ModelConfigId,
    /// The model that is billed: the billing id.
    pub model_id: Option<ModelId>,
    /// The usage record of the attempt (UUIDv7).
    pub record_uid: String,
    /// How it ended.
    pub status: RecordStatus,
    /// The code of the error that ended it.
    pub error_code: Option<String>,
    /// What it cost.
    pub cost: Option<Decimal>,
    /// The currency of `cost`.
    pub currency: Option<Currency>,
    /// Where the cost comes from.
    pub cost_status: CostStatus,
    /// How long it took, in milliseconds.
    pub latency_ms: u64,
}
