//! A store over tables, wherever they are kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::failure::{busy_with_itself, closed, misused};
use super::job::{Claim, Job, Late};
use super::names::KnownNames;
use super::reading::Reader;
use super::row_key::RowKey;
use super::shared::Shared;
use super::storage::Storage;
use super::used::Used;
use super::writer::{self, QUEUE};
use super::{
    Cargo, CheckedStore, DailyCost, Entry, Operation, Outcome, Reservation, Store, TallyPart, TallyQuery, provisions,
    query, slices, transfer, verification,
};
use crate::environment::log::logged_as_here;
use crate::environment::{BoxFuture, Environment, SystemEnvironment};
use crate::types::{
    BudgetId, BudgetStatus, BudgetTerms, Call, Configuration, Error, ErrorKind, Model, Package, PoolRecharge,
    PoolStatus, QuotaStatus, QuotaTransaction, QuotaType, RecordOrder, RecordPlace, Result, UsageFilter, UsageRecord,
};

/// How long stores wait for others whose users do not say it.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is worked out before the transaction what a new budget begins with.
const WORKED_OUT_BEFORE: u32 = 4;

/// A [`Store`] over the tables of a storage.
///
/// Dropping it waits until what was queued is committed, then closes the storage. In a forked child it is unusable
/// ([`ErrorKind::Forked`]), and dropping it there leaves the parent's locks alone.
pub struct TableStore<S: Storage> {
    process_id: u32,
    environment: Arc<dyn Environment>,
    /// How long a short read waits for others.
    patience: Duration,
    /// Absent only while it is dropped.
    pub(super) open: Option<Open<S>>,
}

pub(super) struct Open<S: Storage> {
    pub(super) shared: Arc<Shared<S>>,
    queue: mpsc::Sender<Job>,
    writer: JoinHandle<()>,
}

impl<S: Storage> TableStore<S> {
    /// Starts the writer over tables that are open, whose rows are signed with a key.
    pub(super) fn start(
        storage: S,
        row_key: RowKey,
        patience: Duration,
        environment: Arc<dyn Environment>,
    ) -> Result<Arc<Self>> {
        let shared = Arc::new(Shared { storage, row_key, names: KnownNames::default() });
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (of_writer, world) = (Arc::clone(&shared), Arc::clone(&environment));
        let writer = std::thread::Builder::new()
            .name("tollway-writer".to_owned())
            .spawn(logged_as_here(move || writer::run(&of_writer, world.as_ref(), jobs)))
            .map_err(|error| super::failure::of_io("the writer's thread could not be started", &error))?;
        let process_id = environment.process_id();
        Ok(Arc::new(Self { process_id, environment, patience, open: Some(Open { shared, queue, writer }) }))
    }

    fn open_here(&self) -> Result<&Open<S>> {
        if self.environment.process_id() != self.process_id {
            return Err(Error::new(
                ErrorKind::Forked,
                "this handle was opened before a fork, in another process; open the file again in this process",
            ));
        }
        self.open.as_ref().ok_or_else(closed)
    }

    /// Reads in one transaction, off the async threads.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader<'_>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let read = self.long_read(|shared| shared.read(query));
        let (patience, busy) = (self.patience, self.busy());
        Box::pin(async move {
            tokio::select! {
                biased;
                read = read => read,
                // The wait is for other processes, whose time no test drives.
                () = SystemEnvironment.sleep(patience) => Err(busy.await),
            }
        })
    }

    /// Queues an operation, and returns what comes of it and whether it is still waited for.
    ///
    /// It is queued here rather than when the future is first polled, so that dropping the future cannot undo it.
    fn queue(&self, operation: Operation) -> Result<(BoxFuture<'static, Result<Outcome>>, Claim)> {
        let (sender, outcome) = oneshot::channel();
        let claim = Claim::default();
        let job = Job { operation, used: None, outcome: sender, claim: claim.clone() };
        let queue = &self.open_here()?.queue;
        let waiting = match queue.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job)) => Some((queue.clone(), job)),
            Err(TrySendError::Closed(_)) => return Err(closed()),
        };
        let outcome = async move {
            if let Some((queue, job)) = waiting {
                queue.send(job).await.map_err(|_| closed())?;
                drop(queue);
            }
            outcome.await.unwrap_or_else(|_| Err(closed()))
        };
        Ok((Box::pin(outcome), claim))
    }

    /// Reads in as many transactions as it takes, off the async threads.
    fn long_read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Shared<S>) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let shared = self.open_here().map(|open| Arc::clone(&open.shared));
        Box::pin(async move {
            let shared = shared?;
            let read = tokio::task::spawn_blocking(logged_as_here(move || read(&shared))).await;
            read.map_err(|error| if error.is_panic() { misused("a query panicked") } else { closed() })?
        })
    }
}

impl<S: Storage> Drop for TableStore<S> {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.environment.process_id() != self.process_id {
            // In a forked child the locks belong to the parent, and the writer's thread does not exist.
            std::mem::forget(open);
            return;
        }
        open.shared.storage.close_soon();
        drop(open.queue);
        if std::thread::current().id() != open.writer.thread().id() {
            // The writer catches its panics; there is nothing to report.
            let _ = open.writer.join();
        }
    }
}

/// Puts a budget, on a thread of its own: what a new one begins with is worked out while others are served.
fn put_budget<S: Storage>(open: &Open<S>, terms: BudgetTerms, now: Timestamp) -> BoxFuture<'static, Result<Outcome>> {
    let (sender, outcome) = oneshot::channel();
    let (shared, queue) = (Arc::clone(&open.shared), open.queue.clone());
    let put = move || {
        // Whoever asked may be gone; what was asked for is done.
        drop(sender.send(put_worked_out(&shared, &queue, &terms, now)));
    };
    let started = std::thread::Builder::new().name("tollway-budget".to_owned()).spawn(logged_as_here(put));
    Box::pin(async move {
        started.map_err(|error| super::failure::of_io("a thread could not be started", &error))?;
        outcome.await.unwrap_or_else(|_| Err(closed()))
    })
}

fn put_worked_out<S: Storage>(
    shared: &Shared<S>,
    queue: &mpsc::Sender<Job>,
    terms: &BudgetTerms,
    now: Timestamp,
) -> Result<Outcome> {
    for attempt in 1.. {
        // Where records are changed all the time, it is worked out within the transaction at last.
        let used = match attempt {
            1..=WORKED_OUT_BEFORE => Some(Used::work_out(&mut |query| shared.read(&mut *query), terms, now)?),
            _ => None,
        };
        let (sender, outcome) = oneshot::channel();
        let operation = Operation::PutBudget { terms: terms.clone(), now };
        queue.blocking_send(Job { operation, used, outcome: sender, claim: Claim::default() }).map_err(|_| closed())?;
        match outcome.blocking_recv().unwrap_or_else(|_| Err(closed()))? {
            Outcome::Superseded => {}
            outcome => return Ok(outcome),
        }
    }
    Err(closed())
}

impl<S: Storage> Store for TableStore<S> {
    fn apply(&self, operation: Operation) -> BoxFuture<'static, Result<Outcome>> {
        if let Operation::PutBudget { terms, now } = operation {
            return match self.open_here() {
                Ok(open) => put_budget(open, terms, now),
                Err(error) => Box::pin(std::future::ready(Err(error))),
            };
        }
        match self.queue(operation) {
            Ok((outcome, _)) => outcome,
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn apply_until(
        &self,
        operation: Operation,
        late: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, std::result::Result<Outcome, Late>> {
        let (mut outcome, claim) = match self.queue(operation) {
            Ok(queued) => queued,
            Err(error) => return Box::pin(std::future::ready(Err(error.into()))),
        };
        let busy = self.busy();
        Box::pin(async move {
            tokio::select! {
                biased;
                outcome = &mut outcome => outcome.map_err(Late::from),
                () = late => {
                    let is_withdrawn = claim.withdraw();
                    let error = busy.await;
                    if is_withdrawn {
                        return Err(Late::from(error.with_detail_suffix("; nothing was written")));
                    }
                    let error = error.with_detail_suffix("; whether this is written is not known yet");
                    Err(Late { error, outcome: Some(outcome) })
                }
            }
        })
    }

    fn busy(&self) -> BoxFuture<'static, Error> {
        let shared = self.open_here().map(|open| Arc::clone(&open.shared));
        let process_id = self.process_id;
        Box::pin(async move {
            let shared = match shared {
                Ok(shared) => shared,
                Err(error) => return error,
            };
            let obstacle = tokio::task::spawn_blocking(logged_as_here(move || shared.storage.obstacle())).await;
            obstacle.ok().flatten().unwrap_or_else(|| busy_with_itself(process_id))
        })
    }

    fn configuration_version(&self) -> BoxFuture<'static, Result<u64>> {
        self.read(query::configuration_version)
    }

    fn configuration(&self) -> BoxFuture<'static, Result<Configuration>> {
        self.read(query::configuration)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<Model>>> {
        self.read(query::models)
    }

    fn budget_statuses(&self, call: Option<Call>, now: Timestamp) -> BoxFuture<'static, Result<Vec<BudgetStatus>>> {
        self.read(move |reader| query::budget_statuses(reader, call.as_ref(), now))
    }

    fn budget_status(
        &self,
        id: BudgetId,
        call: Option<Call>,
        now: Timestamp,
    ) -> BoxFuture<'static, Result<Option<BudgetStatus>>> {
        self.read(move |reader| query::budget_status(reader, id, call.as_ref(), now))
    }

    fn pool_statuses(&self, provider: Option<String>) -> BoxFuture<'static, Result<Vec<PoolStatus>>> {
        self.read(move |reader| provisions::pool_statuses(reader, provider.as_deref()))
    }

    fn pool_recharges(&self, provider: Option<String>) -> BoxFuture<'static, Result<Vec<PoolRecharge>>> {
        self.read(move |reader| provisions::recharges(reader, provider.as_deref()))
    }

    fn quota_statuses(&self, user: Option<String>, now: Timestamp) -> BoxFuture<'static, Result<Vec<QuotaStatus>>> {
        self.read(move |reader| provisions::quota_statuses(reader, user.as_deref(), now))
    }

    fn quota_transactions(
        &self,
        user: Option<String>,
        quota_type: Option<QuotaType>,
    ) -> BoxFuture<'static, Result<Vec<QuotaTransaction>>> {
        self.read(move |reader| provisions::transactions(reader, user.as_deref(), quota_type))
    }

    fn packages(&self, user: Option<String>) -> BoxFuture<'static, Result<Vec<Package>>> {
        self.read(move |reader| provisions::packages(reader, user.as_deref()))
    }

    fn usage_records(
        &self,
        filter: UsageFilter,
        after: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>> {
        self.long_read(move |shared| slices::page(shared, &filter, RecordOrder::Asc, after, limit))
    }

    fn newest_usage_records(
        &self,
        filter: UsageFilter,
        before: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>> {
        self.long_read(move |shared| slices::page(shared, &filter, RecordOrder::Desc, before, limit))
    }

    fn scan_usage_records(
        &self,
        filter: UsageFilter,
        mut visit: Box<dyn FnMut(UsageRecord) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<()>> {
        self.long_read(move |shared| slices::scan(shared, &filter, &mut visit))
    }

    fn archivable(
        &self,
        before: Timestamp,
        after: Option<RecordPlace>,
        limit: usize,
    ) -> BoxFuture<'static, Result<(Vec<UsageRecord>, Option<RecordPlace>)>> {
        self.long_read(move |shared| slices::archivable(shared, before, after, limit))
    }

    fn scan_corrections(
        &self,
        filter: UsageFilter,
        mut visit: Box<dyn FnMut(UsageRecord) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<()>> {
        self.long_read(move |shared| slices::scan_corrections(shared, &filter, &mut visit))
    }

    fn tally(
        &self,
        query: TallyQuery,
        mut take: Box<dyn FnMut(TallyPart<'_>) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<bool>> {
        self.long_read(move |shared| slices::tally(shared, &query, &mut take))
    }

    fn daily_costs(&self, first: Date, last: Date) -> BoxFuture<'static, Result<Vec<DailyCost>>> {
        self.long_read(move |shared| slices::daily_costs(shared, first, last))
    }

    fn may_recover(&self, now: Timestamp) -> BoxFuture<'static, Result<bool>> {
        self.long_read(move |shared| shared.read(|reader| query::may_recover(reader, shared.storage.session(), now)))
    }

    fn reservations(&self) -> BoxFuture<'static, Result<Vec<Reservation>>> {
        self.read(query::reservations)
    }

    fn back_up(&self, path: PathBuf) -> BoxFuture<'static, Result<u64>> {
        self.long_read(move |shared| shared.storage.back_up(&path))
    }

    fn cargo(&self) -> BoxFuture<'static, Result<Cargo>> {
        self.read(transfer::cargo)
    }

    fn entries(&self, after: Option<(String, Vec<u8>)>, most: usize) -> BoxFuture<'static, Result<Vec<Entry>>> {
        self.read(move |reader| transfer::read(reader, after.as_ref(), most))
    }

    fn verify(&self) -> BoxFuture<'static, Result<CheckedStore>> {
        let shared = self.open_here().map(|open| Arc::clone(&open.shared));
        Box::pin(async move {
            let shared = shared?;
            tokio::task::spawn_blocking(logged_as_here(move || shared.verify()))
                .await
                .map_err(|_| misused("a check panicked"))?
        })
    }

    fn head(&self) -> BoxFuture<'static, Result<(u64, [u8; 16])>> {
        self.read(|reader| {
            let head = reader.state()?.head();
            Ok((head.record, head.link))
        })
    }

    fn link_at(&self, record: u64) -> BoxFuture<'static, Result<Option<[u8; 16]>>> {
        self.read(move |reader| verification::link_at(reader, record))
    }

    fn meta(&self, key: &'static str) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.read(move |reader| reader.meta(key))
    }
}
