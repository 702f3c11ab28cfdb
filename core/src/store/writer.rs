//! The writer: one thread per store, whose every commit takes all operations that wait.

use std::cell::Cell;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::apply::apply;
use super::failure::misused;
use super::ledger::Ledger;
use super::row_key::RowKey;
use super::shared::Shared;
use super::snapshot::Budgets;
use super::state::State;
use super::storage::{Session, Storage, WriteTables};
use super::writing::Writing;
use super::{Operation, Outcome};
use crate::types::{Error, ErrorKind, Result};

/// How many operations may wait; more callers wait for a place.
pub(super) const QUEUE: usize = 4096;
/// How many operations one commit takes at most.
const BATCH: usize = 1024;

/// An operation that waits, and where its outcome goes.
pub(super) struct Job {
    pub(super) operation: Operation,
    pub(super) outcome: oneshot::Sender<Result<Outcome>>,
}

/// Commits operations until the store is dropped and the queue is empty.
pub(super) fn run<S: Storage>(shared: &Arc<Shared<S>>, mut queue: mpsc::Receiver<Job>) {
    let mut budgets = None;
    while let Some(first) = queue.blocking_recv() {
        let mut operations = vec![first.operation];
        let mut callers = vec![first.outcome];
        while operations.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            operations.push(job.operation);
            callers.push(job.outcome);
        }
        match commit(shared, &mut budgets, operations) {
            // A caller that is gone does not want its outcome; what it asked for is done.
            Ok(outcomes) => callers.into_iter().zip(outcomes).for_each(|(caller, outcome)| drop(caller.send(outcome))),
            Err(error) => {
                budgets = None;
                for caller in callers {
                    drop(caller.send(Err(error.clone())));
                }
            }
        }
        shared.storage.let_others_in();
    }
}

/// Applies operations in one transaction. A refused one is left out; a failure of the storage fails all of them.
fn commit<S: Storage>(
    shared: &Shared<S>,
    budgets: &mut Option<Budgets>,
    operations: Vec<Operation>,
) -> Result<Vec<Result<Outcome>>> {
    let (mut waiting, mut outcomes) = (Some(operations), Vec::new());
    shared.storage.write(&mut |tables| {
        let operations = waiting.take().ok_or_else(|| misused("a change was made twice"))?;
        let (applied, any_change) = apply_all(tables, &shared.row_key, shared.storage.session(), budgets, operations)?;
        outcomes = applied;
        Ok(any_change)
    })?;
    Ok(outcomes)
}

/// Applies operations one after another. Returns their outcomes, and whether anything was changed.
fn apply_all(
    tables: &dyn WriteTables,
    key: &RowKey,
    session: &dyn Session,
    budgets: &mut Option<Budgets>,
    operations: Vec<Operation>,
) -> Result<(Vec<Result<Outcome>>, bool)> {
    let (changed, state) = (Cell::new(false), State::default());
    let mut ledger = Ledger::open(Writing { tables, key, state: &state, changed: &changed }, session, budgets)?;
    let mut outcomes = Vec::with_capacity(operations.len());
    let mut any_change = false;
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
    Ok((outcomes, any_change))
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
