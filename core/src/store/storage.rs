//! What keeps the tables: one trait, behind which a file stands, or memory. The rules and the queries know no more of it.

use std::ops::Bound;
use std::path::Path;

use super::tables::Shape;
use crate::types::{Damage, Error, Result};

/// Receives a value.
pub(super) type Receive<'f> = dyn FnMut(&[u8]) -> Result<()> + 'f;
/// Receives a key and its value, and returns whether more are wanted.
pub(super) type Visit<'f> = dyn FnMut(&[u8], &[u8]) -> Result<bool> + 'f;
/// Receives the value that was there before a change, if there was one.
pub(super) type Before<'f> = dyn FnMut(Option<&[u8]>) + 'f;
/// A query in one transaction.
pub(super) type Query<'f> = dyn FnMut(&dyn ReadTables) -> Result<()> + 'f;
/// A change in one transaction, which returns whether it is to be committed.
pub(super) type Change<'f> = dyn FnMut(&dyn WriteTables) -> Result<bool> + 'f;

/// All tables as one transaction sees them. Keys and values are bytes; a key sorts as its parts do.
pub trait ReadTables {
    /// Hands on the value at a key, if there is one.
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()>;
    /// Visits a range of keys in their order until `visit` returns false.
    fn range(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()>;
    /// Visits a range of keys from its end until `visit` returns false.
    fn range_back(&self, table: &Shape, ends: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()>;
    /// Returns how many keys a table has.
    fn count(&self, table: &Shape) -> Result<u64>;
}

/// All tables as one transaction sees and changes them. A table must not be changed while it is visited.
pub trait WriteTables: ReadTables {
    /// Puts a value in place of the one at a key, or of none.
    fn put(&self, table: &Shape, key: &[u8], value: &[u8], before: &mut Before<'_>) -> Result<()>;
    /// Removes the value at a key, if there is one.
    fn remove(&self, table: &Shape, key: &[u8], before: &mut Before<'_>) -> Result<()>;
}

/// Whether a session still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// Its process ended, or its store was dropped.
    Dead,
    /// This platform cannot tell; its rows are stale when they expire.
    Unknown,
}

/// Who has the tables open. Dropping a storage ends its session.
pub trait Session {
    /// Returns the id, which rows carry.
    fn id(&self) -> u64;
    /// Returns whether a session still runs.
    fn liveness(&self, id: u64) -> Liveness;
}

/// Tables that are open, with transactions. What a transaction reads is what was committed when it began, and what it changed since.
pub trait Storage: Send + Sync + 'static {
    /// Reads in one transaction. Fails if damage was found before, and lets nothing more be done if the query finds some.
    fn read(&self, query: &mut Query<'_>) -> Result<()>;
    /// Reads in one transaction, whatever was found before, and returns what is wrong with what lies below the tables.
    fn inspect(&self, query: &mut Query<'_>) -> Result<Vec<Damage>>;
    /// Changes tables in one transaction. When it returns, what was to be committed is durable; where it fails, nothing was changed.
    fn write(&self, change: &mut Change<'_>) -> Result<()>;
    /// Lets others write for a moment, if there may be any. It is called between two transactions.
    fn let_others_in(&self);
    /// Makes the error of a wait that ended before it had what it waited for, with what is known of who holds that; nothing where
    /// nobody else is waited for. It blocks for a moment.
    fn obstacle(&self) -> Option<Error>;
    /// Lets no transaction wait for others for long from now on, because the storage is to be closed.
    fn close_soon(&self);
    /// Returns the session.
    fn session(&self) -> &dyn Session;
    /// Writes a copy of all tables, as they stand at one commit, to a file where nothing is. Returns how many bytes it has.
    fn back_up(&self, path: &Path) -> Result<u64>;
}
