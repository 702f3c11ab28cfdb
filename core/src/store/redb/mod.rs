//! Tables in one redb file, which many processes may share.

mod backend;
mod containment;
mod descriptor;
mod failure;
mod file;
mod holder;
mod migration;
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

use redb::ReadableDatabase;

use self::containment::{Held, guarded};
use self::failure::Failure;
use self::file::OpenFile;
use self::session::FileSession;
use self::tables::{Reads, Writes};
use super::storage::{Change, Query, Session, Storage};
use super::table_store::TableStore;
use crate::environment::Environment;
use crate::types::{Damage, Error, ErrorKind, Result};
pub use descriptor::OpenDescriptors;
pub use file::{MetaReader, is_ledger};
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

/// An open file. What was found to be damaged stays refused.
pub struct RedbStorage {
    database: OpenFile,
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
        Self { database, session, path, environment, damaged: OnceLock::new(), pace: Mutex::default() }
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Fails if the file was found to be damaged.
    fn check(&self) -> Result<()> {
        self.damaged.get().map_or(Ok(()), |error| Err(error.clone()))
    }

    /// Fails if the file was found to be damaged, was emptied, or is no longer where it was opened.
    fn check_before_write(&self) -> Result<()> {
        self.check()?;
        self.database.check_whole().map_err(|error| self.fail(error))
    }

    /// Returns the outcome of a write, which is none if what was written cannot be found again.
    fn check_after_write<T>(&self, written: Result<T>) -> Result<T> {
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

    fn read_once(&self, query: &mut Query<'_>) -> Result<()> {
        if self.database.is_stuck()
            && let Some(busy) = self.database.obstacle()
        {
            return Err(busy);
        }
        let read = guarded(|| {
            let transaction = self.database.get()?.begin_read().map_err(Failure::error)?;
            query(&Reads::new(&transaction))
        });
        read.map_err(|error| self.database.tell_holder(error))
    }

    fn write_once(&self, change: &mut Change<'_>) -> Result<()> {
        let began = self.environment.monotonic();
        let transaction = Held::new(self.database.get()?.begin_write().map_err(Failure::error)?);
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).waited =
            self.environment.monotonic().saturating_sub(began);
        if change(&Writes::new(transaction.get()?))? {
            transaction.take()?.commit().map_err(Failure::error)
        } else {
            transaction.take()?.abort().map_err(Failure::error)
        }
    }
}

impl Storage for RedbStorage {
    fn read(&self, query: &mut Query<'_>) -> Result<()> {
        self.check()?;
        self.fail_if_damaged(self.read_once(query))
    }

    fn inspect(&self, query: &mut Query<'_>) -> Result<Vec<Damage>> {
        let pages = pages::check(&self.path, &self.database);
        self.read_once(query)?;
        match pages {
            Err(error) if error.kind() == ErrorKind::CorruptedFile => {
                Ok(vec![Damage { table: "pages".to_owned(), row: None, problem: error.detail().to_owned() }])
            }
            pages => pages.map(|()| Vec::new()),
        }
    }

    fn write(&self, change: &mut Change<'_>) -> Result<()> {
        self.check_before_write()?;
        self.check_after_write(guarded(|| self.write_once(change)))
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
        self.database.obstacle()
    }

    fn close_soon(&self) {
        self.database.be_impatient();
    }

    fn session(&self) -> &dyn Session {
        &self.session
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
