//! The plan of an attempt: what it is expected to do, fixed before it begins.

use std::sync::Arc;
use std::time::Duration;

use crate::billing::estimate::Estimate;
use crate::billing::price::PriceSet;
use crate::types::{ModelConfig, Money};

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
