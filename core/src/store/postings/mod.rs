//! Postings: for each value that records have in common, which records have it, in the order of their times.
//!
//! They are entered when records are digested; until then records are looked through beside them. Ids stand in blocks, each behind
//! the one before it by a few bits, so that a posting takes a byte or two where an entry of an index of its own takes some thirty.

mod block;
pub(super) mod check;
pub(super) mod enter;
pub(super) mod look;

use std::collections::BTreeSet;

use super::names::{MODELS, NOTHING, TAG_KEYS, USERS, WORDS};
use crate::types::{Result, UsageRecord};

/// Where a record stands among others: the microsecond in which it was settled, and its id.
pub(super) type Place = (i64, u64);

/// What records have in common.
#[derive(Clone, Copy)]
enum Dimension {
    All,
    User,
    Tag,
    Model,
    Provider,
    Status,
    CostStatus,
    /// All records that correct others.
    Correction,
}

/// How many dimensions there may be.
const DIMENSIONS: u64 = 8;

impl Dimension {
    /// Returns the number under which the records of a value stand.
    const fn of(self, number: u64) -> u64 {
        number * DIMENSIONS + self as u64
    }
}

/// Returns the numbers under which a record stands. What has no number, since its space is full, is left out.
fn of_record(record: &UsageRecord, number: &dyn Fn(u64, &str) -> Result<Option<u64>>) -> Result<BTreeSet<u64>> {
    let mut postings: BTreeSet<u64> = [Dimension::All.of(NOTHING)].into();
    let mut add = |dimension: Dimension, space, name: &str| -> Result<()> {
        postings.extend(number(space, name)?.map(|number| dimension.of(number)));
        Ok(())
    };
    if let Some(user) = &record.user {
        add(Dimension::User, USERS, user)?;
    }
    for (key, value) in &record.tags {
        if let Some(key) = number(TAG_KEYS, key)? {
            add(Dimension::Tag, key, value)?;
        }
    }
    add(Dimension::Model, MODELS, &record.model)?;
    add(Dimension::Provider, MODELS, &record.provider)?;
    add(Dimension::Status, WORDS, record.status.name())?;
    add(Dimension::CostStatus, WORDS, record.cost_status.name())?;
    postings.extend(record.adjusts.as_ref().map(|_| Dimension::Correction.of(NOTHING)));
    Ok(postings)
}
