//! Receipts: the lines of what a call cost.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::currency::Currency;
use super::error::Result;
use super::ids::PriceId;
use super::meter::Meter;
use super::money::Totals;
use super::quantity::Quantity;
use super::unit::Unit;

/// Where a cost comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "usage")))]
#[serde(rename_all = "snake_case")]
pub enum CostStatus {
    /// The provider stated it.
    Reported,
    /// It is reported usage times prices in force.
    Computed,
    /// Its quantities are estimates, or it is a whole reservation.
    Estimated,
    /// There is no price; the cost is unknown, which is not zero.
    Unpriced,
}

impl CostStatus {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Computed => "computed",
            Self::Estimated => "estimated",
            Self::Unpriced => "unpriced",
        }
    }
}

/// When the cost that a provider states in its answer is billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReportedCostPolicy {
    /// Where no price of the user's makes the cost: over a catalog's or an imported price, and where there is none.
    #[default]
    OverCatalog,
    /// Wherever it is stated.
    Always,
    /// Never: the prices make the cost, or it is unpriced.
    Never,
}

/// A modifier that multiplied an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppliedModifier {
    /// The name of its kind.
    pub group: String,
    /// What it multiplied by.
    pub ratio: Decimal,
    /// The price row, as it was in force.
    pub price_id: Option<PriceId>,
}

/// One line: a quantity of one meter in one attempt, at one price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ReceiptLine {
    /// The attempt, from 1.
    pub attempt: u32,
    /// `provider/model` of the attempt.
    pub model: String,
    /// The meter; absent on a line that the provider's reported cost makes.
    pub meter: Option<Meter>,
    /// What the line is for where the meter alone does not say it: `reported cost`, `reservation`, `bound`, or an iteration's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The quantity of the meter.
    pub quantity: Quantity,
    /// The quantity that is billed, where the price rounds it; else it is the quantity itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_quantity: Option<Quantity>,
    /// The price of one unit.
    pub unit_price: Option<Decimal>,
    /// The unit that the price counts in.
    pub unit: Option<Unit>,
    /// The price row, as it was in force.
    pub price_id: Option<PriceId>,
    /// The modifiers that multiplied the amount, in the order in which they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub modifiers: Vec<AppliedModifier>,
    /// The amount; absent if the meter has no price. It is exact unless the record is flagged as rounded.
    pub amount: Option<Decimal>,
    /// The currency of the amount.
    pub currency: Option<Currency>,
}

/// The lines of a call, in the order of attempts and meters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "receipts")))]
pub struct Receipt {
    /// The lines.
    pub lines: Vec<ReceiptLine>,
    /// The sum of the lines, per currency.
    pub totals: Totals,
}

impl Receipt {
    /// Makes a receipt of lines and sums them exactly.
    pub fn from_lines(lines: Vec<ReceiptLine>) -> Result<Self> {
        let mut totals = Totals::default();
        for line in &lines {
            if let (Some(amount), Some(currency)) = (line.amount, line.currency) {
                totals.add(super::money::Money::new(amount, currency))?;
            }
        }
        Ok(Self { lines, totals })
    }
}
