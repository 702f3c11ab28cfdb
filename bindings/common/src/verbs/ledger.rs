//! The verbs about the file as a whole.

use serde::Deserialize;
use tollway::client::Tollway;
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

pub(super) async fn head(client: &Tollway, _: NoArguments) -> Result<LedgerHead> {
    client.head().await
}

pub(super) async fn verify(client: &Tollway, arguments: VerifyArguments) -> Result<Verification> {
    client.verify(arguments.head).await
}
