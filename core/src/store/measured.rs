//! What a benchmark needs of the store, and nothing else does: how much the checks of rows cost. It is there with the feature `measured`
//! only.

use std::sync::atomic::{AtomicU32, Ordering};

static MORE: AtomicU32 = AtomicU32::new(0);

/// Makes each tag of a row, of a value of `meta` and of a link of the chain so many times more than is needed, in the whole process.
pub fn repeat_checks(more: u32) {
    MORE.store(more, Ordering::Relaxed);
}

pub(super) fn more_checks() -> u32 {
    MORE.load(Ordering::Relaxed)
}
