//! Import: a new file of what was exported from another.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::Serialize;

use super::blocking;
use super::export::RECORDS;
use super::export_lines::{Carried, Head, Lines};
use super::export_secrets::{sealed_anew, taken_away};
use crate::client::engine::invalid;
use crate::client::open::open_file;
use crate::environment::{Environment, SystemEnvironment};
use crate::store::{Entry, NewFile, Operation, PATIENCE, Store};
use crate::types::{Error, ErrorKind, Result};
use crate::vault::{MasterKey, Vault};

/// How many rows are written in one transaction.
const WRITTEN_AT_ONCE: usize = 2_048;

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LedgerImport {
    /// How many rows of all tables there are.
    pub rows: u64,
    /// How many usage records are among them.
    pub records: u64,
    /// The model configs whose secrets did not come, as `provider/model`: set them again.
    pub without_secrets: Vec<String>,
}

/// Makes a file, where nothing is, of what [`crate::client::Tollway::export`] wrote. Rows keep their ids, so that all sums and balances are
/// those of the file that was exported.
///
/// It is all or nothing: the file is made aside, verified, and then given its name. A master key of its own seals its secrets; those of the
/// export come where its passphrase is given. Fails with `not_found`, with `not_a_tollway_file` if it is no export, with `newer_file`, with
/// `corrupted_file` if it was changed or cut (which names the line), with `wrong_master_key` if the passphrase is another one, with `storage`
/// if anything is at the path or it cannot be written, and with `invalid_request` if the master key is too short, or a passphrase is given
/// to an export without secrets.
pub async fn import_file(
    file: &Path,
    path: &Path,
    master_key: MasterKey,
    passphrase: Option<SecretString>,
) -> Result<LedgerImport> {
    let (source, place) = (file.to_owned(), path.to_owned());
    let begun = blocking(move || {
        let world: Arc<dyn Environment> = Arc::new(SystemEnvironment);
        let (lines, head) = Lines::open(&source)?;
        let sealed = opened(&head, passphrase, &world)?;
        let (new, empty) = NewFile::make_where_nothing_is(&place, world.as_ref())?;
        drop(empty);
        let (store, vault) = open_file(new.aside(), (true, true), PATIENCE, &master_key, &world)?;
        Ok((lines, head, sealed, new, store, vault))
    });
    let (mut lines, head, sealed, new, store, vault) = begun.await?;
    let sealed = sealed.map(Arc::new);
    let mut without_secrets = Vec::new();
    loop {
        let first_line = lines.next_line();
        let (sealed, vault) = (sealed.clone(), Arc::clone(&vault));
        let read = blocking(move || {
            let mut names = Vec::new();
            let entries = lines.next(WRITTEN_AT_ONCE)?.into_iter();
            let entries = entries.map(|carried| entry(carried, sealed.as_deref(), &vault, &mut names));
            let entries = entries.collect::<Result<Vec<Entry>>>()?;
            Ok((lines, entries, names))
        });
        let (rest, entries, mut names) = read.await?;
        lines = rest;
        without_secrets.append(&mut names);
        if entries.is_empty() {
            break;
        }
        store.apply(Operation::Bring { entries, marks: head.marks, first_line }).await?;
    }
    store.apply(Operation::EndBringing { marks: head.marks }).await?;
    check(store.as_ref()).await?;
    blocking(move || {
        // It is closed before it is given its name.
        drop(store);
        new.put()
    })
    .await?;
    let rows = lines.end().map(|end| end.rows.clone()).unwrap_or_default();
    let records = rows.get(RECORDS).copied().unwrap_or_default();
    Ok(LedgerImport { rows: rows.values().sum(), records, without_secrets })
}

/// Opens what the secrets of an export are sealed under.
fn opened(head: &Head, passphrase: Option<SecretString>, world: &Arc<dyn Environment>) -> Result<Option<Vault>> {
    let Some(passphrase) = passphrase else { return Ok(None) };
    let Some(envelope) = &head.envelope else {
        return Err(invalid("the export has no secrets, which were left out of it; leave the passphrase out"));
    };
    let envelope = STANDARD.decode(envelope).unwrap_or_default();
    let vault = Vault::open(&envelope, &MasterKey::Text(passphrase), world).map_err(|error| match error.kind() {
        ErrorKind::WrongMasterKey => Error::new(
            ErrorKind::WrongMasterKey,
            "the passphrase is another one than the secrets of the export were sealed under; give that one, or none to leave \
             them out",
        ),
        _ => error,
    });
    vault.map(Some)
}

/// Prepares a row: secrets are sealed for the new file, or left out.
fn entry(carried: Carried, sealed: Option<&Vault>, vault: &Vault, without: &mut Vec<String>) -> Result<Entry> {
    let Carried { entry, left_out } = carried;
    let Some(mut config) = entry.model_config()? else { return Ok(entry) };
    if !left_out.is_empty() {
        without.push(config.name());
    }
    let Some(sealed) = sealed else {
        let gone = taken_away(&mut config);
        if gone.is_empty() {
            return Ok(entry);
        }
        without.push(config.name());
        return Entry::of_model_config(&config);
    };
    let shown = entry.shown;
    // What is shown has no secrets, and is held against the row as it came.
    Ok(Entry { shown, ..Entry::of_model_config(&sealed_anew(sealed, vault, config)?)? })
}

async fn check(store: &dyn Store) -> Result<()> {
    let checked = store.verify().await?;
    checked.damage.first().map_or(Ok(()), |damage| {
        Err(Error::new(
            ErrorKind::CorruptedFile,
            format!(
                "what was exported does not hold together: {}: {}; verify the file that it was exported from",
                damage.table, damage.problem
            ),
        ))
    })
}
