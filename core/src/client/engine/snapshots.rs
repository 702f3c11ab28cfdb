//! The configuration in memory, kept fresh by the version number in the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use tokio::sync::Mutex;

use crate::environment::Environment;
use crate::routing::snapshot::Snapshot;
use crate::store::Store;
use crate::types::Result;

/// How old the last look at the file's version may be, in milliseconds: another process's change is seen within a second.
const FRESH_FOR: u64 = 250;

/// The current snapshot and when the file was last asked for its version.
pub(in crate::client) struct Snapshots {
    current: ArcSwap<Snapshot>,
    checked_at: AtomicU64,
    loading: Mutex<()>,
}

impl Snapshots {
    pub(in crate::client) fn new(first: Snapshot, now: u64) -> Self {
        Self { current: ArcSwap::from_pointee(first), checked_at: AtomicU64::new(now), loading: Mutex::new(()) }
    }

    /// Returns the configuration; asks the file for its version if that was not done for a while.
    pub(in crate::client) async fn current(
        &self,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        let now = millis(environment);
        let checked = self.checked_at.load(Ordering::Acquire);
        let due = now.saturating_sub(checked) >= FRESH_FOR;
        let claimed =
            due && self.checked_at.compare_exchange(checked, now, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if claimed && store.configuration_version().await? != self.current.load().version {
            return self.reload(store, environment).await;
        }
        Ok(self.current.load_full())
    }

    /// Reads the configuration again.
    pub(in crate::client) async fn reload(
        &self,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        let _one_at_a_time = self.loading.lock().await;
        let fresh = Arc::new(Snapshot::new(store.configuration().await?));
        self.current.store(Arc::clone(&fresh));
        self.checked_at.store(millis(environment), Ordering::Release);
        Ok(fresh)
    }
}

fn millis(environment: &dyn Environment) -> u64 {
    u64::try_from(environment.monotonic().as_millis()).unwrap_or(u64::MAX)
}
