//! Quotes: what a request would cost with each candidate, before it is sent.

use rust_decimal::Decimal;
use serde::Serialize;

use super::budget::Limit;
use super::currency::Currency;
use super::ids::{BudgetId, ModelConfigId};
use super::receipt::ReceiptLine;
use super::scope::Scope;
use super::window::Window;

/// What a request would cost, and the way that it would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Quote {
    /// The candidates in the order in which a call would try them now: those that budgets, quotas and pools admit, by name.
    pub route: Vec<String>,
    /// What each candidate would cost, in the order of the route's strategy.
    pub candidates: Vec<CandidateQuote>,
    /// The configs that are no candidates, with the reason.
    pub passed_over: Vec<PassedOver>,
}

/// What a request would cost with one model config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CandidateQuote {
    /// The alias of the config, or `provider/model`.
    pub model: String,
    /// The config.
    pub model_config_id: ModelConfigId,
    /// The currency of its prices; absent if it has none in force.
    pub currency: Option<Currency>,
    /// The least that this input costs: all of it read from the provider's cache, and one token of output.
    pub minimum: Option<QuotedCost>,
    /// What it is expected to cost: the input as estimated, an ordinary answer, and the cache as this process knows it.
    pub expected: Option<QuotedCost>,
    /// The most that it can cost: what a call would hold.
    pub worst: Option<QuotedCost>,
    /// Why it has no price, where it has none.
    pub unpriced: Option<String>,
    /// The budgets that apply, by id.
    pub budgets: Vec<BudgetQuote>,
    /// Why the user's quotas or the provider's pools would not admit it; absent where they would.
    pub refusal: Option<String>,
    /// Whether every budget, quota and pool admits it.
    pub admitted: bool,
}

/// An amount, and the lines that make it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct QuotedCost {
    /// The amount, in the currency of the candidate.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub amount: Decimal,
    /// The lines.
    pub lines: Vec<ReceiptLine>,
}

/// What one budget says of a candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BudgetQuote {
    /// The budget.
    pub budget_id: BudgetId,
    /// Whose calls it caps.
    #[serde(flatten)]
    pub scope: Scope,
    /// How long it runs.
    pub window: Window,
    /// What may be used in a window.
    #[serde(flatten)]
    pub limit: Limit,
    /// What is left of it now, in its own currency or in tokens.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub remaining: Decimal,
    /// What the call would hold of it, in its own currency or in tokens; absent if that is not known.
    #[serde(with = "super::decimal_text::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Decimal>"))]
    pub needed: Option<Decimal>,
    /// Whether it would admit the call.
    pub admits: bool,
    /// Why not, where it would not.
    pub reason: Option<String>,
}

/// A config that is no candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PassedOver {
    /// The alias of the config, or its name.
    pub model: String,
    /// Why it is none.
    pub reason: String,
}
