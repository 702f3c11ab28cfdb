//! Migration: a file of the first schema, whose rows were not signed, becomes one of this schema in one transaction.

use std::path::Path;

use redb::{AccessGuard, Database, Key, ReadableDatabase, ReadableTable, WriteTransaction};

use super::FileKeys;
use super::codec::{Row, damaged, decode, encode};
use super::containment::Held;
use super::failure::Failure;
use super::ledger::number;
use super::row_key::RowKey;
use super::rows::{LedgerHeadRow, ModelConfigRow, UsageRecordRow};
use super::session::is_in_use;
use super::state::{STATE_KEY, State};
use super::tables::{self, META_TABLE, RowTable, SCHEMA_KEY, WRAPPED_DATA_KEY, is_unsigned};
use crate::types::{Error, ErrorKind, Result};

/// The schema that this version writes.
pub(super) const SCHEMA_VERSION: u64 = 2;
/// How many rows are read before they are written again.
const CHUNK: usize = 1024;

/// Returns whether a file has the schema of this version.
pub(super) fn is_current(database: &Database) -> Result<bool> {
    let transaction = database.begin_read().map_err(Failure::error)?;
    let meta = transaction.open_table(tables::META).map_err(Failure::error)?;
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
        let meta = transaction.open_table(tables::META).map_err(Failure::error)?;
        let version = meta.get(SCHEMA_KEY).map_err(Failure::error)?;
        number(version.as_ref().map(AccessGuard::value))?
    };
    if version == SCHEMA_VERSION {
        return Ok(false);
    }
    if keys.is_bound {
        return Err(damaged(META_TABLE, "its schema version was set back"));
    }
    // No process with this version has it open: its first open makes the schema this one.
    if is_in_use(path) {
        return Err(Error::new(
            ErrorKind::Storage,
            "the file has the form of an earlier version of Tollway, and a process with that version has it open; close it there, \
             then open it again, which brings it to this version's form",
        ));
    }
    let migration = Migration { transaction, key: &keys.row_key, state: State::default() };
    tables::create_all(transaction)?;
    migration.sign_all(tables::PROVIDERS, "ai_providers")?;
    migration.sign_all(tables::MODELS, "ai_models")?;
    migration.sign_all(tables::PRICES, "ai_model_pricing")?;
    migration.sign_all(tables::FX_RATES, "fx_rates")?;
    migration.sign_all(tables::ROUTES, "ai_routing_strategy")?;
    migration.sign_all(tables::DAILY, "ai_cost_daily")?;
    migration.sign_all(tables::BUDGETS, "budgets")?;
    migration.sign_all(tables::BALANCES, "budget_balances")?;
    migration.sign_all(tables::RESERVATIONS, "reservations")?;
    migration.sign_all(tables::KEYS, "idempotency_keys")?;
    migration.seal_configs(keys)?;
    migration.link_records()?;
    migration.sign_meta(keys)?;
    Ok(true)
}

struct Migration<'t> {
    transaction: &'t WriteTransaction,
    key: &'t RowKey,
    state: State,
}

impl Migration<'_> {
    /// Signs all rows of a table.
    fn sign_all<K: Key + 'static>(&self, definition: RowTable<K>, name: &str) -> Result<()> {
        self.each(definition, name, |_, row| Ok(row.to_vec()))
    }

    /// Writes all rows of a table as `rewrite` makes them, and signs them. Keys are given as their bytes.
    fn each<K: Key + 'static>(
        &self,
        definition: RowTable<K>,
        name: &str,
        mut rewrite: impl FnMut(&[u8], &[u8]) -> Result<Vec<u8>>,
    ) -> Result<()> {
        let mut table = self.transaction.open_table(definition).map_err(Failure::error)?;
        let mut last: Option<Vec<u8>> = None;
        loop {
            let mut chunk: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            let entries = match &last {
                None => table.iter(),
                Some(last) => table.range(K::from_bytes(last)..),
            };
            for entry in entries.map_err(Failure::error)? {
                let (key, row) = entry.map_err(Failure::error)?;
                let key = K::as_bytes(&key.value()).as_ref().to_vec();
                if last.as_ref() == Some(&key) {
                    continue;
                }
                let signed = self.key.sign(name, &key, rewrite(&key, row.value())?);
                chunk.push((key, signed));
                if chunk.len() == CHUNK {
                    break;
                }
            }
            let Some((key, _)) = chunk.last() else { return Ok(()) };
            last = Some(key.clone());
            for (key, signed) in chunk {
                table.insert(K::from_bytes(&key), signed.as_slice()).map_err(Failure::error)?;
                self.state.count(name, None, Some(&signed));
            }
        }
    }

    /// Seals the secrets of each config as this version does.
    fn seal_configs(&self, keys: &FileKeys) -> Result<()> {
        self.each(tables::MODEL_CONFIGS, ModelConfigRow::TABLE, |key, row| {
            let id = number(Some(key))?;
            let config = decode::<ModelConfigRow>(row)?.model_config(id)?;
            encode(&ModelConfigRow::new(&(keys.reseal)(config)?))
        })
    }

    /// Signs the records, and links them in the order of their ids.
    fn link_records(&self) -> Result<()> {
        let mut heads = Held::new(self.transaction.open_table(tables::HEADS).map_err(Failure::error)?);
        self.each(tables::RECORDS, UsageRecordRow::TABLE, |key, row| {
            let id = number(Some(key))?;
            let uid = decode::<UsageRecordRow>(row)?.uid;
            if let Some(head) = self.state.link(self.key, id, &uid) {
                let row = encode(&LedgerHeadRow { link: head.link })?;
                let signed = self.key.sign(LedgerHeadRow::TABLE, key, row);
                heads.get_mut()?.insert(id, signed.as_slice()).map_err(Failure::error)?;
                self.state.count(LedgerHeadRow::TABLE, None, Some(&signed));
            }
            Ok(row.to_vec())
        })
    }

    /// Signs the values of `meta`, and writes the state of the file, its envelope and its schema.
    fn sign_meta(&self, keys: &FileKeys) -> Result<()> {
        let mut meta = self.transaction.open_table(tables::META).map_err(Failure::error)?;
        let mut values = Vec::new();
        for entry in meta.iter().map_err(Failure::error)? {
            let (key, value) = entry.map_err(Failure::error)?;
            values.push((key.value().to_owned(), value.value().to_vec()));
        }
        for (key, value) in values.into_iter().filter(|(key, _)| !is_unsigned(key)) {
            let signed = self.key.sign(META_TABLE, key.as_bytes(), value);
            meta.insert(key.as_str(), signed.as_slice()).map_err(Failure::error)?;
            self.state.count(META_TABLE, None, Some(&signed));
        }
        let state = self.key.sign(META_TABLE, STATE_KEY.as_bytes(), self.state.row()?);
        meta.insert(STATE_KEY, state.as_slice()).map_err(Failure::error)?;
        if let Some(envelope) = &keys.envelope {
            meta.insert(WRAPPED_DATA_KEY, envelope.as_slice()).map_err(Failure::error)?;
        }
        meta.insert(SCHEMA_KEY, SCHEMA_VERSION.to_le_bytes().as_slice()).map_err(Failure::error)?;
        Ok(())
    }
}
