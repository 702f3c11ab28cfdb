//! The file: making it whole, telling that it is ours before anything is changed, and opening it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Builder, ConcurrencyMode, Database, DatabaseError, ReadableDatabase, TableError};

use super::failure::{Failure, closed, corrupted, not_ours, of_open, of_open_io};
use super::ledger::number;
use super::migration::SCHEMA_VERSION;
use super::overlay::Overlay;
use super::tables::{self, SCHEMA_KEY};
use crate::environment::Environment;
use crate::types::{Error, ErrorKind, Result};

/// The first bytes of every file of the storage engine.
const MAGIC: [u8; 9] = *b"redb\x1A\x0A\xA9\x0D\x0A";
/// How much of the file is kept in memory.
const CACHE_BYTES: usize = 32 << 20;
/// How often an open is tried while another handle is being closed.
const ATTEMPTS: u32 = 10;
/// How often the open of a file that looks damaged is tried.
const ATTEMPTS_IF_DAMAGED: u32 = 4;
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Reads a value of `meta` before the file is opened for writing.
pub type MetaReader<'a> = dyn Fn(&str) -> Result<Option<Vec<u8>>> + 'a;

/// Opens the file, which is made if it does not exist. Returns it with its full path.
///
/// A file that is not ours, is newer than this version, or that `accept` refuses, is left as it is.
pub(super) fn open(
    path: &Path,
    exclusive: bool,
    environment: &dyn Environment,
    accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
) -> Result<(OpenFile, PathBuf)> {
    let path = make_if_missing(path, environment)?;
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES);
    if !exclusive {
        builder.set_concurrency_mode(ConcurrencyMode::MultiWriter);
    }
    let mut attempt = 1;
    loop {
        let opened = guarded(|| {
            identify(&path, &builder, accept)?;
            Ok(builder.open(&path))
        });
        match opened {
            Ok(Ok(database)) => return Ok((OpenFile(Some(database)), path)),
            Ok(Err(DatabaseError::DatabaseAlreadyOpen)) if attempt < ATTEMPTS => {}
            Ok(Err(error)) => return Err(of_open(&path, error)),
            // Another process that is repairing the file at this moment can make it look damaged.
            Err(error) if error.kind() == ErrorKind::CorruptedFile && attempt < ATTEMPTS_IF_DAMAGED => {}
            Err(error) => return Err(error),
        }
        attempt += 1;
        std::thread::sleep(PAUSE);
    }
}

/// An open file. Closing a damaged one may panic, which ends here.
pub(super) struct OpenFile(Option<Database>);

impl OpenFile {
    /// Returns the file; it is absent only while it is closed.
    pub(super) fn get(&self) -> Result<&Database> {
        self.0.as_ref().ok_or_else(closed)
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        let database = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            tracing::error!("closing the file failed, because it is damaged; restore it from a copy");
        }
    }
}

/// Calls the storage engine, which may panic on a damaged file.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(corrupted("reading it failed")))
}

/// Makes the file where it is missing or empty. Any number of processes may do so at once: each then opens the same
/// whole file, because an empty one is locked, filled aside and replaced.
fn make_if_missing(path: &Path, environment: &dyn Environment) -> Result<PathBuf> {
    let shown = path.display().to_string();
    loop {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                owner_only().read(true).write(true).create(true).truncate(false).open(path)
            }
            opened => opened,
        };
        let file = file.map_err(|error| of_open_io(&shown, &error))?;
        let full = fs::canonicalize(path).map_err(|error| of_open_io(&shown, &error))?;
        let metadata = file.metadata().map_err(|error| of_open_io(&shown, &error))?;
        if !metadata.is_file() {
            return Err(not_ours(&shown));
        }
        if metadata.len() > 0 {
            return Ok(full);
        }
        match file.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(of_open_io(&shown, &error)),
            _ => {}
        }
        if is_still(&file, &full) {
            make(&full, environment)?;
        }
    }
}

/// Tells whether a path still leads to an open file that is empty.
fn is_still(file: &File, path: &Path) -> bool {
    let (Ok(open), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if (open.dev(), open.ino()) != (there.dev(), there.ino()) {
            return false;
        }
    }
    open.len() == 0 && there.len() == 0
}

/// Fills a file aside, and puts it in the place of an empty one.
fn make(path: &Path, environment: &dyn Environment) -> Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".new-{}", environment.process_id()));
    let aside = path.with_file_name(name);
    let made = fill(&aside).and_then(|()| {
        fs::rename(&aside, path)
            .and_then(|()| sync_folder(path))
            .map_err(|error| of_open_io(&path.display().to_string(), &error))
    });
    if made.is_err() {
        // The first error is the one to report; a file left aside is replaced by the next attempt.
        let _ = fs::remove_file(&aside);
    }
    made
}

fn fill(path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let file = owner_only().read(true).write(true).create(true).truncate(true).open(path);
    drop(file.map_err(|error| of_open_io(&shown, &error))?);
    let database = Builder::new().create(path).map_err(|error| of_open(path, error))?;
    let transaction = database.begin_write().map_err(Failure::error)?;
    tables::create_all(&transaction)?;
    {
        let mut meta = transaction.open_table(tables::META).map_err(Failure::error)?;
        meta.insert(SCHEMA_KEY, SCHEMA_VERSION.to_le_bytes().as_slice()).map_err(Failure::error)?;
    }
    transaction.commit().map_err(Failure::error)?;
    database.close().map_err(|error| of_open(path, error))
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// Tells that the file is ours, not newer than this version, and accepted, without a change to it.
fn identify(path: &Path, builder: &Builder, accept: &dyn Fn(&MetaReader<'_>) -> Result<()>) -> Result<()> {
    let shown = path.display().to_string();
    let mut first = [0; MAGIC.len()];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    match read {
        Ok(()) if first == MAGIC => {}
        Ok(()) => return Err(not_ours(&shown)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(not_ours(&shown)),
        Err(error) => return Err(of_open_io(&shown, &error)),
    }
    match builder.open_read_only(path) {
        Ok(database) => check_meta(&database, path, accept),
        // Its last writer was killed. It is repaired in memory first, to see whose it is.
        Err(DatabaseError::RepairAborted) => check_meta(&repaired_in_memory(path)?, path, accept),
        // The open that follows waits for the other handle, or says what holds the file.
        Err(DatabaseError::DatabaseAlreadyOpen) => Ok(()),
        Err(error) => Err(of_open(path, error)),
    }
}

/// Opens the file so that all changes, repairs among them, stay in memory.
pub(super) fn repaired_in_memory(path: &Path) -> Result<Database> {
    let file = File::open(path).and_then(Overlay::new);
    let overlay = file.map_err(|error| of_open_io(&path.display().to_string(), &error))?;
    let builder = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(overlay);
    builder.map_err(|error| of_open(path, error))
}

/// Tells a file of another application from one of ours whose tables cannot be found because it is damaged.
fn without_schema(path: &Path) -> Error {
    let checked = guarded(|| repaired_in_memory(path)?.check_integrity().map_err(|error| of_open(path, error)));
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
    let meta = match transaction.open_table(tables::META) {
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
