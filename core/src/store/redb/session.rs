//! Sessions: who is alive. Each open store holds a lock on one byte of the file, far beyond its data, which the kernel
//! frees when the process ends, however it ends.

use std::fs::OpenOptions;
use std::io;
use std::ops::Bound;
use std::path::Path;

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::descriptor::Descriptor;
use super::failure::{of_io, of_open_io};
use crate::environment::Environment;
use crate::store::storage::{Liveness, Session};
use crate::types::{Error, ErrorKind, Result};

/// The first byte of the range that sessions are locked in. The storage engine locks below 320 and from 2^62 on.
pub(super) const FIRST_BYTE: u64 = 1 << 61;
/// How many sessions there can be.
pub(super) const SESSIONS: u64 = 1 << 60;
/// How many bytes behind those of the sessions are locked by who is opening the file.
const ARRIVALS: u64 = 1 << 32;
/// How many ids are tried before opening fails.
const ATTEMPTS: u32 = 64;

/// The session of one open store. Dropping it ends the session.
pub(super) struct FileSession {
    id: u64,
    /// Absent in exclusive mode, where no other session can run.
    lock: Option<ByteLock>,
}

impl FileSession {
    /// Starts a session with an id that no row of the file carries.
    pub(super) fn start(
        path: &Path,
        exclusive: bool,
        environment: &dyn Environment,
        mut is_used: impl FnMut(u64) -> Result<bool>,
    ) -> Result<Self> {
        let mut file = if exclusive { None } else { Some(open(path)?) };
        for _ in 0..ATTEMPTS {
            let id = environment.random_below(SESSIONS);
            if is_used(id)? {
                continue;
            }
            let Some(unlocked) = file.take() else { return Ok(Self { id, lock: None }) };
            match ByteLock::take(unlocked, id)? {
                Ok(lock) => return Ok(Self { id, lock: Some(lock) }),
                Err(unlocked) => file = Some(unlocked),
            }
        }
        Err(Error::new(
            ErrorKind::Storage,
            "no free session was found; close other handles on the file, then try again",
        ))
    }

    /// Returns whether another session runs on the file.
    pub(super) fn has_peers(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.has_others(SESSIONS))
    }

    /// Returns whether another session runs on the file, or is about to.
    pub(super) fn has_company(&self) -> bool {
        self.lock.as_ref().is_some_and(|lock| lock.has_others(SESSIONS + ARRIVALS))
    }
}

impl Session for FileSession {
    fn id(&self) -> u64 {
        self.id
    }

    fn liveness(&self, id: u64) -> Liveness {
        if id == self.id {
            return Liveness::Alive;
        }
        match &self.lock {
            None => Liveness::Dead,
            Some(lock) => match lock.is_locked(id, 1) {
                Some(true) => Liveness::Alive,
                Some(false) => Liveness::Dead,
                None => Liveness::Unknown,
            },
        }
    }
}

/// Who is opening a file, and has no session yet. Those who write let it in; dropping it ends that.
pub(super) struct Arrival(Option<ByteLock>);

impl Arrival {
    /// Lets the sessions of a file know that it is being opened, where the platform can say so.
    pub(super) fn announce(path: &Path, exclusive: bool, environment: &dyn Environment) -> Self {
        // Of two that draw one byte, one is seen, and lets both in.
        let byte = SESSIONS + environment.random_below(ARRIVALS);
        let announced = || ByteLock::take(open(path).ok()?, byte).ok()?.ok();
        Self(if exclusive { None } else { announced() })
    }

    /// Returns whether another session runs on the file, or is about to.
    pub(super) fn has_company(&self) -> bool {
        self.0.as_ref().is_some_and(|lock| lock.has_others(SESSIONS + ARRIVALS))
    }
}

/// Returns whether any session runs on a file, as far as the system can tell.
pub(super) fn is_in_use(path: &Path) -> bool {
    open(path).is_ok_and(|file| is_locked(&file, 0, SESSIONS).unwrap_or(false))
}

/// A byte of the file that is locked. Dropping it frees the lock.
struct ByteLock {
    file: Descriptor<FileBackend>,
    byte: u64,
}

impl ByteLock {
    /// Locks a byte; returns the file if another has it locked. Where the file system has no such locks, nobody is told apart.
    fn take(file: Descriptor<FileBackend>, byte: u64) -> Result<std::result::Result<Self, Descriptor<FileBackend>>> {
        let (start, end) = range(byte, 1);
        let taken = file.engine().map_err(BackendError::from).and_then(|engine| engine.try_lock_range(start, end));
        match taken {
            Ok(true) | Err(BackendError::Unsupported) => Ok(Ok(Self { file, byte })),
            Ok(false) => Ok(Err(file)),
            Err(error) => Err(of_io("the session could not be locked", &io::Error::other(error))),
        }
    }

    /// Returns whether another than this one has locked a byte of a range; nothing if the system cannot tell.
    fn is_locked(&self, first: u64, count: u64) -> Option<bool> {
        is_locked(&self.file, first, count)
    }

    /// Returns whether another has locked any of the first bytes; it does so too where the system cannot tell.
    fn has_others(&self, count: u64) -> bool {
        // Some systems do not tell a lock of one's own from that of another.
        let after = self.byte + 1;
        let before = self.is_locked(0, self.byte.min(count));
        let behind = || if after < count { self.is_locked(after, count - after) } else { Some(false) };
        before.unwrap_or(true) || behind().unwrap_or(true)
    }
}

impl Drop for ByteLock {
    fn drop(&mut self) {
        // Closing the descriptor frees it anyhow, unless a forked child has it too.
        let _ = self.file.engine().map(StorageBackend::close);
    }
}

fn open(path: &Path) -> Result<Descriptor<FileBackend>> {
    let file = Descriptor::open(OpenOptions::new().read(true).write(true), path);
    file.map_err(|error| of_open_io(&path.display().to_string(), &error))?.into_engine(path)
}

fn is_locked(file: &Descriptor<FileBackend>, first: u64, count: u64) -> Option<bool> {
    if count == 0 {
        return Some(false);
    }
    let (start, end) = range(first, count);
    file.engine().ok()?.query_lock_range(start, end).ok()
}

fn range(first: u64, count: u64) -> (Bound<u64>, Bound<u64>) {
    (Bound::Included(FIRST_BYTE + first), Bound::Excluded(FIRST_BYTE + first + count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::SystemEnvironment;

    #[test]
    fn a_session_is_alive_until_it_is_dropped() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let start = || FileSession::start(file.path(), false, &SystemEnvironment, |_| Ok(false)).unwrap();
        let (first, second) = (start(), start());
        assert_ne!(first.id(), second.id());
        assert_eq!(first.liveness(first.id()), Liveness::Alive);
        assert_eq!(first.liveness(second.id()), Liveness::Alive);
        assert!(first.has_peers());
        let id = second.id();
        drop(second);
        assert_eq!(first.liveness(id), Liveness::Dead);
        assert!(!first.has_peers() && !first.has_company());
        let arrival = Arrival::announce(file.path(), false, &SystemEnvironment);
        assert!(first.has_company() && !first.has_peers(), "who arrives is let in, and is no session yet");
        assert!(arrival.has_company());
        drop(first);
        assert!(!arrival.has_company());
    }

    #[test]
    fn an_id_that_rows_carry_is_not_taken_again() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut refused = Vec::new();
        let session = FileSession::start(file.path(), true, &SystemEnvironment, |id| {
            refused.push(id);
            Ok(refused.len() < 3)
        })
        .unwrap();
        assert_eq!(refused.len(), 3);
        assert_eq!(session.id(), refused[2]);
        assert_eq!(session.liveness(refused[0]), Liveness::Dead);
    }
}
