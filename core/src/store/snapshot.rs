//! The budgets of one version of the configuration, by scope, and the rates that they convert with.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use crate::types::{Budget, Currency, Exchange, FxRate, Scope};

/// The budgets and the exchange rates as they stood at one version of the configuration.
pub(super) struct Budgets {
    pub(super) version: u64,
    by_scope: HashMap<Scope, Vec<Budget>>,
    rates: Vec<FxRate>,
}

impl Budgets {
    pub(super) fn new(version: u64, budgets: Vec<Budget>, rates: Vec<FxRate>) -> Self {
        let mut by_scope: HashMap<Scope, Vec<Budget>> = HashMap::new();
        for budget in budgets {
            by_scope.entry(budget.terms.scope.clone()).or_default().push(budget);
        }
        Self { version, by_scope, rates }
    }

    /// Returns the rate between two currencies at an instant.
    pub(super) fn exchange(&self, from: Currency, to: Currency, at: Timestamp) -> Option<Exchange> {
        Exchange::find(&self.rates, from, to, at)
    }

    /// Returns the budgets that apply to a call: everyone's, its user's, and those of each of its tags.
    pub(super) fn applying(&self, user: Option<&str>, tags: &BTreeMap<String, String>) -> Vec<Budget> {
        if self.by_scope.is_empty() {
            return Vec::new();
        }
        let user = user.map(|user| Scope::User { user: user.to_owned() });
        let tags = tags.iter().map(|(key, value)| Scope::Tag { key: key.clone(), value: value.clone() });
        let scopes = std::iter::once(Scope::Everyone).chain(user).chain(tags);
        scopes.filter_map(|scope| self.by_scope.get(&scope)).flatten().cloned().collect()
    }
}
