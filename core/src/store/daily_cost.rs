//! The daily rollup, as it is read.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::types::{Currency, Meter, ModelId, Quantity};

/// A row of `ai_cost_daily`: what one model consumed in one UTC day, in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyCost {
    /// The UTC day.
    pub day: Date,
    /// The provider's name.
    pub provider: String,
    /// The billing id.
    pub model_id: ModelId,
    /// The model's name at the provider.
    pub model: String,
    /// The kind of work.
    pub usage_type: String,
    /// The currency of the cost; absent for records without one.
    pub currency: Option<Currency>,
    /// The exact sum of the costs, adjustments included.
    pub cost: Decimal,
    /// The sum of each meter.
    pub meters: BTreeMap<Meter, Quantity>,
    /// How many attempts were recorded; an adjustment is none.
    pub calls: u64,
    /// How many of them have no price.
    pub unpriced_calls: u64,
    /// The cost statuses that occur.
    pub cost_statuses: BTreeSet<String>,
}
