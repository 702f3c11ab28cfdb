//! The verbs about the file as a whole.

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use tollway::client::{Archive, Backup, LedgerExport, Tollway};
use tollway::types::{LedgerHead, Result, Verification};

use super::NoArguments;
use super::table::verbs;

verbs! {
    /// Returns the head of the ledger as a text, to be kept outside the file.
    ///
    /// `verify` tells by it later whether an older copy was put in the place of the file.
    "ledger.head" => head(NoArguments) -> LedgerHead;
    /// Reads the whole file and returns what is not as it was written: pages, rows, indexes, balances, rollups.
    ///
    /// Damage is told and is no error. It reads every record, so it takes some seconds for each million; calls go on meanwhile.
    ///
    /// * `invalid_request` if `head` is no head of a ledger.
    "ledger.verify" => verify(VerifyArguments) -> Verification;
    /// Writes a copy of the file, as it stands at one commit, to a path where nothing is, while calls go on.
    ///
    /// The same master key opens it. What calls hold at that commit is billed by the rules of recovery where the copy is opened.
    ///
    /// * `storage` if anything is at the path, or it cannot be written.
    /// * `invalid_request` if the ledger is in memory.
    "ledger.backup"(path) => backup(BackupArguments) -> Backup;
    /// Writes the records of the whole months (in UTC) before an instant to a new file, as compressed lines of JSON with a check sum; then
    /// they leave the ledger.
    ///
    /// Calls go on. Sums, budgets, quotas and pools stay as they are. Records that have no price yet stay, and so do those whose settlement
    /// may still come.
    ///
    /// * `storage` if anything is at the path, or it cannot be written.
    /// * `invalid_request` if the month of `before` has not begun.
    "ledger.archive"(before, path) => archive(ArchiveArguments) -> Archive;
    /// Writes everything that the file holds to a path where nothing is, as lines of JSON, while calls go on.
    ///
    /// `import_file` makes a file of it. It is what stood in the file at one commit. API keys and secret headers are left out, or sealed under
    /// a passphrase; idempotency keys are left out.
    ///
    /// * `storage` if anything is at the path, or it cannot be written.
    /// * `invalid_request` if the ledger is in memory, or the passphrase is too short.
    "ledger.export"(path) => export(ExportArguments) -> LedgerExport;
}

/// What the file is held against.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "VerifyOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyArguments {
    /// What `head` returned earlier; the ledger must still hold all that it held then.
    #[serde(default)]
    head: Option<LedgerHead>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct BackupArguments {
    /// Where to write the copy.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ArchiveArguments {
    /// Which records: those of the months before the one that this instant lies in.
    before: Timestamp,
    /// Where to write them.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "ExportOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct ExportArguments {
    /// Where to write it.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
    /// What seals the API keys and the secret headers, of at least 8 characters; they are left out without it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>", extend("writeOnly" = true)))]
    passphrase: Option<SecretString>,
}

pub(super) async fn export(client: &Tollway, arguments: ExportArguments) -> Result<LedgerExport> {
    client.export(&arguments.path, arguments.passphrase).await
}

pub(super) async fn backup(client: &Tollway, arguments: BackupArguments) -> Result<Backup> {
    client.backup(&arguments.path).await
}

pub(super) async fn archive(client: &Tollway, arguments: ArchiveArguments) -> Result<Archive> {
    client.archive(arguments.before, &arguments.path).await
}

pub(super) async fn head(client: &Tollway, _: NoArguments) -> Result<LedgerHead> {
    client.head().await
}

pub(super) async fn verify(client: &Tollway, arguments: VerifyArguments) -> Result<Verification> {
    client.verify(arguments.head).await
}
