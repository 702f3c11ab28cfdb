//! The store over one redb file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use jiff::Timestamp;
use jiff::civil::Date;
use redb::{ReadableDatabase, ReadableTable};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use super::containment::{Held, guarded};
use super::failure::{Failure, closed, corrupted};
use super::file::{self, MetaReader, OpenFile, OpenMode};
use super::reading::Reader;
use super::row_key::RowKey;
use super::session::{Arrival, Session};
use super::tables::WRAPPED_DATA_KEY;
use super::writer::{self, Job, QUEUE};
use super::{
    CheckedStore, Configuration, DailyCost, Operation, Outcome, Reservation, Store, migration, pages, query, tables,
    verification,
};
use crate::environment::{BoxFuture, Environment};
use crate::types::{
    BudgetStatus, Damage, Error, ErrorKind, Model, ModelConfig, Result, UsageFilter, UsageRecord, UsageRecordId,
};

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
    pub(super) row_key: RowKey,
    path: PathBuf,
    damaged: OnceLock<Error>,
}

impl Shared {
    /// Fails if the file was found to be damaged.
    pub(super) fn check(&self) -> Result<()> {
        self.damaged.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Fails if the file was found to be damaged, was emptied, or is no longer where it was opened.
    pub(super) fn check_before_write(&self) -> Result<()> {
        self.check()?;
        self.database.check_whole().map_err(|error| self.fail(error))
    }

    /// Returns the outcome of a write, which is none if what was written cannot be found again.
    pub(super) fn check_after_write<T>(&self, written: Result<T>) -> Result<T> {
        let written = self.fail_if_damaged(written)?;
        self.database.check_place().map_err(|error| self.fail(error))?;
        Ok(written)
    }

    /// Refuses all further work, and gives the file and its locks up. Returns what was found first.
    fn fail(&self, error: Error) -> Error {
        let first = self.damaged.get_or_init(|| error).clone();
        self.database.abandon();
        first
    }

    /// Refuses all further work after the file was found to be damaged.
    fn fail_if_damaged<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::CorruptedFile => Err(self.fail(error)),
            // A read that was under way fails because the file was given up.
            Err(error) => Err(self.damaged.get().cloned().unwrap_or(error)),
            result => result,
        }
    }

    fn read<T>(&self, query: impl FnOnce(&Reader<'_>) -> Result<T>) -> Result<T> {
        self.check()?;
        self.fail_if_damaged(guarded(|| {
            let transaction = self.database.get()?.begin_read().map_err(Failure::error)?;
            query(&Reader::new(&transaction, &self.row_key))
        }))
    }
}

/// The keys of a file, and what a file of an earlier schema needs to become one of this schema.
pub struct FileKeys {
    /// What the rows are signed with.
    pub row_key: RowKey,
    /// Whether the data key was wrapped for signed rows, so that a file that says otherwise was tampered with.
    pub is_bound: bool,
    /// The data key, wrapped for signed rows.
    pub envelope: Option<Vec<u8>>,
    /// Seals the secrets of a config as this version does.
    pub reseal: Box<dyn Fn(ModelConfig) -> Result<ModelConfig> + Send>,
}

impl FileKeys {
    /// Makes the keys of a file without secrets.
    #[must_use]
    pub fn plain(row_key: RowKey) -> Self {
        Self { row_key, is_bound: false, envelope: None, reseal: Box::new(Ok) }
    }
}

/// A file that is open and whose rows are not read yet, because their key stands in it.
pub struct Opening {
    database: OpenFile,
    path: PathBuf,
    arrival: Arrival,
    exclusive: bool,
    environment: Arc<dyn Environment>,
}

impl Opening {
    /// Opens a file, which is made if it is missing or empty and `create` says so. It blocks.
    ///
    /// With `exclusive` no other handle can be opened, at half the cost of a commit. A file that `accept` refuses, which may read
    /// what its `meta` holds unsigned, is left as it is; `accept` may be called several times, or not at all while another process
    /// holds the file. Fails with [`ErrorKind::NotATollwayFile`], [`ErrorKind::NewerFile`] (the file is left as it is in both
    /// cases), [`ErrorKind::NotFound`], [`ErrorKind::CorruptedFile`] or [`ErrorKind::Storage`].
    pub fn open(
        path: impl AsRef<Path>,
        exclusive: bool,
        create: bool,
        environment: Arc<dyn Environment>,
        accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mode = OpenMode { exclusive, create, check_all: false };
        let (database, path, arrival) = file::open(path.as_ref(), mode, environment.as_ref(), accept)?;
        Ok(Self { database, path, arrival, exclusive, environment })
    }

    /// Returns the wrapped data key, which `make` makes where the file has none yet.
    ///
    /// Of several processes that make a file at once, all get that of the first. Fails with [`ErrorKind::CorruptedFile`] if a
    /// file that is in use has lost it.
    pub fn wrapped_data_key(&self, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        self.database.change(|database| {
            let transaction = Held::new(database.begin_write().map_err(Failure::error)?);
            let wrapped = {
                let mut meta = Held::new(transaction.get()?.open_table(tables::META).map_err(Failure::error)?);
                let known =
                    meta.get()?.get(WRAPPED_DATA_KEY).map_err(Failure::error)?.map(|known| known.value().to_vec());
                if let Some(known) = known {
                    return Ok(known);
                }
                if tables::is_used(transaction.get()?)? {
                    return Err(corrupted("it has lost its data key"));
                }
                let own = make()?;
                meta.get_mut()?.insert(WRAPPED_DATA_KEY, own.as_slice()).map_err(Failure::error)?;
                own
            };
            transaction.take()?.commit().map_err(Failure::error)?;
            Ok(wrapped)
        })
    }

    /// Brings the file to the schema of this version, checks what it says of itself, and starts the writer. It blocks.
    pub fn start(self, keys: FileKeys) -> Result<Arc<RedbStore>> {
        let Self { database, path, arrival, exclusive, environment } = self;
        let place = path.clone();
        let row_key = database.change(move |database| {
            if migration::is_current(database)? {
                return Ok(keys.row_key);
            }
            let transaction = Held::new(database.begin_write().map_err(Failure::error)?);
            if migration::migrate(transaction.get()?, &keys, &place)? {
                transaction.take()?.commit().map_err(Failure::error)?;
            } else {
                transaction.take()?.abort().map_err(Failure::error)?;
            }
            Ok(keys.row_key)
        })?;
        let session = guarded(|| {
            let transaction = database.get()?.begin_read().map_err(Failure::error)?;
            let reader = Reader::new(&transaction, &row_key);
            query::check_meta(&reader)?;
            let used = query::sessions(&reader)?;
            let claims = reader.index(tables::KEYS_BY_SESSION)?;
            Session::start(&path, exclusive, environment.as_ref(), |id| {
                let mut of_session = claims.range((id, "")..(id + 1, "")).map_err(Failure::error)?;
                Ok(used.contains(&id) || of_session.next().is_some())
            })
        })?;
        let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= pages::CHECKED_WHEN_OPENED);
        drop(arrival);
        // What others write at this moment may look like damage; they have checked the file themselves.
        if is_small && !session.has_peers() {
            pages::check(&path, &database).inspect_err(|_| database.abandon())?;
        }
        let shared = Arc::new(Shared {
            database,
            session,
            environment: Arc::clone(&environment),
            row_key,
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
        Ok(Arc::new(RedbStore { process_id, environment, open: Some(Open { shared, queue, writer }) }))
    }
}

impl RedbStore {
    /// Opens a file without secrets, as [`Opening::open`] does, and starts the writer. It blocks.
    pub fn open(
        path: impl AsRef<Path>,
        exclusive: bool,
        environment: Arc<dyn Environment>,
        row_key: RowKey,
    ) -> Result<Arc<Self>> {
        Opening::open(path, exclusive, true, environment, &|_| Ok(()))?.start(FileKeys::plain(row_key))
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
        query: impl FnOnce(&Reader<'_>) -> Result<T> + Send + 'static,
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
        self.read(move |reader| query::budget_statuses(reader, now))
    }

    fn usage_records(
        &self,
        filter: UsageFilter,
        after: Option<UsageRecordId>,
        limit: usize,
    ) -> BoxFuture<'static, Result<Vec<UsageRecord>>> {
        self.read(move |reader| {
            let mut records = Vec::new();
            if limit > 0 {
                query::scan(reader, &filter, after, &mut |record| {
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
        self.read(move |reader| query::scan(reader, &filter, None, &mut |record| visit(record).map(|()| true)))
    }

    fn daily_costs(&self, first: Date, last: Date) -> BoxFuture<'static, Result<Vec<DailyCost>>> {
        self.read(move |reader| query::daily_costs(reader, first, last))
    }

    fn reservations(&self) -> BoxFuture<'static, Result<Vec<Reservation>>> {
        self.read(query::reservations)
    }

    fn verify(&self) -> BoxFuture<'static, Result<CheckedStore>> {
        let shared = self.open_here().map(|open| Arc::clone(&open.shared));
        Box::pin(async move {
            let shared = shared?;
            let verify = move || {
                let pages = pages::check(&shared.path, &shared.database);
                let transaction = shared.database.get()?.begin_read().map_err(Failure::error)?;
                let mut checked = guarded(|| verification::verify(&Reader::new(&transaction, &shared.row_key)))?;
                match pages {
                    Err(error) if error.kind() == ErrorKind::CorruptedFile => {
                        let problem = error.detail().to_owned();
                        checked.damage.push(Damage { table: "pages".to_owned(), row: None, problem });
                    }
                    pages => pages?,
                }
                Ok(checked)
            };
            tokio::task::spawn_blocking(verify).await.map_err(|_| corrupted("reading it failed"))?
        })
    }

    fn head(&self) -> BoxFuture<'static, Result<(u64, [u8; 16])>> {
        self.read(|reader| {
            let head = reader.state()?.head();
            Ok((head.record, head.link))
        })
    }

    fn link_at(&self, record: u64) -> BoxFuture<'static, Result<[u8; 16]>> {
        self.read(move |reader| verification::link_at(reader, record))
    }

    fn meta(&self, key: &'static str) -> BoxFuture<'static, Result<Option<Vec<u8>>>> {
        self.read(move |reader| reader.meta(key))
    }
}
