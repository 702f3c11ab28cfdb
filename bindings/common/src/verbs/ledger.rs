//! The verbs about the file as a whole.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{LedgerHead, Result, Verification};

use super::NoArguments;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyArguments {
    #[serde(default)]
    head: Option<LedgerHead>,
}

pub(super) async fn head(client: &Tollway, _: NoArguments) -> Result<LedgerHead> {
    client.head().await
}

pub(super) async fn verify(client: &Tollway, arguments: VerifyArguments) -> Result<Verification> {
    client.verify(arguments.head).await
}
