//! Rows of accounts: balances, movements and holds.

use super::exchange::ExchangeRow;
use super::rows;
use crate::store::Hold;
use crate::store::codec::{DecimalBytes, Row, decimal, micros, time};
use crate::store::failure::newer;
use crate::types::{AccountId, AccountUnit, Balance, BudgetId, PoolId, QuotaId, Result};

/// The number of each kind of account.
pub(in crate::store) const BUDGET: u8 = 0;
pub(in crate::store) const QUOTA: u8 = 1;
const POOL: u8 = 2;

rows! {
    /// A row of `account_balances`. It counts its movements.
    BalanceRow in "account_balances" {
        settled: DecimalBytes,
        reserved: DecimalBytes,
        holds: u64,
        movements: u64,
    }
    /// A row of `archived_movements`: what records that were archived had moved in a balance.
    ArchivedRow in "archived_movements" {
        moved: DecimalBytes,
    }
    /// What is held, or was moved, in one bucket of one account.
    HoldRow in "reservations" {
        kind: u8,
        account: u64,
        part: String,
        bucket: Option<i64>,
        unit: String,
        amount: DecimalBytes,
        closes: bool,
        exchange: Option<ExchangeRow>,
    }
}

/// Returns the number of an account's kind, and its own.
pub(in crate::store) const fn numbers(account: AccountId) -> (u8, u64) {
    match account {
        AccountId::Budget(id) => (BUDGET, id.get()),
        AccountId::Quota(id) => (QUOTA, id.get()),
        AccountId::Pool(id) => (POOL, id.get()),
    }
}

/// Returns the account of a kind and a number.
pub(in crate::store) fn account(table: &str, kind: u8, number: u64) -> Result<AccountId> {
    match kind {
        BUDGET => Ok(AccountId::Budget(BudgetId::new(number))),
        QUOTA => Ok(AccountId::Quota(QuotaId::new(number))),
        POOL => Ok(AccountId::Pool(PoolId::new(number))),
        _ => Err(newer(table, &format!("accounts of the kind {kind}"))),
    }
}

/// Reads what an account counts.
pub(in crate::store) fn unit(table: &str, text: &str) -> Result<AccountUnit> {
    AccountUnit::from_name(text).ok_or_else(|| newer(table, &format!("accounts that count {text:?}")))
}

impl BalanceRow {
    pub(in crate::store) fn new(balance: Balance, movements: u64) -> Self {
        Self {
            settled: balance.settled.serialize(),
            reserved: balance.reserved.serialize(),
            holds: balance.holds,
            movements,
        }
    }

    pub(in crate::store) fn balance(&self) -> Result<Balance> {
        Ok(Balance {
            settled: decimal(Self::TABLE, self.settled)?,
            reserved: decimal(Self::TABLE, self.reserved)?,
            holds: self.holds,
        })
    }
}

impl HoldRow {
    pub(in crate::store) fn new(hold: &Hold) -> Self {
        let (kind, account) = numbers(hold.account);
        Self {
            kind,
            account,
            part: hold.part.clone(),
            bucket: hold.bucket.map(micros),
            unit: hold.unit.to_string(),
            amount: hold.amount.serialize(),
            closes: hold.closes,
            exchange: hold.exchange.as_ref().map(ExchangeRow::new),
        }
    }

    pub(in crate::store) fn hold(self, table: &str) -> Result<Hold> {
        Ok(Hold {
            account: account(table, self.kind, self.account)?,
            part: self.part,
            bucket: self.bucket.map(|start| time(table, start)).transpose()?,
            unit: unit(table, &self.unit)?,
            amount: decimal(table, self.amount)?,
            closes: self.closes,
            exchange: self.exchange.map(|exchange| exchange.exchange(table)).transpose()?,
        })
    }
}
