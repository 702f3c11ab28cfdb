//! Sessions: who is alive. Each open store holds a lock on one byte of the file, far beyond its data, which the kernel
//! frees when the process ends, however it ends.

use std::fs::File;
use std::path::Path;

use crate::environment::Environment;
use crate::store::storage::{Liveness, Session};
use crate::types::{Error, ErrorKind, Result};

/// The first byte of the range that sessions are locked in. The storage engine locks below 320 and from 2^62 on.
#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
const FIRST_BYTE: i64 = 1 << 61;
/// How many sessions there can be.
const SESSIONS: u64 = 1 << 60;
/// How many bytes behind those of the sessions are locked by who is opening the file.
const ARRIVALS: u64 = 1 << 32;
/// How many ids are tried before opening fails.
const ATTEMPTS: u32 = 64;

/// The session of one open store. Dropping it ends the session.
pub(super) struct FileSession {
    id: u64,
    /// The descriptor that holds the lock; absent in exclusive mode, where no other session can run.
    locks: Option<File>,
}

impl FileSession {
    /// Starts a session with an id that no row of the file carries.
    pub(super) fn start(
        path: &Path,
        exclusive: bool,
        environment: &dyn Environment,
        mut is_used: impl FnMut(u64) -> Result<bool>,
    ) -> Result<Self> {
        let locks = if exclusive {
            None
        } else {
            let file = File::options().read(true).write(true).open(path);
            Some(file.map_err(|error| super::failure::of_open_io(&path.display().to_string(), &error))?)
        };
        for _ in 0..ATTEMPTS {
            let id = environment.random_below(SESSIONS);
            if is_used(id)? {
                continue;
            }
            if locks.as_ref().map_or(Ok(true), |file| lock(file, id))? {
                return Ok(Self { id, locks });
            }
        }
        Err(Error::new(
            ErrorKind::Storage,
            "no free session was found; close other handles on the file, then try again",
        ))
    }

    /// Returns whether another session runs on the file.
    pub(super) fn has_peers(&self) -> bool {
        self.locks.as_ref().is_some_and(|file| is_locked(file, 0, SESSIONS).unwrap_or(true))
    }

    /// Returns whether another session runs on the file, or is about to.
    pub(super) fn has_company(&self) -> bool {
        self.locks.as_ref().is_some_and(|file| is_locked(file, 0, SESSIONS + ARRIVALS).unwrap_or(true))
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
        match &self.locks {
            None => Liveness::Dead,
            Some(file) => match is_locked(file, id, 1) {
                Some(true) => Liveness::Alive,
                Some(false) => Liveness::Dead,
                None => Liveness::Unknown,
            },
        }
    }
}

/// Who is opening a file, and has no session yet. Those who write let it in; dropping it ends that.
pub(super) struct Arrival(Option<File>);

impl Arrival {
    /// Lets the sessions of a file know that it is being opened, where the platform can say so.
    pub(super) fn announce(path: &Path, exclusive: bool, environment: &dyn Environment) -> Self {
        let announced = || {
            let file = File::options().read(true).write(true).open(path).ok()?;
            // Of two that draw one byte, one is seen, and lets both in.
            lock(&file, SESSIONS + environment.random_below(ARRIVALS)).ok()?;
            Some(file)
        };
        Self(if exclusive { None } else { announced() })
    }

    /// Returns whether another session runs on the file, or is about to.
    pub(super) fn has_company(&self) -> bool {
        self.0.as_ref().is_some_and(|file| is_locked(file, 0, SESSIONS + ARRIVALS).unwrap_or(true))
    }
}

/// Returns whether any session runs on a file, as far as the system can tell.
pub(super) fn is_in_use(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| is_locked(&file, 0, SESSIONS).unwrap_or(false))
}

#[cfg(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64"))]
mod byte_range {
    use std::fs::File;

    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    use super::FIRST_BYTE;
    use crate::types::Result;

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the constants are small and the fields narrower than their type"
    )]
    fn range(first: u64, count: u64) -> libc::flock {
        libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: FIRST_BYTE + first.cast_signed(),
            l_len: count.cast_signed(),
            l_pid: 0,
        }
    }

    /// Locks the byte of a session; false if it is locked. Where the file system has no such locks, nobody is told apart.
    pub(super) fn lock(file: &File, id: u64) -> Result<bool> {
        match fcntl(file, FcntlArg::F_OFD_SETLK(&range(id, 1))) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
            Err(error) => Err(super::super::failure::of_io("the session could not be locked", &error.into())),
        }
    }

    /// Returns whether another session has locked a byte of the range; nothing if the system cannot tell.
    pub(super) fn is_locked(file: &File, first: u64, count: u64) -> Option<bool> {
        let mut range = range(first, count);
        fcntl(file, FcntlArg::F_OFD_GETLK(&mut range)).ok()?;
        Some(i32::from(range.l_type) != libc::F_UNLCK)
    }
}

#[cfg(not(all(any(target_os = "linux", target_os = "android"), target_pointer_width = "64")))]
mod byte_range {
    use std::fs::File;

    use crate::types::Result;

    #[expect(clippy::unnecessary_wraps, reason = "other platforms can fail")]
    pub(super) fn lock(_file: &File, _id: u64) -> Result<bool> {
        Ok(true)
    }

    pub(super) fn is_locked(_file: &File, _first: u64, _count: u64) -> Option<bool> {
        None
    }
}

use byte_range::{is_locked, lock};

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
        if first.liveness(second.id()) == Liveness::Unknown {
            return;
        }
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
