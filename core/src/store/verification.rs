//! Verification: everything that the file holds is read, and held against what else it holds.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::codec::{Row, decimal, micros};
use super::key::Key;
use super::ledger::ARCHIVED_BEFORE;
use super::operation::Cause;
use super::postings::check::PostingCheck;
use super::reading::Reader;
use super::records::text_keys;
use super::rollup::check::RollupCheck;
use super::row_key::Tag;
use super::rows::{
    ArchivedRow, BalanceRow, BudgetRow, FxRateRow, KeyRow, LedgerHeadRow, ModelConfigRow, ModelRow, MovementsRow,
    NameRow, PackageRow, PackedRecordRow, PoolRow, PriceRow, ProviderRow, QUOTA, QuotaRow, RechargeRow, ReservationRow,
    RollupRow, RouteRow, TransactionRow, UsageRecordRow, numbers,
};
use super::state::{HEADS_EVERY, State, TableSum};
use super::tables::{self, BalanceKey, META_TABLE, RowTable, Table};
use super::value::Value;
use super::{CheckedStore, Hold};
use crate::budget::quota::in_units;
use crate::types::{AccountId, Damage, QuotaId, Result, TransactionType, UsageRecord, exact_add, exact_subtract};

/// The most damage that is told; a file that has more is lost anyway.
const MOST_DAMAGE: usize = 1_000;

/// Reads all tables. Fails only if they cannot be read at all.
pub(super) fn verify(reader: &Reader<'_>) -> Result<CheckedStore> {
    let mut check = Check { reader, state: reader.state()?, checked: CheckedStore::default() };
    if let Err(error) = super::query::check_meta(reader) {
        check.note(META_TABLE, None, error.detail());
    }
    check.table::<u64, ProviderRow>(tables::PROVIDERS, |_, _, _| Ok(()))?;
    check.table::<u64, ModelConfigRow>(tables::MODEL_CONFIGS, |_, id, row| row.model_config(id).map(drop))?;
    check.table::<u64, ModelRow>(tables::MODELS, |_, id, row| row.model(id).map(drop))?;
    check.table::<u64, PriceRow>(tables::PRICES, |_, id, row| row.price(id).map(drop))?;
    check.table::<u64, FxRateRow>(tables::FX_RATES, |_, id, row| row.fx_rate(id).map(drop))?;
    check.table::<u64, RouteRow>(tables::ROUTES, |_, id, row| row.route(id).map(drop))?;
    check.table::<u64, BudgetRow>(tables::BUDGETS, |_, id, row| row.budget(id).map(drop))?;
    check.table::<u64, PoolRow>(tables::POOLS, |_, id, row| row.pool(id).map(drop))?;
    check.table::<u64, QuotaRow>(tables::QUOTAS, |_, id, row| row.quota(id).map(drop))?;
    check.table::<&'static str, KeyRow>(tables::KEYS, |_, _, _| Ok(()))?;
    check.table::<u64, LedgerHeadRow>(tables::HEADS, |_, _, _| Ok(()))?;
    check.table::<u64, NameRow>(tables::NAMES, |_, _, _| Ok(()))?;
    check.balances()?;
    check.records()?;
    Ok(check.checked)
}

/// Returns the link that the chain of records has at a record; nothing where it cannot be told, since records before it were archived. Fails
/// with `corrupted_file` if the way to it is broken.
pub(super) fn link_at(reader: &Reader<'_>, record: u64) -> Result<Option<Tag>> {
    let head = reader.state()?.head();
    if head.record == record {
        return Ok(Some(head.link));
    }
    let kept = record - record % HEADS_EVERY;
    let known = reader.rows::<u64, LedgerHeadRow>(tables::HEADS).get(kept)?;
    let mut link = known.map(|row| row.link).unwrap_or_default();
    let mut next = kept + 1;
    reader.each_record(kept + 1..=record, |id, row| {
        link = reader.key().link(&link, id, &row.uid);
        next += u64::from(id == next);
        Ok(true)
    })?;
    let is_archived = record < reader.state()?.first_record() && reader.meta(ARCHIVED_BEFORE)?.is_some();
    Ok((next > record || !is_archived).then_some(link))
}

/// The key of a balance.
type OwnKey = (u64, u64, String, i64);

/// What the rest of the file says of a balance.
#[derive(Clone, Copy, Default)]
struct Sums {
    held: Decimal,
    closed: u64,
    moved: Decimal,
    opened: Decimal,
    after: Decimal,
    movements: u64,
    /// What the transactions of a quota say.
    stated: Decimal,
    transactions: u64,
}

/// Names the balance of all time of an account.
fn whole(account: AccountId) -> OwnKey {
    let (kind, number) = numbers(account);
    (kind.into(), number, String::new(), tables::WHOLE_TIME)
}

fn key_of(hold: &Hold) -> OwnKey {
    let (kind, number) = numbers(hold.account);
    (kind.into(), number, hold.part.clone(), hold.bucket.map_or(tables::WHOLE_TIME, micros))
}

struct Check<'t> {
    reader: &'t Reader<'t>,
    state: State,
    checked: CheckedStore,
}

impl Check<'_> {
    fn note(&mut self, table: &str, row: Option<String>, problem: &str) {
        if self.checked.damage.len() < MOST_DAMAGE {
            self.checked.damage.push(Damage { table: table.to_owned(), row, problem: problem.to_owned() });
        }
    }

    /// Reads a table of rows, and hands on those that are whole.
    fn table<K: Key, R: Row>(
        &mut self,
        table: RowTable<K>,
        mut each: impl FnMut(&mut Self, K::Of<'_>, R) -> Result<()>,
    ) -> Result<()> {
        let rows = self.reader.rows::<K, R>(table);
        let mut read = TableSum::default();
        rows.each_whatever(|key, row, signed| {
            self.checked.rows += 1;
            read = read.replace(None, Some(signed));
            let name = format!("{key:?}");
            if let Err(error) = row.and_then(|row| each(self, key, row)) {
                self.note(R::TABLE, Some(name), error.detail());
            }
            Ok(())
        })?;
        if let Err(error) = self.state.sum(R::TABLE).check(R::TABLE, read) {
            self.note(R::TABLE, None, error.detail());
        }
        Ok(())
    }

    /// Holds the balances against what is reserved, against what records moved, and against their journal.
    fn balances(&mut self) -> Result<()> {
        let mut sums = BTreeMap::<OwnKey, Sums>::new();
        self.table::<u64, ReservationRow>(tables::RESERVATIONS, |_, id, row| {
            for hold in row.reservation(id)?.holds {
                let sum = sums.entry(key_of(&hold)).or_default();
                sum.held = exact_add(sum.held, hold.amount)?;
                sum.closed += u64::from(hold.closes);
            }
            Ok(())
        })?;
        let reader = self.reader;
        reader.rows::<u64, PackedRecordRow>(tables::RECORDS).each_whatever(|_, row, _| {
            // One that cannot be read is told with the records.
            let row = row.and_then(|row| row.record_row(&|number| reader.name(number)));
            for hold in row.map(|row| row.holds).unwrap_or_default() {
                if let Ok(hold) = hold.hold(UsageRecordRow::TABLE) {
                    let sum = sums.entry(key_of(&hold)).or_default();
                    sum.moved = exact_add(sum.moved, hold.amount)?;
                    sum.closed += u64::from(hold.closes);
                }
            }
            Ok(())
        })?;
        self.table::<tables::MovementKey, MovementsRow>(tables::MOVEMENTS, |check, key, row| {
            let (kind, account, part, start, first) = key;
            let sum = sums.entry((kind, account, part.to_owned(), start)).or_default();
            for (number, movement) in (first..).zip(row.movements()?) {
                if movement.cause == Cause::Opening.number() {
                    sum.opened = exact_add(sum.opened, movement.amount)?;
                }
                let (expected, after) = (exact_add(sum.after, movement.amount)?, movement.balance);
                if (expected, sum.movements + 1) != (after, number) {
                    let problem = format!("it says {after} after movement {number}, and {expected} is right");
                    check.note(MovementsRow::TABLE, Some(format!("{key:?}")), &problem);
                }
                (sum.after, sum.movements) = (after, number);
            }
            Ok(())
        })?;
        self.table::<BalanceKey, ArchivedRow>(tables::ARCHIVED, |_, (kind, account, part, start), row| {
            let sum = sums.entry((kind, account, part.to_owned(), start)).or_default();
            sum.moved = exact_add(sum.moved, decimal(ArchivedRow::TABLE, row.moved)?)?;
            Ok(())
        })?;
        self.provisions(&mut sums)?;
        self.table::<BalanceKey, BalanceRow>(tables::BALANCES, |check, key, row| {
            let (kind, account, part, start) = key;
            let sum = sums.get(&(kind, account, part.to_owned(), start)).copied().unwrap_or_default();
            let balance = row.balance()?;
            let used = exact_add(sum.opened, sum.moved)?;
            if kind == u64::from(QUOTA) && (sum.stated, sum.transactions) != (sum.after, sum.movements) {
                let Sums { stated, transactions, after, movements, .. } = sum;
                let problem =
                    format!("{transactions} transactions say {stated}, and {movements} movements say {after}");
                check.note(TransactionRow::TABLE, Some(format!("{key:?}")), &problem);
            }
            for (what, stated, right) in [
                ("reserved, and open reservations hold", balance.reserved, sum.held),
                ("settled, and records add up to", balance.settled, used),
                ("settled, and its journal ends with", balance.settled, sum.after),
                ("the number of its movements, and the journal has", row.movements.into(), sum.movements.into()),
                ("the number of calls that keep it closed, and there are", balance.holds.into(), sum.closed.into()),
            ] {
                if stated != right {
                    check.note(BalanceRow::TABLE, Some(format!("{key:?}")), &format!("{stated} is {what} {right}"));
                }
            }
            Ok(())
        })
    }

    /// Adds what pools and quotas were filled with, and what their transactions say.
    fn provisions(&mut self, sums: &mut BTreeMap<OwnKey, Sums>) -> Result<()> {
        let mut orders = 0;
        self.table::<u64, RechargeRow>(tables::RECHARGES, |_, id, row| {
            let recharge = row.recharge(id)?;
            orders += u64::from(recharge.order_id.is_some());
            let sum = sums.entry(whole(AccountId::Pool(recharge.pool_id))).or_default();
            sum.moved = exact_subtract(sum.moved, recharge.amount)?;
            Ok(())
        })?;
        self.entries(tables::RECHARGES_BY_ORDER, orders)?;
        let mut packages = 0;
        self.table::<u64, PackageRow>(tables::PACKAGES, |_, id, row| {
            let package = row.package(id)?;
            packages += 1;
            if package.refunded_at.is_none() {
                let sum = sums.entry(whole(AccountId::Quota(package.quota_id))).or_default();
                sum.moved = exact_subtract(sum.moved, in_units(package.quota_type, package.quantity)?)?;
            }
            Ok(())
        })?;
        self.entries(tables::PACKAGES_BY_ORDER, packages)?;
        let mut transactions = 0;
        self.table::<u64, TransactionRow>(tables::TRANSACTIONS, |_, _, row| {
            let amount = decimal(TransactionRow::TABLE, row.amount)?;
            let (kind, number, part, start) = whole(AccountId::Quota(QuotaId::new(row.quota_id)));
            let sum = sums.entry((kind, number, part, row.month.unwrap_or(start))).or_default();
            sum.stated = exact_subtract(sum.stated, amount)?;
            sum.transactions += 1;
            if row.transaction_type == TransactionType::Grant.name() {
                sum.moved = exact_subtract(sum.moved, amount)?;
            }
            transactions += 1;
            Ok(())
        })?;
        self.entries(tables::TRANSACTIONS_BY_QUOTA, transactions)
    }

    /// Holds the records against their indexes, their chain and the rollups.
    fn records(&mut self) -> Result<()> {
        let digested = self.state.digested();
        let archived = super::writing::number(self.reader.meta(ARCHIVED_BEFORE)?.as_deref())?.cast_signed();
        let (mut rollups, mut postings) = (RollupCheck::new(digested, archived), PostingCheck::new(digested));
        let mut texts = 0;
        self.table::<u64, PackedRecordRow>(tables::RECORDS, |check, id, row| {
            let record = row.record_row(&|number| check.reader.name(number))?.record(id)?;
            check.checked.records += 1;
            texts += check.texts(&record, id)?;
            rollups.count(&record);
            postings.count(check.reader, &record)
        })?;
        self.gaps()?;
        self.entries(tables::RECORDS_BY_TEXT, texts)?;
        for problem in postings.blocks(self.reader)? {
            self.note(tables::POSTINGS.shape().name, None, &problem);
        }
        self.table::<tables::RollupKey, RollupRow>(tables::ROLLUPS, |check, key, row| {
            if let Some(problem) = rollups.row(check.reader, key, &row)? {
                check.note(RollupRow::TABLE, Some(format!("{key:?}")), &problem);
            }
            Ok(())
        })?;
        for problem in rollups.end(self.reader)? {
            self.note(RollupRow::TABLE, None, &problem);
        }
        Ok(())
    }

    /// Tells the first record of each gap among their ids.
    fn gaps(&mut self) -> Result<()> {
        let (first, head) = (self.state.first_record(), self.state.head());
        let mut next = 1;
        self.reader.entries(tables::RECORDS).each(.., |id, _| {
            if id > next && id > first {
                self.note(UsageRecordRow::TABLE, Some(next.to_string()), "it is missing");
            }
            next = id + 1;
            Ok(true)
        })?;
        let next = next.max(first);
        if next <= head.record {
            self.note(UsageRecordRow::TABLE, Some(next.to_string()), "it is missing");
        }
        Ok(())
    }

    /// Holds a record against the index of its texts. Returns how many entries that has of it.
    fn texts(&mut self, record: &UsageRecord, id: u64) -> Result<u64> {
        let keys = text_keys(self.reader.key(), &record.uid, &record.request_id, record.adjusts.as_deref());
        for key in &keys {
            if !self.has(tables::RECORDS_BY_TEXT, (*key, id))? {
                self.note(UsageRecordRow::TABLE, Some(id.to_string()), "an index does not have it");
            }
        }
        Ok(keys.len() as u64)
    }

    fn has<K: Key>(&self, index: Table<K, ()>, key: K::Of<'_>) -> Result<bool> {
        self.reader.entries(index).has(key)
    }

    fn entries<K: Key, V: Value>(&mut self, index: Table<K, V>, expected: u64) -> Result<()> {
        let index = self.reader.entries(index);
        let found = index.count()?;
        if found != expected {
            let problem = format!("the index has {found} entries, and {expected} are right");
            self.note(index.name(), None, &problem);
        }
        Ok(())
    }
}
