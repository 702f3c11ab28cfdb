//! The file as the storage engine reaches it: one descriptor that can be shut whatever the engine still holds, and that knows
//! whether its path still leads to it.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::access::Access;
use super::descriptor::Descriptor;
use super::failure::{closed, corrupted, of_io, of_open_io};
use super::holder::{Wait, holder};
use crate::environment::{Environment, SystemEnvironment};
use crate::types::{Error, ErrorKind, Result};

/// How long to wait between two attempts to get a lock: less than a writer lets others in for.
const PAUSE: Duration = Duration::from_micros(100);
/// A wait that takes longer is for a process that hangs, or stands still.
const LONG: Duration = Duration::from_secs(2);
/// For how long it is taken to be known who holds a lock: of many who wait for it, one asks.
const KNOWN_FOR: Duration = Duration::from_millis(500);
/// How long to wait between two attempts then.
const LONG_PAUSE: Duration = Duration::from_millis(5);

/// A file that is open. Clones share it.
#[derive(Clone)]
pub(super) struct Backend(Arc<Inner>);

struct Inner {
    path: PathBuf,
    /// Which file it was when it was opened.
    opened: fs::Metadata,
    /// Absent when it was shut.
    engine: ArcSwapOption<Descriptor<FileBackend>>,
    /// The same, where no other handle may come between two uses of the file: its locks outlive the storage engine's use of it.
    kept: Mutex<Option<Arc<Descriptor<FileBackend>>>>,
    /// Whether reading or writing failed, so that the storage engine refuses all further work.
    has_failed: AtomicBool,
    #[cfg(any(test, feature = "faults"))]
    watch: Option<Arc<dyn crate::store::faults::Watch>>,
    /// How long opening and closing wait for locks in all, and how long a reader waits for one.
    patience: Duration,
    waits: Mutex<Waits>,
    asked: Mutex<Option<Asked>>,
}

/// Who held a lock when the system was asked last.
struct Asked {
    at: Duration,
    first: u64,
    holder: Option<u32>,
}

/// The waits for locks. They are in the time of the machine, since other processes are in no other.
#[derive(Default)]
struct Waits {
    /// Since when the file is being opened or closed; absent while it is used.
    impatient_since: Option<Duration>,
    under_way: Vec<Wait>,
    /// The last one that ended without the lock.
    in_vain: Option<Wait>,
}

fn machine_time() -> Duration {
    SystemEnvironment.monotonic()
}

impl Backend {
    /// Takes a file that is being opened at a path.
    ///
    /// With `keeps` its locks are kept until it is shut, whatever the storage engine does.
    pub(super) fn new(path: &Path, file: Descriptor<File>, keeps: bool, patience: Duration) -> Result<Self> {
        let opened = file.file()?.metadata().map_err(|error| of_open_io(&path.display().to_string(), &error))?;
        let engine = Arc::new(file.into_engine(path)?);
        let kept = keeps.then(|| Arc::clone(&engine));
        Ok(Self::over(path, opened, (engine, kept), patience))
    }

    fn over(
        path: &Path,
        opened: fs::Metadata,
        (engine, kept): (Arc<Descriptor<FileBackend>>, Option<Arc<Descriptor<FileBackend>>>),
        patience: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            path: path.to_owned(),
            opened,
            engine: ArcSwapOption::new(Some(engine)),
            kept: Mutex::new(kept),
            has_failed: AtomicBool::new(false),
            #[cfg(any(test, feature = "faults"))]
            watch: crate::store::faults::watch_of(path),
            patience,
            asked: Mutex::default(),
            waits: Mutex::new(Waits { impatient_since: Some(machine_time()), ..Waits::default() }),
        }))
    }

    fn kept(&self) -> MutexGuard<'_, Option<Arc<Descriptor<FileBackend>>>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the file, to be opened afresh by the storage engine. This one is shut, and what still reads by it fails.
    ///
    /// Fails if the path no longer leads to the file.
    pub(super) fn successor(&self) -> Result<Self> {
        self.check_place()?;
        let path = &self.0.path;
        if let Some(kept) = self.kept().take() {
            self.0.engine.store(None);
            let file = (Arc::clone(&kept), Some(kept));
            return Ok(Self::over(path, self.0.opened.clone(), file, self.0.patience));
        }
        self.shut();
        let opened = Descriptor::open(File::options().read(true).write(true), path);
        let successor = opened.map_err(|error| of_open_io(&path.display().to_string(), &error))?;
        let successor = Self::new(path, successor, false, self.0.patience)?;
        if !is_same(&self.0.opened, &successor.0.opened) {
            self.check_place()?;
        }
        Ok(successor)
    }

    /// Takes the locks of a successor back that the storage engine could not open.
    pub(super) fn take_back(&self, successor: &Self) {
        let kept = successor.kept().take();
        if kept.is_none() {
            successor.shut();
        }
        successor.0.engine.store(None);
        *self.kept() = kept;
    }

    /// Returns whether reading or writing failed, so that the storage engine refuses all further work.
    pub(super) fn has_failed(&self) -> bool {
        self.0.has_failed.load(Ordering::Acquire)
    }

    /// Lets the file be opened afresh before it is used again.
    pub(super) fn note_failure(&self) {
        self.0.has_failed.store(true, Ordering::Release);
    }

    /// Returns the full path of the file.
    pub(super) fn path(&self) -> &Path {
        &self.0.path
    }

    /// Returns how many bytes the file has.
    pub(super) fn size(&self) -> Result<u64> {
        self.len().map_err(|error| of_io("the open file could not be looked at", &error))
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a writer wait as long as it takes: the file is open, and those who wait for the writer go when their time is up.
    pub(super) fn be_patient(&self) {
        self.waits().impatient_since = None;
    }

    /// Lets nothing wait for long from now on: the file is being closed.
    pub(super) fn be_impatient(&self) {
        self.waits().impatient_since.get_or_insert_with(machine_time);
    }

    /// Returns the longest wait that is under way, or else the last that ended without the lock.
    pub(super) fn wait(&self) -> Option<Wait> {
        let waits = self.waits();
        waits.under_way.first().copied().or(waits.in_vain)
    }

    /// Returns the process that holds what a wait waits for, where the system tells it. It blocks for a moment.
    pub(super) fn holder(&self, wait: &Wait) -> Option<u32> {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known =
            |asked: &&Asked| asked.first == wait.first && machine_time().saturating_sub(asked.at) < KNOWN_FOR;
        if let Some(known) = asked.as_ref().filter(is_known) {
            return known.holder;
        }
        let holder = holder(&self.0.path, wait);
        *asked = Some(Asked { at: machine_time(), first: wait.first, holder });
        holder
    }

    /// Returns whether some wait takes longer than a reader waits, so that others need not begin.
    pub(super) fn is_stuck(&self) -> bool {
        let now = machine_time();
        self.waits().under_way.first().is_some_and(|wait| now.saturating_sub(wait.since) >= self.0.patience)
    }

    /// Closes the file and frees its locks, whatever the storage engine still holds. Nothing is written after that.
    pub(super) fn shut(&self) {
        let kept = self.kept().take();
        if let Some(engine) = self.0.engine.swap(None).or(kept) {
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

    /// Reads or writes the file, if it is open, and notes whether that failed.
    fn access<T>(&self, access: Access<'_>, call: impl FnOnce(&FileBackend) -> io::Result<T>) -> io::Result<T> {
        let done = self.watched(access, call);
        // A file that is too short has not failed: it is damaged, and is no better when it is opened afresh.
        if done.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::UnexpectedEof) {
            self.note_failure();
        }
        done
    }

    #[cfg(any(test, feature = "faults"))]
    fn watched<T>(&self, access: Access<'_>, call: impl FnOnce(&FileBackend) -> io::Result<T>) -> io::Result<T> {
        let Some(watch) = &self.0.watch else { return self.with(call) };
        watch.before(access)?;
        let done = self.with(call)?;
        watch.after(access);
        Ok(done)
    }

    #[cfg(not(any(test, feature = "faults")))]
    fn watched<T>(&self, _access: Access<'_>, call: impl FnOnce(&FileBackend) -> io::Result<T>) -> io::Result<T> {
        self.with(call)
    }

    /// Waits for a lock: a writer as long as it takes, unless the file is opened or closed.
    ///
    /// It asks again and again, because a wait in the system could not be ended when the file is to be closed.
    fn wait_for(
        &self,
        (start, end): (Bound<u64>, Bound<u64>),
        is_shared: bool,
        attempt: impl Fn(&FileBackend) -> std::result::Result<bool, BackendError>,
    ) -> std::result::Result<(), BackendError> {
        if self.with(&attempt)? {
            return Ok(());
        }
        let first = match start {
            Bound::Included(first) => first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let last = match end {
            Bound::Included(last) => last,
            Bound::Excluded(after) => after.saturating_sub(1),
            Bound::Unbounded => u64::MAX,
        };
        let wait = Wait { first, last, is_shared, since: machine_time() };
        self.waits().under_way.push(wait);
        let waited = self.ask_for(&wait, attempt);
        let mut waits = self.waits();
        if let Some(place) = waits.under_way.iter().position(|other| *other == wait) {
            waits.under_way.remove(place);
        }
        waits.in_vain = waited.is_err().then_some(wait);
        waited
    }

    fn ask_for(
        &self,
        wait: &Wait,
        attempt: impl Fn(&FileBackend) -> std::result::Result<bool, BackendError>,
    ) -> std::result::Result<(), BackendError> {
        loop {
            let now = machine_time();
            let counts_from = self.waits().impatient_since.or(wait.is_shared.then_some(wait.since));
            if counts_from.is_some_and(|since| now.saturating_sub(since) >= self.0.patience) {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            }
            let is_long = now.saturating_sub(wait.since) >= LONG;
            std::thread::sleep(if is_long { LONG_PAUSE } else { PAUSE });
            if self.with(&attempt)? {
                return Ok(());
            }
        }
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
        let length = out.len();
        self.access(Access::Read { offset, length }, |engine| engine.read(offset, out))
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.access(Access::SetLength(length), |engine| engine.set_len(length))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.access(Access::Sync, StorageBackend::sync_data)
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.access(Access::Write { offset, data }, |engine| engine.write(offset, data))
    }

    fn close(&self) -> io::Result<()> {
        if self.kept().is_some() {
            self.0.engine.store(None);
        } else {
            self.shut();
        }
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.with(|engine| engine.try_lock_range(start, end))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<bool, BackendError> {
        self.with(|engine| engine.try_lock_shared_range(start, end))
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        self.wait_for((start, end), false, |engine| engine.try_lock_range(start, end))
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> std::result::Result<(), BackendError> {
        self.wait_for((start, end), true, |engine| engine.try_lock_shared_range(start, end))
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
