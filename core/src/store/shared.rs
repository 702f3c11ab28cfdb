//! What the writer of a store and its readers share.

use super::failure::misused;
use super::names::KnownNames;
use super::reading::Reader;
use super::row_key::RowKey;
use super::storage::Storage;
use super::{CheckedStore, verification};
use crate::types::Result;

/// Tables that are open, and the key that their rows are signed with.
pub(super) struct Shared<S> {
    pub(super) storage: S,
    pub(super) row_key: RowKey,
    pub(super) names: KnownNames,
}

impl<S: Storage> Shared<S> {
    /// Reads in one transaction.
    pub(super) fn read<T>(&self, query: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        let (mut query, mut found) = (Some(query), None);
        self.storage.read(&mut |tables| {
            let query = query.take().ok_or_else(|| misused("a query was made twice"))?;
            found = Some(query(&Reader::new(tables, &self.row_key).knowing(&self.names))?);
            Ok(())
        })?;
        found.ok_or_else(|| misused("a query was not made"))
    }

    /// Reads everything, and returns what is not as it was written.
    pub(super) fn verify(&self) -> Result<CheckedStore> {
        let mut checked = CheckedStore::default();
        let below = self.storage.inspect(&mut |tables| {
            checked = verification::verify(&Reader::new(tables, &self.row_key))?;
            Ok(())
        })?;
        checked.damage.extend(below);
        Ok(checked)
    }
}
