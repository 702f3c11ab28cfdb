//! What operations return.

use crate::types::{
    BudgetId, FxRate, ModelConfigId, ModelId, Money, Package, PoolId, PoolRecharge, PriceId, QuotaId, ReservationId,
    UsageRecordId,
};

/// What an operation returns.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing to return.
    Done,
    /// The id that a new config will have.
    ModelConfigIdTaken(ModelConfigId),
    /// The id of the new config.
    ModelConfigAdded(ModelConfigId),
    /// The ids of the new prices, in the order given.
    PricesAdded(Vec<PriceId>),
    /// The row of the new rate.
    FxRateAdded(FxRate),
    /// By how much the cost was corrected; zero if it was right already.
    Adjusted(Money),
    /// The id of the budget.
    BudgetPut(BudgetId),
    /// The id of the pool.
    PoolPut(PoolId),
    /// The recharge that was entered, now or before.
    PoolRecharged(Box<PoolRecharge>),
    /// The id of the quota.
    QuotaPut(QuotaId),
    /// The package as it stands now.
    Package(Box<Package>),
    /// What was held.
    Reserved(Reserved),
    /// Nothing was held, because the configuration that it was planned with has been replaced.
    Superseded,
    /// What was written.
    Settled(Settled),
    /// What the key stands for.
    KeyClaim(KeyClaim),
    /// Whether this handle is the one that asks for the job.
    JobTaken(bool),
    /// How many reservations were settled.
    Recovered(u64),
    /// Whether more records wait to be added to the rollups.
    Digested {
        /// Whether they do.
        more: bool,
    },
    /// How many records left the file.
    Forgotten(u64),
}

/// A reservation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// The row.
    pub id: ReservationId,
    /// Whether any budget, quota or pool applies that refuses calls, so that the bound must be enforced.
    pub budgets_apply: bool,
}

/// A settlement that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The record.
    pub record_id: UsageRecordId,
    /// The billing id.
    pub model_id: ModelId,
}

/// What an idempotency key stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyClaim {
    /// It is this call's now.
    Claimed,
    /// Another call that has not ended holds it.
    InFlight,
    /// A call completed with it; this is its sealed reply.
    Completed(Vec<u8>),
}
