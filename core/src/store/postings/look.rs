//! Looking records up: by what they have in common, in the order of their times, from one place on.

use std::ops::ControlFlow;

use super::block::Block;
use super::{Dimension, Place};
use crate::store::codec::{Row as _, micros};
use crate::store::failure::damaged;
use crate::store::names::{MODELS, NOTHING, TAG_KEYS, USERS, WORDS};
use crate::store::reading::Reader;
use crate::store::records::text_key;
use crate::store::rows::UsageRecordRow;
use crate::store::tables;
use crate::types::{RecordOrder, Result, UsageFilter, UsageRecord};

/// What is looked for.
#[derive(Clone, Copy)]
pub(in crate::store) struct Look<'f> {
    pub(in crate::store) filter: &'f UsageFilter,
    pub(in crate::store) order: RecordOrder,
    /// Only what comes after this place, in that order.
    pub(in crate::store) after: Option<Place>,
    /// How many records are wanted, and how many are looked at.
    pub(in crate::store) limit: usize,
    pub(in crate::store) most: usize,
    /// The last record that counts, if it was digested, so that nothing behind the postings is looked at. Absent where all count.
    pub(in crate::store) through: Option<u64>,
    /// Whether only records count that correct others.
    pub(in crate::store) corrections: bool,
}

/// What was found.
#[derive(Default)]
pub(in crate::store) struct Found {
    pub(in crate::store) records: Vec<UsageRecord>,
    /// The place after which there may be more; absent where there are none.
    pub(in crate::store) next: Option<Place>,
}

pub(in crate::store) fn place(record: &UsageRecord) -> Place {
    (micros(record.created_at), record.id.get())
}

/// Returns whether postings narrow down what a filter means.
pub(in crate::store) fn narrows(filter: &UsageFilter) -> bool {
    *filter != UsageFilter::default()
}

/// Looks records up.
pub(in crate::store) fn look(reader: &Reader<'_>, look: &Look<'_>) -> Result<Found> {
    let mut found = Found::default();
    if look.limit == 0 {
        return Ok(found);
    }
    if let Some(request_id) = &look.filter.request_id {
        look.of_request(reader, request_id, &mut found)?;
        return Ok(found);
    }
    let state = reader.state()?;
    let mut stops = Vec::new();
    let postings =
        if look.corrections { vec![Dimension::Correction.of(NOTHING)] } else { postings(reader, look.filter)? };
    for posting in postings {
        stops.extend(look.through_posting(reader, posting, state.digested(), &mut found.records)?);
    }
    if look.through.is_none() {
        stops.extend(look.behind(reader, state.digested() + 1, state.head().record, &mut found.records)?);
    }
    found.records.sort_unstable_by(|one, other| look.compare(place(one), place(other)));
    found.records.dedup_by_key(|record| record.id);
    // Behind the first place at which any source stopped, others may have left records out.
    let stop = stops.into_iter().min_by(|one, other| look.compare(*one, *other));
    if let Some(stop) = stop {
        found.records.retain(|record| look.compare(place(record), stop).is_le());
    }
    found.next = stop;
    if found.records.len() > look.limit {
        found.records.truncate(look.limit);
    }
    if found.records.len() == look.limit {
        found.next = found.records.last().map(place);
    }
    Ok(found)
}

/// Returns the postings that have all records which a filter means; those that have the fewest where there is a choice.
fn postings(reader: &Reader<'_>, filter: &UsageFilter) -> Result<Vec<u64>> {
    let mut names: Vec<(Dimension, u64, &str)> = Vec::new();
    names.extend(filter.user.as_deref().map(|user| (Dimension::User, USERS, user)));
    for (key, value) in &filter.tags {
        match reader.number(TAG_KEYS, key.as_bytes())? {
            Some(key) => names.push((Dimension::Tag, key, value)),
            None if !reader.is_full(TAG_KEYS)? => return Ok(Vec::new()),
            None => {}
        }
    }
    if let Some(model) = filter.model.as_deref() {
        return of_model(reader, model, names);
    }
    names.extend(filter.provider.as_deref().map(|provider| (Dimension::Provider, MODELS, provider)));
    names.extend(filter.status.map(|status| (Dimension::Status, WORDS, status.name())));
    names.extend(filter.cost_status.map(|status| (Dimension::CostStatus, WORDS, status.name())));
    first(reader, names).map(|posting| posting.map_or_else(Vec::new, |posting| vec![posting]))
}

/// Returns the first posting that has a number; nothing if no record can be meant.
fn first(reader: &Reader<'_>, names: Vec<(Dimension, u64, &str)>) -> Result<Option<u64>> {
    for (dimension, space, name) in names {
        match reader.number(space, name.as_bytes())? {
            Some(number) => return Ok(Some(dimension.of(number))),
            None if !reader.is_full(space)? => return Ok(None),
            None => {}
        }
    }
    Ok(Some(Dimension::All.of(NOTHING)))
}

/// Returns the postings of a model that may be named with its provider or without.
fn of_model(reader: &Reader<'_>, model: &str, others: Vec<(Dimension, u64, &str)>) -> Result<Vec<u64>> {
    if !others.is_empty() {
        return first(reader, others).map(|posting| posting.into_iter().collect());
    }
    let mut postings = Vec::new();
    for name in [Some(model), model.split_once('/').map(|(_, name)| name)].into_iter().flatten() {
        postings.extend(reader.number(MODELS, name.as_bytes())?.map(|number| Dimension::Model.of(number)));
    }
    if postings.is_empty() && reader.is_full(MODELS)? {
        postings.push(Dimension::All.of(NOTHING));
    }
    Ok(postings)
}

impl Look<'_> {
    fn compare(&self, one: Place, other: Place) -> std::cmp::Ordering {
        match self.order {
            RecordOrder::Asc => one.cmp(&other),
            RecordOrder::Desc => other.cmp(&one),
        }
    }

    fn comes_after(&self, at: Place) -> bool {
        self.after.is_none_or(|after| self.compare(at, after).is_gt())
    }

    fn is_wanted(&self, record: &UsageRecord) -> bool {
        self.comes_after(place(record)) && self.filter.is_met_by(record)
    }

    /// Returns the first and the last place at which what is meant can stand.
    fn bounds(&self) -> (Place, Place) {
        let first = self.filter.since.map_or(i64::MIN, micros);
        let last = self.filter.until.map_or(i64::MAX, micros);
        let (mut first, mut last) = ((first, 0), (last, u64::MAX));
        match (self.order, self.after) {
            (_, None) => {}
            (RecordOrder::Asc, Some(after)) => first = first.max(after),
            (RecordOrder::Desc, Some(after)) => last = last.min(after),
        }
        (first, last)
    }

    fn of_request(&self, reader: &Reader<'_>, request_id: &str, found: &mut Found) -> Result<()> {
        let key = text_key(reader.key(), request_id);
        let mut ids = Vec::new();
        reader.entries(tables::RECORDS_BY_TEXT).each((key, 0)..=(key, u64::MAX), |(_, id), ()| {
            ids.push(id);
            Ok(true)
        })?;
        for id in ids.into_iter().filter(|id| self.through.is_none_or(|through| *id <= through)) {
            found.records.extend(Some(record(reader, id)?).filter(|record| self.is_wanted(record)));
        }
        found.records.sort_unstable_by(|one, other| self.compare(place(one), place(other)));
        if found.records.len() > self.limit {
            found.records.truncate(self.limit);
            found.next = found.records.last().map(place);
        }
        Ok(())
    }

    /// Looks through the records of a posting. Returns where it stopped, if there may be more.
    fn through_posting(
        &self,
        reader: &Reader<'_>,
        posting: u64,
        digested: u64,
        found: &mut Vec<UsageRecord>,
    ) -> Result<Option<Place>> {
        let (mut wanted, mut looked, mut stopped) = (self.limit, self.most, None);
        let (first, last) = self.bounds();
        let through = self.through.unwrap_or(digested);
        let mut each = |id: u64| -> Result<ControlFlow<()>> {
            if id > through {
                return Ok(ControlFlow::Continue(()));
            }
            let record = record(reader, id)?;
            let at = place(&record);
            if !self.comes_after(at) {
                // It stands in a block with others that do.
                return Ok(ControlFlow::Continue(()));
            }
            if self.filter.is_met_by(&record) {
                found.push(record);
                wanted -= 1;
            }
            looked = looked.saturating_sub(1);
            if wanted == 0 || looked == 0 {
                stopped = Some(at);
                return Ok(ControlFlow::Break(()));
            }
            let is_past = match self.order {
                RecordOrder::Asc => at > last,
                RecordOrder::Desc => at < first,
            };
            Ok(if is_past { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        };
        let blocks = reader.entries(tables::POSTINGS);
        match self.order {
            RecordOrder::Asc => {
                let mut from = (posting, first.0, first.1);
                // The block that begins before may reach behind.
                blocks.each_back((posting, i64::MIN, 0)..=from, |key, _| {
                    from = key;
                    Ok(false)
                })?;
                blocks.each(from..=(posting, last.0, last.1), |(_, time, id), bytes| {
                    let ids = Block::read((time, id), bytes)?.ids;
                    Ok(ids.into_iter().map(&mut each).find_map(stops).transpose()?.is_none())
                })?;
            }
            RecordOrder::Desc => {
                blocks.each_back((posting, i64::MIN, 0)..=(posting, last.0, last.1), |(_, time, id), bytes| {
                    let Block { first: begin, last: end, ids, .. } = Block::read((time, id), bytes)?;
                    if end < first {
                        return Ok(false);
                    }
                    let is_broken_off = ids.into_iter().rev().map(&mut each).find_map(stops).transpose()?.is_some();
                    Ok(!is_broken_off && begin >= first)
                })?;
            }
        }
        Ok(stopped)
    }

    /// Looks through the records that were not digested. Returns where it stopped, if there may be more.
    fn behind(
        &self,
        reader: &Reader<'_>,
        first: u64,
        head: u64,
        found: &mut Vec<UsageRecord>,
    ) -> Result<Option<Place>> {
        let (mut own, mut stopped) = (Vec::new(), None);
        let cut = |own: &mut Vec<UsageRecord>| {
            own.sort_unstable_by(|one, other| self.compare(place(one), place(other)));
            own.truncate(self.limit);
            own.last().map(place)
        };
        crate::store::query::each_record(reader, first..head.saturating_add(1), &mut |record| {
            if self.is_wanted(&record) {
                own.push(record);
            }
            if own.len() >= self.limit.saturating_mul(2).max(64) {
                stopped = cut(&mut own);
            }
            Ok(true)
        })?;
        if own.len() > self.limit {
            stopped = cut(&mut own);
        }
        found.extend(own);
        Ok(stopped)
    }
}

/// Returns what ends a walk, if anything does.
fn stops(step: Result<ControlFlow<()>>) -> Option<Result<()>> {
    match step {
        Ok(ControlFlow::Continue(())) => None,
        Ok(ControlFlow::Break(())) => Some(Ok(())),
        Err(error) => Some(Err(error)),
    }
}

fn record(reader: &Reader<'_>, id: u64) -> Result<UsageRecord> {
    let missing = || damaged(UsageRecordRow::TABLE, &format!("record {id} is missing"));
    reader.record(id)?.ok_or_else(missing)?.record(id)
}
