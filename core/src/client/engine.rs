//! The engine: what every call and every administrative method of an open file shares.

pub(super) mod addresses;
pub(super) mod billing_ids;
mod failure;
pub(super) mod omissions;
mod patience;
mod recovered;
pub(super) mod room;
pub(super) mod secrets;
pub(super) mod snapshots;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::addresses::Addresses;
use self::billing_ids::BillingIds;
pub(super) use self::failure::{broken_off, invalid, refuse_first, unexpected};
use self::omissions::Omissions;
pub(super) use self::patience::may_pass;
use self::room::Room;
use self::snapshots::Snapshots;
use crate::dialect::RecentItems;
use crate::environment::{BoxFuture, Environment};
use crate::routing::health::Health;
use crate::routing::prompt_cache::PromptCache;
use crate::routing::select::Outlook;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::store::{Late, Operation, Outcome, Store};
use crate::transport::HttpClient;
use crate::types::{Attempt, CallOptions, Error, ErrorKind, Model, ModelConfig, Result, check_label, check_tags};
use crate::vault::Vault;

/// An open file, and the engine over it. Clones share it; it closes when the last one is dropped.
///
/// Every async method must be awaited inside a tokio runtime. A handle must not be used in a forked child, which gets
/// the error `forked`: the child opens the file again.
#[derive(Clone)]
pub struct Tollway {
    pub(super) engine: Arc<Engine>,
}

/// What every call and every administrative method shares.
pub(super) struct Engine {
    pub(super) store: Arc<dyn Store>,
    pub(super) vault: Arc<Vault>,
    pub(super) settings: Settings,
    pub(super) environment: Arc<dyn Environment>,
    pub(super) http: HttpClient,
    pub(super) health: Health,
    pub(super) addresses: Addresses,
    pub(super) omissions: Omissions,
    pub(super) prompt_cache: PromptCache,
    pub(super) recent_items: RecentItems,
    pub(super) snapshots: Snapshots,
    pub(super) billing_ids: BillingIds,
    pub(super) room: Room,
    pub(super) tracker: TaskTracker,
    pub(super) stopping: CancellationToken,
    pub(super) closed: AtomicBool,
    pub(super) process_id: u32,
}

impl Tollway {
    /// Stops new calls, gives up those under way, and waits for their settlements, at most for `timeout`.
    ///
    /// Returns whether all settlements are in the file; what is not is left to recovery. Dropping the future leaves
    /// the handle closed.
    pub async fn shutdown(&self, timeout: Duration) -> bool {
        self.engine.closed.store(true, Ordering::Release);
        self.engine.stopping.cancel();
        self.engine.tracker.close();
        let late = self.engine.environment.sleep(timeout);
        tokio::select! {
            () = self.engine.tracker.wait() => true,
            () = late => false,
        }
    }
}

impl Engine {
    /// Fails with `forked` in another process than the one that opened the file, and with `closed` after shutdown.
    pub(super) fn check(&self) -> Result<()> {
        if self.environment.process_id() != self.process_id {
            return Err(Error::new(
                ErrorKind::Forked,
                "this handle was opened before a fork; open the file again in this process",
            ));
        }
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "this handle was shut down; open the file again"));
        }
        Ok(())
    }

    /// Returns the configuration; asks the file for its version if that was not done for a while.
    pub(super) async fn snapshot(&self) -> Result<Arc<Snapshot>> {
        self.snapshots.current(self.store.as_ref(), self.environment.as_ref()).await
    }

    /// Chooses from the configuration. Before it says that nothing can serve, it asks the file whether that is so still, since
    /// another process may have added a model just now.
    pub(super) async fn choose<Choice>(
        &self,
        snapshot: Arc<Snapshot>,
        choose: impl Fn(Arc<Snapshot>) -> Result<Choice>,
    ) -> Result<Choice> {
        let version = snapshot.version;
        match choose(snapshot) {
            Err(error) if matches!(error.kind(), ErrorKind::NoRoute | ErrorKind::NotFound) => {
                let newest = self.snapshots.newest(self.store.as_ref(), self.environment.as_ref()).await?;
                if newest.version == version { Err(error) } else { choose(newest) }
            }
            chosen => chosen,
        }
    }

    /// Reads the configuration again, after a change of this process or another one.
    pub(super) async fn reload(&self) -> Result<Arc<Snapshot>> {
        self.snapshots.reload(self.store.as_ref(), self.environment.as_ref()).await
    }

    /// Returns the configuration that took the place of one.
    pub(super) async fn snapshot_after(&self, replaced: &Snapshot) -> Result<Arc<Snapshot>> {
        self.snapshots.after(replaced.version, self.store.as_ref(), self.environment.as_ref()).await
    }

    /// Returns what choices look at now.
    pub(super) fn outlook(&self) -> Outlook<'_> {
        Outlook {
            now: self.environment.now(),
            default_limit: self.settings.default_output_limit,
            prompt_cache: Some((&self.prompt_cache, self.environment.monotonic())),
        }
    }

    /// Unseals a config's API key; nothing if it has none.
    pub(super) fn api_key(&self, config: &ModelConfig) -> Result<Option<SecretString>> {
        secrets::unseal_key(&self.vault, config)
    }

    /// Returns the parameters of a config as its requests need them: with what was learned to be left out, and with the headers
    /// that are secrets.
    pub(super) fn params<'a>(&self, config: &'a ModelConfig) -> Result<Cow<'a, Map<String, Value>>> {
        secrets::with_headers(&self.vault, config, self.omissions.over(config))
    }

    /// Puts the billing id of the last attempt into a reply that was kept. One that an earlier version kept has it.
    pub(super) async fn know_billing_id(&self, attempts: &mut [Attempt]) -> Result<()> {
        let Some(attempt) = attempts.last_mut().filter(|attempt| attempt.model_id.is_none()) else { return Ok(()) };
        attempt.model_id = self.billing_ids.get(&attempt.provider, &attempt.model);
        if attempt.model_id.is_none() {
            let models = self.store.models().await?;
            let is_asked = |model: &&Model| model.provider == attempt.provider && model.model_code == attempt.model;
            attempt.model_id = models.iter().find(is_asked).map(|model| model.id);
        }
        Ok(())
    }

    /// Does the same as [`Self::recover`], where any process may have ended. That costs a refusal next to nothing, however many calls
    /// are under way.
    pub(super) async fn recover_ended(&self, late: BoxFuture<'static, ()>) -> Result<u64> {
        if self.store.may_recover(self.environment.now()).await? { self.recover(late).await } else { Ok(0) }
    }

    /// Settles what processes that ended left behind; returns how many reservations that were.
    ///
    /// It waits for the store until `late` ends.
    pub(super) async fn recover(&self, late: BoxFuture<'static, ()>) -> Result<u64> {
        let recover = Operation::Recover { policy: self.settings.recovery, now: self.environment.now() };
        match self.store.apply_until(recover, late).await.map_err(Late::into_error)? {
            Outcome::Recovered(count) => {
                if count > 0 {
                    recovered::tell(count, self.settings.recovery);
                }
                Ok(count)
            }
            other => Err(unexpected(&other)),
        }
    }
}

/// Refuses choices of a call that no budget could make sense of.
/// Returns them with their labels as tags.
pub(super) fn check_options(options: CallOptions) -> Result<CallOptions> {
    let options = options.with_labels_as_tags()?;
    let is_empty = |text: &Option<String>| text.as_deref().is_some_and(str::is_empty);
    refuse_first(&[
        (is_empty(&options.user), "`user` is empty; name whom the call is billed to, or leave it out"),
        (
            is_empty(&options.idempotency_key),
            "`idempotency_key` is empty; give a key of the call's own, or leave it out",
        ),
    ])?;
    for (field, label) in [("user", &options.user), ("idempotency_key", &options.idempotency_key)] {
        label.as_deref().map_or(Ok(()), |label| check_label(field, label))?;
    }
    check_tags(&options.tags)?;
    Ok(options)
}
