//! SQLite as the ledger: the same rows and the same indexes, in WAL mode, each commit synchronised. One thread writes, and every
//! commit takes all operations that wait.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::{ReserveRequest, Settlement};
use tollway::types::{ModelConfigId, ReservationId};

use super::sqlite_rows::Rows;
use super::{Contestant, Work, pair};
use crate::protocol::{Failure, Setup, Shape};

/// How many operations may wait, and how many one commit takes at most: as many as the writer of the ledger.
const QUEUE: usize = 4_096;
const BATCH: usize = 1_024;
/// How much memory SQLite may keep pages in, in KiB: as much as the ledger.
const CACHE_KIB: i64 = 32 << 10;

pub(super) struct Sqlite {
    queue: mpsc::Sender<Job>,
    environment: Arc<dyn Environment>,
    path: PathBuf,
}

enum Operation {
    Reserve(Box<ReserveRequest>),
    Settle(Box<Settlement>),
}

struct Job {
    operation: Operation,
    /// Receives the id of the reservation, or of the record.
    outcome: oneshot::Sender<Result<i64, Failure>>,
}

impl Sqlite {
    pub(super) fn create(setup: &Setup) -> Result<Self, Failure> {
        let path = Path::new(&setup.folder).join("ledger.sqlite");
        let connection = open(&path)?;
        connection.execute_batch(include_str!("sqlite.sql"))?;
        let (queue, jobs) = mpsc::channel(QUEUE);
        std::thread::Builder::new().name("sqlite-writer".to_owned()).spawn(move || write(&connection, jobs))?;
        Ok(Self { queue, environment: Arc::new(SystemEnvironment), path })
    }

    async fn apply(&self, operation: Operation) -> Result<i64, Failure> {
        let (sender, outcome) = oneshot::channel();
        let gone = || Failure::new("the writer of SQLite has ended");
        self.queue.send(Job { operation, outcome: sender }).await.map_err(|_| gone())?;
        outcome.await.unwrap_or_else(|_| Err(gone()))
    }
}

fn open(path: &Path) -> Result<Connection, Failure> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    Ok(connection)
}

/// Commits operations until no more can come.
fn write(connection: &Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut rows = Rows::prepare(connection);
    while let Some(first) = jobs.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH
            && let Ok(job) = jobs.try_recv()
        {
            batch.push(job);
        }
        let (operations, callers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|Job { operation, outcome }| (operation, outcome)).unzip();
        let outcomes = match &mut rows {
            Ok(rows) => commit(rows, operations),
            Err(failure) => Err(Failure::new(failure.to_string())),
        };
        match outcomes {
            Ok(outcomes) => callers.into_iter().zip(outcomes).for_each(|(caller, id)| drop(caller.send(Ok(id)))),
            Err(failure) => {
                for caller in callers {
                    drop(caller.send(Err(Failure::new(failure.to_string()))));
                }
            }
        }
    }
}

/// Writes operations in one transaction.
fn commit(rows: &mut Rows<'_>, operations: Vec<Operation>) -> Result<Vec<i64>, Failure> {
    rows.begin()?;
    let ids = operations.into_iter().map(|operation| match operation {
        Operation::Reserve(request) => rows.reserve(&request),
        Operation::Settle(settlement) => rows.settle(&settlement),
    });
    let ids = ids.collect::<Result<_, _>>()?;
    rows.commit()?;
    Ok(ids)
}

impl Contestant for Sqlite {
    fn once(&self, _shape: Shape) -> Work<'_, ()> {
        Box::pin(async move {
            let request = pair::reservation(self.environment.as_ref(), ModelConfigId::new(1));
            let id = self.apply(Operation::Reserve(Box::new(request))).await?;
            let settlement = pair::settlement(self.environment.as_ref(), ReservationId::new(u64::try_from(id)?));
            self.apply(Operation::Settle(Box::new(settlement))).await.map(|_| ())
        })
    }

    fn records(&self) -> Work<'_, Option<u64>> {
        Box::pin(async move {
            let count = "SELECT count(*) FROM records";
            let records: i64 = open(&self.path)?.query_row(count, [], |row| row.get(0))?;
            Ok(Some(u64::try_from(records)?))
        })
    }
}
