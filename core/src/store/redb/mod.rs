//! Tables in one redb file, which many processes may share.

mod access;
mod backend;
mod containment;
mod copies;
mod descriptor;
mod failure;
mod file;
mod holder;
mod migration;
mod new_file;
mod opening;
mod overlay;
mod pages;
mod place;
mod session;
mod table;
mod tables;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use redb::ReadableDatabase;

use self::containment::{Held, contained, guarded};
use self::failure::{Failure, defect, interrupted};
use self::file::OpenFile;
use self::session::FileSession;
use self::tables::{Reads, Writes};
use super::storage::{Change, Query, Session, Storage};
use super::table_store::TableStore;
use crate::environment::Environment;
use crate::environment::log::LEDGER;
use crate::types::{Damage, Error, ErrorKind, Result};
pub use access::Access;
pub use copies::{Compacted, compact, restore};
pub use descriptor::OpenDescriptors;
pub use file::{MetaReader, is_ledger};
pub(crate) use new_file::NewFile;
pub use opening::{FileKeys, Opening};

/// A transaction that took longer than this to begin waited for another process.
const CONTENDED: Duration = Duration::from_millis(1);
/// How long other processes are let in for between two commits.
const YIELD: Duration = Duration::from_micros(200);
/// How often other processes are let in while their waiting cannot be seen.
const YIELD_EVERY: Duration = Duration::from_millis(5);

/// A store over one redb file, which many processes may share.
///
/// Dropping it waits until what was queued is committed, then closes the file. In a forked child it is unusable
/// ([`ErrorKind::Forked`]), and dropping it there leaves the parent's locks alone.
pub type RedbStore = TableStore<RedbStorage>;

/// An open file. What was found to be damaged stays refused; what failed otherwise is opened afresh when it is used again.
pub struct RedbStorage {
    database: ArcSwap<OpenFile>,
    /// Held while the file is opened afresh.
    opening: Mutex<()>,
    session: FileSession,
    path: PathBuf,
    environment: Arc<dyn Environment>,
    damaged: OnceLock<Error>,
    pace: Mutex<Pace>,
}

/// When others were let in.
#[derive(Default)]
struct Pace {
    /// How long the last transaction waited for others before it began.
    waited: Duration,
    last_yield: Duration,
}

impl RedbStorage {
    fn new(database: OpenFile, session: FileSession, path: PathBuf, environment: Arc<dyn Environment>) -> Self {
        Self {
            database: ArcSwap::from_pointee(database),
            opening: Mutex::default(),
            session,
            path,
            environment,
            damaged: OnceLock::new(),
            pace: Mutex::default(),
        }
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the file was found to be damaged.
    fn check(&self) -> Result<()> {
        self.damaged.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Returns the file, opened afresh if an access to it has failed.
    fn current(&self) -> Result<Arc<OpenFile>> {
        let current = self.database.load_full();
        if !current.has_failed() {
            return Ok(current);
        }
        let _one_at_a_time = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        let current = self.database.load_full();
        if !current.has_failed() {
            return Ok(current);
        }
        let afresh = Arc::new(current.reopened()?);
        self.database.store(Arc::clone(&afresh));
        tracing::warn!(target: LEDGER, "an access to the file had failed; it was opened afresh");
        Ok(afresh)
    }

    /// Refuses all further work, and gives the file and its locks up. Returns what was found first.
    fn fail(&self, error: Error) -> Error {
        let first = self.damaged.get_or_init(|| error).clone();
        self.database.load().abandon();
        first
    }

    /// Uses the file. What fails then is told apart: damage, which refuses all further work, a failure that may pass, and a defect.
    fn use_file<T>(&self, open: &OpenFile, call: impl FnOnce() -> Result<T>) -> Result<T> {
        let done = contained(call).unwrap_or_else(|| {
            open.note_failure();
            Err(self.of_panic())
        });
        match done {
            // The storage engine takes what an access has left undone for damage.
            Err(error) if error.kind() == ErrorKind::CorruptedFile && open.has_failed() && self.is_whole() => {
                Err(interrupted())
            }
            Err(error) if error.kind() == ErrorKind::CorruptedFile => Err(self.fail(error)),
            Err(error) if error.kind() == ErrorKind::StorageBusy => Err(open.tell_holder(error)),
            // A read that was under way fails because the file was given up.
            Err(error) => Err(self.damaged.get().cloned().unwrap_or(error)),
            done => done,
        }
    }

    /// Tells what a panic was: the storage engine's over a damaged page, or a defect.
    fn of_panic(&self) -> Error {
        match self.current().and_then(|open| pages::check(&self.path, &open)) {
            Err(error) if error.kind() == ErrorKind::CorruptedFile => error,
            _ => defect(),
        }
    }

    fn is_whole(&self) -> bool {
        let checked = self.current().and_then(|open| pages::check(&self.path, &open));
        !checked.is_err_and(|error| error.kind() == ErrorKind::CorruptedFile)
    }

    fn read_once(open: &OpenFile, query: &mut Query<'_>) -> Result<()> {
        if open.is_stuck()
            && let Some(busy) = open.obstacle()
        {
            return Err(busy);
        }
        let transaction = open.get()?.begin_read().map_err(Failure::error)?;
        query(&Reads::new(&transaction))
    }

    fn write_once(&self, open: &OpenFile, change: &mut Change<'_>) -> Result<()> {
        let began = self.environment.monotonic();
        let mut transaction = Held::new(open.get()?.begin_write().map_err(Failure::error)?);
        if open.is_exclusive() {
            // As the other mode does by itself: after a kill the next opening needs not read the whole file.
            transaction.get_mut()?.set_quick_repair(true);
        }
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).waited =
            self.environment.monotonic().saturating_sub(began);
        if change(&Writes::new(transaction.get()?))? {
            let committed = transaction.take()?.commit().map_err(Failure::error);
            // What a commit leaves half done is not gone on with.
            committed.inspect_err(|_| open.note_failure())
        } else {
            transaction.take()?.abort().map_err(Failure::error)
        }
    }
}

impl Storage for RedbStorage {
    fn read(&self, query: &mut Query<'_>) -> Result<()> {
        self.check()?;
        let open = self.current()?;
        self.use_file(&open, || Self::read_once(&open, query))
    }

    fn inspect(&self, query: &mut Query<'_>) -> Result<Vec<Damage>> {
        let open = if self.check().is_ok() { self.current()? } else { self.database.load_full() };
        let pages = pages::check(&self.path, &open);
        guarded(|| Self::read_once(&open, query))?;
        match pages {
            Err(error) if error.kind() == ErrorKind::CorruptedFile => {
                Ok(vec![Damage { table: "pages".to_owned(), row: None, problem: error.detail().to_owned() }])
            }
            pages => pages.map(|()| Vec::new()),
        }
    }

    fn write(&self, change: &mut Change<'_>) -> Result<()> {
        self.check()?;
        let open = self.current()?;
        open.check_whole().map_err(|error| self.fail(error))?;
        self.use_file(&open, || self.write_once(&open, change))?;
        open.check_place().map_err(|error| self.fail(error))
    }

    fn let_others_in(&self) {
        let now = self.environment.monotonic();
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now.saturating_sub(pace.last_yield) >= YIELD_EVERY && self.session.has_company();
        if std::mem::take(&mut pace.waited) >= CONTENDED || due {
            std::thread::sleep(YIELD);
            pace.last_yield = now;
        }
    }

    fn obstacle(&self) -> Option<Error> {
        self.database.load().obstacle()
    }

    fn close_soon(&self) {
        self.database.load().be_impatient();
    }

    fn session(&self) -> &dyn Session {
        &self.session
    }

    fn back_up(&self, path: &Path) -> Result<u64> {
        self.check()?;
        let open = self.current()?;
        self.use_file(&open, || copies::back_up(&open, path, self.environment.as_ref()))
    }
}

/// Holds a session on a file, as an open store does.
#[cfg(test)]
pub(crate) fn hold_session(path: &Path) -> impl Drop + use<> {
    struct Held(#[expect(dead_code, reason = "dropping it frees its lock")] FileSession);
    impl Drop for Held {
        fn drop(&mut self) {}
    }
    Held(FileSession::start(path, false, &crate::environment::SystemEnvironment, |_| Ok(false)).unwrap())
}
