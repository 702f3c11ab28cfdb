//! Opening a file, and the rotation of its master key.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::engine::addresses::Addresses;
use super::engine::billing_ids::BillingIds;
use super::engine::omissions::Omissions;
use super::engine::snapshots::Snapshots;
use super::engine::{Engine, Tollway, secrets};
use crate::catalog::snapshot::Snapshot;
use crate::dialect::RecentItems;
use crate::environment::{Environment, SystemEnvironment};
use crate::routing::health::Health;
use crate::routing::prompt_cache::PromptCache;
use crate::settings::Settings;
use crate::store::{FileKeys, MetaReader, Opening, Operation, RowKey, Store, WRAPPED_DATA_KEY};
use crate::transport::{HttpClient, Proxies};
use crate::types::{Error, ErrorKind, Result};
use crate::vault::{MasterKey, Vault};

impl Tollway {
    /// Opens a file, making it on first use, and settles what processes that ended left behind.
    ///
    /// Nothing is fetched. With the setting `create` false, nothing is made. Fails with `not_found`, `wrong_master_key`, `not_a_tollway_file`, `corrupted_file`, `newer_file` or
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
        let proxies = Proxies::of(settings.proxy.as_ref(), environment.as_ref())?;
        let (exclusive, create, world) = (settings.exclusive, settings.create, Arc::clone(&environment));
        let master_key = blocking(move || master_key.fetched(world.as_ref())).await?;
        let (world, key) = (Arc::clone(&environment), master_key);
        let opening = blocking(move || {
            let vault = std::cell::Cell::new(None);
            let accept = |meta: &MetaReader<'_>| {
                if let Some(wrapped) = meta(WRAPPED_DATA_KEY)? {
                    vault.set(Some(Vault::open(&wrapped, &key, &world)?));
                }
                Ok(())
            };
            let opening = Opening::open(&path, exclusive, create, Arc::clone(&world), &accept)?;
            let vault = match vault.into_inner() {
                Some(vault) => vault,
                None => own_vault(&opening, &key, &world)?,
            };
            let vault = Arc::new(vault);
            let store = opening.start(file_keys(&vault, &key)?)?;
            Ok((store, vault))
        });
        let (store, vault) = opening.await?;
        let first = Snapshot::new(store.configuration().await?);
        let now = u64::try_from(environment.monotonic().as_millis()).unwrap_or(u64::MAX);
        let engine = Engine {
            vault,
            http: HttpClient::new(Arc::clone(&environment), settings.connect_timeout, proxies),
            addresses: Addresses::default(),
            omissions: Omissions::default(),
            prompt_cache: PromptCache::default(),
            recent_items: RecentItems::default(),
            health: Health::new(settings.cooldown_failures, settings.cooldown),
            snapshots: Snapshots::new(first, now),
            billing_ids: BillingIds::default(),
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
        let put = Operation::PutMeta { key: WRAPPED_DATA_KEY.to_owned(), value: wrapped.await?, replace: true };
        self.engine.store.apply(put).await.map(|_| ())
    }
}

/// Opens the vault of a file that had none when it was looked at. Of two processes that make the file at once, one writes its
/// data key, and both use it.
fn own_vault(opening: &Opening, master_key: &MasterKey, environment: &Arc<dyn Environment>) -> Result<Vault> {
    let (vault, own) = Vault::create(master_key, environment)?;
    let wrapped = opening.wrapped_data_key(|| Ok(own.clone()))?;
    if wrapped == own { Ok(vault) } else { Vault::open(&wrapped, master_key, environment) }
}

/// Returns what the store needs of the vault.
fn file_keys(vault: &Arc<Vault>, master_key: &MasterKey) -> Result<FileKeys> {
    let own = Arc::clone(vault);
    Ok(FileKeys {
        row_key: RowKey::new(&vault.row_key()),
        is_bound: vault.is_bound(),
        envelope: if vault.is_bound() { None } else { Some(vault.wrap_again(master_key)?) },
        reseal: Box::new(move |config| secrets::seal_again(&own, config)),
    })
}

/// Runs work that takes long, or that waits for the disk, off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the work was broken off: {error}")))?
}
