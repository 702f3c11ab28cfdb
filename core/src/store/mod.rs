//! The store: a ledger of tables, reached through one narrow trait.
//!
//! The write side is [`Operation`]s, each atomic and durable before its outcome arrives; the read side is queries. Both are
//! rules over the tables of `storage`, and know of bytes under keys only. `redb` keeps the tables in a file, `memory` in memory.

mod accounts;
mod apply;
mod codec;
mod daily_cost;
mod failure;
#[cfg(any(test, feature = "faults"))]
#[doc(hidden)]
pub mod faults;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod job;
mod key;
mod ledger;
#[cfg(feature = "measured")]
#[doc(hidden)]
pub mod measured;
mod memory;
mod name_book;
mod names;
mod operation;
mod pack;
mod postings;
mod provisions;
mod query;
mod reading;
mod recent;
mod records;
mod redb;
mod rollup;
mod row_key;
mod rows;
mod shared;
mod slices;
mod snapshot;
mod state;
mod storage;
mod table_store;
mod tables;
mod tally;
mod transfer;
mod used;
mod value;
mod verification;
mod writer;
mod writing;

#[doc(hidden)]
pub use self::redb::Access;
pub(crate) use self::redb::NewFile;
#[cfg(test)]
pub(crate) use self::redb::hold_session;
pub use self::redb::{
    Compacted, FileKeys, MetaReader, OpenDescriptors, Opening, RedbStore, compact, is_ledger, restore,
};
pub use daily_cost::DailyCost;
pub use job::Late;
pub use memory::{IN_MEMORY, Memory, MemoryStore};
pub use operation::*;
pub use row_key::RowKey;
pub use table_store::PATIENCE;
pub use tables::WRAPPED_DATA_KEY;
pub use tally::{Grain, Tally, TallyKey, TallyPart, TallyQuery};
pub use transfer::Cargo;

use std::path::PathBuf;

use jiff::Timestamp;

use crate::environment::BoxFuture;
use crate::types::{
    BudgetId, BudgetStatus, Call, Configuration, Damage, Error, Model, Package, PoolRecharge, PoolStatus, QuotaStatus,
    QuotaTransaction, QuotaType, RecordPlace, Result, UsageFilter, UsageRecord,
};

/// What a check of a whole store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckedStore {
    /// How many usage records were read.
    pub records: u64,
    /// How many rows of all tables were read.
    pub rows: u64,
    /// What is wrong.
    pub damage: Vec<Damage>,
}

/// A store of ledgers. Every future may be dropped: a write that was queued is still committed.
pub trait Store: Send + Sync + 'static {
    /// Applies an operation, however long others keep the store. It resolves when the operation is durable, or was refused and
    /// changed nothing.
    fn apply(&self, operation: Operation) -> BoxFuture<'static, Result<Outcome>>;
    /// Applies an operation as [`Store::apply`] does, and withdraws it once `late` ends, if it waits for others still.
    ///
    /// It fails with `storage_busy` then, and tells what comes of the operation yet where it had begun. Dropping the future does not
    /// withdraw it.
    fn apply_until(
        &self,
        operation: Operation,
        late: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, std::result::Result<Outcome, Late>>;
    /// Makes the error of a wait for the store that took too long, with what is known of who keeps it.
    fn busy(&self) -> BoxFuture<'static, Error>;
    /// Returns the version of the configuration that the file holds now, whoever wrote it.
    fn configuration_version(&self) -> BoxFuture<'static, Result<u64>>;
    /// Reads the whole configuration at one version.
    fn configuration(&self) -> BoxFuture<'static, Result<Configuration>>;
    /// Reads all models, by id.
    fn models(&self) -> BoxFuture<'static, Result<Vec<Model>>>;
    /// Reads all budgets, or those that apply to a call, with their state in the windows that run at an instant.
    fn budget_statuses(&self, call: Option<Call>, now: Timestamp) -> BoxFuture<'static, Result<Vec<BudgetStatus>>>;
    /// Reads one budget with its state in the window that runs at an instant; where its scope has `*`, for the values of a call.
    fn budget_status(
        &self,
        id: BudgetId,
        call: Option<Call>,
        now: Timestamp,
    ) -> BoxFuture<'static, Result<Option<BudgetStatus>>>;
    /// Reads all pools, or those of a provider, with what is in them, by id.
    fn pool_statuses(&self, provider: Option<String>) -> BoxFuture<'static, Result<Vec<PoolStatus>>>;
    /// Reads the recharges of all pools, or of a provider's, oldest first.
    fn pool_recharges(&self, provider: Option<String>) -> BoxFuture<'static, Result<Vec<PoolRecharge>>>;
    /// Reads all quotas, or those of a user, with what is left of them at an instant, by id.
    fn quota_statuses(&self, user: Option<String>, now: Timestamp) -> BoxFuture<'static, Result<Vec<QuotaStatus>>>;
    /// Reads the movements of quotas: of a user's, or of all, and of a type, or of all; oldest first.
    fn quota_transactions(
        &self,
        user: Option<String>,
        quota_type: Option<QuotaType>,
    ) -> BoxFuture<'static, Result<Vec<QuotaTransaction>>>;
    /// Reads all packages, or those of a user, oldest first.
    fn packages(&self, user: Option<String>) -> BoxFuture<'static, Result<Vec<Package>>>;
    /// Reads up to `limit` records that pass the filter and come after a place, in the order of their times and ids.
    fn usage_records(
        &self,
        filter: UsageFilter,
        after: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>>;
    /// Reads up to `limit` records that pass the filter and come before a place, newest first.
    fn newest_usage_records(
        &self,
        filter: UsageFilter,
        before: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>>;
    /// Calls `visit` with every record that passes the filter, off the async threads and in slices: no pages of the past are kept while
    /// it takes its time.
    fn scan_usage_records(
        &self,
        filter: UsageFilter,
        visit: Box<dyn FnMut(UsageRecord) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<()>>;
    /// Calls `visit` with every record that passes the filter and corrects another, as [`Self::scan_usage_records`] does.
    fn scan_corrections(
        &self,
        filter: UsageFilter,
        visit: Box<dyn FnMut(UsageRecord) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<()>>;
    /// Reads up to `limit` records that were settled before an instant, come after a place and may be archived, oldest first. Returns also the
    /// place behind which there may be more.
    fn archivable(
        &self,
        before: Timestamp,
        after: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<(Vec<UsageRecord>, Option<RecordPlace>)>>;
    /// Adds records up by what rollups say of them, and hands the parts of the sum on, off the async threads. Returns whether
    /// rollups could tell; if not, what was handed on is no answer.
    fn tally(
        &self,
        query: TallyQuery,
        take: Box<dyn FnMut(TallyPart<'_>) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<bool>>;
    /// Reads the daily rollup between two UTC days, inclusive, in the order day, provider, model.
    fn daily_costs(
        &self,
        first: jiff::civil::Date,
        last: jiff::civil::Date,
    ) -> BoxFuture<'static, Result<Vec<DailyCost>>>;
    /// Returns whether recovery at an instant may find something: whether a session that has made reservations has ended.
    fn may_recover(&self, now: Timestamp) -> BoxFuture<'static, Result<bool>>;
    /// Reads all reservations, by id.
    fn reservations(&self) -> BoxFuture<'static, Result<Vec<Reservation>>>;
    /// Writes a copy to a file where nothing is, while the store is in use. Returns how many bytes it has.
    fn back_up(&self, path: PathBuf) -> BoxFuture<'static, Result<u64>>;
    /// Returns what another file takes of this one.
    fn cargo(&self) -> BoxFuture<'static, Result<Cargo>>;
    /// Reads up to `most` rows that another file takes, those that come after the one at a key of a table.
    fn entries(&self, after: Option<(String, Vec<u8>)>, most: usize) -> BoxFuture<'static, Result<Vec<Entry>>>;
    /// Reads the whole file, and returns what is not as it was written.
    fn verify(&self) -> BoxFuture<'static, Result<CheckedStore>>;
    /// Returns the number of the last record, and the link of the chain that all records make.
    fn head(&self) -> BoxFuture<'static, Result<(u64, [u8; 16])>>;
    /// Returns the link that the chain has at a record; nothing where records before it were archived, so that it cannot be told.
    fn link_at(&self, record: u64) -> BoxFuture<'static, Result<Option<[u8; 16]>>>;
    /// Reads a value of `meta`.
    fn meta(&self, key: &'static str) -> BoxFuture<'static, Result<Option<Vec<u8>>>>;
}

#[cfg(test)]
mod tests;
