//! Exchange rates to be added.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::types::Currency;

/// An exchange rate to be added; the store gives it an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFxRate {
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it becomes.
    pub to: Currency,
    /// How many of `to` one of `from` is; above zero.
    pub rate: Decimal,
    /// The first instant at which it applies.
    pub effective_date: Timestamp,
    /// Where the rate comes from.
    pub source: String,
}
