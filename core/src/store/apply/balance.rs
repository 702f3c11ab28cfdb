//! Balances: what each account used and holds in one bucket, and the journal of what moved them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::journal::{self, Moved, Note};
use crate::store::Hold;
use crate::store::codec::{Row as _, decimal, micros};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::{self, ArchivedRow, BalanceRow, numbers};
use crate::store::tables::WHOLE_TIME;
use crate::types::{AccountId, Balance, Result, exact_add, exact_subtract};

/// How many ended buckets are folded away with one that begins, so that no call pays for all of them.
const FOLDED_AT_ONCE: usize = 8;

/// Names a bucket of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Bucket {
    account: AccountId,
    part: String,
    start: i64,
}

impl Bucket {
    /// Names the bucket that begins at an instant; without one, the bucket of all time.
    pub(super) fn new(account: AccountId, part: &str, start: Option<Timestamp>) -> Self {
        Self { account, part: part.to_owned(), start: start.map_or(WHOLE_TIME, micros) }
    }

    /// Names the bucket that a hold is in.
    pub(super) fn of(hold: &Hold) -> Self {
        Self::new(hold.account, &hold.part, hold.bucket)
    }

    fn key(&self) -> (u64, u64, &str, i64) {
        let (kind, number) = numbers(self.account);
        (kind.into(), number, &self.part, self.start)
    }
}

/// Returns a balance; nothing was used where there is neither a row nor a journal.
pub(super) fn read(ledger: &Ledger<'_>, bucket: &Bucket) -> Result<Balance> {
    Ok(known(ledger, bucket)?.balance)
}

/// Returns what is known of a bucket: by its row, or by the end of its journal where it was folded away.
fn known(ledger: &Ledger<'_>, bucket: &Bucket) -> Result<Changed> {
    let kept = ledger.accounts.balance(bucket.key())?;
    let is_new = kept.is_none();
    let row = kept.map_or_else(|| ledger.accounts.folded(bucket.key()), |row| Ok(Some(row)))?;
    let balance = row.as_ref().map_or_else(|| Ok(Balance::default()), BalanceRow::balance)?;
    Ok(Changed { balance, movements: row.map_or(0, |row| row.movements), is_new })
}

/// Returns the sum of the balances of a part of an account from a bucket on, up to another.
pub(super) fn sum(ledger: &Ledger<'_>, first: &Bucket, last: &Bucket) -> Result<Balance> {
    if first == last {
        return read(ledger, last);
    }
    let mut sum = Balance::default();
    let (kind, number, part, start) = last.key();
    ledger.accounts.each_balance(first.key()..(kind, number, part, start.saturating_add(1)), |_, row| {
        let balance = row.balance()?;
        sum.settled = exact_add(sum.settled, balance.settled)?;
        sum.reserved = exact_add(sum.reserved, balance.reserved)?;
        sum.holds += balance.holds;
        Ok(true)
    })?;
    // Where the clock stands behind the account's, buckets may count again that were folded away.
    if ledger.accounts.has_later(last.key())? {
        ledger.accounts.each_folded(first.start, last.key(), |row| {
            sum.settled = exact_add(sum.settled, row.balance()?.settled)?;
            Ok(())
        })?;
    }
    Ok(sum)
}

/// Adds to what archived records have moved in a bucket, whether its balance is kept or was folded away.
pub(super) fn add_archived(ledger: &mut Ledger<'_>, bucket: &Bucket, amount: Decimal) -> Result<()> {
    if amount.is_zero() {
        return Ok(());
    }
    let before =
        ledger.archived.get(bucket.key())?.map_or(Ok(Decimal::ZERO), |row| decimal(ArchivedRow::TABLE, row.moved))?;
    ledger.archived.put(bucket.key(), &ArchivedRow { moved: exact_add(before, amount)?.serialize() })
}

/// Removes all balances of an account, and what archived records have moved in them; its journal stays.
pub(super) fn remove_all(ledger: &mut Ledger<'_>, account: AccountId) -> Result<()> {
    let (kind, number) = numbers(account);
    let range = (kind.into(), number, "", i64::MIN)..(kind.into(), number + 1, "", i64::MIN);
    let mut archived = Vec::new();
    ledger.archived.each_in(range.clone(), |(kind, number, part, start), _| {
        archived.push((kind, number, part.to_owned(), start));
        Ok(true)
    })?;
    for (kind, number, part, start) in archived {
        ledger.archived.remove((kind, number, &part, start))?;
    }
    remove(ledger, range, usize::MAX, |_| true)
}

fn remove(
    ledger: &mut Ledger<'_>,
    range: std::ops::Range<(u64, u64, &str, i64)>,
    most: usize,
    is_removed: impl Fn(&Balance) -> bool,
) -> Result<()> {
    let mut keys = Vec::new();
    ledger.accounts.each_balance(range, |(kind, number, part, start), row| {
        if is_removed(&row.balance()?) {
            keys.push((kind, number, part.to_owned(), start));
        }
        Ok(keys.len() < most)
    })?;
    for (kind, number, part, start) in keys {
        ledger.accounts.remove_balance((kind, number, &part, start))?;
    }
    Ok(())
}

/// Changes of balances, which are written together once everything else was found right.
#[derive(Default)]
pub(super) struct Changes {
    balances: BTreeMap<Bucket, Changed>,
    movements: Vec<(Bucket, u64, Movement)>,
    /// Buckets before which those of the same account have ended.
    ends: Vec<(Bucket, i64)>,
    note: Note,
}

struct Changed {
    balance: Balance,
    movements: u64,
    is_new: bool,
}

struct Movement {
    cause: Cause,
    amount: Decimal,
    balance: Decimal,
}

impl Changes {
    /// Makes changes of which the transactions of quotas say more.
    pub(super) fn noted(note: Note) -> Self {
        Self { note, ..Self::default() }
    }

    /// Returns a balance as it is after the changes so far.
    pub(super) fn balance(&mut self, ledger: &Ledger<'_>, bucket: &Bucket) -> Result<Balance> {
        self.changed(ledger, bucket).map(|changed| changed.balance)
    }

    fn changed(&mut self, ledger: &Ledger<'_>, bucket: &Bucket) -> Result<&mut Changed> {
        if !self.balances.contains_key(bucket) {
            self.balances.insert(bucket.clone(), known(ledger, bucket)?);
        }
        self.balances.get_mut(bucket).ok_or_else(|| crate::store::failure::misused("a balance that was read is gone"))
    }

    /// Returns whether a bucket is kept.
    pub(super) fn is_kept(&self, ledger: &Ledger<'_>, bucket: &Bucket) -> Result<bool> {
        Ok(self.balances.contains_key(bucket) || ledger.accounts.has_balance(bucket.key())?)
    }

    /// Makes a bucket, with nothing in it where it is new.
    pub(super) fn touch(&mut self, ledger: &Ledger<'_>, bucket: &Bucket) -> Result<()> {
        self.changed(ledger, bucket).map(drop)
    }

    /// Holds an amount in a bucket. Buckets of the account that began before `first` have ended.
    pub(super) fn hold(
        &mut self,
        ledger: &Ledger<'_>,
        bucket: &Bucket,
        (amount, closes): (Decimal, bool),
        first: Option<Timestamp>,
    ) -> Result<()> {
        let changed = self.changed(ledger, bucket)?;
        changed.balance.reserved = exact_add(changed.balance.reserved, amount)?;
        changed.balance.holds += u64::from(closes);
        if changed.is_new
            && let Some(first) = first
        {
            self.ends.push((bucket.clone(), micros(first)));
        }
        Ok(())
    }

    /// Frees what was held in a bucket, and opens what it closed.
    pub(super) fn free(
        &mut self,
        ledger: &Ledger<'_>,
        bucket: &Bucket,
        (amount, opens): (Decimal, bool),
    ) -> Result<()> {
        let changed = self.changed(ledger, bucket)?;
        changed.balance.reserved = exact_subtract(changed.balance.reserved, amount)?;
        if opens {
            changed.balance.holds = changed.balance.holds.saturating_sub(1);
        }
        Ok(())
    }

    /// Moves what is settled in a bucket. What moves nothing is no movement.
    pub(super) fn settle(&mut self, ledger: &Ledger<'_>, bucket: &Bucket, amount: Decimal, cause: Cause) -> Result<()> {
        let changed = self.changed(ledger, bucket)?;
        if amount.is_zero() {
            return Ok(());
        }
        changed.balance.settled = exact_add(changed.balance.settled, amount)?;
        changed.movements += 1;
        let (number, balance) = (changed.movements, changed.balance.settled);
        self.movements.push((bucket.clone(), number, Movement { cause, amount, balance }));
        Ok(())
    }

    /// Writes the balances and the journal. The record is the one that caused the movements; 0 for none.
    pub(super) fn write(self, ledger: &mut Ledger<'_>, record_id: u64, now: Timestamp) -> Result<()> {
        for (bucket, changed) in &self.balances {
            ledger.accounts.put_balance(bucket.key(), BalanceRow::new(changed.balance, changed.movements))?;
        }
        for (bucket, number, Movement { cause, amount, balance }) in &self.movements {
            let movement = rows::Movement {
                cause: cause.number(),
                amount: *amount,
                balance: *balance,
                record_id,
                created_at: micros(now),
            };
            ledger.accounts.put_movement(bucket.key(), *number, movement)?;
            let (account, start, cause, amount, settled) = (bucket.account, bucket.start, *cause, *amount, *balance);
            let moved = Moved { account, start, cause, amount, settled, record_id, note: &self.note, now };
            journal::follow(ledger, &moved)?;
        }
        for (bucket, first) in self.ends {
            let (kind, number, part, _) = bucket.key();
            let range = (kind, number, part, i64::MIN + 1)..(kind, number, part, first);
            // What is still held in an ended bucket is settled in it.
            remove(ledger, range, FOLDED_AT_ONCE, |balance| balance.reserved.is_zero() && balance.holds == 0)?;
        }
        Ok(())
    }
}
