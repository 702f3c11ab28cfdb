//! Copies of the file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::blocking;
use crate::client::engine::Tollway;
use crate::environment::{Environment, SystemEnvironment};
use crate::store;
use crate::types::Result;

/// A copy of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Backup {
    /// How many bytes it has.
    pub bytes: u64,
}

/// How large a file was before its free pages were given back, and is since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Compaction {
    /// How many bytes it had.
    pub bytes_before: u64,
    /// How many it has.
    pub bytes_after: u64,
}

impl Tollway {
    /// Writes a copy of the file, as it stands at one commit, to a path where nothing is, while calls go on. The same master key opens it.
    ///
    /// The copy has no free pages. What calls hold at that commit is billed by the rules of recovery where the copy is opened. Fails with
    /// `storage` if anything is at the path or it cannot be written, and with `invalid_request` for a ledger in memory.
    pub async fn backup(&self, path: &Path) -> Result<Backup> {
        self.engine.check()?;
        self.engine.store.back_up(path.to_owned()).await.map(|bytes| Backup { bytes })
    }
}

/// Puts a copy that [`Tollway::backup`] made where nothing is, after all of its pages were checked.
///
/// Fails with `not_found`, with `not_a_tollway_file`, with `corrupted_file`, or with `storage` if anything is at the path: it replaces nothing.
pub async fn restore(backup: &Path, path: &Path) -> Result<()> {
    in_place(backup, path, store::restore).await
}

/// Gives the free pages of a file back, such as those of what was archived. Nobody else can have the file open meanwhile.
///
/// Fails with `storage` if anybody has it open, and with `not_found` if there is no file.
pub async fn compact(path: &Path) -> Result<Compaction> {
    let compacted = in_place(path, path, |path, _, world| store::compact(path, world)).await?;
    Ok(Compaction { bytes_before: compacted.before, bytes_after: compacted.after })
}

async fn in_place<T: Send + 'static>(
    one: &Path,
    other: &Path,
    work: impl FnOnce(&Path, &Path, &dyn Environment) -> Result<T> + Send + 'static,
) -> Result<T> {
    let (one, other): (PathBuf, PathBuf) = (one.to_owned(), other.to_owned());
    let world: Arc<dyn Environment> = Arc::new(SystemEnvironment);
    blocking(move || work(&one, &other, world.as_ref())).await
}

#[cfg(test)]
#[path = "copies_tests.rs"]
mod tests;
