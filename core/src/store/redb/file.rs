//! The file: telling that it is ours before anything is changed, opening it, and closing it.

use std::fs::File;
use std::io::{self, Read};
use std::mem::forget;
use std::path::{Path, PathBuf};
use std::thread::panicking;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{Builder, ConcurrencyMode, Database, DatabaseError, ReadableDatabase, TableError};

use super::backend::Backend;
use super::containment::{contained, guarded};
use super::descriptor::Descriptor;
use super::failure::{Failure, busy, closed, corrupted, not_ours, of_open, of_open_io};
use super::migration::SCHEMA_VERSION;
use super::overlay::Overlay;
use super::pages::CHECKED_WHEN_OPENED;
use super::place;
use super::session::Arrival;
use super::tables::{META, create_all};
use crate::environment::Environment;
use crate::environment::log::LEDGER;
use crate::environment::regular_file::open_regular;
use crate::store::tables::SCHEMA_KEY;
use crate::store::writing::number;
use crate::types::{Error, ErrorKind, Result};

/// The first bytes of every file of the storage engine.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
/// How much of the file is kept in memory.
const CACHE_BYTES: usize = 32 << 20;
/// How much of a copy that is looked at once is kept in memory.
const COPY_CACHE_BYTES: usize = 4 << 20;
/// How often an open is tried while another handle is being closed.
const ATTEMPTS: u32 = 10;
/// How often the open of a file that looks damaged is tried.
const ATTEMPTS_IF_DAMAGED: u32 = 4;
/// How often it is tried while others have the file open, who may be writing or repairing what looks damaged.
const ATTEMPTS_IN_COMPANY: u32 = 64;
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads a value of `meta` before the file is opened for writing.
pub type MetaReader<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>> + 'a;

/// How a file is opened.
#[derive(Clone, Copy)]
pub(super) struct OpenMode {
    /// Whether no other handle can be opened meanwhile.
    pub(super) exclusive: bool,
    /// Whether it is made where it is missing or empty.
    pub(super) create: bool,
    /// Whether all pages are read and checked.
    pub(super) check_all: bool,
    /// How long opening and closing wait for locks, and how long a reader waits for one.
    pub(super) patience: Duration,
}

/// Opens the file, which is made if it does not exist and may be. Returns it with its full path, and what lets others know of it.
///
/// A file that is not ours, is newer than this version, or that `accept` refuses, is left as it is.
pub(super) fn open(
    path: &Path,
    mut mode: OpenMode,
    environment: &dyn Environment,
    accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
) -> Result<(OpenFile, PathBuf, Arrival)> {
    let mut attempt = 1;
    loop {
        let (file, path) = place::open(path, mode.create, environment)?;
        let arrival = Arrival::announce(&path, mode.exclusive, environment);
        let backend = Backend::new(&path, file, mode.exclusive, mode.patience)?;
        mode.check_all = backend.size()? <= CHECKED_WHEN_OPENED;
        let opened = guarded(|| {
            identify(&path, mode, accept)?;
            Ok(builder(mode).create_with_backend(backend.clone()).map(Closing::new))
        });
        let opened = match opened {
            Ok(Ok(database)) => {
                return Ok((OpenFile { database, backend, mode }, path, arrival));
            }
            Ok(Err(error)) => Ok(error),
            Err(error) => Err(error),
        };
        backend.shut();
        match opened {
            Ok(DatabaseError::DatabaseAlreadyOpen) if attempt < ATTEMPTS => {}
            Ok(error) => return Err(tell_holder(of_open(&path, error), &path, &backend)),
            Err(error) if error.kind() == ErrorKind::CorruptedFile && attempt < ATTEMPTS_IF_DAMAGED => {}
            Err(error)
                if error.kind() == ErrorKind::CorruptedFile
                    && attempt < ATTEMPTS_IN_COMPANY
                    && arrival.has_company() => {}
            Err(error) => return Err(error),
        }
        attempt += 1;
        std::thread::sleep(PAUSE);
    }
}

fn builder(mode: OpenMode) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(mode.check_all);
    if !mode.exclusive {
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
    }
    builder
}

/// Adds to the error of a wait for a lock who holds it.
fn tell_holder(error: Error, path: &Path, backend: &Backend) -> Error {
    match backend.wait() {
        Some(wait) if error.kind() == ErrorKind::StorageBusy => {
            busy(&path.display().to_string(), backend.holder(&wait))
        }
        _ => error,
    }
}

/// A file of the storage engine. Closing a damaged one may panic, which ends here.
pub(super) struct Closing(Option<Database>);

impl Closing {
    fn new(database: Database) -> Self {
        Self(Some(database))
    }

    /// Returns the file; it is absent only while it is closed.
    pub(super) fn get(&self) -> Result<&Database> {
        self.0.as_ref().ok_or_else(closed)
    }

    pub(super) fn get_mut(&mut self) -> Result<&mut Database> {
        self.0.as_mut().ok_or_else(closed)
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.close();
    }
}

impl Closing {
    /// Closes the file, unless that was done.
    fn close(&mut self) {
        let Some(database) = self.0.take() else { return };
        if panicking() {
            return forget(database);
        }
        if contained(|| drop(database)).is_none() {
            tracing::error!(target: LEDGER, "closing the file failed, because it is damaged; restore it from a copy");
        }
    }
}

/// An open file.
pub(super) struct OpenFile {
    database: Closing,
    backend: Backend,
    mode: OpenMode,
}

impl OpenFile {
    /// Returns the file; it is absent only while it is closed.
    pub(super) fn get(&self) -> Result<&Database> {
        self.database.get()
    }

    /// Opens the file afresh after an access failed, since the storage engine refuses all further work then. This one is shut.
    ///
    /// It stays locked meanwhile where no other handle may be opened. Fails as opening does; it can be tried again then.
    pub(super) fn reopened(&self) -> Result<Self> {
        let (path, mode) = (self.backend.path(), OpenMode { create: false, check_all: false, ..self.mode });
        let backend = self.backend.successor()?;
        let opened = guarded(|| Ok(builder(mode).create_with_backend(backend.clone()).map(Closing::new)));
        let error = match opened {
            Ok(Ok(database)) => {
                backend.be_patient();
                return Ok(Self { database, backend, mode });
            }
            Ok(Err(error)) => tell_holder(of_open(path, error), path, &backend),
            Err(error) => error,
        };
        self.backend.take_back(&backend);
        Err(error)
    }

    /// Returns whether no other handle can be opened meanwhile.
    pub(super) fn is_exclusive(&self) -> bool {
        self.mode.exclusive
    }

    /// Returns whether an access failed, so that the file is to be opened afresh.
    pub(super) fn has_failed(&self) -> bool {
        self.backend.has_failed()
    }

    /// Lets the file be opened afresh before it is used again.
    pub(super) fn note_failure(&self) {
        self.backend.note_failure();
    }

    /// Returns the file, of which nobody else has hold.
    pub(super) fn get_mut(&mut self) -> Result<&mut Database> {
        self.database.get_mut()
    }

    /// Changes the file from outside of the writer's thread.
    pub(super) fn change<T>(&self, call: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let changed = guarded(|| call(self.get()?));
        if changed.as_ref().is_err_and(|error| error.kind() == ErrorKind::CorruptedFile) {
            self.abandon();
        }
        changed.map_err(|error| self.tell_holder(error))
    }

    /// Adds to the error of a wait for a lock who holds it.
    pub(super) fn tell_holder(&self, error: Error) -> Error {
        tell_holder(error, self.backend.path(), &self.backend)
    }

    /// Makes the error of a wait for a lock that ended without it; nothing where no lock is waited for.
    pub(super) fn obstacle(&self) -> Option<Error> {
        let (path, wait) = (self.backend.path(), self.backend.wait()?);
        Some(busy(&path.display().to_string(), self.backend.holder(&wait)))
    }

    /// Ends the opening: from now on a writer waits as long as it takes.
    pub(super) fn be_patient(&self) {
        self.backend.be_patient();
    }

    /// Begins the closing: from now on nothing waits for long.
    pub(super) fn be_impatient(&self) {
        self.backend.be_impatient();
    }

    /// Returns whether some wait for a lock takes longer than a reader waits.
    pub(super) fn is_stuck(&self) -> bool {
        self.backend.is_stuck()
    }

    /// Fails if the file was emptied, or if the path no longer leads to it.
    pub(super) fn check_whole(&self) -> Result<()> {
        self.backend.check_contents()?;
        self.check_place()
    }

    /// Fails if the path no longer leads to the file.
    pub(super) fn check_place(&self) -> Result<()> {
        self.backend.check_place()
    }

    /// Gives the file and its locks up without another write, whatever the storage engine still holds.
    pub(super) fn abandon(&self) {
        self.backend.shut();
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // Closing writes, which is right only where the file is still the one that was opened.
        if self.check_whole().is_err() {
            self.abandon();
        }
        self.backend.be_impatient();
        self.database.close();
        self.backend.shut();
    }
}

/// Makes an empty file a whole one.
pub(super) fn fill(path: &Path, file: File) -> Result<()> {
    let backend = FileBackend::new(file).map_err(|error| of_open(path, error))?;
    let database = Builder::new().create_with_backend(backend).map_err(|error| of_open(path, error))?;
    let transaction = database.begin_write().map_err(Failure::error)?;
    create_all(&transaction)?;
    {
        let mut meta = transaction.open_table(META).map_err(Failure::error)?;
        meta.insert(SCHEMA_KEY, SCHEMA_VERSION.to_le_bytes().as_slice()).map_err(Failure::error)?;
    }
    transaction.commit().map_err(Failure::error)?;
    database.close().map_err(|error| of_open(path, error))
}

/// Returns whether a file begins like a ledger, open or not, here or elsewhere.
pub fn is_ledger(path: &Path) -> io::Result<bool> {
    let Some(mut file) = open_regular(path)? else { return Ok(false) };
    let mut first = [0; MAGIC.len()];
    match file.read_exact(&mut first) {
        Ok(()) => Ok(first == MAGIC),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Checks that the file is a ledger, not newer than this version, and accepted. It changes nothing in the file.
fn identify(path: &Path, mode: OpenMode, accept: &dyn Fn(&MetaReader<'_>) -> Result<()>) -> Result<()> {
    let shown = path.display().to_string();
    if !is_ledger(path).map_err(|error| of_open_io(&shown, &error))? {
        return Err(not_ours(&shown));
    }
    let file = Descriptor::open(File::options().read(true), path).map_err(|error| of_open_io(&shown, &error))?;
    let backend = Backend::new(path, file, false, mode.patience)?;
    match builder(mode).open_read_only_with_backend(backend.clone()) {
        Ok(database) => check_meta(&database, path, accept),
        // Its last writer was killed. It is repaired in memory first, to see whose it is.
        Err(DatabaseError::RepairAborted) => check_meta(repaired_in_memory(path)?.get()?, path, accept),
        // The open that follows waits for the other handle, or says what holds the file.
        Err(DatabaseError::DatabaseAlreadyOpen) => Ok(()),
        Err(error) => Err(tell_holder(of_open(path, error), path, &backend)),
    }
}

/// Opens the file so that all changes, repairs among them, stay in memory.
pub(super) fn repaired_in_memory(path: &Path) -> Result<Closing> {
    let file = File::open(path).and_then(Overlay::new);
    let overlay = file.map_err(|error| of_open_io(&path.display().to_string(), &error))?;
    let database = Builder::new().set_cache_size(COPY_CACHE_BYTES).create_with_backend(overlay);
    database.map(Closing::new).map_err(|error| of_open(path, error))
}

/// Tells a file of another application from one of ours whose tables cannot be found because it is damaged.
fn without_schema(path: &Path) -> Error {
    let checked = guarded(|| {
        let mut database = repaired_in_memory(path)?;
        database.get_mut()?.check_integrity().map_err(|error| of_open(path, error))
    });
    match checked {
        Err(error) if error.kind() == ErrorKind::CorruptedFile => error,
        _ => not_ours(&path.display().to_string()),
    }
}

fn check_meta(
    database: &impl ReadableDatabase,
    path: &Path,
    accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
) -> Result<()> {
    let transaction = database.begin_read().map_err(Failure::error)?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error.error()),
        Err(_) => return Err(without_schema(path)),
    };
    let version = meta.get(SCHEMA_KEY).map_err(Failure::error)?.ok_or_else(|| without_schema(path))?;
    match number(Some(version.value()))? {
        1..=SCHEMA_VERSION => {
            accept(&|key| Ok(meta.get(key).map_err(Failure::error)?.map(|value| value.value().to_vec())))
        }
        0 => Err(corrupted("its schema version is zero")),
        newer => Err(Error::new(
            ErrorKind::NewerFile,
            format!(
                "{} has schema version {newer}, and this version knows up to {SCHEMA_VERSION}; nothing was changed; \
                 upgrade Tollway",
                path.display()
            ),
        )),
    }
}
