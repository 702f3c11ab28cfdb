//! Long reads, in slices: each slice is a transaction of its own, so that no pages of the past are kept for it, and what receives
//! the records may take its time.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;

use super::query;
use super::rollup::daily::{self, Days};
use super::rollup::tally::{Rest, tally as tally_rollups};
use super::shared::Shared;
use super::storage::Storage;
use super::{DailyCost, TallyPart, TallyQuery};
use crate::types::{Result, UsageFilter, UsageRecord, UsageRecordId};

/// How many records a slice has at most.
const SLICE: usize = 1_024;

/// Receives a record.
type Visit<'f> = dyn FnMut(UsageRecord) -> Result<()> + 'f;

/// Visits the records that pass a filter, in the order of their ids, up to the last that there is when it begins.
pub(super) fn scan<S: Storage>(shared: &Shared<S>, filter: &UsageFilter, visit: &mut Visit<'_>) -> Result<()> {
    let head = shared.read(|reader| Ok(reader.state()?.head().record))?;
    scan_ids(shared, filter, 0..head.saturating_add(1), visit)
}

/// Visits the records of some ids that pass a filter, in their order.
fn scan_ids<S: Storage>(
    shared: &Shared<S>,
    filter: &UsageFilter,
    ids: Range<u64>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut after = ids.start.checked_sub(1);
    loop {
        let mut slice = Vec::new();
        shared.read(|reader| {
            query::scan(reader, filter, after.map(UsageRecordId::new), &mut |record| {
                let is_within = record.id.get() < ids.end;
                if is_within {
                    slice.push(record);
                }
                Ok(is_within && slice.len() < SLICE)
            })
        })?;
        let Some(last) = slice.last().map(|record| record.id.get()) else { return Ok(()) };
        let is_last = slice.len() < SLICE;
        slice.into_iter().try_for_each(&mut *visit)?;
        if is_last {
            return Ok(());
        }
        after = Some(last);
    }
}

/// Hands on the parts of a sum: what rollups tell, and the records that they do not tell. Returns whether they could.
pub(super) fn tally<S: Storage>(
    shared: &Shared<S>,
    query: &TallyQuery,
    take: &mut dyn FnMut(TallyPart<'_>) -> Result<()>,
) -> Result<bool> {
    let rest = shared.read(|reader| tally_rollups(reader, query, &mut |tally| take(TallyPart::Tally(tally))))?;
    let Some(rest) = rest else { return Ok(false) };
    untold(shared, &query.filter, &rest, &mut |record| take(TallyPart::Record(&record)))?;
    Ok(true)
}

/// Visits the records that pass a filter and that rollups do not tell.
fn untold<S: Storage>(shared: &Shared<S>, filter: &UsageFilter, rest: &Rest, visit: &mut Visit<'_>) -> Result<()> {
    for stretch in &rest.stretches {
        let micros = |micros| Timestamp::from_microsecond(micros).ok();
        let (since, until) = (micros(stretch.start), micros(stretch.end));
        let filter = UsageFilter { since, until, ..filter.clone() };
        scan_ids(shared, &filter, 0..rest.digested.saturating_add(1), visit)?;
    }
    scan_ids(shared, filter, rest.digested.saturating_add(1)..rest.head.saturating_add(1), visit)
}

/// Reads what models cost in UTC days, both inclusive.
pub(super) fn daily_costs<S: Storage>(shared: &Shared<S>, first: Date, last: Date) -> Result<Vec<DailyCost>> {
    let mut days = Days(BTreeMap::new());
    let rest = shared.read(|reader| daily::read(reader, first, last, &mut days))?;
    let filter = daily::filter(first, last);
    untold(shared, &filter, &rest, &mut |record| {
        days.add(&record);
        Ok(())
    })?;
    days.costs()
}
