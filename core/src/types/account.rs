//! Accounts: what a ledger keeps balances of.

use std::fmt;

use super::ids::{BudgetId, PoolId, QuotaId};

/// Names an account of the ledger: a budget, a quota or a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccountId {
    /// A budget.
    Budget(BudgetId),
    /// A user's quota.
    Quota(QuotaId),
    /// A prepaid balance with a provider.
    Pool(PoolId),
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(id) => write!(formatter, "budget {id}"),
            Self::Quota(id) => write!(formatter, "quota {id}"),
            Self::Pool(id) => write!(formatter, "pool {id}"),
        }
    }
}
