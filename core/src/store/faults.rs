//! Faults: what tests see of each access to a file, and what they make of it. No build that ships has it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use super::Access;

/// Watches the accesses to a file, and lets some fail.
pub trait Watch: Send + Sync + 'static {
    /// Is told of an access before it is made. Where it fails, the access is not made, and fails so.
    fn before(&self, access: Access<'_>) -> io::Result<()>;
    /// Is told of an access that was made.
    fn after(&self, access: Access<'_>);
}

static WATCHES: Mutex<BTreeMap<PathBuf, Arc<dyn Watch>>> = Mutex::new(BTreeMap::new());

/// Watches the file at a path, in this process, each time that it is opened from now on.
pub fn watch(path: &Path, watch: Arc<dyn Watch>) -> io::Result<()> {
    let path = std::fs::canonicalize(path)?;
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner).insert(path, watch);
    Ok(())
}

/// Returns what watches the file at a full path.
pub(super) fn watch_of(path: &Path) -> Option<Arc<dyn Watch>> {
    WATCHES.lock().unwrap_or_else(PoisonError::into_inner).get(path).cloned()
}
