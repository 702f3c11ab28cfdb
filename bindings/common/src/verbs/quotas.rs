//! The verbs about quotas.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Decimal, QuotaEnforcement, QuotaStatus, QuotaTerms, QuotaTransaction, QuotaType, Result};

use super::exact::Exact;
use super::table::verbs;

verbs! {
    /// Sets the monthly allowance of a user, and returns the quota's state. Setting it again changes the allowance.
    ///
    /// * `invalid_request` if an amount is not exact or a name is wrong.
    "quotas.set"(user, quota_type) => set(SetArguments) -> QuotaStatus;
    /// Grants a user a quantity, which is used after the month's allowance, and returns the quota's state.
    ///
    /// * `not_found` if the user has no such quota.
    "quotas.grant"(user, quota_type, amount) => grant(GrantArguments) -> QuotaStatus;
    /// Returns a user's quota with its state in the month that is running.
    ///
    /// * `not_found` if the user has no such quota.
    "quotas.get"(user, quota_type) => get(OneArguments) -> QuotaStatus;
    /// Returns all quotas, or those of a user, with their state in the month that is running.
    "quotas.list"(user) => list(OfUserArguments) -> Vec<QuotaStatus>;
    /// Returns what moved quotas, in order: grants, purchases, refunds, and what calls consumed.
    "quotas.transactions" => transactions(TransactionsArguments) -> Vec<QuotaTransaction>;
}

/// What a user may use each month.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "QuotaOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The user.
    user: String,
    /// What is counted: `text_token`, `image`, `audio` in minutes, or `video` in seconds.
    quota_type: QuotaType,
    /// What may be used in each month; nothing where left out.
    #[serde(default)]
    monthly: Option<Exact>,
    /// The IANA time zone that months begin in; UTC where left out.
    #[serde(default)]
    time_zone: Option<String>,
    /// Whether it refuses calls, only records what they use, or lets the provider's pool pay when it is used up.
    #[serde(default)]
    enforcement: QuotaEnforcement,
}

/// A quantity that a user keeps until it is used.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "QuotaGrant"))]
#[serde(deny_unknown_fields)]
pub(super) struct GrantArguments {
    /// The user.
    user: String,
    /// What is counted: `text_token`, `image`, `audio` in minutes, or `video` in seconds.
    quota_type: QuotaType,
    /// The amount, above zero.
    amount: Exact,
    /// A note.
    #[serde(default)]
    remark: Option<String>,
}

/// The quota.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "QuotaName"))]
#[serde(deny_unknown_fields)]
pub(super) struct OneArguments {
    /// The user.
    user: String,
    /// What is counted: `text_token`, `image`, `audio` in minutes, or `video` in seconds.
    quota_type: QuotaType,
}

/// Whose quotas.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "QuotaSelection"))]
#[serde(deny_unknown_fields)]
pub(super) struct OfUserArguments {
    /// The user.
    #[serde(default)]
    user: Option<String>,
}

/// Which transactions.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "QuotaTransactionSelection"))]
#[serde(deny_unknown_fields)]
pub(super) struct TransactionsArguments {
    /// The user.
    #[serde(default)]
    user: Option<String>,
    /// What is counted: `text_token`, `image`, `audio` in minutes, or `video` in seconds.
    #[serde(default)]
    quota_type: Option<QuotaType>,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<QuotaStatus> {
    let SetArguments { user, quota_type, monthly, time_zone, enforcement } = arguments;
    let monthly = monthly.map_or(Decimal::ZERO, |monthly| monthly.0);
    let time_zone = time_zone.unwrap_or_else(|| "UTC".to_owned());
    client.set_quota(QuotaTerms { user, quota_type, monthly, time_zone, enforcement }).await
}

pub(super) async fn grant(client: &Tollway, arguments: GrantArguments) -> Result<QuotaStatus> {
    let GrantArguments { user, quota_type, amount, remark } = arguments;
    client.grant_quota(&user, quota_type, amount.0, remark).await
}

pub(super) async fn get(client: &Tollway, arguments: OneArguments) -> Result<QuotaStatus> {
    client.quota(&arguments.user, arguments.quota_type).await
}

pub(super) async fn list(client: &Tollway, arguments: OfUserArguments) -> Result<Vec<QuotaStatus>> {
    client.quotas(arguments.user).await
}

pub(super) async fn transactions(client: &Tollway, arguments: TransactionsArguments) -> Result<Vec<QuotaTransaction>> {
    client.quota_transactions(arguments.user, arguments.quota_type).await
}
