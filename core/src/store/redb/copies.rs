//! Copies of a file, and a smaller file: back up while it is in use, put a copy in a place where nothing is, give free pages back.

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::Path;
use std::time::Duration;

use redb::backends::FileBackend;
use redb::{Builder, Database, Durability, ReadableDatabase};

use super::containment::guarded;
use super::failure::{Failure, of_io, of_open, of_open_io};
use super::file::{self, OpenFile, OpenMode, is_ledger, repaired_in_memory};
use super::new_file::{NewFile, check_nothing_is_at};
use super::tables::{Reads, Writes};
use crate::environment::Environment;
use crate::environment::regular_file::open_regular;
use crate::store::storage::{ReadTables, WriteTables};
use crate::store::tables::{ALL, Shape};
use crate::types::{Error, ErrorKind, Result};

/// How long others who have the file open are waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many rows of a copy are written in one transaction.
const ROWS: usize = 16_384;

/// How many bytes a file had before it was made smaller, and has since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// Before.
    pub before: u64,
    /// Since.
    pub after: u64,
}

/// Writes a copy of an open file, as it stands at one commit, to a place where nothing is. Returns how many bytes it has.
///
/// Rows are written in their order, so that the copy has no free pages. What others free meanwhile is reused after it.
pub(super) fn back_up(from: &OpenFile, path: &Path, environment: &dyn Environment) -> Result<u64> {
    check_nothing_is_at(path)?;
    let copied = NewFile::filled(path, environment, |aside, file| {
        let backend = FileBackend::new(file).map_err(|error| of_open(aside, error))?;
        let copy = Builder::new().create_with_backend(backend).map_err(|error| of_open(aside, error))?;
        guarded(|| {
            let transaction = from.get()?.begin_read().map_err(Failure::error)?;
            let tables = Reads::new(&transaction);
            ALL.iter().try_for_each(|table| copy_table(&tables, &copy, table))
        })?;
        // What was written so far is not durable yet.
        copy.begin_write().map_err(Failure::error)?.commit().map_err(Failure::error)?;
        copy.close().map_err(|error| of_open(aside, error))
    })?;
    copied.put()?;
    fs::metadata(path).map(|file| file.len()).map_err(|error| of_open_io(&path.display().to_string(), &error))
}

fn copy_table(from: &dyn ReadTables, copy: &Database, table: &Shape) -> Result<()> {
    let mut last: Option<Vec<u8>> = None;
    loop {
        let mut rows: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let after = last.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        from.range(table, (after, Bound::Unbounded), &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            Ok(rows.len() < ROWS)
        })?;
        let mut transaction = copy.begin_write().map_err(Failure::error)?;
        transaction
            .set_durability(Durability::None)
            .map_err(|error| of_io("a copy could not be written", &io::Error::other(error)))?;
        {
            let tables = Writes::new(&transaction);
            // Opening it makes it, where it has no rows.
            tables.count(table)?;
            for (key, value) in &rows {
                tables.put(table, key, value, &mut |_| {})?;
            }
        }
        transaction.commit().map_err(Failure::error)?;
        match rows.pop() {
            Some((key, _)) => last = Some(key),
            None => return Ok(()),
        }
    }
}

/// Puts a copy of a file, all pages of which are checked, where nothing is. It blocks.
///
/// Fails with `not_found`, `not_a_tollway_file`, `corrupted_file`, or with `storage` if anything is at the place.
pub fn restore(backup: &Path, path: &Path, environment: &dyn Environment) -> Result<()> {
    let shown = backup.display().to_string();
    let failed = |error: io::Error| of_open_io(&shown, &error);
    match is_ledger(backup) {
        Ok(true) => {}
        Ok(false) => return Err(super::failure::not_ours(&shown)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, format!("{shown} does not exist; give the path of a backup")));
        }
        Err(error) => return Err(failed(error)),
    }
    check_nothing_is_at(path)?;
    let copied = NewFile::filled(path, environment, |aside, mut file| {
        let from = open_regular(backup).map_err(failed)?;
        let mut from = from.ok_or_else(|| super::failure::not_ours(&shown))?;
        io::copy(&mut from, &mut file).and_then(|_| file.sync_all()).map_err(failed)?;
        guarded(|| {
            let mut copy = repaired_in_memory(aside)?;
            copy.get_mut()?.check_integrity().map(drop).map_err(|error| of_open(aside, error))
        })
    })?;
    copied.put()
}

/// Gives the free pages of a file back to the system. It blocks, and nobody else can have the file open.
pub fn compact(path: &Path, environment: &dyn Environment) -> Result<Compacted> {
    let mode = OpenMode { exclusive: true, create: false, check_all: false, patience: PATIENCE };
    let (mut opened, path, arrival) = file::open(path, mode, environment, &|_| Ok(()))?;
    drop(arrival);
    let size = || fs::metadata(&path).map(|file| file.len());
    let failed = |error: io::Error| of_open_io(&path.display().to_string(), &error);
    let before = size().map_err(failed)?;
    guarded(|| {
        let database = opened.get_mut()?;
        while database
            .compact()
            .map_err(|error| of_io("the file could not be made smaller", &io::Error::other(error)))?
        {}
        Ok(())
    })?;
    drop(opened);
    Ok(Compacted { before, after: size().map_err(failed)? })
}
