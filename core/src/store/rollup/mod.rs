//! Rollups: what records add up to by months and days, so that a question of sums reads no records.
//!
//! A rollup row is of one model, and of one value of one dimension: all records, those of a user, or those with a tag. It keeps
//! records that ended differently apart, and the days of its month, or the hours of its day. It counts records that were
//! digested; the few behind them are read beside it.

pub(super) mod calendar;
pub(super) mod change;
pub(super) mod check;
pub(super) mod daily;
pub(super) mod digest;
mod plan;
pub(super) mod sum;
pub(super) mod tally;
