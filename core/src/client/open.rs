//! Opening a file, and the rotation of its master key.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::engine::addresses::Addresses;
use super::engine::billing_ids::BillingIds;
use super::engine::omissions::Omissions;
use super::engine::room::Room;
use super::engine::snapshots::Snapshots;
use super::engine::{Engine, Tollway, secrets};
use crate::dialect::RecentItems;
use crate::environment::log::logged_as_here;
use crate::environment::{Environment, SystemEnvironment};
use crate::routing::health::Health;
use crate::routing::prompt_cache::PromptCache;
use crate::routing::snapshot::Snapshot;
use crate::settings::Settings;
use crate::store::{FileKeys, IN_MEMORY, MemoryStore, MetaReader, Opening, Operation, RowKey, Store, WRAPPED_DATA_KEY};
use crate::transport::{HttpClient, Proxies};
use crate::types::{Error, ErrorKind, Result};
use crate::vault::{MasterKey, Vault};

impl Tollway {
    /// Opens a file, making it on first use, and settles what processes that ended left behind.
    ///
    /// The path [`IN_MEMORY`] is no file: it makes a ledger of its own in memory, which ends with its last handle.
    ///
    /// Nothing is fetched. With the setting `create` false, nothing is made. Fails with `not_found`, `wrong_master_key`,
    /// `not_a_tollway_file`, `corrupted_file`, `newer_file`, `storage` or `storage_busy`; the file is untouched then.
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
        let patience = settings.storage_timeout;
        let master_key = blocking(move || master_key.fetched(world.as_ref())).await?;
        let (world, key) = (Arc::clone(&environment), master_key);
        let opening = blocking(move || {
            if path.as_os_str() == IN_MEMORY {
                open_memory(create, &key, &world)
            } else {
                open_file(&path, (exclusive, create), patience, &key, &world)
            }
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
            room: Room::default(),
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            closed: AtomicBool::new(false),
            process_id: environment.process_id(),
            settings,
            environment,
            store,
        };
        engine.recover(SystemEnvironment.sleep(patience)).await?;
        Ok(Self { engine: Arc::new(engine) })
    }

    /// Replaces the master key. Handles that are open, here or elsewhere, work on; the next open needs the new key.
    pub async fn rotate_master_key(&self, master_key: MasterKey) -> Result<()> {
        self.engine.check()?;
        let engine = Arc::clone(&self.engine);
        let wrapped = blocking(move || engine.vault.wrap_again(&master_key));
        let put = Operation::PutMeta { key: WRAPPED_DATA_KEY.to_owned(), value: wrapped.await?, replace: true };
        self.engine.apply(put).await.map(|_| ())
    }
}

/// Opens the store and the vault of a file.
pub(super) fn open_file(
    path: &Path,
    (exclusive, create): (bool, bool),
    patience: Duration,
    master_key: &MasterKey,
    environment: &Arc<dyn Environment>,
) -> Result<(Arc<dyn Store>, Arc<Vault>)> {
    let vault = std::cell::Cell::new(None);
    let accept = |meta: &MetaReader<'_>| {
        if let Some(wrapped) = meta(WRAPPED_DATA_KEY)? {
            vault.set(Some(Vault::open(&wrapped, master_key, environment)?));
        }
        Ok(())
    };
    let opening = Opening::open(path, exclusive, create, patience, Arc::clone(environment), &accept)?;
    let vault = match vault.into_inner() {
        Some(vault) => vault,
        None => own_vault(&opening, master_key, environment)?,
    };
    let vault = Arc::new(vault);
    let store = opening.start(file_keys(&vault, master_key)?)?;
    Ok((store, vault))
}

/// Makes the store and the vault of a ledger in memory.
fn open_memory(
    create: bool,
    master_key: &MasterKey,
    environment: &Arc<dyn Environment>,
) -> Result<(Arc<dyn Store>, Arc<Vault>)> {
    if !create {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!(
                "a ledger in memory ({IN_MEMORY:?}) is always a new one, and `create` is false; leave `create` out, or give \
                 the path of a file"
            ),
        ));
    }
    let (vault, _) = Vault::create(master_key, environment)?;
    let row_key = RowKey::new(&vault.row_key());
    Ok((MemoryStore::open(&Arc::default(), Arc::clone(environment), row_key)?, Arc::new(vault)))
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
    tokio::task::spawn_blocking(logged_as_here(work))
        .await
        .map_err(|error| Error::new(ErrorKind::Internal, format!("the work was broken off: {error}")))?
}

#[cfg(test)]
mod tests {
    use super::super::testing::from_json;
    use super::*;
    use crate::types::UsageFilter;

    async fn in_memory(settings: Settings) -> Result<Tollway> {
        Tollway::open(IN_MEMORY, MasterKey::Text("0f".repeat(32).into()), settings).await
    }

    #[tokio::test]
    async fn each_ledger_in_memory_is_its_own_and_leaves_no_file() {
        let (one, other) =
            (in_memory(Settings::default()).await.unwrap(), in_memory(Settings::default()).await.unwrap());
        let model = serde_json::json!({"name": "openai/gpt-4o-mini", "api_key": "sk-1"});
        one.add_model(from_json(model)).await.unwrap();
        assert_eq!(one.model_configs().await.unwrap().len(), 1);
        assert_eq!(other.model_configs().await.unwrap(), []);
        let checked = one.verify(None).await.unwrap();
        assert_eq!((checked.damage.len(), checked.rows > 0), (0, true));
        assert!(one.usage_records(UsageFilter::default(), None, 1).await.unwrap().records.is_empty());
        one.rotate_master_key(MasterKey::Text("1f".repeat(32).into())).await.unwrap();
        assert!(one.shutdown(Duration::from_secs(5)).await);
        assert!(!Path::new(IN_MEMORY).exists());
    }

    #[tokio::test]
    async fn a_ledger_in_memory_that_must_exist_is_not_found() {
        let settings = Settings { create: false, ..Settings::default() };
        let error = in_memory(settings).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.detail().contains("leave `create` out"), "{error}");
    }

    #[tokio::test]
    async fn a_master_key_that_opens_no_file_makes_no_ledger_in_memory() {
        let error = Tollway::open(IN_MEMORY, MasterKey::Text("short".into()), Settings::default()).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}
