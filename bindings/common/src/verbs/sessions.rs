//! The verbs about sessions.

use serde::Deserialize;
use tollway::client::Tollway;
use tollway::types::{Result, Session, SessionTerms};

use super::table::verbs;

verbs! {
    /// Opens a session: its limits cap all calls together that name its path as their `sessions`.
    ///
    /// `session` does it for the calls of a block. A session that is opened again by its name has the limits that are given last.
    ///
    /// * `invalid_request` if a limit is half given or not exact, or a name is wrong.
    "sessions.open" => open(SessionTerms) -> Session;
    /// Ends a session by its path: its limits are deleted, and its records stay.
    "sessions.close"(path) => close(CloseArguments) -> ();
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct CloseArguments {
    /// The path that opening it returned.
    path: Vec<String>,
}

pub(super) async fn open(client: &Tollway, terms: SessionTerms) -> Result<Session> {
    client.open_session(terms).await
}

pub(super) async fn close(client: &Tollway, arguments: CloseArguments) -> Result<()> {
    client.close_session(&arguments.path).await
}
