//! Sessions: opened with what caps them, and closed.

use std::collections::BTreeMap;

use crate::client::engine::{Tollway, invalid};
use crate::types::{
    BudgetId, BudgetTerms, Call, EACH, ErrorKind, Limit, Money, Result, Scope, Session, SessionTerms, Window,
    check_tags, session_tag, session_tags,
};

impl Tollway {
    /// Opens a session, and caps it by a budget for each limit that is given. Calls that name its path as their `sessions` are in it,
    /// in this process and in others. Opening one of the same name again changes its limits.
    ///
    /// Fails with `invalid_request` if a limit is half given or a name is wrong. A session without limits only tells its calls apart.
    pub async fn open_session(&self, terms: SessionTerms) -> Result<Session> {
        self.engine.check()?;
        let id = terms.id.clone().unwrap_or_else(|| self.engine.environment.unique_id());
        let mut path = terms.within.clone();
        path.push(id.clone());
        check_tags(&session_tags(&path)?)?;
        if path.iter().any(|id| id == EACH) {
            return Err(invalid("a session has a name of its own, and not \"*\"; leave `id` out for a new one"));
        }
        let mut budget_ids: Vec<BudgetId> = Vec::new();
        for limit in limits(&terms)? {
            let budget = BudgetTerms {
                enforcement: terms.enforcement,
                on_exceeded: terms.on_exceeded,
                ..BudgetTerms::new(scope(&path), limit, Window::Total)
            };
            budget_ids.push(self.set_budget(budget).await?);
        }
        Ok(Session { id, path, budget_ids })
    }

    /// Ends a session by its path: what caps it is deleted, and so is what caps nothing but calls in it at this depth. Its records stay.
    pub async fn close_session(&self, path: &[String]) -> Result<()> {
        let tags = session_tags(path)?;
        if path.is_empty() {
            return Err(invalid("the path of the session is empty; give what opening it returned"));
        }
        let own = scope(path);
        for status in self.budgets_of(Call { tags, ..Call::default() }).await? {
            if status.budget.terms.scope != own {
                continue;
            }
            match self.delete_budget(status.budget.id).await {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// Returns whose calls a session caps: those that have its name at its depth.
fn scope(path: &[String]) -> Scope {
    let own = path.last().map(|id| (session_tag(path.len() - 1), id.clone()));
    Scope { tags: BTreeMap::from_iter(own), ..Scope::everyone() }
}

fn limits(terms: &SessionTerms) -> Result<Vec<Limit>> {
    let money = match (terms.limit, terms.currency) {
        (Some(amount), Some(currency)) => Some(Limit::Money(Money::new(amount, currency))),
        (Some(_), None) => return Err(invalid("`limit` needs a `currency`, such as \"USD\"")),
        (None, Some(_)) => return Err(invalid("`currency` needs a `limit`, such as \"0.50\"")),
        (None, None) => None,
    };
    let tokens = terms.limit_tokens.map(Limit::Tokens);
    Ok([money, tokens, terms.limit_requests.map(Limit::Requests)].into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::testing::{Fixture, from_json};
    use serde_json::json;

    #[tokio::test]
    async fn a_session_is_capped_by_what_it_is_opened_with_until_it_is_closed() {
        let fixture = Fixture::open().await;
        let tollway = &fixture.tollway;
        let outer =
            tollway.open_session(from_json(json!({"id": "run", "limit": "0.50", "currency": "USD"}))).await.unwrap();
        assert_eq!((outer.path.as_slice(), outer.budget_ids.len()), (["run".to_owned()].as_slice(), 1));
        let again =
            tollway.open_session(from_json(json!({"id": "run", "limit": "0.70", "currency": "USD"}))).await.unwrap();
        assert_eq!(again.budget_ids, outer.budget_ids, "it is one session however often it is opened");
        let inner = json!({"within": outer.path, "limit_tokens": 10, "limit_requests": 2});
        let inner = tollway.open_session(from_json(inner)).await.unwrap();
        assert_eq!((inner.path.len(), inner.budget_ids.len()), (2, 2));
        let applying = |path: &[String]| {
            let call = Call { tags: session_tags(path).unwrap(), ..Call::default() };
            async move { tollway.budgets_of(call).await.unwrap().len() }
        };
        assert_eq!((applying(&outer.path).await, applying(&inner.path).await), (1, 3));
        tollway.close_session(&inner.path).await.unwrap();
        assert_eq!(applying(&inner.path).await, 1, "the outer one still caps it");
        tollway.close_session(&outer.path).await.unwrap();
        tollway.close_session(&outer.path).await.unwrap();
        assert!(tollway.budgets().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn half_a_limit_and_a_name_for_all_are_refused() {
        let fixture = Fixture::open().await;
        for wrong in [
            json!({"limit": "1"}),
            json!({"currency": "USD"}),
            json!({"id": ""}),
            json!({"id": "*"}),
            json!({"id": "a\nb"}),
            json!({"within": ["x".repeat(300)]}),
            json!({"limit": "-1", "currency": "USD"}),
        ] {
            let error = fixture.tollway.open_session(from_json(wrong.clone())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{wrong}");
        }
        assert!(fixture.tollway.close_session(&[]).await.is_err());
    }
}
