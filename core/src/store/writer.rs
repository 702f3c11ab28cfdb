//! The writer: one thread per store, whose every commit takes all operations that wait.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::apply::apply;
use super::containment::{Held, guarded};
use super::failure::Failure;
use super::ledger::Ledger;
use super::redb_store::Shared;
use super::snapshot::Budgets;
use super::state::State;
use super::writing::Writing;
use super::{Operation, Outcome};
use crate::types::{Error, ErrorKind, Result};

/// How many operations may wait; more callers wait for a place.
pub(super) const QUEUE: usize = 4096;
/// How many operations one commit takes at most.
const BATCH: usize = 1024;
/// A transaction that took longer than this to begin waited for another process.
const CONTENDED: Duration = Duration::from_millis(1);
/// How long other processes are let in for between two commits.
const YIELD: Duration = Duration::from_micros(200);
/// How often other processes are let in while their waiting cannot be seen.
const YIELD_EVERY: Duration = Duration::from_millis(5);

/// An operation that waits, and where its outcome goes.
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) outcome: oneshot::Sender<Result<Outcome>>,
}

/// Commits operations until the store is dropped and the queue is empty.
pub(super) fn run(shared: &Arc<Shared>, mut queue: mpsc::Receiver<Job>) {
    let mut budgets = None;
    let mut last_yield = Duration::ZERO;
    while let Some(first) = queue.blocking_recv() {
        let mut operations = vec![first.operation];
        let mut callers = vec![first.outcome];
        while operations.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            operations.push(job.operation);
            callers.push(job.outcome);
        }
        let began = shared.environment.monotonic();
        let mut waited = Duration::ZERO;
        let outcomes = shared.check_before_write().and_then(|()| {
            let outcomes = guarded(|| commit(shared, &mut budgets, operations, began, &mut waited));
            shared.check_after_write(outcomes)
        });
        match outcomes {
            // A caller that is gone does not want its outcome; what it asked for is done.
            Ok(outcomes) => callers.into_iter().zip(outcomes).for_each(|(caller, outcome)| drop(caller.send(outcome))),
            Err(error) => {
                budgets = None;
                for caller in callers {
                    drop(caller.send(Err(error.clone())));
                }
            }
        }
        let now = shared.environment.monotonic();
        let due = now.saturating_sub(last_yield) >= YIELD_EVERY && shared.session.has_company();
        if waited >= CONTENDED || due {
            std::thread::sleep(YIELD);
            last_yield = now;
        }
    }
}

/// Applies operations in one transaction. A refused one is left out; a failure of the storage fails all of them.
fn commit(
    shared: &Shared,
    budgets: &mut Option<Budgets>,
    operations: Vec<Operation>,
    began: Duration,
    waited: &mut Duration,
) -> Result<Vec<Result<Outcome>>> {
    let transaction = Held::new(shared.database.get()?.begin_write().map_err(Failure::error)?);
    *waited = shared.environment.monotonic().saturating_sub(began);
    let (changed, state) = (Cell::new(false), State::default());
    let writing = Writing { transaction: transaction.get()?, key: &shared.row_key, state: &state, changed: &changed };
    let mut outcomes = Vec::with_capacity(operations.len());
    let mut any_change = false;
    {
        let mut ledger = Ledger::open(writing, &shared.session, budgets)?;
        for operation in operations {
            changed.set(false);
            let outcome = apply(&mut ledger, operation);
            if let Err(error) = &outcome
                && changed.get()
            {
                return Err(half_way(error));
            }
            any_change |= changed.get();
            outcomes.push(outcome);
        }
        if any_change {
            ledger.finish()?;
        }
    }
    if any_change {
        transaction.take()?.commit().map_err(Failure::error)?;
    } else {
        transaction.take()?.abort().map_err(Failure::error)?;
    }
    Ok(outcomes)
}

fn half_way(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Storage | ErrorKind::CorruptedFile | ErrorKind::NewerFile => error.clone(),
        _ => Error::new(
            ErrorKind::Internal,
            format!("an operation of this commit failed half way ({}); nothing was written; try again", error.detail()),
        ),
    }
}
