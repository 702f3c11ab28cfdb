//! The writer: one thread per store, whose every commit takes all operations that wait.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TryRecvError;

use super::apply::{apply, take_back};
use super::failure::misused;
use super::job::{Claim, Job};
use super::ledger::Ledger;
use super::recent::Recent;
use super::rollup::digest;
use super::shared::Shared;
use super::snapshot::Budgets;
use super::state::State;
use super::storage::Storage;
use super::used::Used;
use super::writing::{Counters, Writing};
use super::{Operation, Outcome};
use crate::environment::log::LEDGER;
use crate::environment::{Environment, SystemEnvironment};
use crate::types::{Error, ErrorKind, Result, UsageRecord};

/// How many operations may wait; more callers wait for a place.
pub(super) const QUEUE: usize = 4096;
/// How many operations one commit takes at most.
const BATCH: usize = 1024;

/// Which part of the time of a commit, and how long at most, to wait for those who were answered by it, so that the next one takes them
/// together.
const GATHERING_PART: u32 = 4;
const LONGEST_GATHERING: Duration = Duration::from_micros(500);
/// For how many commits that is not tried after too few have come.
const UNGATHERED: u32 = 32;

/// How long to wait before it is tried again to take back what may have been written, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Commits operations until the store is dropped and the queue is empty, and digests records between them.
pub(super) fn run<S: Storage>(shared: &Arc<Shared<S>>, environment: &dyn Environment, mut queue: mpsc::Receiver<Job>) {
    let mut digest =
        Digest { waiting: 0, most: u64::MAX, head: 0, ended: Duration::ZERO, took: Duration::ZERO, has_failed: false };
    // What cannot be read now is told by who reads it.
    let _ = shared.read(|reader| {
        digest.see(&reader.state()?);
        Ok(())
    });
    let (doubtful, gathering) = (BTreeSet::new(), Gathering::default());
    let mut writer =
        Writer { shared, environment, budgets: None, recent: Recent::default(), doubtful, digest, gathering };
    let mut pause = FIRST_PAUSE;
    loop {
        // Records that wait to be digested keep no operation waiting, and no store open.
        let first = match queue.try_recv() {
            Ok(job) => Some(job),
            Err(TryRecvError::Disconnected) => {
                writer.take_back();
                break;
            }
            Err(TryRecvError::Empty) if !writer.doubtful.is_empty() => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                None
            }
            Err(TryRecvError::Empty) if writer.digest.is_due() => None,
            Err(TryRecvError::Empty) => match queue.blocking_recv() {
                Some(job) => Some(job),
                None => break,
            },
        };
        let now = environment.monotonic();
        let (is_idle, before) = (first.is_none(), writer.digest.head);
        writer.take_back();
        if let Some(first) = first {
            writer.commit_waiting(first, &mut queue);
        }
        if writer.doubtful.is_empty() {
            pause = FIRST_PAUSE;
        }
        let times = writer.digest.times(is_idle, before, now);
        if times == 0 {
            writer.gather(&queue);
        } else {
            let began = environment.monotonic();
            (0..times).for_each(|_| writer.digest());
            writer.digest.ended = environment.monotonic();
            writer.digest.took = writer.digest.ended.saturating_sub(began);
        }
        shared.storage.let_others_in();
    }
}

/// Which records wait to be digested, and when some were last.
struct Digest {
    waiting: u64,
    /// How many may wait before operations wait for them. A file that has more when it is opened is brought there in time.
    most: u64,
    /// The last record.
    head: u64,
    ended: Duration,
    took: Duration,
    /// Whether it failed in a way that does not pass, and is not tried again.
    has_failed: bool,
}

impl Digest {
    /// Notes how a transaction left the file.
    fn see(&mut self, state: &State) {
        (self.waiting, self.head) = (digest::waiting(state), state.head().record);
        self.most = self.most.min(self.waiting).max(digest::MOST_WAITING);
    }

    /// Returns whether there are enough records to be digested.
    const fn is_due(&self) -> bool {
        self.waiting >= digest::AT_ONCE && !self.has_failed
    }

    /// Returns how often to digest before operations go on that may wait: while none does, once; else as long as they had gone on, so that
    /// both get as much time. Where too many records wait, more are digested than have come since the last record was `before`.
    fn times(&self, is_idle: bool, before: u64, now: Duration) -> u64 {
        if !self.is_due() {
            0
        } else if self.waiting > self.most {
            1 + self.head.saturating_sub(before).div_ceil(digest::AT_ONCE)
        } else {
            u64::from(is_idle || now.saturating_sub(self.ended) >= self.took)
        }
    }
}

/// What the writer knows between two commits.
struct Writer<'s, S> {
    shared: &'s Shared<S>,
    environment: &'s dyn Environment,
    budgets: Option<Budgets>,
    recent: Recent<UsageRecord>,
    /// The uids of reservations whose commit failed, so that nobody knows whether they are in the file. Nobody will settle them.
    doubtful: BTreeSet<String>,
    digest: Digest,
    gathering: Gathering,
}

/// How it went to wait for those who were answered.
#[derive(Clone, Copy, Default)]
struct Gathering {
    /// How many were answered by the last commit, and how long it took.
    answered: usize,
    took: Duration,
    /// How many commits it is not tried for, because too few came.
    rest: u32,
}

impl<S: Storage> Writer<'_, S> {
    /// Waits a moment for those who were just answered, if there were some: who calls one after the other comes back at once, and a commit
    /// costs about the same for all of them as for half of them.
    fn gather(&mut self, queue: &mpsc::Receiver<Job>) {
        let answered = std::mem::take(&mut self.gathering.answered);
        if answered < 2 {
            return;
        }
        if self.gathering.rest > 0 {
            self.gathering.rest -= 1;
            return;
        }
        // The wait is for threads, whose time no test drives.
        let (waited, began) = (queue.len(), SystemEnvironment.monotonic());
        let until = began + (self.gathering.took / GATHERING_PART).min(LONGEST_GATHERING);
        while queue.len() < waited + answered && SystemEnvironment.monotonic() < until {
            std::thread::yield_now();
        }
        if queue.len() < waited + answered / 2 {
            self.gathering.rest = UNGATHERED;
        }
    }

    /// Commits all operations that wait.
    fn commit_waiting(&mut self, first: Job, queue: &mut mpsc::Receiver<Job>) {
        let mut operations = vec![(first.operation, first.used, first.claim)];
        let mut callers = vec![first.outcome];
        while operations.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            operations.push((job.operation, job.used, job.claim));
            callers.push(job.outcome);
        }
        let reserved = operations.iter().filter_map(|(operation, ..)| match operation {
            Operation::Reserve(request) => Some(request.record_uid.clone()),
            _ => None,
        });
        let reserved: Vec<String> = reserved.collect();
        let (answered, began) = (operations.len(), SystemEnvironment.monotonic());
        let committed = self.commit(operations);
        let took = SystemEnvironment.monotonic().saturating_sub(began);
        self.gathering = Gathering { answered, took, ..self.gathering };
        match committed {
            // A caller that is gone does not want its outcome; what it asked for is done.
            Ok(outcomes) => callers.into_iter().zip(outcomes).for_each(|(caller, outcome)| drop(caller.send(outcome))),
            Err(error) => {
                self.budgets = None;
                self.doubtful.extend(reserved);
                for caller in callers {
                    drop(caller.send(Err(error.clone())));
                }
            }
        }
    }

    /// Applies operations in one transaction. A refused one is left out, and so is one that was withdrawn while others were waited
    /// for; a failure of the storage fails all of them.
    fn commit(&mut self, operations: Vec<(Operation, Option<Used>, Claim)>) -> Result<Vec<Result<Outcome>>> {
        let mut outcomes = Vec::new();
        self.change(|ledger, changed| {
            let mut any_change = false;
            for (operation, used, claim) in operations {
                if !claim.begin() {
                    outcomes.push(Err(withdrawn()));
                    continue;
                }
                changed.set(false);
                let outcome = apply(ledger, operation, used);
                if let Err(error) = &outcome
                    && changed.get()
                {
                    return Err(half_way(error));
                }
                any_change |= changed.get();
                outcomes.push(outcome);
            }
            Ok(any_change)
        })?;
        Ok(outcomes)
    }

    /// Takes back what failed and may have been written all the same.
    fn take_back(&mut self) {
        if self.doubtful.is_empty() {
            return;
        }
        let (doubtful, now) = (std::mem::take(&mut self.doubtful), self.environment.now());
        if let Err(error) = self.change(|ledger, _| take_back(ledger, &doubtful, now)) {
            self.budgets = None;
            // What can no longer be written is left to recovery.
            if !matches!(error.kind(), ErrorKind::CorruptedFile | ErrorKind::Internal) {
                self.doubtful = doubtful;
            }
        }
    }

    /// Digests some records.
    fn digest(&mut self) {
        let digested = self.change(|ledger, _| {
            let is_due = digest::is_due(ledger.state());
            if is_due {
                digest::digest(ledger)?;
            }
            Ok(is_due)
        });
        if let Err(error) = digested {
            // Nothing is lost: what is not digested is read as it stands.
            tracing::error!(target: LEDGER, %error, "records could not be added to the rollups");
            self.budgets = None;
            self.digest.has_failed |= !matches!(error.kind(), ErrorKind::Storage | ErrorKind::StorageBusy);
            self.digest.waiting = 0;
        }
    }

    /// Changes the ledger in one transaction, if `change` returns that it is to be committed.
    fn change(&mut self, change: impl FnOnce(&mut Ledger<'_>, &Cell<bool>) -> Result<bool>) -> Result<()> {
        let Self { shared, budgets, recent, digest, .. } = self;
        let mut change = Some(change);
        let written = shared.storage.write(&mut |tables| {
            let change = change.take().ok_or_else(|| misused("a change was made twice"))?;
            let (changed, state, counters) = (Cell::new(false), State::default(), Counters::default());
            let writing =
                Writing { tables, key: &shared.row_key, state: &state, changed: &changed, counters: &counters };
            let mut ledger =
                Ledger::open(writing, shared.storage.session(), (&mut *budgets, &mut *recent), &shared.names)?;
            let any_change = change(&mut ledger, &changed)?;
            if any_change {
                ledger.finish()?;
            }
            digest.see(&state);
            Ok(any_change)
        });
        // What was not committed may never have been.
        written.inspect_err(|_| recent.forget())
    }
}

/// Nobody sees it: who withdraws an operation has gone.
fn withdrawn() -> Error {
    Error::new(ErrorKind::Cancelled, "the operation was withdrawn before it began; nothing was written")
}

fn half_way(error: &Error) -> Error {
    match error.kind() {
        ErrorKind::Storage | ErrorKind::StorageBusy | ErrorKind::CorruptedFile | ErrorKind::NewerFile => error.clone(),
        _ => Error::new(
            ErrorKind::Internal,
            format!("an operation of this commit failed half way ({}); nothing was written; try again", error.detail()),
        ),
    }
}
