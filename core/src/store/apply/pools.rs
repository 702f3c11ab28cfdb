//! Pools: put, delete and recharge.

use jiff::Timestamp;

use super::balance::{self, Bucket, Changes};
use super::{invalid, not_found};
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::{PoolRow, RechargeRow};
use crate::types::{AccountId, Error, ErrorKind, NewRecharge, PoolId, PoolRecharge, PoolTerms, Result, exact_subtract};

pub(super) fn put(ledger: &mut Ledger<'_>, terms: &PoolTerms, now: Timestamp) -> Result<PoolId> {
    if terms.provider.is_empty() {
        return Err(invalid("the pool has no provider; name the one that was paid"));
    }
    let mut row = PoolRow::new(terms, micros(now), micros(now));
    let id = if let Some((id, old)) = find(ledger, &row.provider, &row.currency)? {
        row.created_at = old.created_at;
        id
    } else {
        let id = ledger.pools.take_id()?;
        let mut changes = Changes::default();
        changes.touch(ledger, &bucket(PoolId::new(id)))?;
        changes.write(ledger, 0, now)?;
        id
    };
    ledger.pools.put(id, &row)?;
    ledger.configuration_changed()?;
    Ok(PoolId::new(id))
}

pub(super) fn delete(ledger: &mut Ledger<'_>, id: PoolId) -> Result<()> {
    ledger.pools.get(id.get())?.ok_or_else(|| not_found(&format!("pool {id}")))?;
    ledger.pools.remove(id.get())?;
    balance::remove_all(ledger, AccountId::Pool(id))?;
    ledger.configuration_changed()
}

pub(super) fn recharge(ledger: &mut Ledger<'_>, new: NewRecharge, now: Timestamp) -> Result<PoolRecharge> {
    let NewRecharge { provider, currency, amount, operator, remark, order_id } = new;
    if let Some(id) = order_id.as_deref().map(|order| ledger.recharges_by_order.get(order)).transpose()?.flatten() {
        let earlier = ledger.recharges.get(id)?.ok_or_else(|| not_found(&format!("recharge {id}")))?.recharge(id)?;
        if (&earlier.provider, earlier.currency, earlier.amount) == (&provider, currency, amount) {
            return Ok(earlier);
        }
        return Err(Error::new(
            ErrorKind::IdempotencyConflict,
            format!(
                "order {:?} recharged {} {} of {:?} already; give another recharge an order of its own",
                earlier.order_id.unwrap_or_default(),
                earlier.amount,
                earlier.currency,
                earlier.provider
            ),
        ));
    }
    if amount.is_zero() {
        return Err(invalid(
            "the amount of a recharge is zero; give what was paid, or what corrects an earlier recharge",
        ));
    }
    let Some((pool, _)) = find(ledger, &provider, currency.code())? else {
        return Err(not_found(&format!("a pool of provider {provider:?} in {currency}")));
    };
    let bucket = bucket(PoolId::new(pool));
    let balance_after = exact_subtract(amount, balance::read(ledger, &bucket)?.settled)?;
    let mut changes = Changes::default();
    changes.settle(ledger, &bucket, -amount, Cause::Recharge)?;
    let row = RechargeRow {
        pool_id: pool,
        provider,
        currency: currency.code().to_owned(),
        amount: amount.serialize(),
        balance_after: balance_after.serialize(),
        operator,
        remark,
        order_id,
        created_at: micros(now),
    };

    let id = ledger.recharges.take_id()?;
    ledger.recharges.put(id, &row)?;
    if let Some(order) = &row.order_id {
        ledger.recharges_by_order.put(order.as_str(), id)?;
    }
    changes.write(ledger, 0, now)?;
    row.recharge(id)
}

fn bucket(pool: PoolId) -> Bucket {
    Bucket::new(AccountId::Pool(pool), "", None)
}

fn find(ledger: &Ledger<'_>, provider: &str, currency: &str) -> Result<Option<(u64, PoolRow)>> {
    let pools = ledger.pools.all()?;
    Ok(pools.into_iter().find(|(_, row)| row.provider == provider && row.currency == currency))
}
