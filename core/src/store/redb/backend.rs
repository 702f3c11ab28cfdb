//! The file as the storage engine reaches it: one descriptor that can be shut whatever the engine still holds, and that knows
//! whether its path still leads to it.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::descriptor::Descriptor;
use super::failure::{closed, corrupted, of_io, of_open_io};
use crate::types::{Error, ErrorKind, Result};

/// How often opening and closing try to get a lock that another process holds: for some ten seconds.
const ATTEMPTS: u32 = 60_000;
/// How long to wait between two attempts to get a lock: less than a writer lets others in for.
const PAUSE: Duration = Duration::from_micros(100);

/// A file that is open. Clones share it.
#[derive(Clone)]
pub(super) struct Backend(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Which file it was when it was opened.
    opened: fs::Metadata,
    /// Absent when it was shut.
    engine: ArcSwapOption<Descriptor<FileBackend>>,
    /// Whether a lock is waited for for some ten seconds at most.
    impatient: AtomicBool,
}

impl Backend {
    /// Takes a file that was opened at a path.
    pub(super) fn new(path: &Path, file: Descriptor<File>) -> Result<Self> {
        let opened = file.file()?.metadata().map_err(|error| of_open_io(&path.display().to_string(), &error))?;
        Ok(Self(Arc::new(Inner {
            path: path.to_owned(),
            opened,
            engine: ArcSwapOption::from_pointee(file.into_engine(path)?),
            impatient: AtomicBool::new(true),
        })))
    }

    /// Returns how many bytes the file has.
    pub(super) fn size(&self) -> Result<u64> {
        self.len().map_err(|error| of_io("the open file could not be looked at", &error))
    }

    /// Sets whether a lock is waited for for some ten seconds at most, as while opening and closing.
    pub(super) fn set_impatient(&self, impatient: bool) {
        self.0.impatient.store(impatient, Ordering::Relaxed);
    }

    /// Closes the file and frees its locks, whatever the storage engine still holds. Nothing is written after that.
    pub(super) fn shut(&self) {
        if let Some(engine) = self.0.engine.swap(None) {
            // Closing the descriptor frees them anyhow, unless a forked child has it too.
            let _ = engine.engine().map(StorageBackend::close);
        }
    }

    /// Fails if the open file was emptied.
    pub(super) fn check_contents(&self) -> Result<()> {
        let Some(open) = self.0.engine.load_full() else { return Err(closed()) };
        let length = open.engine().and_then(StorageBackend::len);
        match length.map_err(|error| of_io("the open file could not be looked at", &error))? {
            0 => Err(corrupted("it was emptied while it was open")),
            _ => Ok(()),
        }
    }

    /// Fails if the path no longer leads to the open file.
    pub(super) fn check_place(&self) -> Result<()> {
        let path = self.0.path.display();
        match fs::metadata(&self.0.path) {
            Ok(there) if is_same(&self.0.opened, &there) => Ok(()),
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(of_io(&format!("{path} can no longer be looked at"), &error))
            }
            moved => Err(Error::new(
                ErrorKind::Storage,
                format!(
                    "{path} was {} while it was open, so nothing more is written; close this handle, put the file back, and \
                     open it again",
                    if moved.is_ok() { "replaced" } else { "deleted or moved" }
                ),
            )),
        }
    }

    /// Does something with the file, if it is open.
    fn with<T, E: From<io::Error>>(
        &self,
        call: impl FnOnce(&FileBackend) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let open = self.0.engine.load_full().ok_or_else(|| io::Error::other("the file was closed"))?;
        call(open.engine()?)
    }

    /// Waits for a lock, and no longer than it may while opening and closing.
    fn wait(
        &self,
        attempt: impl Fn(&FileBackend) -> std::result::Result<bool, BackendError>,
        wait: impl Fn(&FileBackend) -> std::result::Result<(), BackendError>,
    ) -> std::result::Result<(), BackendError> {
        if !self.0.impatient.load(Ordering::Relaxed) {
            return self.with(wait);
        }
        for _ in 0..ATTEMPTS {
            if self.with(&attempt)? {
                return Ok(());
            }
            std::thread::sleep(PAUSE);
        }
        Err(io::Error::from(io::ErrorKind::TimedOut).into())
    }
}

/// Returns whether two descriptions are of one file.
pub(super) fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        (one.dev(), one.ino()) == (other.dev(), other.ino())
    }
    #[cfg(not(unix))]
    {
        one.created().ok() == other.created().ok()
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Backend").field(&self.0.path).finish()
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        match self.with(StorageBackend::len)? {
            // An empty file would be made a new one.
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            length => Ok(length),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|engine| engine.read(offset, out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with(|engine| engine.set_len(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(StorageBackend::sync_data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|engine| engine.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        self.shut();
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.with(|engine| engine.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.with(|engine| engine.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        self.wait(|engine| engine.try_lock_range(start, end), |engine| engine.lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        self.wait(|engine| engine.try_lock_shared_range(start, end), |engine| engine.lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        match self.0.engine.load_full() {
            Some(open) => open.engine()?.unlock_range(start, end),
            None => Ok(()),
        }
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.with(|engine| engine.query_lock_range(start, end))
    }
}
