//! The pages of the file: what a flipped bit does to the structure of tables is found by their checksums, which the storage engine
//! does not look at while it reads.

use std::path::Path;
use std::time::Duration;

use redb::ReadableDatabase;

use super::containment::guarded;
use super::failure::{Failure, corrupted, of_open};
use super::file::{OpenFile, repaired_in_memory};
use super::tables::META;
use crate::store::state::STATE_KEY;
use crate::types::{ErrorKind, Result};

/// The greatest file whose pages are checked when it is opened, which takes some 20 ms then.
pub(super) const CHECKED_WHEN_OPENED: u64 = 64 << 20;
/// How often a check is tried while others write, which can make a file look damaged.
const ATTEMPTS: u32 = 4;
/// How often it is tried while others commit, before they have to wait for it.
const ATTEMPTS_IN_COMPANY: u32 = 8;
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Checks all pages of an open file. Fails with `corrupted_file` if one is damaged, or if what the checksums vouch for is not what
/// the open file reads.
pub(super) fn check(path: &Path, open: &OpenFile) -> Result<()> {
    let (mut attempt, mut raced) = (1, 1);
    loop {
        match check_once(path, open) {
            Ok(Checked::Whole) => return Ok(()),
            Ok(Checked::Raced) if raced < ATTEMPTS_IN_COMPANY => raced += 1,
            Ok(Checked::Raced) => return check_alone(path, open),
            Err(error) if error.kind() == ErrorKind::CorruptedFile && attempt < ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Checks while nobody can commit.
fn check_alone(path: &Path, open: &OpenFile) -> Result<()> {
    guarded(|| {
        let transaction = open.get()?.begin_write().map_err(Failure::error)?;
        let checked = check_once(path, open);
        transaction.abort().map_err(Failure::error)?;
        match checked? {
            Checked::Whole => Ok(()),
            Checked::Raced => Err(corrupted("its last changes are damaged")),
        }
    })
}

/// What a check found.
enum Checked {
    Whole,
    /// Others committed meanwhile, so that the copy may be of a state that the open file had and has no more.
    Raced,
}

fn check_once(path: &Path, open: &OpenFile) -> Result<Checked> {
    guarded(|| {
        let before = state(open.get()?)?;
        let copied = copied_state(path);
        let after = state(open.get()?)?;
        match copied {
            Ok(copied) if copied == before || copied == after => Ok(Checked::Whole),
            Ok(_) if before == after => Err(corrupted("its last changes are damaged")),
            Err(error) if error.kind() != ErrorKind::CorruptedFile || before == after => Err(error),
            _ => Ok(Checked::Raced),
        }
    })
}

/// Returns the state that a copy has whose pages were all read and checked.
fn copied_state(path: &Path) -> Result<Option<Vec<u8>>> {
    guarded(|| {
        let mut copy = repaired_in_memory(path)?;
        copy.get_mut()?.check_integrity().map_err(|error| of_open(path, error))?;
        state(copy.get()?)
    })
}

fn state(database: &impl ReadableDatabase) -> Result<Option<Vec<u8>>> {
    let transaction = database.begin_read().map_err(Failure::error)?;
    let meta = transaction.open_table(META).map_err(Failure::error)?;
    Ok(meta.get(STATE_KEY).map_err(Failure::error)?.map(|state| state.value().to_vec()))
}
