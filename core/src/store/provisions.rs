//! The read side of pools, quotas and packages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::codec::kept;
use super::reading::Reader;
use super::rows::{BalanceRow, PackageRow, PoolRow, QuotaRow, RechargeRow, TransactionRow, numbers};
use super::tables::{self, WHOLE_TIME};
use crate::budget::quota::{in_units, month_at, of_units};
use crate::store::codec::micros;
use crate::types::{
    AccountId, Balance, Package, Pool, PoolRecharge, PoolStatus, Quota, QuotaStatus, QuotaTransaction, QuotaType,
    Result, exact_add, exact_subtract,
};

fn balance(reader: &Reader<'_>, account: AccountId, start: i64) -> Result<Balance> {
    let (kind, number) = numbers(account);
    let row = reader.rows(tables::BALANCES).get((kind.into(), number, "", start))?;
    row.map_or_else(|| Ok(Balance::default()), |row: BalanceRow| row.balance())
}

pub(super) fn pool_statuses(reader: &Reader<'_>, provider: Option<&str>) -> Result<Vec<PoolStatus>> {
    let pools = reader.all(tables::POOLS, PoolRow::pool)?;
    let wanted = pools.into_iter().filter(|pool| provider.is_none_or(|wanted| pool.terms.provider == wanted));
    wanted.map(|pool| pool_status(reader, pool)).collect()
}

fn pool_status(reader: &Reader<'_>, pool: Pool) -> Result<PoolStatus> {
    let Balance { settled, reserved, holds } = balance(reader, AccountId::Pool(pool.id), WHOLE_TIME)?;
    let balance = (-settled).normalize();
    Ok(PoolStatus {
        is_low: pool.terms.low_water.is_some_and(|mark| balance < mark),
        balance,
        reserved,
        remaining: exact_subtract(balance, reserved)?,
        holds,
        pool,
    })
}

/// Returns the recharges of a provider's pools, or of all, oldest first.
pub(super) fn recharges(reader: &Reader<'_>, provider: Option<&str>) -> Result<Vec<PoolRecharge>> {
    let mut recharges = reader.all(tables::RECHARGES, RechargeRow::recharge)?;
    recharges.retain(|recharge| provider.is_none_or(|wanted| recharge.provider == wanted));
    Ok(recharges)
}

fn quotas_of(reader: &Reader<'_>, user: Option<&str>, quota_type: Option<QuotaType>) -> Result<Vec<Quota>> {
    let mut quotas = reader.all(tables::QUOTAS, QuotaRow::quota)?;
    quotas.retain(|quota| {
        user.is_none_or(|wanted| quota.terms.user == wanted)
            && quota_type.is_none_or(|wanted| quota.terms.quota_type == wanted)
    });
    Ok(quotas)
}

/// Returns the quotas of a user, or of all, with what is left of them at an instant.
pub(super) fn quota_statuses(reader: &Reader<'_>, user: Option<&str>, now: Timestamp) -> Result<Vec<QuotaStatus>> {
    quotas_of(reader, user, None)?.into_iter().map(|quota| quota_status(reader, quota, now)).collect()
}

fn quota_status(reader: &Reader<'_>, quota: Quota, now: Timestamp) -> Result<QuotaStatus> {
    let quota_type = quota.terms.quota_type;
    let month = month_at(&quota.terms.time_zone, now)?;
    let account = AccountId::Quota(quota.id);
    let of_month = balance(reader, account, micros(month.bucket))?;
    let whole = balance(reader, account, WHOLE_TIME)?;
    let left = |all: Decimal, used: Decimal| exact_subtract(all, used).map(|left| left.max(Decimal::ZERO));
    let month_left = left(in_units(quota_type, quota.terms.monthly)?, exact_add(of_month.settled, of_month.reserved)?)?;
    let remaining = exact_add(month_left, left(-whole.settled, whole.reserved)?)?;
    let shown = |units: Decimal| of_units(quota_type, units).normalize();
    Ok(QuotaStatus {
        month_start: kept(month.start),
        month_end: kept(month.end),
        month_used: shown(of_month.settled),
        month_reserved: shown(of_month.reserved),
        balance: shown(-whole.settled),
        balance_reserved: shown(whole.reserved),
        remaining: shown(remaining),
        quota,
    })
}

/// Returns the movements of the quotas of a user, or of all, and of a type, or of all types, oldest first.
pub(super) fn transactions(
    reader: &Reader<'_>,
    user: Option<&str>,
    quota_type: Option<QuotaType>,
) -> Result<Vec<QuotaTransaction>> {
    let rows = reader.rows::<_, TransactionRow>(tables::TRANSACTIONS);
    let mut transactions = BTreeMap::new();
    for quota in quotas_of(reader, user, quota_type)? {
        let own = (quota.id.get(), 0)..=(quota.id.get(), u64::MAX);
        reader.entries(tables::TRANSACTIONS_BY_QUOTA).each(own, |(_, id), ()| {
            if let Some(row) = rows.get(id)? {
                transactions.insert(id, row.transaction(id, &quota.terms)?);
            }
            Ok(true)
        })?;
    }
    Ok(transactions.into_values().collect())
}

/// Returns the packages of a user, or of all, oldest first.
pub(super) fn packages(reader: &Reader<'_>, user: Option<&str>) -> Result<Vec<Package>> {
    let mut packages = reader.all(tables::PACKAGES, PackageRow::package)?;
    packages.retain(|package| user.is_none_or(|wanted| package.user == wanted));
    Ok(packages)
}
