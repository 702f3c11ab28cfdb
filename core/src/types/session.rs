//! Sessions: runs that several calls are part of, and that are capped as a whole.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::budget::Enforcement;
use super::currency::Currency;
use super::error::{Error, ErrorKind, Result};
use super::ids::BudgetId;
use super::on_exceeded::OnExceeded;

/// The tag that names the outermost session of a call. The sessions in it have this name with their depth: `session.2`.
pub const SESSION_TAG: &str = "session";

/// How deep sessions go.
pub const DEEPEST_SESSION: usize = 16;

/// What a session is opened with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "SessionOptions"))]
#[serde(deny_unknown_fields, default)]
pub struct SessionTerms {
    /// Its name, by which other processes can open it too, and which its records keep. A new one where left out.
    pub id: Option<String>,
    /// The ids of the sessions that it is opened in, from the outermost in.
    pub within: Vec<String>,
    /// The most that may be spent in it, with everything in it.
    #[serde(with = "super::decimal_text::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Decimal>"))]
    pub limit: Option<Decimal>,
    /// The currency of `limit`.
    pub currency: Option<Currency>,
    /// The most tokens that may be used in it, input and output together.
    pub limit_tokens: Option<u64>,
    /// The most calls that may be made in it.
    pub limit_requests: Option<u64>,
    /// Whether its limits refuse calls, or only count and warn.
    pub enforcement: Enforcement,
    /// What becomes of a call that its limits have no room for.
    pub on_exceeded: OnExceeded,
}

/// A session that was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Session {
    /// Its name.
    pub id: String,
    /// The ids of the sessions that it is in and its own, from the outermost in: what a call gives as `sessions`, and a session that is
    /// opened in it, maybe in another process, as `within`.
    pub path: Vec<String>,
    /// The budgets that cap it.
    pub budget_ids: Vec<BudgetId>,
}

/// Returns the tag of a session by how many it is in.
#[must_use]
pub fn session_tag(depth: usize) -> String {
    if depth == 0 { SESSION_TAG.to_owned() } else { format!("{SESSION_TAG}.{}", depth + 1) }
}

/// Returns the tags of calls that are made in some sessions, of which the first is the outermost.
///
/// Fails with `invalid_request` if one is empty, or they are too many.
pub fn session_tags(path: &[String]) -> Result<BTreeMap<String, String>> {
    let invalid = |detail: String| Err(Error::new(ErrorKind::InvalidRequest, detail));
    if path.len() > DEEPEST_SESSION {
        return invalid(format!(
            "there are {} sessions in one another; open {DEEPEST_SESSION} at the most",
            path.len()
        ));
    }
    if path.iter().any(String::is_empty) {
        return invalid("the id of a session is empty; give one, or leave it out".to_owned());
    }
    Ok(path.iter().enumerate().map(|(depth, id)| (session_tag(depth), id.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_depth_has_a_tag_of_its_own() {
        let path = ["run".to_owned(), "step".to_owned(), "search".to_owned()];
        let tags: Vec<_> = session_tags(&path).unwrap().into_iter().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(tags, [pair("session", "run"), pair("session.2", "step"), pair("session.3", "search")]);
        assert!(session_tags(&[]).unwrap().is_empty());
    }

    #[test]
    fn sessions_have_names_and_are_not_endless() {
        assert!(session_tags(&["run".to_owned(), String::new()]).is_err());
        let deep: Vec<_> = (0..=DEEPEST_SESSION).map(|depth| depth.to_string()).collect();
        assert!(session_tags(&deep[1..]).is_ok());
        assert!(session_tags(&deep).unwrap_err().detail().contains("17 sessions"));
    }
}
