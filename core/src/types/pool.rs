//! Pools: money that was paid to a provider in advance, which its calls use up.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;

use super::currency::Currency;
use super::ids::{PoolId, RechargeId};

/// What a pool says, apart from its identity. Provider and currency together are unique.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolTerms {
    /// The provider that was paid.
    pub provider: String,
    /// The currency of its amounts.
    pub currency: Currency,
    /// What it warns below; absent where it never does.
    #[serde(with = "super::decimal_text::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Decimal>"))]
    pub low_water: Option<Decimal>,
}

/// A row of `provider_resource_pool`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Pool {
    /// The row.
    pub id: PoolId,
    /// Its terms.
    #[serde(flatten)]
    pub terms: PoolTerms,
    /// When the row was written.
    pub created_at: Timestamp,
    /// When the row was last changed.
    pub updated_at: Timestamp,
}

/// A pool with what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Pool"))]
pub struct PoolStatus {
    /// The pool.
    #[serde(flatten)]
    pub pool: Pool,
    /// What was recharged less what settled calls cost. It is below zero where they cost more.
    pub balance: Decimal,
    /// What calls under way hold.
    pub reserved: Decimal,
    /// The balance less what is reserved.
    pub remaining: Decimal,
    /// How many calls without a price keep the pool closed (see `UnpricedPolicy::Hold`).
    pub holds: u64,
    /// Whether the balance is below the low-water mark.
    pub is_low: bool,
}

/// A row of `resource_pool_recharge`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolRecharge {
    /// The row.
    pub id: RechargeId,
    /// The pool.
    pub pool_id: PoolId,
    /// The provider of the pool.
    pub provider: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// What was paid; below zero where an earlier recharge is corrected.
    pub amount: Decimal,
    /// The balance of the pool after it.
    pub balance_after: Decimal,
    /// Who entered it.
    pub operator: Option<String>,
    /// A note.
    pub remark: Option<String>,
    /// The order that it pays. A recharge of the same order is made once.
    pub order_id: Option<String>,
    /// When it was entered.
    pub created_at: Timestamp,
}

/// A recharge to enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecharge {
    /// The provider of the pool.
    pub provider: String,
    /// The currency of the pool.
    pub currency: Currency,
    /// What was paid, in that currency; below zero to correct an earlier one.
    pub amount: Decimal,
    /// Who enters it.
    pub operator: Option<String>,
    /// A note.
    pub remark: Option<String>,
    /// The order that it pays.
    pub order_id: Option<String>,
}
