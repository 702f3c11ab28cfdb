//! Waits for the store: how long a call waits for it, and what is written all the same when nobody waits any more.

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::Engine;
use crate::environment::{BoxFuture, Environment, SystemEnvironment};
use crate::store::{Late, Operation, Outcome};
use crate::types::{Error, ErrorKind, Result};

/// How long to wait before a store that was busy is asked again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long to wait before what could not be written is written again, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How often it is tried: for some ten minutes.
const ATTEMPTS: u32 = 120;

/// Returns whether a store may write later what it could not write now.
pub(in crate::client) fn may_pass(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Storage | ErrorKind::StorageBusy | ErrorKind::Timeout)
}

impl Engine {
    /// Applies an operation that is no part of a call, and waits for the store for as long as the settings say.
    pub(in crate::client) async fn apply(&self, operation: Operation) -> Result<Outcome> {
        let applied = self.store.apply_until(operation, SystemEnvironment.sleep(self.settings.storage_timeout)).await;
        applied.map_err(Late::into_error)
    }

    /// Reads what a call needs, and waits for the store until `late` ends.
    pub(in crate::client) async fn read_until<T, Reading: Future<Output = Result<T>>>(
        &self,
        mut late: BoxFuture<'static, ()>,
        read: impl Fn() -> Reading,
    ) -> Result<T> {
        loop {
            let read = tokio::select! {
                biased;
                read = read() => read,
                () = &mut late => return Err(self.store.busy().await),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::StorageBusy => {
                    tokio::select! {
                        () = SystemEnvironment.sleep(PAUSE) => {}
                        () = &mut late => return Err(error),
                    }
                }
                read => return read,
            }
        }
    }

    /// Applies an operation again and again until it is done, because nobody else will: for some ten minutes, while the handle is
    /// open. Returns the last error.
    pub(in crate::client) async fn persist(
        engine: Weak<Self>,
        operation: Operation,
        mut error: Error,
    ) -> Result<Outcome> {
        let mut pause = FIRST_PAUSE;
        for _ in 0..ATTEMPTS {
            let is_stopping = {
                let Some(engine) = engine.upgrade() else { break };
                let stopping = engine.stopping.clone();
                drop(engine);
                tokio::select! {
                    biased;
                    () = stopping.cancelled() => true,
                    () = SystemEnvironment.sleep(pause) => false,
                }
            };
            let Some(engine) = engine.upgrade() else { break };
            let applied = engine.store.apply(operation.clone());
            drop(engine);
            match applied.await {
                Err(failure) if may_pass(&failure) && !is_stopping => error = failure,
                applied => return applied,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(error)
    }

    /// Applies an operation that must be done, whoever waits for it.
    pub(in crate::client) async fn apply_surely(self: &Arc<Self>, operation: Operation) -> Result<Outcome> {
        match self.store.apply(operation.clone()).await {
            Err(error) if may_pass(&error) => Self::persist(Arc::downgrade(self), operation, error).await,
            applied => applied,
        }
    }
}
