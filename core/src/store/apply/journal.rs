//! What follows from a movement beside its row in the journal: the transaction of a quota, the warning of a pool.

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::budget::quota::in_units;
use crate::environment::log::LEDGER;
use crate::store::codec::micros;
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::TransactionRow;
use crate::store::tables::WHOLE_TIME;
use crate::types::{AccountId, PoolId, QuotaId, Result, TransactionType, exact_subtract};

/// What a transaction says beside its amounts.
#[derive(Clone, Default)]
pub(super) struct Note {
    pub(super) order_id: Option<String>,
    pub(super) remark: Option<String>,
}

/// A movement of what is settled in a bucket.
pub(super) struct Moved<'a> {
    pub(super) account: AccountId,
    /// The first microsecond of the bucket.
    pub(super) start: i64,
    pub(super) cause: Cause,
    pub(super) amount: Decimal,
    /// What is settled after it.
    pub(super) settled: Decimal,
    /// The record that caused it; 0 for none.
    pub(super) record_id: u64,
    pub(super) note: &'a Note,
    pub(super) now: Timestamp,
}

/// Writes and tells what follows from a movement.
pub(super) fn follow(ledger: &mut Ledger<'_>, moved: &Moved<'_>) -> Result<()> {
    match moved.account {
        AccountId::Budget(_) => Ok(()),
        AccountId::Quota(id) => write(ledger, id, moved),
        AccountId::Pool(id) => warn_if_low(ledger, id, moved),
    }
}

/// Writes the transaction of a quota. What was used is what the user has less of.
fn write(ledger: &mut Ledger<'_>, quota: QuotaId, moved: &Moved<'_>) -> Result<()> {
    let month = (moved.start != WHOLE_TIME).then_some(moved.start);
    let whole = match (month, ledger.quotas.get(quota.get())?) {
        (Some(_), Some(row)) => {
            let terms = row.quota(quota.get())?.terms;
            in_units(terms.quota_type, terms.monthly)?
        }
        _ => Decimal::ZERO,
    };
    let transaction_type = match moved.cause {
        Cause::Grant => TransactionType::Grant,
        Cause::Purchase => TransactionType::Purchase,
        Cause::Refund => TransactionType::Refund,
        Cause::Adjust if moved.amount < Decimal::ZERO => TransactionType::Refund,
        Cause::Opening | Cause::Consume | Cause::Adjust | Cause::Price | Cause::Recharge => TransactionType::Consume,
    };
    let row = TransactionRow {
        quota_id: quota.get(),
        transaction_type: transaction_type.name().to_owned(),
        amount: (-moved.amount).serialize(),
        month,
        balance_after: exact_subtract(whole, moved.settled)?.serialize(),
        record_id: moved.record_id,
        order_id: moved.note.order_id.clone(),
        remark: moved.note.remark.clone(),
        created_at: micros(moved.now),
    };
    let id = ledger.transactions.take_id()?;
    ledger.transactions.put(id, &row)?;
    ledger.transactions_by_quota.put((quota.get(), id), ())
}

/// Warns where a movement takes a pool below its low-water mark.
fn warn_if_low(ledger: &Ledger<'_>, pool: PoolId, moved: &Moved<'_>) -> Result<()> {
    let Some(row) = ledger.pools.get(pool.get())? else { return Ok(()) };
    let terms = row.pool(pool.get())?.terms;
    let after = -moved.settled;
    if let Some(mark) = terms.low_water
        && after < mark
        && exact_subtract(after, -moved.amount)? >= mark
    {
        tracing::warn!(
            target: LEDGER,
            pool_id = pool.get(),
            provider = terms.provider,
            currency = %terms.currency,
            balance = %after,
            low_water = %mark,
            "a pool is below its low-water mark; recharge it"
        );
    }
    Ok(())
}
