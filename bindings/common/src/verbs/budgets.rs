//! The verbs about budgets.

use std::collections::BTreeMap;

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{
    AccountUnit, BudgetId, BudgetStatus, BudgetTerms, Call, Currency, Decimal, Enforcement, Error, ErrorKind, Limit,
    Money, OnExceeded, Quantity, Result, Scope, Window, put_labels,
};

use super::exact::Exact;
use super::table::verbs;

verbs! {
    /// Caps calls, and returns the budget's state.
    ///
    /// The cap is one of `limit` in `currency`, `limit_tokens`, `limit_requests`, and `limit` of a `meter`. It is for everyone, or for the
    /// calls that have every value that is given, of which `*` stands for a cap of its own for each. Setting the same scope, window, time
    /// zone and kind of limit again changes the limit.
    ///
    /// * `invalid_request` if the limit is missing, half given or not exact, or a name is wrong.
    "budgets.set" => set(SetArguments) -> BudgetStatus;
    /// Returns a budget with its state in the window that is running.
    ///
    /// * `not_found` if there is no such budget.
    "budgets.get"(id) => get(GetArguments) -> BudgetStatus;
    /// Returns all budgets with their state in the windows that are running, or those that a call must pass.
    "budgets.list" => list(ListArguments) -> Vec<BudgetStatus>;
    /// Deletes a budget, by its row or its id.
    ///
    /// * `not_found` if there is no such budget.
    "budgets.delete"(id) => delete(DeleteArguments) -> ();
}

/// Whose calls a budget caps, and at what: `limit` with `currency` or `meter`, `limit_tokens`, or `limit_requests`.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BudgetOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The user whose calls it caps, or `*` for each.
    #[serde(default)]
    user: Option<String>,
    /// The name and the value of a tag whose calls it caps.
    #[serde(default)]
    tag: Option<(String, String)>,
    /// The tags that its calls have, each with its value, or `*` for each.
    #[serde(default)]
    tags: BTreeMap<String, String>,
    /// The value of the tag `key`, or `*` for each.
    #[serde(default)]
    key: Option<String>,
    /// The value of the tag `team`, or `*` for each.
    #[serde(default)]
    team: Option<String>,
    /// The value of the tag `project`, or `*` for each.
    #[serde(default)]
    project: Option<String>,
    /// The value of the tag `session`, or `*` for each.
    #[serde(default)]
    session: Option<String>,
    /// The provider whose calls it caps, or `*` for each.
    #[serde(default)]
    provider: Option<String>,
    /// The model whose calls it caps, or `*` for each.
    #[serde(default)]
    model: Option<String>,
    /// The most that may be spent in a window, or used of `meter`.
    #[serde(default)]
    limit: Option<Exact>,
    /// The currency of `limit`.
    #[serde(default)]
    currency: Option<Currency>,
    /// The most tokens that may be used in a window, input and output together.
    #[serde(default)]
    limit_tokens: Option<u64>,
    /// The most calls that may be made in a window.
    #[serde(default)]
    limit_requests: Option<u64>,
    /// What `limit` counts where it is no money: `requests`, or a meter such as `image`.
    #[serde(default)]
    meter: Option<String>,
    /// When it starts again from zero: `total`, `minute`, `hour`, `day`, `week`, `month`; an ISO 8601 duration such as `PT5H` for a
    /// rolling window; or a recurrence such as `R/2026-11-15/P1M` for a calendar of its own.
    #[serde(default)]
    window: Window,
    /// The IANA time zone in which hours, days, weeks and months begin; UTC where left out.
    #[serde(default)]
    time_zone: Option<String>,
    /// Whether it refuses calls, or only counts and warns.
    #[serde(default)]
    enforcement: Enforcement,
    /// What becomes of a call that it has no room for.
    #[serde(default)]
    on_exceeded: OnExceeded,
}

/// A call, or the values of one, that budgets are asked for.
#[derive(Default, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "BudgetedCall", example = serde_json::json!({"user": "alice"}))
)]
#[serde(deny_unknown_fields, default)]
pub(super) struct OfArguments {
    /// The user.
    user: Option<String>,
    /// The tags, each with its value.
    tags: BTreeMap<String, String>,
    /// The value of the tag `key`.
    key: Option<String>,
    /// The value of the tag `team`.
    team: Option<String>,
    /// The value of the tag `project`.
    project: Option<String>,
    /// The value of the tag `session`.
    session: Option<String>,
    /// The provider.
    provider: Option<String>,
    /// The model.
    model: Option<String>,
}

/// Whose state of a budget to return.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BudgetGetOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct GetArguments {
    /// The budget.
    id: BudgetId,
    /// The call whose state it is, where the budget has `*`.
    #[serde(default)]
    of: Option<OfArguments>,
}

/// Which budgets to return.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "BudgetListOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// The call that must pass them; all where left out.
    #[serde(default)]
    of: Option<OfArguments>,
}

impl OfArguments {
    fn call(self) -> Result<Call> {
        let Self { user, mut tags, key, team, project, session, provider, model } = self;
        put_labels(&mut tags, [("key", key), ("team", team), ("project", project), ("session", session)])?;
        Ok(Call { user, tags, provider, model })
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteArguments {
    /// The budget.
    id: BudgetId,
}

impl SetArguments {
    fn terms(self) -> Result<BudgetTerms> {
        let invalid = |detail: &str| Err(Error::new(ErrorKind::InvalidRequest, format!("budgets.set: {detail}")));
        let mut tags = self.tags;
        if let Some((key, value)) = self.tag {
            tags.insert(key, value);
        }
        let labels = [("key", self.key), ("team", self.team), ("project", self.project), ("session", self.session)];
        put_labels(&mut tags, labels)?;
        let scope = Scope { user: self.user, tags, provider: self.provider, model: self.model };
        let given = [self.limit.is_some(), self.limit_tokens.is_some(), self.limit_requests.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() > 1 {
            return invalid("give one of limit, limit_tokens and limit_requests; set two budgets instead");
        }
        let limit = match (self.limit, self.currency, self.meter) {
            (Some(amount), Some(currency), None) => Limit::Money(Money::new(amount.0, currency)),
            (Some(amount), None, Some(meter)) => counted(&meter, amount.0)?,
            (Some(_), Some(_), Some(_)) => return invalid("give currency or meter, not both"),
            (Some(_), None, None) => return invalid("limit needs a currency, such as \"USD\", or a meter"),
            (None, Some(_), _) => return invalid("currency needs a limit, such as \"5.00\""),
            (None, None, Some(_)) => return invalid("meter needs a limit, such as 100"),
            (None, None, None) => match (self.limit_tokens, self.limit_requests) {
                (Some(tokens), _) => Limit::Tokens(tokens),
                (None, Some(requests)) => Limit::Requests(requests),
                (None, None) => return invalid("give limit with currency or meter, limit_tokens, or limit_requests"),
            },
        };
        let time_zone = self.time_zone.unwrap_or_else(|| "UTC".to_owned());
        let (window, enforcement, on_exceeded) = (self.window, self.enforcement, self.on_exceeded);
        Ok(BudgetTerms { scope, limit, window, time_zone, enforcement, on_exceeded })
    }
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<BudgetStatus> {
    let id = client.set_budget(arguments.terms()?).await?;
    client.budget(id, None).await
}

/// Makes the limit of what is counted by a name.
fn counted(name: &str, amount: Decimal) -> Result<Limit> {
    let invalid = |detail: String| Error::new(ErrorKind::InvalidRequest, format!("budgets.set: {detail}"));
    let unit = AccountUnit::from_name(name).ok_or_else(|| {
        invalid(format!("meter {name:?} is not known; give a meter such as \"image\", or \"requests\""))
    })?;
    let count = || match amount.to_string().parse::<u64>() {
        Ok(count) => Ok(count),
        Err(_) => Err(invalid(format!("limit {amount} must be a whole number of {unit}"))),
    };
    match unit {
        AccountUnit::Tokens => count().map(Limit::Tokens),
        AccountUnit::Requests => count().map(Limit::Requests),
        AccountUnit::Meter(meter) => Quantity::new(amount)
            .map(|quantity| Limit::Meter(meter, quantity))
            .ok_or_else(|| invalid("limit is negative; give zero or more".to_owned())),
        AccountUnit::Money(_) => Err(invalid(format!("{name:?} is a currency; give it as currency"))),
        _ => Err(invalid(format!("meter {name:?} is what quotas count; give a meter such as \"input_audio_second\""))),
    }
}

pub(super) async fn list(client: &Tollway, arguments: ListArguments) -> Result<Vec<BudgetStatus>> {
    match arguments.of {
        Some(of) => client.budgets_of(of.call()?).await,
        None => client.budgets().await,
    }
}

pub(super) async fn get(client: &Tollway, arguments: GetArguments) -> Result<BudgetStatus> {
    let call = arguments.of.map(OfArguments::call).transpose()?;
    client.budget(arguments.id, call).await
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
        assert_eq!(user.scope, Scope::of_user("alice"));
        assert_eq!(user.window, Window::Month);
        assert_eq!(user.time_zone, "UTC");
        let everyone = terms(r#"{"limit_tokens": 100}"#).unwrap();
        assert_eq!((everyone.scope, everyone.limit), (Scope::everyone(), Limit::Tokens(100)));
    }

    #[test]
    fn half_a_limit_is_refused() {
        for wrong in [
            r"{}",
            r#"{"limit": "5"}"#,
            r#"{"currency": "USD"}"#,
            r#"{"limit": 5, "currency": "USD", "limit_tokens": 5}"#,
            r#"{"limit_tokens": 5, "currency": "USD"}"#,
            r#"{"limit_requests": 5, "limit_tokens": 5}"#,
            r#"{"limit": 5, "meter": "pictures"}"#,
            r#"{"limit": 5, "meter": "USD"}"#,
            r#"{"limit": "1.5", "meter": "requests"}"#,
            r#"{"limit": 5, "meter": "image", "currency": "USD"}"#,
            r#"{"limit_tokens": 5, "team": "a", "tags": {"team": "b"}}"#,
        ] {
            assert_eq!(terms(wrong).unwrap_err().kind(), ErrorKind::InvalidRequest, "{wrong}");
        }
    }
}
