//! Which requests are the first of their connection: known by the tasks that serve connections.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::task;

/// The most connections that are remembered. One that is forgotten counts as new, which is the careful side.
const MOST_CONNECTIONS: usize = 4096;

/// The connections of a client that have carried a request. Each is served by a task of its own, which takes the bodies that go
/// over it, and the number of a task is never used again.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<HashSet<task::Id>>>);

impl Connections {
    /// Notes that the connection which the running task serves carries a request. Returns whether it is its first.
    pub(super) fn carry(&self) -> bool {
        let Some(id) = task::try_id() else { return true };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_CONNECTIONS && !known.contains(&id) {
            known.clear();
        }
        known.insert(id)
    }
}

#[cfg(test)]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test]
    async fn a_connection_carries_one_first_request() {
        let connections = Connections::default();
        for _ in 0..2 {
            let own = connections.clone();
            TaskTracker::new()
                .spawn(async move { assert_eq!([own.carry(), own.carry(), own.carry()], [true, false, false]) })
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn the_number_of_remembered_connections_is_bounded() {
        let connections = Connections::default();
        for _ in 0..=MOST_CONNECTIONS {
            let own = connections.clone();
            TaskTracker::new().spawn(async move { assert!(own.carry()) }).await.unwrap();
        }
        assert_eq!(connections.0.lock().unwrap().len(), 1);
    }
}
