//! The budgets of one version of the configuration, by scope.

use std::collections::{BTreeMap, HashMap};

use crate::types::{Budget, Scope};

/// The budgets as they stood at one version of the configuration.
pub(super) struct Budgets {
    pub(super) version: u64,
    by_scope: HashMap<Scope, Vec<Budget>>,
}

impl Budgets {
    pub(super) fn new(version: u64, budgets: Vec<Budget>) -> Self {
        let mut by_scope: HashMap<Scope, Vec<Budget>> = HashMap::new();
        for budget in budgets {
            by_scope.entry(budget.terms.scope.clone()).or_default().push(budget);
        }
        Self { version, by_scope }
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

/// Tells whether a scope covers a call.
pub(super) fn covers<'a>(
    scope: &Scope,
    user: Option<&str>,
    mut tags: impl Iterator<Item = (&'a String, &'a String)>,
) -> bool {
    match scope {
        Scope::Everyone => true,
        Scope::User { user: capped } => user == Some(capped),
        Scope::Tag { key, value } => tags.any(|tag| tag == (key, value)),
    }
}
