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
    /// Held while the file is asked, so that one call asks and those that begin meanwhile wait for what it learns.
    asking: Mutex<()>,
}

impl Snapshots {
    pub(in crate::client) fn new(first: Snapshot, now: u64) -> Self {
        Self { current: ArcSwap::from_pointee(first), checked_at: AtomicU64::new(now), asking: Mutex::new(()) }
    }

    /// Returns the configuration; asks the file for its version if that was not done for a while.
    pub(in crate::client) async fn current(
        &self,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        if !self.is_due(environment) {
            return Ok(self.current.load_full());
        }
        let _one_at_a_time = self.asking.lock().await;
        if self.is_due(environment) { self.look(store, environment).await } else { Ok(self.current.load_full()) }
    }

    /// Returns the configuration that the file has now, however short ago it was looked at.
    pub(in crate::client) async fn newest(
        &self,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        let _one_at_a_time = self.asking.lock().await;
        self.look(store, environment).await
    }

    /// Reads the configuration again.
    pub(in crate::client) async fn reload(
        &self,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        let _one_at_a_time = self.asking.lock().await;
        self.read(store, environment).await
    }

    /// Returns the configuration that took the place of one that a reservation found replaced, however many calls ask for it.
    pub(in crate::client) async fn after(
        &self,
        replaced: u64,
        store: &dyn Store,
        environment: &dyn Environment,
    ) -> Result<Arc<Snapshot>> {
        let _one_at_a_time = self.asking.lock().await;
        let current = self.current.load_full();
        if current.version == replaced { self.read(store, environment).await } else { Ok(current) }
    }

    fn is_due(&self, environment: &dyn Environment) -> bool {
        millis(environment).saturating_sub(self.checked_at.load(Ordering::Acquire)) >= FRESH_FOR
    }

    /// Reads the configuration again if the file has another version of it.
    async fn look(&self, store: &dyn Store, environment: &dyn Environment) -> Result<Arc<Snapshot>> {
        let now = millis(environment);
        if store.configuration_version().await? != self.current.load().version {
            return self.read(store, environment).await;
        }
        self.checked_at.store(now, Ordering::Release);
        Ok(self.current.load_full())
    }

    async fn read(&self, store: &dyn Store, environment: &dyn Environment) -> Result<Arc<Snapshot>> {
        // What is learned is as old as the question.
        let now = millis(environment);
        let fresh = Arc::new(Snapshot::new(store.configuration().await?));
        self.current.store(Arc::clone(&fresh));
        self.checked_at.store(now, Ordering::Release);
        Ok(fresh)
    }
}

fn millis(environment: &dyn Environment) -> u64 {
    u64::try_from(environment.monotonic().as_millis()).unwrap_or(u64::MAX)
}
