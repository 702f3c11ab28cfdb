//! The configuration in memory, kept fresh by the version number in the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use super::Engine;
use crate::catalog::snapshot::Snapshot;
use crate::types::Result;

/// How old the last look at the file's version may be, in milliseconds: another process's change is seen within a second.
const FRESH_FOR: u64 = 250;

/// The current snapshot and when the file was last asked for its version.
pub(super) struct Snapshots {
    current: ArcSwap<Snapshot>,
    checked_at: AtomicU64,
    loading: Mutex<()>,
}

impl Snapshots {
    pub(super) fn new(first: Snapshot, now: u64) -> Self {
        Self { current: ArcSwap::from_pointee(first), checked_at: AtomicU64::new(now), loading: Mutex::new(()) }
    }
}

impl Engine {
    /// Returns the configuration; asks the file for its version if that was not done for a while.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let now = self.monotonic_millis();
        let checked = self.snapshots.checked_at.load(Ordering::Acquire);
        let due = now.saturating_sub(checked) >= FRESH_FOR;
        let claimed = due
            && self.snapshots.checked_at.compare_exchange(checked, now, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if claimed && self.store.configuration_version().await? != self.snapshots.current.load().version {
            return self.reload().await;
        }
        Ok(self.snapshots.current.load_full())
    }

    /// Reads the configuration again, after a change of this process or another one.
    pub(super) async fn reload(&self) -> Result<Arc<Snapshot>> {
        let _one_at_a_time = self.snapshots.loading.lock().await;
        let fresh = Arc::new(Snapshot::new(self.store.configuration().await?));
        self.snapshots.current.store(Arc::clone(&fresh));
        self.snapshots.checked_at.store(self.monotonic_millis(), Ordering::Release);
        Ok(fresh)
    }

    pub(super) fn monotonic_millis(&self) -> u64 {
        u64::try_from(self.environment.monotonic().as_millis()).unwrap_or(u64::MAX)
    }
}
