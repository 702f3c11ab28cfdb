//! The budgets of one version of the configuration, by scope, its pools and quotas, and the rates that they convert with.

use jiff::Timestamp;

use crate::budget::index::{Applying, BudgetIndex};
use crate::budget::provisions::Provisions;
use crate::types::{Budget, Currency, Dimensions, Exchange, FxRate};

/// The budgets, the pools, the quotas and the exchange rates as they stood at one version of the configuration.
pub(super) struct Budgets {
    pub(super) version: u64,
    index: BudgetIndex,
    pub(super) provisions: Provisions,
    rates: Vec<FxRate>,
}

impl Budgets {
    pub(super) fn new(version: u64, budgets: Vec<Budget>, provisions: Provisions, rates: Vec<FxRate>) -> Self {
        Self { version, index: BudgetIndex::new(budgets), provisions, rates }
    }

    /// Returns the rate between two currencies at an instant.
    pub(super) fn exchange(&self, from: Currency, to: Currency, at: Timestamp) -> Option<Exchange> {
        Exchange::find(&self.rates, from, to, at)
    }

    /// Returns the budgets that apply to a call.
    pub(super) fn applying(&self, call: &Dimensions<'_>) -> Vec<Applying> {
        self.index.applying(call)
    }
}
