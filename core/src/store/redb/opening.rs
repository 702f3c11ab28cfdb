//! Opening: a file becomes a store, in two steps, because the key of its rows stands in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use redb::ReadableDatabase;

use super::containment::{Held, guarded};
use super::failure::{Failure, corrupted};
use super::file::{self, MetaReader, OpenFile, OpenMode};
use super::session::{Arrival, FileSession};
use super::tables::{Reads, Writes};
use super::{RedbStorage, RedbStore, migration, pages};
use crate::environment::Environment;
use crate::store::query;
use crate::store::reading::Reader;
use crate::store::row_key::RowKey;
use crate::store::storage::{ReadTables, WriteTables};
use crate::store::table_store::{PATIENCE, TableStore};
use crate::store::tables::{self, WRAPPED_DATA_KEY};
use crate::types::{ModelConfig, Result};

/// The keys of a file, and what a file of an earlier schema needs to become one of this schema.
pub struct FileKeys {
    /// What the rows are signed with.
    pub row_key: RowKey,
    /// Whether the data key was wrapped for signed rows, so that a file that says otherwise was tampered with.
    pub is_bound: bool,
    /// The data key, wrapped for signed rows.
    pub envelope: Option<Vec<u8>>,
    /// Seals the secrets of a config as this version does.
    pub reseal: Box<dyn Fn(ModelConfig) -> Result<ModelConfig> + Send>,
}

impl FileKeys {
    /// Makes the keys of a file without secrets.
    #[must_use]
    pub fn plain(row_key: RowKey) -> Self {
        Self { row_key, is_bound: false, envelope: None, reseal: Box::new(Ok) }
    }
}

/// A file that is open and whose rows are not read yet, because their key stands in it.
pub struct Opening {
    database: OpenFile,
    path: PathBuf,
    arrival: Arrival,
    exclusive: bool,
    patience: Duration,
    environment: Arc<dyn Environment>,
}

impl Opening {
    /// Opens a file, which is made if it is missing or empty and `create` says so. It blocks.
    ///
    /// Opening and closing wait for `patience` in all for locks that other processes hold, and a reader as long for each.
    ///
    /// With `exclusive` no other handle can be opened. A file that `accept` refuses, which may read
    /// what its `meta` holds unsigned, is left as it is; `accept` may be called several times, or not at all while another process
    /// holds the file. Fails with [`crate::types::ErrorKind::NotATollwayFile`], [`crate::types::ErrorKind::NewerFile`] (the file is left as it is in both
    /// cases), [`crate::types::ErrorKind::NotFound`], [`crate::types::ErrorKind::CorruptedFile`], [`crate::types::ErrorKind::StorageBusy`] or
    /// [`crate::types::ErrorKind::Storage`].
    pub fn open(
        path: impl AsRef<Path>,
        exclusive: bool,
        create: bool,
        patience: Duration,
        environment: Arc<dyn Environment>,
        accept: &dyn Fn(&MetaReader<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mode = OpenMode { exclusive, create, check_all: false, patience };
        let (database, path, arrival) = file::open(path.as_ref(), mode, environment.as_ref(), accept)?;
        Ok(Self { database, path, arrival, exclusive, patience, environment })
    }

    /// Returns the wrapped data key, which `make` makes where the file has none yet.
    ///
    /// Of several processes that make a file at once, all get that of the first. Fails with [`crate::types::ErrorKind::CorruptedFile`] if a
    /// file that is in use has lost it.
    pub fn wrapped_data_key(&self, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
        self.database.change(|database| {
            let transaction = Held::new(database.begin_write().map_err(Failure::error)?);
            let wrapped = {
                let tables = Writes::new(transaction.get()?);
                let (meta, key) = (tables::META.shape(), WRAPPED_DATA_KEY.as_bytes());
                let mut known = None;
                tables.get(meta, key, &mut |wrapped| {
                    known = Some(wrapped.to_vec());
                    Ok(())
                })?;
                if let Some(known) = known {
                    return Ok(known);
                }
                // Whoever configured or billed anything in it had a key.
                for table in [tables::MODEL_CONFIGS.shape(), tables::RECORDS.shape(), tables::BUDGETS.shape()] {
                    if tables.count(table)? > 0 {
                        return Err(corrupted("it has lost its data key"));
                    }
                }
                let own = make()?;
                tables.put(meta, key, &own, &mut |_| {})?;
                own
            };
            transaction.take()?.commit().map_err(Failure::error)?;
            Ok(wrapped)
        })
    }

    /// Brings the file to the schema of this version, checks what it says of itself, and starts the writer. It blocks.
    pub fn start(self, keys: FileKeys) -> Result<Arc<RedbStore>> {
        let Self { database, path, arrival, exclusive, patience, environment } = self;
        let place = path.clone();
        let row_key = database.change(move |database| {
            if migration::is_current(database)? {
                return Ok(keys.row_key);
            }
            let transaction = Held::new(database.begin_write().map_err(Failure::error)?);
            if migration::migrate(transaction.get()?, &keys, &place)? {
                transaction.take()?.commit().map_err(Failure::error)?;
            } else {
                transaction.take()?.abort().map_err(Failure::error)?;
            }
            Ok(keys.row_key)
        })?;
        let session = guarded(|| {
            let transaction = database.get()?.begin_read().map_err(Failure::error)?;
            let tables = Reads::new(&transaction);
            let reader = Reader::new(&tables, &row_key);
            query::check_meta(&reader)?;
            let used = query::sessions(&reader)?;
            FileSession::start(&path, exclusive, environment.as_ref(), |id| {
                Ok(used.contains(&id) || query::has_claims(&reader, id)?)
            })
        })
        .map_err(|error| database.tell_holder(error))?;
        let is_small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= pages::CHECKED_WHEN_OPENED);
        drop(arrival);
        // What others write at this moment may look like damage; they have checked the file themselves.
        if is_small && !session.has_peers() {
            pages::check(&path, &database).inspect_err(|_| database.abandon())?;
        }
        database.be_patient();
        let storage = RedbStorage::new(database, session, path, Arc::clone(&environment));
        TableStore::start(storage, row_key, patience, environment)
    }
}

impl RedbStore {
    /// Opens a file without secrets, as [`Opening::open`] does, and starts the writer. It blocks.
    pub fn open(
        path: impl AsRef<Path>,
        exclusive: bool,
        environment: Arc<dyn Environment>,
        row_key: RowKey,
    ) -> Result<Arc<Self>> {
        Opening::open(path, exclusive, true, PATIENCE, environment, &|_| Ok(()))?.start(FileKeys::plain(row_key))
    }

    /// Returns the full path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.open.as_ref().map_or(Path::new(""), |open| open.shared.storage.path())
    }
}
