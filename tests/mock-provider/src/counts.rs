//! Counts of requests and how they ended, per script, per path and in total.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// How many requests came and how they ended. `started` is the sum of the others and of those under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests whose head and body arrived.
    pub started: u64,
    /// Replies that were handed over whole.
    pub completed: u64,
    /// Requests whose client hung up before the reply's end.
    pub aborted: u64,
    /// Replies that a fault ended: reset, or closed early.
    pub faulted: u64,
    /// Bytes of request bodies.
    pub bytes_received: u64,
    /// Bytes of reply bodies.
    pub bytes_sent: u64,
}

impl Counts {
    /// Returns how many requests are under way.
    #[must_use]
    pub const fn under_way(&self) -> u64 {
        self.started.saturating_sub(self.completed + self.aborted + self.faulted)
    }
}

/// All counts of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountsReport {
    /// Connections that were accepted, those of the control interface included.
    pub connections: u64,
    /// All requests, without those to the control interface.
    pub total: Counts,
    /// By script.
    pub scripts: BTreeMap<String, Counts>,
    /// By path, for requests without a script.
    pub paths: BTreeMap<String, Counts>,
}

/// The counts of one script or path while it is in use.
#[derive(Default)]
pub(crate) struct Tally {
    started: AtomicU64,
    completed: AtomicU64,
    aborted: AtomicU64,
    faulted: AtomicU64,
    bytes_received: AtomicU64,
    bytes_sent: AtomicU64,
}

impl Tally {
    fn read(&self) -> Counts {
        // Ends are read before starts, so that a request in between is never counted as ended only.
        let [completed, aborted, faulted, bytes_received, bytes_sent, started] =
            [&self.completed, &self.aborted, &self.faulted, &self.bytes_received, &self.bytes_sent, &self.started]
                .map(|count| count.load(Ordering::Acquire));
        Counts { started, completed, aborted, faulted, bytes_received, bytes_sent }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Counted {
    Script(String),
    Path(String),
}

/// All counts.
#[derive(Default)]
pub(crate) struct Board {
    connections: AtomicU64,
    tallies: Mutex<HashMap<Counted, Arc<Tally>>>,
}

impl Board {
    /// So many paths are told apart; the rest are counted as one.
    const MOST_PATHS: usize = 10_000;

    pub(crate) fn count_connection(&self) {
        self.connections.fetch_add(1, Ordering::Release);
    }

    /// Counts a request and returns the guard of its end.
    pub(crate) fn start(&self, counted: Counted, bytes_received: usize) -> Guard {
        let tally = {
            let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
            let known = tallies.contains_key(&counted) || tallies.len() < Self::MOST_PATHS;
            let counted = if known { counted } else { Counted::Path("(others)".to_owned()) };
            Arc::clone(tallies.entry(counted).or_default())
        };
        tally.started.fetch_add(1, Ordering::Release);
        tally.bytes_received.fetch_add(bytes_received as u64, Ordering::Release);
        Guard { tally, ended: false }
    }

    pub(crate) fn report(&self) -> CountsReport {
        let mut report =
            CountsReport { connections: self.connections.load(Ordering::Acquire), ..CountsReport::default() };
        for (counted, tally) in self.tallies.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let counts = tally.read();
            report.total.started += counts.started;
            report.total.completed += counts.completed;
            report.total.aborted += counts.aborted;
            report.total.faulted += counts.faulted;
            report.total.bytes_received += counts.bytes_received;
            report.total.bytes_sent += counts.bytes_sent;
            match counted {
                Counted::Script(name) => report.scripts.insert(name.clone(), counts),
                Counted::Path(path) => report.paths.insert(path.clone(), counts),
            };
        }
        report
    }

    /// Forgets all counts. Requests under way end uncounted.
    pub(crate) fn reset(&self) {
        self.tallies.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.connections.store(0, Ordering::Release);
    }
}

/// The end of one request, counted once. Dropping it without an end counts the client as gone.
pub(crate) struct Guard {
    tally: Arc<Tally>,
    ended: bool,
}

impl Guard {
    pub(crate) fn sent(&self, bytes: usize) {
        self.tally.bytes_sent.fetch_add(bytes as u64, Ordering::Release);
    }

    pub(crate) fn completed(&mut self) {
        self.end(|tally| &tally.completed);
    }

    pub(crate) fn faulted(&mut self) {
        self.end(|tally| &tally.faulted);
    }

    fn end(&mut self, count: impl Fn(&Tally) -> &AtomicU64) {
        if !std::mem::replace(&mut self.ended, true) {
            count(&self.tally).fetch_add(1, Ordering::Release);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.end(|tally| &tally.aborted);
    }
}
