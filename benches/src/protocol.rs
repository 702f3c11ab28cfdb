//! What the driver and its contestants say to each other: one line of JSON each way.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a contestant is prepared.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Setup {
    /// The folder for its files.
    pub(crate) folder: String,
    /// The address of the mock provider.
    pub(crate) mock: String,
    /// The requests that the engine sends, for the contestant that sends the same bytes without it.
    pub(crate) recorded: Vec<Recorded>,
}

/// A request as the mock provider received it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Recorded {
    /// What it was sent for.
    pub(crate) shape: Shape,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

/// The kind of work that a round repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// A call with a whole reply.
    Whole,
    /// A call with a streamed reply of 100 pieces.
    Stream,
    /// A reservation and its settlement.
    Pair,
}

/// One round: so many at a time, again and again, until the time is over; at least one each.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Round {
    pub(crate) shape: Shape,
    pub(crate) in_flight: usize,
    pub(crate) seconds: f64,
    /// Whether to count the records of the ledger after it, which is not measured.
    pub(crate) count: bool,
}

/// What a round came to.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub(crate) struct Measured {
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
    /// What the contestant's process used of all processors, its kernel time included.
    pub(crate) cpu_seconds: f64,
    /// How many records its ledger has by now; absent if it has no ledger, or was not asked.
    pub(crate) records: Option<u64>,
}

/// Why the benchmark cannot go on.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self(detail.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            detail = format!("{detail}: {cause}");
            source = cause.source();
        }
        Self(detail)
    }
}
