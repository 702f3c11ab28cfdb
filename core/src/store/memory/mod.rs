//! Tables in memory. They end with the last store over them, and no other process sees them.

mod tables;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use self::tables::{Changes, Snapshot};
use super::failure::misused;
use super::query;
use super::reading::Reader;
use super::row_key::RowKey;
use super::storage::{Change, Liveness, Query, Session, Storage};
use super::table_store::{PATIENCE, TableStore};
use crate::environment::Environment;
use crate::types::{Damage, Error, ErrorKind, Result};

/// The path of a ledger in memory. A file of this name is `./:memory:`.
pub const IN_MEMORY: &str = ":memory:";
/// How many sessions there can be.
const SESSIONS: u64 = 1 << 60;
/// How many ids are tried before opening fails.
const ATTEMPTS: u32 = 64;

/// What a ledger in memory holds, for the stores that are opened over it.
#[derive(Default)]
pub struct Memory {
    committed: RwLock<Snapshot>,
    /// Held while a transaction changes tables, so that there is one at a time.
    writer: Mutex<()>,
    sessions: Mutex<BTreeSet<u64>>,
}

/// A store over tables in memory, whose handles are all in one process.
///
/// Dropping it waits until what was queued is committed. In a forked child it is unusable ([`ErrorKind::Forked`]).
pub type MemoryStore = TableStore<MemoryStorage>;

/// Tables in memory that are open.
pub struct MemoryStorage {
    session: MemorySession,
}

/// The session of one open store. Dropping it ends the session.
struct MemorySession {
    memory: Arc<Memory>,
    id: u64,
}

impl MemoryStore {
    /// Opens a store over tables in memory, and starts the writer.
    pub fn open(memory: &Arc<Memory>, environment: Arc<dyn Environment>, row_key: RowKey) -> Result<Arc<Self>> {
        let session = MemorySession::start(memory, environment.as_ref(), &row_key)?;
        Self::start(MemoryStorage { session }, row_key, PATIENCE, environment)
    }
}

impl Memory {
    /// Returns the tables as they stand. What is committed later does not change them.
    fn snapshot(&self) -> Snapshot {
        self.committed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemorySession {
    /// Starts a session with an id that no row carries.
    fn start(memory: &Arc<Memory>, environment: &dyn Environment, row_key: &RowKey) -> Result<Self> {
        let snapshot = memory.snapshot();
        let reader = Reader::new(&snapshot, row_key);
        let used = query::sessions(&reader)?;
        for _ in 0..ATTEMPTS {
            let id = environment.random_below(SESSIONS);
            if !used.contains(&id) && !query::has_claims(&reader, id)? && memory.sessions().insert(id) {
                return Ok(Self { memory: Arc::clone(memory), id });
            }
        }
        Err(Error::new(
            ErrorKind::Storage,
            "no free session was found; close other handles on the ledger, then try again",
        ))
    }
}

impl Drop for MemorySession {
    fn drop(&mut self) {
        self.memory.sessions().remove(&self.id);
    }
}

impl Session for MemorySession {
    fn id(&self) -> u64 {
        self.id
    }

    fn liveness(&self, id: u64) -> Liveness {
        if self.memory.sessions().contains(&id) { Liveness::Alive } else { Liveness::Dead }
    }
}

impl Storage for MemoryStorage {
    fn read(&self, query: &mut Query<'_>) -> Result<()> {
        contained(|| query(&self.session.memory.snapshot()))
    }

    fn inspect(&self, query: &mut Query<'_>) -> Result<Vec<Damage>> {
        self.read(query).map(|()| Vec::new())
    }

    fn write(&self, change: &mut Change<'_>) -> Result<()> {
        let memory = &self.session.memory;
        let _writer = memory.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = Changes::over(memory.snapshot());
        if contained(|| change(&changes))? {
            memory.committed.write().unwrap_or_else(PoisonError::into_inner).apply(changes);
        }
        Ok(())
    }

    fn let_others_in(&self) {}

    fn obstacle(&self) -> Option<Error> {
        None
    }

    fn close_soon(&self) {}

    fn session(&self) -> &dyn Session {
        &self.session
    }

    fn back_up(&self, _path: &Path) -> Result<u64> {
        Err(Error::new(
            ErrorKind::InvalidRequest,
            "a ledger in memory has no file to copy, and its keys end with it; open a file to keep what is billed",
        ))
    }
}

/// Calls the rules, whose defects must not end the writer. What was not committed is gone.
fn contained<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(misused("a rule of the ledger panicked")))
}
