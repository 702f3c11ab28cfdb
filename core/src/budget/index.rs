//! The budgets of one version of the configuration, found by what a call is.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::{Budget, Dimensions, EACH, Limit, Scope};

/// A budget that applies to a call.
#[derive(Clone, Debug)]
pub struct Applying {
    /// The budget.
    pub budget: Arc<Budget>,
    /// Which of its budgets it is, where its scope has `*`; else empty.
    pub part: String,
}

/// Budgets, of which those of a call are found without a look at all others.
#[derive(Debug, Default)]
pub struct BudgetIndex {
    by_user: HashMap<String, Vec<Arc<Budget>>>,
    by_tag: HashMap<String, HashMap<String, Vec<Arc<Budget>>>>,
    others: Vec<Arc<Budget>>,
}

impl BudgetIndex {
    /// Makes the index of all budgets.
    #[must_use]
    pub fn new(budgets: Vec<Budget>) -> Self {
        let mut index = Self::default();
        for budget in budgets {
            index.place(&budget.terms.scope).push(Arc::new(budget));
        }
        index
    }

    /// Returns where budgets of a scope stand: at one value that each of their calls has.
    fn place(&mut self, scope: &Scope) -> &mut Vec<Arc<Budget>> {
        if let Some(user) = scope.user.as_ref().filter(|user| *user != EACH) {
            return self.by_user.entry(user.clone()).or_default();
        }
        match scope.tags.iter().find(|(_, value)| *value != EACH) {
            Some((name, value)) => self.by_tag.entry(name.clone()).or_default().entry(value.clone()).or_default(),
            None => &mut self.others,
        }
    }

    fn candidates<'a>(&'a self, call: &'a Dimensions<'_>) -> impl Iterator<Item = &'a Arc<Budget>> {
        let of_user = call.user.and_then(|user| self.by_user.get(user));
        let of_tags = call.tags.iter().filter_map(|(name, value)| self.by_tag.get(name)?.get(value));
        self.others.iter().chain(of_user.into_iter().flatten()).chain(of_tags.flatten())
    }

    /// Returns the budgets that apply to a call.
    #[must_use]
    pub fn applying(&self, call: &Dimensions<'_>) -> Vec<Applying> {
        let part = |budget: &Arc<Budget>| {
            let part = budget.terms.scope.part_of(call)?;
            Some(Applying { budget: Arc::clone(budget), part })
        };
        self.candidates(call).filter_map(part).collect()
    }

    /// Returns whether a budget that passes a test applies to a call.
    pub fn any(&self, call: &Dimensions<'_>, test: impl Fn(&Limit) -> bool) -> bool {
        self.candidates(call).any(|budget| test(&budget.terms.limit) && budget.terms.scope.covers(call))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::types::{BudgetId, BudgetTerms, Enforcement, OnExceeded, Window};

    fn budget(id: u64, scope: Scope) -> Budget {
        let terms = BudgetTerms {
            scope,
            limit: Limit::Tokens(1),
            window: Window::Total,
            time_zone: "UTC".into(),
            enforcement: Enforcement::Hard,
            on_exceeded: OnExceeded::Refuse,
        };
        let at = "2026-11-22T12:00:00Z".parse().unwrap();
        Budget { id: BudgetId::new(id), terms, created_at: at, updated_at: at }
    }

    #[test]
    fn the_index_finds_what_a_look_at_every_budget_finds() {
        let tags = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let scopes = [
            Scope::everyone(),
            Scope::of_user("a"),
            Scope::of_user("b"),
            Scope::of_user(EACH),
            Scope::of_tag("team", "x"),
            Scope::of_tag("team", EACH),
            Scope { user: Some("a".into()), tags: tags(&[("team", "x"), ("project", "p")]), ..Scope::default() },
            Scope { tags: tags(&[("team", EACH), ("project", "p")]), ..Scope::default() },
            Scope { provider: Some("openai".into()), ..Scope::default() },
            Scope { model: Some("openai/m".into()), user: Some("a".into()), ..Scope::default() },
        ];
        let budgets: Vec<_> = (1..).zip(scopes).map(|(id, scope)| budget(id, scope)).collect();
        let index = BudgetIndex::new(budgets.clone());
        for user in [None, Some("a"), Some("b"), Some("c")] {
            for own in [tags(&[]), tags(&[("team", "x")]), tags(&[("project", "p"), ("team", "x")])] {
                for (provider, model) in [(None, None), (Some("openai"), Some("m")), (Some("other"), Some("m"))] {
                    let call = Dimensions { user, tags: &own, provider, model };
                    let mut found: Vec<_> = index.applying(&call).iter().map(|found| found.budget.id.get()).collect();
                    found.sort_unstable();
                    let covering = budgets.iter().filter(|budget| budget.terms.scope.covers(&call));
                    let expected: Vec<_> = covering.map(|budget| budget.id.get()).collect();
                    assert_eq!(found, expected, "{call:?}");
                    assert_eq!(index.any(&call, |_| true), !expected.is_empty());
                }
            }
        }
    }
}
