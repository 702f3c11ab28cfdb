//! The verbs about pools.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Currency, NewRecharge, PoolRecharge, PoolStatus, PoolTerms, Result};

use super::exact::Exact;
use super::table::verbs;

verbs! {
    /// Makes a pool of a provider in a currency, or changes its low-water mark, and returns its state.
    ///
    /// * `invalid_request` if the mark is not exact or a name is wrong.
    "pools.set"(provider, currency) => set(SetArguments) -> PoolStatus;
    /// Adds what was paid to the provider in advance. The same order again is the same recharge.
    ///
    /// * `not_found` if there is no such pool.
    /// * `idempotency_conflict` if the order was for another amount.
    "pools.recharge"(provider, currency, amount) => recharge(RechargeArguments) -> PoolRecharge;
    /// Returns a pool with its balance.
    ///
    /// * `not_found` if there is no such pool.
    "pools.get"(provider, currency) => get(OneArguments) -> PoolStatus;
    /// Returns all pools, or those of a provider, with their balances.
    "pools.list"(provider) => list(ListArguments) -> Vec<PoolStatus>;
    /// Returns what was paid into the pools, or into those of a provider, in order.
    "pools.recharges"(provider) => recharges(ListArguments) -> Vec<PoolRecharge>;
    /// Deletes a pool; its recharges stay.
    ///
    /// * `not_found` if there is no such pool.
    "pools.delete"(provider, currency) => delete(OneArguments) -> ();
}

/// A pool of a provider.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PoolOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct SetArguments {
    /// The provider.
    provider: String,
    /// The currency.
    currency: Currency,
    /// The balance below which it warns.
    #[serde(default)]
    low_water: Option<Exact>,
}

/// What is paid in.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RechargeOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct RechargeArguments {
    /// The provider.
    provider: String,
    /// The currency.
    currency: Currency,
    /// The amount, above zero.
    amount: Exact,
    /// Who did it.
    #[serde(default)]
    operator: Option<String>,
    /// A note.
    #[serde(default)]
    remark: Option<String>,
    /// The order. The same one again changes nothing; with other contents it is refused.
    #[serde(default)]
    order_id: Option<String>,
}

/// The pool.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PoolName"))]
#[serde(deny_unknown_fields)]
pub(super) struct OneArguments {
    /// The provider.
    provider: String,
    /// The currency.
    currency: Currency,
}

/// Whose pools.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PoolSelection"))]
#[serde(deny_unknown_fields)]
pub(super) struct ListArguments {
    /// The provider.
    #[serde(default)]
    provider: Option<String>,
}

pub(super) async fn set(client: &Tollway, arguments: SetArguments) -> Result<PoolStatus> {
    let SetArguments { provider, currency, low_water } = arguments;
    client.set_pool(PoolTerms { provider, currency, low_water: low_water.map(|mark| mark.0) }).await
}

pub(super) async fn recharge(client: &Tollway, arguments: RechargeArguments) -> Result<PoolRecharge> {
    let RechargeArguments { provider, currency, amount, operator, remark, order_id } = arguments;
    client.recharge_pool(NewRecharge { provider, currency, amount: amount.0, operator, remark, order_id }).await
}

pub(super) async fn get(client: &Tollway, arguments: OneArguments) -> Result<PoolStatus> {
    client.pool(&arguments.provider, arguments.currency).await
}

pub(super) async fn list(client: &Tollway, arguments: ListArguments) -> Result<Vec<PoolStatus>> {
    client.pools(arguments.provider.as_deref()).await
}

pub(super) async fn recharges(client: &Tollway, arguments: ListArguments) -> Result<Vec<PoolRecharge>> {
    client.pool_recharges(arguments.provider.as_deref()).await
}

pub(super) async fn delete(client: &Tollway, arguments: OneArguments) -> Result<()> {
    client.delete_pool(&arguments.provider, arguments.currency).await
}
