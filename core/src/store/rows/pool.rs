//! Rows of pools and of their recharges.

use super::rows;
use crate::store::codec::{DecimalBytes, Row, currency, decimal, time};
use crate::types::{Pool, PoolId, PoolRecharge, PoolTerms, RechargeId, Result};

rows! {
    /// A row of `provider_resource_pool`.
    PoolRow in "provider_resource_pool" {
        provider: String,
        currency: String,
        low_water: Option<DecimalBytes>,
        created_at: i64,
        updated_at: i64,
    }
    /// A row of `resource_pool_recharge`.
    RechargeRow in "resource_pool_recharge" {
        pool_id: u64,
        provider: String,
        currency: String,
        amount: DecimalBytes,
        balance_after: DecimalBytes,
        operator: Option<String>,
        remark: Option<String>,
        order_id: Option<String>,
        created_at: i64,
    }
}

impl PoolRow {
    pub(in crate::store) fn new(terms: &PoolTerms, created_at: i64, updated_at: i64) -> Self {
        Self {
            provider: terms.provider.clone(),
            currency: terms.currency.code().to_owned(),
            low_water: terms.low_water.map(|mark| mark.serialize()),
            created_at,
            updated_at,
        }
    }

    pub(in crate::store) fn pool(self, id: u64) -> Result<Pool> {
        Ok(Pool {
            id: PoolId::new(id),
            terms: PoolTerms {
                currency: currency(Self::TABLE, &self.currency)?,
                provider: self.provider,
                low_water: self.low_water.map(|mark| decimal(Self::TABLE, mark)).transpose()?,
            },
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}

impl RechargeRow {
    pub(in crate::store) fn recharge(self, id: u64) -> Result<PoolRecharge> {
        Ok(PoolRecharge {
            id: RechargeId::new(id),
            pool_id: PoolId::new(self.pool_id),
            currency: currency(Self::TABLE, &self.currency)?,
            provider: self.provider,
            amount: decimal(Self::TABLE, self.amount)?,
            balance_after: decimal(Self::TABLE, self.balance_after)?,
            operator: self.operator,
            remark: self.remark,
            order_id: self.order_id,
            created_at: time(Self::TABLE, self.created_at)?,
        })
    }
}
