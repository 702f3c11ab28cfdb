//! The verbs about budgets.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{
    BudgetId, BudgetStatus, BudgetTerms, Currency, Error, ErrorKind, Limit, Money, Result, Scope, Window,
};

use super::NoArguments;
use super::exact::Exact;

/// Either `limit` with `currency`, or `limit_tokens`; for `user`, for `tag`, or for everyone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    tag: Option<TagArguments>,
    #[serde(default)]
    limit: Option<Exact>,
    #[serde(default)]
    currency: Option<Currency>,
    #[serde(default)]
    limit_tokens: Option<u64>,
    #[serde(default)]
    window: Window,
    #[serde(default)]
    time_zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TagArguments {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    id: BudgetId,
}

impl SetArguments {
    fn terms(self) -> Result<BudgetTerms> {
        let invalid = |detail: &str| Err(Error::new(ErrorKind::InvalidRequest, format!("budgets.set: {detail}")));
        let scope = match (self.user, self.tag) {
            (Some(user), None) => Scope::User { user },
            (None, Some(TagArguments { key, value })) => Scope::Tag { key, value },
            (None, None) => Scope::Everyone,
            (Some(_), Some(_)) => {
                return invalid("give user or tag, not both; a call must pass each budget that applies");
            }
        };
        let limit = match (self.limit, self.currency, self.limit_tokens) {
            (Some(amount), Some(currency), None) => Limit::Money(Money::new(amount.0, currency)),
            (None, None, Some(tokens)) => Limit::Tokens(tokens),
            (Some(_), None, None) => return invalid("limit needs a currency, such as \"USD\""),
            (None, Some(_), _) => return invalid("currency needs a limit, such as \"5.00\""),
            (Some(_), _, Some(_)) => return invalid("give limit or limit_tokens, not both; set two budgets instead"),
            (None, None, None) => return invalid("give limit with currency, or limit_tokens"),
        };
        let time_zone = self.time_zone.unwrap_or_else(|| "UTC".to_owned());
        Ok(BudgetTerms { scope, limit, window: self.window, time_zone })
    }
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<BudgetStatus> {
    let id = client.set_budget(arguments.terms()?).await?;
    let budgets = client.budgets().await?;
    budgets.into_iter().find(|status| status.budget.id == id).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("budget {id} was set, and then deleted by someone else at once"))
    })
}

pub(super) async fn list(client: &Tollway, _: NoArguments) -> Result<Vec<BudgetStatus>> {
    client.budgets().await
}

pub(super) async fn delete(client: &Tollway, arguments: DeleteArguments) -> Result<()> {
    client.delete_budget(arguments.id).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Result<BudgetTerms> {
        serde_json::from_str::<SetArguments>(text).unwrap().terms()
    }

    #[test]
    fn scope_and_limit_follow_from_what_is_given() {
        let user = terms(r#"{"user": "alice", "limit": "5.00", "currency": "USD", "window": "month"}"#).unwrap();
        assert_eq!(user.scope, Scope::User { user: "alice".to_owned() });
        assert_eq!(user.window, Window::Month);
        assert_eq!(user.time_zone, "UTC");
        let everyone = terms(r#"{"limit_tokens": 100}"#).unwrap();
        assert_eq!((everyone.scope, everyone.limit), (Scope::Everyone, Limit::Tokens(100)));
    }

    #[test]
    fn half_a_limit_is_refused() {
        for wrong in [
            r"{}",
            r#"{"limit": "5"}"#,
            r#"{"currency": "USD"}"#,
            r#"{"limit": 5, "currency": "USD", "limit_tokens": 5}"#,
            r#"{"limit_tokens": 5, "currency": "USD"}"#,
            r#"{"user": "a", "tag": {"key": "k", "value": "v"}, "limit_tokens": 5}"#,
        ] {
            assert_eq!(terms(wrong).unwrap_err().kind(), ErrorKind::InvalidRequest, "{wrong}");
        }
    }
}
