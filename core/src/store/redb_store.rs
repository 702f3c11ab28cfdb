//! The store over one redb file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::civil::Date;
use redb::{ReadTransaction, ReadableDatabase};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::failure::{Failure, closed, corrupted};
use super::file::{self, MetaReader, OpenFile, guarded};
use super::session::Session;
use super::writer::{self, Job, QUEUE};
use super::{Configuration, DailyCost, Operation, Outcome, Reservation, Store, query, tables};
use crate::environment::{BoxFuture, Environment};
use crate::types::{BudgetStatus, Error, ErrorKind, Model, Result, UsageFilter, UsageRecord, UsageRecordId};

/// A [`Store`] over one redb file, which many processes may share.
///
/// Dropping it waits until what was queued is committed, then closes the file. In a forked child it is unusable
/// ([`ErrorKind::Forked`]), and dropping it there leaves the parent's locks alone.
pub struct RedbStore {
    process_id: u32,
    environment: Arc<dyn Environment>,
    /// Absent only while it is dropped.
    pub(super) open: Option<Open>,
}

pub(super) struct Open {
    pub(super) shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
    writer: JoinHandle<()>,
}

/// What the writer and the readers share.
pub(super) struct Shared {
    pub(super) database: OpenFile,
    pub(super) session: Session,
    pub(super) environment: Arc<dyn Environment>,
    path: PathBuf,
    damaged: OnceLock<Error>,
}

impl Shared {
    /// Fails if the file was found to be damaged.
    pub(super) fn check(&self) -> Result<()> {
        self.damaged.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Refuses all further work after the file was found to be damaged.
    pub(super) fn poison_if_damaged<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && error.kind() == ErrorKind::CorruptedFile
        {
            // Whoever found it first has said it already.
            let _ = self.damaged.set(error.clone());
        }
        result
    }

    fn read<T>(&self, query: impl FnOnce(&ReadTransaction) -> Result<T>) -> Result<T> {
        self.check()?;
        self.poison_if_damaged(guarded(|| query(&self.database.get()?.begin_read().map_err(Failure::error)?)))
    }
}

impl RedbStore {
    /// Opens a file, which is made if it does not exist, and starts the writer. It blocks.
    ///
    /// With `exclusive` no other handle can be opened, at half the cost of a commit. Fails with
    /// [`ErrorKind::NotATollwayFile`], [`ErrorKind::NewerFile`] (the file is left as it is in both cases),
    /// [`ErrorKind::CorruptedFile`] or [`ErrorKind::Storage`].
    pub fn open(path: impl AsRef<Path>, exclusive: bool, environment: Arc<dyn Environment>) -> Result<Arc<Self>> {
        Self::open_accepted(path, exclusive, environment, &|_| Ok(()))
    }

    /// Opens a file as [`Self::open`] does, if `accept`, which may read its `meta`, does not refuse an existing one.
    ///
    /// A file that is refused is left as it is. `accept` may be called several times, or not at all while another
    /// process holds the file.
    pub fn open_accepted(
        path: impl AsRef<Path>,
        exclusive: bool,
        environment: Arc<dyn Environment>,
        accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
    ) -> Result<Arc<Self>> {
        let (database, path) = file::open(path.as_ref(), exclusive, environment.as_ref(), accept)?;
        let session = guarded(|| {
            let transaction = database.get()?.begin_read().map_err(Failure::error)?;
            let used = query::sessions(&transaction)?;
            let claims = transaction.open_table(tables::KEYS_BY_SESSION).map_err(Failure::error)?;
            Session::start(&path, exclusive, environment.as_ref(), |id| {
                let mut of_session = claims.range((id, "")..(id + 1, "")).map_err(Failure::error)?;
                Ok(used.contains(&id) || of_session.next().is_some())
            })
        })?;
        let shared = Arc::new(Shared {
            database,
            session,
            environment: Arc::clone(&environment),
            path,
            damaged: OnceLock::new(),
        });
        let (queue, jobs) = mpsc::channel(QUEUE);
        let of_writer = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("tollway-writer".to_owned())
            .spawn(move || writer::run(&of_writer, jobs))
            .map_err(|error| super::failure::of_io("the writer's thread could not be started", &error))?;
        let process_id = environment.process_id();
        Ok(Arc::new(Self { process_id, environment, open: Some(Open { shared, queue, writer }) }))
    }

    /// Returns the full path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.open.as_ref().map_or(Path::new(""), |open| &open.shared.path)
    }

    fn open_here(&self) -> Result<&Open> {
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
        query: impl FnOnce(&ReadTransaction) -> Result<T> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        let shared = self.open_here().map(|open| Arc::clone(&open.shared));
        Box::pin(async move {
            let shared = shared?;
            let read = tokio::task::spawn_blocking(move || shared.read(query)).await;
            read.map_err(|error| if error.is_panic() { corrupted("reading it failed") } else { closed() })?
        })
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        let Some(open) = self.open.take() else { return };
        if self.environment.process_id() != self.process_id {
            // In a forked child the locks belong to the parent, and the writer's thread does not exist.
            std::mem::forget(open);
            return;
        }
        drop(open.queue);
        if std::thread::current().id() != open.writer.thread().id() {
            // The writer catches its panics; there is nothing to report.
            let _ = open.writer.join();
        }
    }
}

impl Store for RedbStore {
    fn apply(&self, operation: Operation) -> BoxFuture<'static, Result<Outcome>> {
        let (sender, outcome) = oneshot::channel();
        let job = Job { operation, outcome: sender };
        let queue = match self.open_here() {
            Ok(open) => &open.queue,
            Err(error) => return Box::pin(std::future::ready(Err(error))),
        };
        // It is queued here rather than when the future is first polled, so that dropping the future cannot undo it.
        let waiting = match queue.try_send(job) {
            Ok(()) => None,
            Err(TrySendError::Full(job)) => Some((queue.clone(), job)),
            Err(TrySendError::Closed(_)) => return Box::pin(std::future::ready(Err(closed()))),
        };
        Box::pin(async move {
            if let Some((queue, job)) = waiting {
                queue.send(job).await.map_err(|_| closed())?;
                drop(queue);
            }
            outcome.await.unwrap_or_else(|_| Err(closed()))
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

    fn budget_statuses(&self, now: Timestamp) -> BoxFuture<'static, Result<Vec<BudgetStatus>>> {
        self.read(move |transaction| query::budget_statuses(transaction, now))
    }

    fn usage_records(
        &self,
        filter: UsageFilter,
        after: Option<UsageRecordId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>> {
        self.read(move |transaction| {
            let mut records = Vec::new();
            if limit > 0 {
                query::scan(transaction, &filter, after, &mut |record| {
                    records.push(record);
                    Ok(records.len() < limit)
                })?;
            }
            Ok(records)
        })
    }

    fn scan_usage_records(
        &self,
        filter: UsageFilter,
        mut visit: Box<dyn FnMut(UsageRecord) -> Result<()> + Send>,
    ) -> BoxFuture<'static, Result<()>> {
        self.read(move |transaction| {
            query::scan(transaction, &filter, None, &mut |record| visit(record).map(|()| true))
        })
    }

    fn daily_costs(&self, first: Date, last: Date) -> BoxFuture<'static, Result<Vec<DailyCost>>> {
        self.read(move |transaction| query::daily_costs(transaction, first, last))
    }

    fn reservations(&self) -> BoxFuture<'static, Result<Vec<Reservation>>> {
        self.read(query::reservations)
    }

    fn meta(&self, key: &'static str) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.read(move |transaction| {
            let meta = transaction.open_table(tables::META).map_err(Failure::error)?;
            Ok(meta.get(key).map_err(Failure::error)?.map(|value| value.value().to_vec()))
        })
    }
}
