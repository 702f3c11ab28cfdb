//! Pools: what was paid to providers in advance.

use super::quotas::check_amount;
use crate::client::engine::{Tollway, invalid, unexpected};
use crate::store::{Operation, Outcome};
use crate::types::{Currency, Error, ErrorKind, NewRecharge, PoolRecharge, PoolStatus, PoolTerms, Result, check_label};

impl Tollway {
    /// Sets a pool: adds it, empty, or changes the low-water mark of the one of the same provider and currency. Calls that begin
    /// later are paid from it.
    pub async fn set_pool(&self, mut terms: PoolTerms) -> Result<PoolStatus> {
        self.engine.check()?;
        terms.provider = provider(&terms.provider)?;
        if let Some(mark) = terms.low_water {
            check_amount("low_water", mark)?;
        }
        let (named, currency) = (terms.provider.clone(), terms.currency);
        let now = self.engine.environment.now();
        self.write(Operation::PutPool { terms, now }).await?;
        self.pool(&named, currency).await
    }

    /// Adds to a pool. A recharge of an order that was made already is returned as it was made.
    ///
    /// Fails with `not_found` if there is no such pool, and with `idempotency_conflict` if the order made another recharge.
    pub async fn recharge_pool(&self, mut recharge: NewRecharge) -> Result<PoolRecharge> {
        self.engine.check()?;
        recharge.provider = provider(&recharge.provider)?;
        check_amount("amount", recharge.amount.abs())?;
        for (field, text) in
            [("operator", &recharge.operator), ("remark", &recharge.remark), ("order_id", &recharge.order_id)]
        {
            text.as_deref().map_or(Ok(()), |text| check_label(field, text))?;
        }
        let operation = Operation::RechargePool { recharge: Box::new(recharge), now: self.engine.environment.now() };
        match self.engine.apply(operation).await? {
            Outcome::PoolRecharged(recharge) => Ok(*recharge),
            other => Err(unexpected(&other)),
        }
    }

    /// Returns all pools, or those of a provider, with what is in them, by id.
    pub async fn pools(&self, of: Option<&str>) -> Result<Vec<PoolStatus>> {
        self.engine.check()?;
        self.engine.store.pool_statuses(of.map(provider).transpose()?).await
    }

    /// Returns a pool with what is in it. Fails with `not_found`.
    pub async fn pool(&self, of: &str, currency: Currency) -> Result<PoolStatus> {
        let pools = self.pools(Some(of)).await?;
        let found = pools.into_iter().find(|status| status.pool.terms.currency == currency);
        found.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!("there is no pool of {of:?} in {currency}; list the pools, or set one"),
            )
        })
    }

    /// Returns the recharges of all pools, or of a provider's, oldest first, those of deleted ones included.
    pub async fn pool_recharges(&self, of: Option<&str>) -> Result<Vec<PoolRecharge>> {
        self.engine.check()?;
        self.engine.store.pool_recharges(of.map(provider).transpose()?).await
    }

    /// Deletes a pool; its recharges stay. Fails with `not_found`.
    pub async fn delete_pool(&self, of: &str, currency: Currency) -> Result<()> {
        let id = self.pool(of, currency).await?.pool.id;
        self.write(Operation::DeletePool { id }).await
    }
}

/// Checks the name of a provider, which is that of its models.
fn provider(name: &str) -> Result<String> {
    check_label("provider", name)?;
    if name.trim().is_empty() {
        return Err(invalid("field `provider`: name the provider that was paid, as its models name it"));
    }
    Ok(name.to_owned())
}
