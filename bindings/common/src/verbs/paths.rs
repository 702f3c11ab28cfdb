//! The verbs about files that nobody has open. They need no handle, and a handle runs them too.

use std::path::PathBuf;

use secrecy::SecretString;
use serde::Deserialize;
use tollway::client::{self, Compaction, LedgerImport};
use tollway::types::Result;
use tollway::vault::MasterKey;

use super::table::path_verbs;
use crate::error::ErrorInfo;
use crate::master_key;

path_verbs! {
    /// Puts a copy that `backup` made where nothing is, after all of its pages were checked.
    ///
    /// The copy stays as it is, and the same master key opens what was put.
    ///
    /// * `not_found` if there is no copy.
    /// * `not_a_tollway_file` if it is another kind of file.
    /// * `corrupted_file` if it is damaged.
    /// * `storage` if anything is at the path, or it cannot be written.
    "ledger.restore"(backup, path) => restore(RestoreArguments) -> ();
    /// Gives the free pages of a file back, such as those of what was archived. Nobody else can have it open meanwhile.
    ///
    /// * `not_found` if there is no file.
    /// * `not_a_tollway_file` if it is another kind of file.
    /// * `storage` if anybody has it open.
    "ledger.compact"(path) => compact(CompactArguments) -> Compaction;
    /// Makes a file, where nothing is, of what `export` wrote: all or nothing.
    ///
    /// Rows keep their ids, so that all sums and balances are those of the file that was exported. The file is verified before it gets its
    /// name.
    ///
    /// * `not_found` if there is no export.
    /// * `not_a_tollway_file` if it is another kind of file.
    /// * `newer_file` if a newer version wrote it.
    /// * `corrupted_file` if it was changed or cut off. The error names the line.
    /// * `wrong_master_key` if the passphrase is another one.
    /// * `storage` if anything is at the path, or it cannot be written.
    /// * `invalid_request` if the master key is too short, or a passphrase is given to an export without secrets.
    "ledger.import_file"(file, path) => import_file(ImportArguments) -> LedgerImport;
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreArguments {
    /// The copy.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    backup: PathBuf,
    /// Where to put what it holds.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CompactArguments {
    /// The file.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ImportOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct ImportArguments {
    /// The export.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    file: PathBuf,
    /// Where to make the file.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
    /// What seals the API keys of the file: 32 bytes as hexadecimal digits or base64, or a passphrase of at least 8 characters. `env:NAME`
    /// reads it from an environment variable.
    #[cfg_attr(feature = "schema", schemars(with = "String", extend("writeOnly" = true)))]
    master_key: SecretString,
    /// What the secrets of the export were sealed under; they are left out without it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    passphrase: Option<SecretString>,
}

pub(super) async fn import_file(arguments: ImportArguments) -> std::result::Result<LedgerImport, ErrorInfo> {
    let ImportArguments { file, path, master_key, passphrase } = arguments;
    let key = MasterKey::Text(master_key::resolved(Some(master_key), None)?);
    Ok(client::import_file(&file, &path, key, passphrase).await?)
}

pub(super) async fn restore(arguments: RestoreArguments) -> Result<()> {
    client::restore(&arguments.backup, &arguments.path).await
}

pub(super) async fn compact(arguments: CompactArguments) -> Result<Compaction> {
    client::compact(&arguments.path).await
}
