//! Long reads, in slices: each slice is a transaction of its own, so that no pages of the past are kept for it, and what receives
//! the records may take its time.

use std::collections::BTreeMap;
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::Date;

use super::apply::is_final;
use super::codec::micros;
use super::postings::look::{Look, look, narrows};
use super::query;
use super::rollup::daily::{self, Days};
use super::rollup::tally::{Counts, Rest, tally as tally_rollups};
use super::shared::Shared;
use super::storage::Storage;
use super::{DailyCost, TallyPart, TallyQuery};
use crate::types::{RecordOrder, RecordPlace, Result, UsageFilter, UsageRecord, UsageRecordId};

/// How many records a slice looks at.
const SLICE: usize = if cfg!(test) { 64 } else { 4_096 };

/// Receives a record.
type Visit<'f> = dyn FnMut(UsageRecord) -> Result<()> + 'f;

/// Reads up to `limit` records that pass a filter and come after a place, in an order.
pub(super) fn page<S: Storage>(
    shared: &Shared<S>,
    filter: &UsageFilter,
    order: RecordOrder,
    after: Option<RecordPlace>,
    limit: usize,
) -> Result<Vec<UsageRecord>> {
    let mut records = Vec::new();
    let mut after = after.map(|place| (micros(place.at), place.id.get()));
    while records.len() < limit {
        let wanted = limit - records.len();
        let found = shared.read(|reader| {
            look(reader, &Look { filter, order, after, limit: wanted, most: SLICE, through: None, corrections: false })
        })?;
        records.extend(found.records);
        match found.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    Ok(records)
}

/// Reads up to `limit` records that were settled before an instant and come after a place, and leaves out those that may not be archived.
/// Returns also the place behind which there may be more.
pub(super) fn archivable<S: Storage>(
    shared: &Shared<S>,
    before: Timestamp,
    after: Option<RecordPlace>,
    limit: usize,
) -> Result<(Vec<UsageRecord>, Option<RecordPlace>)> {
    let filter = UsageFilter { until: Some(before), ..UsageFilter::default() };
    let after = after.map(|place| (micros(place.at), place.id.get()));
    let found = shared.read(|reader| {
        let (order, through) = (RecordOrder::Asc, Some(reader.state()?.digested()));
        look(reader, &Look { filter: &filter, order, after, limit, most: limit, through, corrections: false })
    })?;
    let place = |(at, id): (i64, u64)| {
        Some(RecordPlace { at: Timestamp::from_microsecond(at).ok()?, id: UsageRecordId::new(id) })
    };
    Ok((found.records.into_iter().filter(is_final).collect(), found.next.and_then(place)))
}

/// Visits the records that pass a filter, up to the last that there is when it begins: those that are digested as they are found, in
/// the order of their times where they are found by their values, and behind them the others.
pub(super) fn scan<S: Storage>(shared: &Shared<S>, filter: &UsageFilter, visit: &mut Visit<'_>) -> Result<()> {
    let (digested, head) = shared.read(|reader| {
        let state = reader.state()?;
        Ok((state.digested(), state.head().record))
    })?;
    if !narrows(filter) {
        return scan_ids(shared, filter, 0..head.saturating_add(1), visit);
    }
    scan_digested(shared, filter, (digested, false), visit)?;
    scan_ids(shared, filter, digested.saturating_add(1)..head.saturating_add(1), visit)
}

/// Visits the records that pass a filter and correct others, as [`scan`] does.
pub(super) fn scan_corrections<S: Storage>(
    shared: &Shared<S>,
    filter: &UsageFilter,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let (digested, head) = shared.read(|reader| {
        let state = reader.state()?;
        Ok((state.digested(), state.head().record))
    })?;
    scan_digested(shared, filter, (digested, true), visit)?;
    scan_ids(shared, filter, digested.saturating_add(1)..head.saturating_add(1), &mut |record| {
        if record.adjusts.is_some() { visit(record) } else { Ok(()) }
    })
}

/// Visits the records up to one that pass a filter, all of which are digested: all of them, or those that correct others.
fn scan_digested<S: Storage>(
    shared: &Shared<S>,
    filter: &UsageFilter,
    (through, corrections): (u64, bool),
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut after = None;
    loop {
        let order = RecordOrder::Asc;
        let wanted = Look { filter, order, after, limit: SLICE, most: SLICE, through: Some(through), corrections };
        let found = shared.read(|reader| look(reader, &wanted))?;
        found.records.into_iter().try_for_each(&mut *visit)?;
        if found.next.is_none() {
            return Ok(());
        }
        after = found.next;
    }
}

/// Visits the records of some ids that pass a filter, in their order.
fn scan_ids<S: Storage>(
    shared: &Shared<S>,
    filter: &UsageFilter,
    ids: Range<u64>,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let mut next = ids.start;
    while next < ids.end {
        let (mut slice, mut looked) = (Vec::new(), 0);
        let mut last = ids.end - 1;
        shared.read(|reader| {
            query::each_record(reader, next..ids.end, &mut |record| {
                last = record.id.get();
                looked += 1;
                if filter.is_met_by(&record) {
                    slice.push(record);
                }
                Ok(looked < SLICE)
            })
        })?;
        if looked < SLICE {
            last = ids.end - 1;
        }
        slice.into_iter().try_for_each(&mut *visit)?;
        next = last + 1;
    }
    Ok(())
}

/// Hands on the parts of a sum: what rollups tell, and the records that they do not tell. Returns whether they could.
pub(super) fn tally<S: Storage>(
    shared: &Shared<S>,
    query: &TallyQuery,
    take: &mut dyn FnMut(TallyPart<'_>) -> Result<()>,
) -> Result<bool> {
    let rest =
        shared.read(|reader| tally_rollups(reader, query, Counts::All, &mut |tally| take(TallyPart::Tally(tally))))?;
    let Some(rest) = rest else { return Ok(false) };
    untold(shared, &query.filter, &rest, &mut |record| take(TallyPart::Record(&record)))?;
    Ok(true)
}

/// Visits the records that pass a filter and that rollups do not tell.
fn untold<S: Storage>(shared: &Shared<S>, filter: &UsageFilter, rest: &Rest, visit: &mut Visit<'_>) -> Result<()> {
    for stretch in &rest.stretches {
        let instant = |micros| Timestamp::from_microsecond(micros).ok();
        let (since, until) = (instant(stretch.start), instant(stretch.end));
        let filter = UsageFilter { since, until, ..filter.clone() };
        scan_digested(shared, &filter, (rest.digested, false), visit)?;
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
