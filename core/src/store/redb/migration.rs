//! Migration: a file of an earlier schema becomes one of this schema in one transaction.
//!
//! The rows of the first schema were not signed; up to the second, balances were those of budgets alone and had no journal,
//! and a rollup of days stood in the place of which the records are digested anew: that takes as long as there are records, and goes
//! on in slices while the file is open.

use std::ops::Bound;
use std::path::Path;

use redb::{AccessGuard, Database, ReadableDatabase, ReadableTable, TableHandle as _, WriteTransaction};

use super::failure::Failure;
use super::opening::FileKeys;
use super::session::is_in_use;
use super::tables::{META, Writes, create_all};
use crate::store::codec::{Row, decimal, decode, encode};
use crate::store::failure::damaged;
use crate::store::key::Key;
use crate::store::operation::Cause;
use crate::store::records::text_keys;
use crate::store::row_key::RowKey;
use crate::store::rows::{
    BUDGET, BalanceRow, BudgetBalanceRow, LedgerHeadRow, ModelConfigRow, Movement, MovementsRow, ReservationRow,
    UsageRecordRow,
};
use crate::store::state::{STATE_KEY, State};
use crate::store::storage::WriteTables;
use crate::store::tables::{
    self, BalanceKey, META_TABLE, MovementKey, SCHEMA_KEY, Shape, WRAPPED_DATA_KEY, is_unsigned,
};
use crate::store::writing::number;
use crate::types::{Error, ErrorKind, Result};

/// The schema that this version writes.
pub(super) const SCHEMA_VERSION: u64 = 3;
/// The first schema whose rows are signed.
const FIRST_SIGNED: u64 = 2;
/// How many rows are read before they are written again.
const CHUNK: usize = 1024;

/// Returns whether a file has the schema of this version.
pub(super) fn is_current(database: &Database) -> Result<bool> {
    let transaction = database.begin_read().map_err(Failure::error)?;
    let meta = transaction.open_table(META).map_err(Failure::error)?;
    let version = meta.get(SCHEMA_KEY).map_err(Failure::error)?;
    Ok(number(version.as_ref().map(AccessGuard::value))? == SCHEMA_VERSION)
}

/// Brings a file to the schema of this version. Returns whether anything was changed.
///
/// Of many processes that open the file at once, the first does it, and the others find it done.
///
/// Fails with `storage` while a process with an earlier version has the file open, which would go on writing what is not signed.
pub(super) fn migrate(transaction: &WriteTransaction, keys: &FileKeys, path: &Path) -> Result<bool> {
    let version = {
        let meta = transaction.open_table(META).map_err(Failure::error)?;
        let version = meta.get(SCHEMA_KEY).map_err(Failure::error)?;
        number(version.as_ref().map(AccessGuard::value))?
    };
    if version == SCHEMA_VERSION {
        return Ok(false);
    }
    let set_back = || Err(damaged(META_TABLE, "its schema version was set back"));
    if keys.is_bound && version < FIRST_SIGNED {
        return set_back();
    }
    // No process with this version has it open: its first open makes the schema this one.
    if is_in_use(path) {
        return Err(Error::new(
            ErrorKind::Storage,
            "the file has the form of an earlier version of Tollway, and a process with that version has it open; close it there, \
             then open it again, which brings it to this version's form",
        ));
    }
    create_all(transaction)?;
    let migration = Migration { tables: &Writes::new(transaction), key: &keys.row_key, state: State::default() };
    if version < FIRST_SIGNED {
        migration.sign_all(keys)?;
    } else {
        migration.load_state()?;
        if migration.state.digested() > 0 {
            return set_back();
        }
    }
    migration.move_balances()?;
    migration.enter_texts()?;
    migration.enter_sessions()?;
    for index in tables::FORMER_INDEXES {
        delete(transaction, index)?;
    }
    migration.empty(tables::DAILY.shape())?;
    migration.finish(keys)?;
    Ok(true)
}

/// Deletes an index that is kept no more.
fn delete(transaction: &WriteTransaction, name: &str) -> Result<()> {
    let tables = transaction.list_tables().map_err(Failure::error)?;
    for table in tables.filter(|table| table.name() == name).collect::<Vec<_>>() {
        transaction.delete_table(table).map_err(Failure::error)?;
    }
    Ok(())
}

struct Migration<'t> {
    tables: &'t dyn WriteTables,
    key: &'t RowKey,
    state: State,
}

impl Migration<'_> {
    /// Signs all rows and values.
    fn sign_all(&self, keys: &FileKeys) -> Result<()> {
        for table in [
            tables::PROVIDERS.shape(),
            tables::MODELS.shape(),
            tables::PRICES.shape(),
            tables::FX_RATES.shape(),
            tables::ROUTES.shape(),
            tables::BUDGETS.shape(),
            tables::BUDGET_BALANCES.shape(),
            tables::RESERVATIONS.shape(),
            tables::KEYS.shape(),
        ] {
            self.each(table, |_, row| Ok(row.to_vec()))?;
        }
        self.seal_configs(keys)?;
        self.link_records()?;
        self.sign_meta()
    }

    /// Reads the state of a file whose rows are signed.
    fn load_state(&self) -> Result<()> {
        let mut state = None;
        self.tables.get(tables::META.shape(), STATE_KEY.as_bytes(), &mut |value| {
            state = Some(self.key.open_meta(STATE_KEY, value)?.to_vec());
            Ok(())
        })?;
        state.map_or(Ok(()), |state| self.state.load(&state))
    }

    /// Makes the balances of budgets balances of accounts. What was used is the opening of their journals.
    fn move_balances(&self) -> Result<()> {
        let (before, after) = (tables::BUDGET_BALANCES.shape(), tables::BALANCES.shape());
        let mut rows = Vec::new();
        self.tables.range(before, (Bound::Unbounded, Bound::Unbounded), &mut |key, signed| {
            let row: BudgetBalanceRow = decode(self.key.open(before.name, key, signed)?)?;
            let (budget, start) = <(u64, i64)>::read(key).ok_or_else(|| damaged(before.name, "a key is malformed"))?;
            rows.push((key.to_vec(), budget, start, row));
            Ok(true)
        })?;
        for (key, budget, start, row) in rows {
            self.tables.remove(before, &key, &mut |signed| self.state.count(before.name, signed, None))?;
            let movements = u64::from(!decimal(before.name, row.settled)?.is_zero());
            let balance = BalanceRow { settled: row.settled, reserved: row.reserved, holds: row.holds, movements };
            self.put(after, &BalanceKey::bytes((BUDGET.into(), budget, "", start)), &balance)?;
            if movements > 0 {
                let amount = decimal(before.name, row.settled)?;
                let opening =
                    Movement { cause: Cause::Opening.number(), amount, balance: amount, record_id: 0, created_at: 0 };
                let key = MovementKey::bytes((BUDGET.into(), budget, "", start, movements));
                self.put(tables::MOVEMENTS.shape(), &key, &MovementsRow::empty().with(&[opening])?)?;
            }
        }
        Ok(())
    }

    fn put<R: Row>(&self, table: &Shape, key: &[u8], row: &R) -> Result<()> {
        let signed = self.key.sign(table.name, key, encode(row)?);
        self.tables.put(table, key, &signed, &mut |before| self.state.count(table.name, before, Some(&signed)))
    }

    /// Writes all rows of a table as `rewrite` makes them, and signs them. Keys are given as their bytes.
    fn each(&self, table: &Shape, mut rewrite: impl FnMut(&[u8], &[u8]) -> Result<Vec<u8>>) -> Result<()> {
        let mut last: Option<Vec<u8>> = None;
        loop {
            let mut chunk: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            let from = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            self.tables.range(table, (from, Bound::Unbounded), &mut |key, row| {
                chunk.push((key.to_vec(), self.key.sign(table.name, key, rewrite(key, row)?)));
                Ok(chunk.len() < CHUNK)
            })?;
            for (key, signed) in &chunk {
                self.tables.put(table, key, signed, &mut |_| {})?;
                self.state.count(table.name, None, Some(signed));
            }
            match chunk.pop() {
                Some((key, _)) => last = Some(key),
                None => return Ok(()),
            }
        }
    }

    /// Removes all rows of a table.
    fn empty(&self, table: &Shape) -> Result<()> {
        loop {
            let mut keys: Vec<Vec<u8>> = Vec::new();
            self.tables.range(table, (Bound::Unbounded, Bound::Unbounded), &mut |key, _| {
                keys.push(key.to_vec());
                Ok(keys.len() < CHUNK)
            })?;
            for key in &keys {
                self.tables.remove(table, key, &mut |_| {})?;
            }
            if keys.is_empty() {
                self.state.forget(table.name);
                return Ok(());
            }
        }
    }

    /// Seals the secrets of each config as this version does.
    fn seal_configs(&self, keys: &FileKeys) -> Result<()> {
        self.each(tables::MODEL_CONFIGS.shape(), |key, row| {
            let id = number(Some(key))?;
            let config = decode::<ModelConfigRow>(row)?.model_config(id)?;
            encode(&ModelConfigRow::new(&(keys.reseal)(config)?))
        })
    }

    /// Signs the records, and links them in the order of their ids.
    fn link_records(&self) -> Result<()> {
        self.each(tables::RECORDS.shape(), |key, row| {
            let uid = decode::<UsageRecordRow>(row)?.uid;
            if let Some(head) = self.state.link(self.key, number(Some(key))?, &uid) {
                let row = encode(&LedgerHeadRow { link: head.link })?;
                let signed = self.key.sign(LedgerHeadRow::TABLE, key, row);
                self.tables.put(tables::HEADS.shape(), key, &signed, &mut |_| {})?;
                self.state.count(LedgerHeadRow::TABLE, None, Some(&signed));
            }
            Ok(row.to_vec())
        })
    }

    /// Enters the sessions that have reservations.
    fn enter_sessions(&self) -> Result<()> {
        let (reservations, mut sessions) = (tables::RESERVATIONS.shape(), Vec::new());
        self.tables.range(reservations, (Bound::Unbounded, Bound::Unbounded), &mut |key, signed| {
            sessions.push(decode::<ReservationRow>(self.key.open(reservations.name, key, signed)?)?.session);
            Ok(true)
        })?;
        let put = |session: u64| self.tables.put(tables::SESSIONS.shape(), &session.to_le_bytes(), &[], &mut |_| {});
        sessions.into_iter().try_for_each(put)
    }

    /// Enters the records under the texts that name them. Under what they have in common they are entered when they are digested.
    fn enter_texts(&self) -> Result<()> {
        let (records, texts) = (tables::RECORDS.shape(), tables::RECORDS_BY_TEXT.shape());
        let mut last: Option<Vec<u8>> = None;
        loop {
            let mut entries = Vec::new();
            let from = last.take().map_or(Bound::Unbounded, Bound::Excluded);
            let mut count = 0;
            self.tables.range(records, (from.as_ref().map(Vec::as_slice), Bound::Unbounded), &mut |key, signed| {
                let row = decode::<UsageRecordRow>(self.key.open(records.name, key, signed)?)?;
                let id = number(Some(key))?;
                let keys = text_keys(self.key, &row.uid, &row.request_id, row.adjusts.as_deref());
                entries.extend(keys.into_iter().map(|key| (key, id)));
                last = Some(key.to_vec());
                count += 1;
                Ok(count < CHUNK)
            })?;
            for entry in &entries {
                self.tables.put(texts, &<(u64, u64)>::bytes(*entry), &[], &mut |_| {})?;
            }
            if entries.is_empty() {
                return Ok(());
            }
        }
    }

    /// Signs the values of `meta`.
    fn sign_meta(&self) -> Result<()> {
        let meta = tables::META.shape();
        let mut values = Vec::new();
        self.tables.range(meta, (Bound::Unbounded, Bound::Unbounded), &mut |key, value| {
            if !str::from_utf8(key).is_ok_and(is_unsigned) {
                values.push((key.to_vec(), value.to_vec()));
            }
            Ok(true)
        })?;
        for (key, value) in values {
            let signed = self.key.sign(META_TABLE, &key, value);
            self.tables.put(meta, &key, &signed, &mut |_| {})?;
            self.state.count(META_TABLE, None, Some(&signed));
        }
        Ok(())
    }

    /// Writes the state of the file, its envelope and its schema.
    fn finish(&self, keys: &FileKeys) -> Result<()> {
        let put = |key: &str, value: &[u8]| self.tables.put(tables::META.shape(), key.as_bytes(), value, &mut |_| {});
        put(STATE_KEY, &self.key.sign(META_TABLE, STATE_KEY.as_bytes(), self.state.row()?))?;
        if let Some(envelope) = &keys.envelope {
            put(WRAPPED_DATA_KEY, envelope)?;
        }
        put(SCHEMA_KEY, &SCHEMA_VERSION.to_le_bytes())
    }
}
