//! Export: everything that a file holds, as lines of JSON.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use secrecy::SecretString;
use serde::Serialize;

use super::blocking;
use super::export_lines::{Carried, Written};
use super::export_secrets::{sealed_anew, taken_away};
use crate::client::engine::{Tollway, invalid};
use crate::environment::Environment;
use crate::store::{Entry, FileKeys, NewFile, Opening, PATIENCE, RowKey, Store};
use crate::types::{Error, ErrorKind, Result};
use crate::vault::{MasterKey, Vault};

/// How many rows are read at a time.
const READ_AT_ONCE: usize = 512;

/// What was exported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LedgerExport {
    /// How many rows of all tables there are.
    pub rows: u64,
    /// How many usage records are among them.
    pub records: u64,
    /// The SHA-256 of all lines but the last, in hexadecimal digits. The last line says it too.
    pub sha256: String,
    /// The model configs whose secrets were left out, as `provider/model`.
    pub without_secrets: Vec<String>,
}

/// A copy that is read and removed.
struct CopiedFile(PathBuf);

impl Drop for CopiedFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Tollway {
    /// Writes everything that the file holds to a path where nothing is, as lines of JSON, while calls go on: model configs, prices with
    /// their history, exchange rates, routes, budgets, quotas, packages, pools, models and usage records, with all balances.
    ///
    /// It is what stood in the file at one commit: that is copied beside the path first, and read from there. API keys and secret headers
    /// are left out, or sealed under a passphrase. Idempotency keys are left out. Fails with `storage` if anything is at the path or it cannot
    /// be written, and with `invalid_request` for a ledger in memory, or if the passphrase is too short.
    pub async fn export(&self, path: &Path, passphrase: Option<SecretString>) -> Result<LedgerExport> {
        self.engine.check()?;
        let (place, world) = (path.to_owned(), Arc::clone(&self.engine.environment));
        let (vault, environment) = (Arc::clone(&self.engine.vault), Arc::clone(&self.engine.environment));
        let made = blocking(move || {
            let sealing = passphrase.map(|text| Vault::create(&MasterKey::Text(text), &world).map_err(of_passphrase));
            let sealing = sealing.transpose()?;
            NewFile::make_where_nothing_is(&place, world.as_ref()).map(|made| (made, sealing))
        });
        let ((new, file), sealing) = made.await?;
        let (sealing, envelope) = sealing.map_or((None, None), |(vault, envelope)| (Some(vault), Some(envelope)));
        let mut name = OsString::from(new.aside());
        name.push(".copy");
        let copy = CopiedFile(name.into());
        self.engine.store.back_up(copy.0.clone()).await?;
        let (row_key, place) = (RowKey::new(&vault.row_key()), copy.0.clone());
        let world = Arc::clone(&environment);
        let store = blocking(move || open_copy(&place, row_key, world)).await?;

        let cargo = store.cargo().await?;
        let mut lines = Written::begin(file, path, environment.now(), cargo.marks, envelope.as_deref())?;
        let sealing = sealing.map(Arc::new);
        let (mut after, mut without_secrets) = (None, Vec::new());
        loop {
            let entries = store.entries(after, READ_AT_ONCE).await?;
            let Some(last) = entries.last() else { break };
            after = Some((last.table.clone(), last.key.clone()));
            let (vault, sealing) = (Arc::clone(&vault), sealing.clone());
            let written = blocking(move || {
                let mut names = Vec::new();
                for entry in entries {
                    let carried = carried(entry, &vault, sealing.as_deref(), &mut names)?;
                    lines.row(carried)?;
                }
                Ok((lines, names))
            });
            let (rest, mut names) = written.await?;
            lines = rest;
            without_secrets.append(&mut names);
        }
        let end = blocking(move || {
            // The copy is closed before it is removed.
            drop(store);
            drop(copy);
            lines.end()
        });
        let end = end.await?;
        for (table, rows) in &cargo.rows {
            let found = end.rows.get(table).copied().unwrap_or_default();
            if found != *rows {
                return Err(Error::new(
                    ErrorKind::CorruptedFile,
                    format!("the table {table} has {found} rows, and {rows} were written; verify the file"),
                ));
            }
        }
        blocking(move || new.put()).await?;
        let records = end.rows.get(RECORDS).copied().unwrap_or_default();
        Ok(LedgerExport { rows: end.rows.values().sum(), records, sha256: end.sha256, without_secrets })
    }
}

/// The table of usage records.
pub(super) const RECORDS: &str = "ai_usage_records";

/// Says of a passphrase what is said of a master key.
fn of_passphrase(error: Error) -> Error {
    match error.kind() {
        ErrorKind::InvalidRequest => invalid("the passphrase of an export is too short; give at least 8 characters"),
        _ => error,
    }
}

fn open_copy(path: &Path, row_key: RowKey, environment: Arc<dyn Environment>) -> Result<Arc<dyn Store>> {
    let opening = Opening::open(path, true, false, PATIENCE, environment, &|_| Ok(()))?;
    let store: Arc<dyn Store> = opening.start(FileKeys::plain(row_key))?;
    Ok(store)
}

/// Prepares a row: secrets are sealed for the export, or left out.
fn carried(entry: Entry, vault: &Vault, sealing: Option<&Vault>, without: &mut Vec<String>) -> Result<Carried> {
    let Some(mut config) = entry.model_config()? else { return Ok(Carried { entry, left_out: Vec::new() }) };
    if let Some(sealing) = sealing {
        let entry = Entry::of_model_config(&sealed_anew(vault, sealing, config)?)?;
        return Ok(Carried { entry, left_out: Vec::new() });
    }
    let left_out = taken_away(&mut config);
    if !left_out.is_empty() {
        without.push(config.name());
    }
    Ok(Carried { entry: Entry::of_model_config(&config)?, left_out })
}

#[cfg(test)]
#[path = "export_tests.rs"]
mod tests;
