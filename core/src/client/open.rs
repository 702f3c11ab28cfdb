//! Opening a file, and the rotation of its master key.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Engine, Tollway, settle, snapshots};
use crate::catalog::snapshot::Snapshot;
use crate::dialect::RecentItems;
use crate::environment::{Environment, SystemEnvironment};
use crate::routing::health::Health;
use crate::routing::prompt_cache::PromptCache;
use crate::settings::Settings;
use crate::store::{MetaReader, Operation, RedbStore, Store};
use crate::transport::HttpClient;
use crate::types::{Error, ErrorKind, ModelConfig, ModelConfigId, Result};
use crate::vault::{MasterKey, Vault};

/// The entry of `meta` that holds the wrapped data key.
const WRAPPED_DATA_KEY: &str = "wrapped_data_key";

/// Returns what a config's sealed API key is bound to.
pub(super) fn key_identity(config: ModelConfigId) -> String {
    format!("ai_model_config/{config}/api_key")
}

impl Engine {
    /// Unseals a config's API key; nothing if it has none.
    pub(super) fn api_key(&self, config: &ModelConfig) -> Result<Option<SecretString>> {
        let sealed = config.api_key.as_ref();
        sealed.map(|sealed| self.vault.unseal_text(&key_identity(config.id), &sealed.0)).transpose()
    }
}

impl Tollway {
    /// Opens a file, making it on first use, and settles what processes that ended left behind.
    ///
    /// Nothing is fetched. Fails with `wrong_master_key`, `not_a_tollway_file`, `corrupted_file`, `newer_file` or
    /// `storage`; the file is untouched then.
    pub async fn open(path: impl AsRef<Path>, master_key: MasterKey, settings: Settings) -> Result<Self> {
        Self::open_in(path, master_key, settings, Arc::new(SystemEnvironment)).await
    }

    /// Opens a file in a given environment, so that tests drive its clock and its randomness.
    pub async fn open_in(
        path: impl AsRef<Path>,
        master_key: MasterKey,
        settings: Settings,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let (exclusive, world) = (settings.exclusive, Arc::clone(&environment));
        let master_key = blocking(move || master_key.fetched(world.as_ref())).await?;
        let (world, key) = (Arc::clone(&environment), master_key.clone());
        let opening = blocking(move || {
            let vault = std::cell::Cell::new(None);
            let accept = |meta: &MetaReader<'_>| {
                if let Some(wrapped) = meta(WRAPPED_DATA_KEY)? {
                    vault.set(Some(Vault::open(&wrapped, &key, &world)?));
                }
                Ok(())
            };
            let store = RedbStore::open_accepted(&path, exclusive, Arc::clone(&world), &accept)?;
            Ok((store, vault.into_inner()))
        });
        let (store, vault) = opening.await?;
        let vault = match vault {
            Some(vault) => vault,
            None => open_vault(store.as_ref(), master_key, &environment).await?,
        };
        let first = Snapshot::new(store.configuration().await?);
        let now = u64::try_from(environment.monotonic().as_millis()).unwrap_or(u64::MAX);
        let engine = Engine {
            vault,
            http: HttpClient::new(Arc::clone(&environment), settings.connect_timeout),
            omissions: super::omissions::Omissions::default(),
            prompt_cache: PromptCache::default(),
            recent_items: RecentItems::default(),
            health: Health::new(settings.cooldown_failures, settings.cooldown),
            snapshots: snapshots::Snapshots::new(first, now),
            billing_ids: settle::BillingIds::default(),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            closed: AtomicBool::new(false),
            process_id: environment.process_id(),
            settings,
            environment,
            store,
        };
        engine.recover().await?;
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Replaces the master key. Handles that are open, here or elsewhere, work on; the next open needs the new key.
    pub async fn rotate_master_key(&self, master_key: MasterKey) -> Result<()> {
        self.engine.check()?;
        let engine = Arc::clone(&self.engine);
        let wrapped = blocking(move || engine.vault.wrap_again(&master_key));
        let put = Operation::PutMeta { key: WRAPPED_DATA_KEY, value: wrapped.await?, replace: true };
        self.engine.store.apply(put).await.map(|_| ())
    }
}

/// Opens the vault of the file. Of two processes that make the file at once, one writes its data key, and both use it.
async fn open_vault(store: &RedbStore, master_key: MasterKey, environment: &Arc<dyn Environment>) -> Result<Vault> {
    if let Some(wrapped) = store.meta(WRAPPED_DATA_KEY).await? {
        let world = Arc::clone(environment);
        return blocking(move || Vault::open(&wrapped, &master_key, &world)).await;
    }
    let (world, key) = (Arc::clone(environment), master_key.clone());
    let (vault, value) = blocking(move || Vault::create(&key, &world)).await?;
    let own = value.clone();
    store.apply(Operation::PutMeta { key: WRAPPED_DATA_KEY, value, replace: false }).await?;
    let missing = || Error::new(ErrorKind::CorruptedFile, "the file has lost its data key; restore it from a copy");
    let wrapped = store.meta(WRAPPED_DATA_KEY).await?.ok_or_else(missing)?;
    if wrapped == own {
        return Ok(vault);
    }
    let world = Arc::clone(environment);
    blocking(move || Vault::open(&wrapped, &master_key, &world)).await
}

/// Runs work that takes long, or that waits for the disk, off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the work was broken off: {error}")))?
}
