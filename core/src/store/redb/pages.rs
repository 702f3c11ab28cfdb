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
/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Checks all pages of an open file. Fails with `corrupted_file` if one is damaged, or if what the checksums vouch for is not what
/// the open file reads.
pub(super) fn check(path: &Path, open: &OpenFile) -> Result<()> {
    let mut attempt = 1;
    loop {
        match check_once(path, open) {
            Err(error) if error.kind() == ErrorKind::CorruptedFile && attempt < ATTEMPTS => {
                attempt += 1;
                std::thread::sleep(PAUSE);
            }
            outcome => return outcome,
        }
    }
}

fn check_once(path: &Path, open: &OpenFile) -> Result<()> {
    guarded(|| {
        let mut copy = repaired_in_memory(path)?;
        copy.get_mut()?.check_integrity().map_err(|error| of_open(path, error))?;
        if state(copy.get()?)? != state(open.get()?)? {
            return Err(corrupted("its last changes are damaged"));
        }
        Ok(())
    })
}

fn state(database: &impl ReadableDatabase) -> Result<Option<Vec<u8>>> {
    let transaction = database.begin_read().map_err(Failure::error)?;
    let meta = transaction.open_table(META).map_err(Failure::error)?;
    Ok(meta.get(STATE_KEY).map_err(Failure::error)?.map(|state| state.value().to_vec()))
}
