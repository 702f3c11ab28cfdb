//! Entering records under what they have in common with others, and taking them out.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::block::Block;
use super::{Place, of_record};
use crate::store::codec::{Row as _, micros};
use crate::store::failure::damaged;
use crate::store::ledger::Ledger;
use crate::store::rows::UsageRecordRow;
use crate::store::tables;
use crate::types::{Result, UsageRecord};

/// Records that are entered together.
#[derive(Default)]
pub(in crate::store) struct Entries {
    places: BTreeMap<u64, Vec<Place>>,
    times: Times,
}

impl Entries {
    pub(in crate::store) fn add(&mut self, ledger: &Ledger<'_>, record: &UsageRecord) -> Result<()> {
        let place = place(record);
        self.times.know(place);
        for posting in postings(ledger, record)? {
            self.places.entry(posting).or_default().push(place);
        }
        Ok(())
    }

    pub(in crate::store) fn write(self, ledger: &mut Ledger<'_>) -> Result<()> {
        for (posting, mut places) in self.places {
            places.sort_unstable();
            enter(ledger, posting, &places, &self.times)?;
        }
        Ok(())
    }
}

/// When records were settled, each looked up once: one stands in many postings, beside many of those that are entered.
#[derive(Default)]
struct Times(RefCell<HashMap<u64, i64>>);

impl Times {
    fn know(&self, (time, id): Place) {
        self.0.borrow_mut().insert(id, time);
    }

    fn of(&self, ledger: &Ledger<'_>, id: u64) -> Result<i64> {
        let known = self.0.borrow().get(&id).copied();
        if let Some(time) = known {
            return Ok(time);
        }
        let time = ledger.records.created_at(id)?;
        let time = time.ok_or_else(|| damaged(UsageRecordRow::TABLE, &format!("record {id} is missing")))?;
        self.know((time, id));
        Ok(time)
    }
}

/// Moves a record from what it was to what it has become.
pub(in crate::store) fn moved(ledger: &mut Ledger<'_>, before: &UsageRecord, after: &UsageRecord) -> Result<()> {
    let (old, new) = (postings(ledger, before)?, postings(ledger, after)?);
    let (has_moved, times) = (place(before) != place(after), Times::default());
    for posting in old.iter().filter(|posting| has_moved || !new.contains(posting)) {
        take_out(ledger, *posting, &[place(before)], &times)?;
    }
    for posting in new.iter().filter(|posting| has_moved || !old.contains(posting)) {
        enter(ledger, *posting, &[place(after)], &times)?;
    }
    Ok(())
}

/// Takes records out of all that they stand under.
pub(in crate::store) fn remove(ledger: &mut Ledger<'_>, records: &[UsageRecord]) -> Result<()> {
    let mut entries = Entries::default();
    records.iter().try_for_each(|record| entries.add(ledger, record))?;
    for (posting, mut places) in entries.places {
        places.sort_unstable();
        take_out(ledger, posting, &places, &entries.times)?;
    }
    Ok(())
}

fn place(record: &UsageRecord) -> Place {
    (micros(record.created_at), record.id.get())
}

fn postings(ledger: &Ledger<'_>, record: &UsageRecord) -> Result<BTreeSet<u64>> {
    of_record(record, &|space, name| ledger.number(space, name.as_bytes()))
}

/// Enters places of one posting, which are in their order.
fn enter(ledger: &mut Ledger<'_>, posting: u64, places: &[Place], times: &Times) -> Result<()> {
    let mut open: Option<Open> = None;
    for place in places {
        let mut own = match open.take() {
            Some(own) if own.next.is_none_or(|next| *place < next) => own,
            other => {
                other.map_or(Ok(()), |other| other.write(ledger, posting))?;
                Open::find(ledger, posting, *place)?
            }
        };
        own.insert(ledger, posting, *place, times)?;
        open = Some(own);
    }
    open.map_or(Ok(()), |open| open.write(ledger, posting))
}

/// Takes places out of one posting, which are in their order.
fn take_out(ledger: &mut Ledger<'_>, posting: u64, places: &[Place], times: &Times) -> Result<()> {
    let missing = || damaged(tables::POSTINGS.shape().name, "it does not have a record that it should have");
    let mut rest = places;
    while let Some(place) = rest.first() {
        let block = last_until(ledger, posting, *place)?.ok_or_else(missing)?;
        let (gone, more) = rest.split_at(rest.partition_point(|place| *place <= block.last));
        rest = more;
        let is_gone = |id: &u64| gone.iter().any(|(_, other)| other == id);
        let count = block.ids.len();
        let ids: Vec<u64> = block.ids.into_iter().filter(|id| !is_gone(id)).collect();
        if gone.is_empty() || ids.len() + gone.len() != count {
            return Err(missing());
        }
        ledger.postings.remove((posting, block.first.0, block.first.1))?;
        let (Some(first), Some(last)) = (ids.first().copied(), ids.last().copied()) else { continue };
        let first = if first == block.first.1 { block.first } else { (times.of(ledger, first)?, first) };
        let last = if last == block.last.1 { block.last } else { (times.of(ledger, last)?, last) };
        put(ledger, posting, &Block::of(first, last, ids))?;
    }
    Ok(())
}

/// Returns the last block that begins at a place or before it.
fn last_until(ledger: &Ledger<'_>, posting: u64, (time, id): Place) -> Result<Option<Block>> {
    let mut found = None;
    ledger.postings.last_value((posting, i64::MIN, 0)..=(posting, time, id), |(_, time, id), bytes| {
        found = Some(Block::read((time, id), bytes)?);
        Ok(())
    })?;
    Ok(found)
}

fn put(ledger: &mut Ledger<'_>, posting: u64, block: &Block) -> Result<()> {
    ledger.postings.put((posting, block.first.0, block.first.1), &block.bytes())
}

/// A block that is changed.
struct Open {
    /// Absent where no block begins before what is entered.
    block: Option<Block>,
    /// Where the next block begins, if there is one.
    next: Option<Place>,
    /// How many ids of the block are known to stand before what is entered next.
    passed: usize,
}

impl Open {
    fn find(ledger: &Ledger<'_>, posting: u64, place: Place) -> Result<Self> {
        let mut next = None;
        ledger.postings.each_value(
            (posting, place.0, place.1)..=(posting, i64::MAX, u64::MAX),
            |(_, time, id), _| {
                next = Some((time, id));
                Ok(false)
            },
        )?;
        Ok(Self { block: last_until(ledger, posting, place)?, next, passed: 0 })
    }

    fn write(self, ledger: &mut Ledger<'_>, posting: u64) -> Result<()> {
        self.block.map_or(Ok(()), |block| put(ledger, posting, &block))
    }

    fn insert(&mut self, ledger: &mut Ledger<'_>, posting: u64, place: Place, times: &Times) -> Result<()> {
        let Some(block) = &mut self.block else {
            self.block = Some(Block::new(place));
            return Ok(());
        };
        if place > block.last {
            if block.is_full() {
                put(ledger, posting, block)?;
                *block = Block::new(place);
            } else {
                block.push(place);
            }
            return Ok(());
        }
        let at = position(ledger, &block.ids, self.passed, place, times)?;
        block.insert(at, place);
        self.passed = at + 1;
        if block.is_over_full() {
            let mut ids = std::mem::take(&mut block.ids);
            let behind = ids.split_off(ids.len() / 2);
            let (Some(end), Some(begin)) = (ids.last().copied(), behind.first().copied()) else { return Ok(()) };
            let time = |id| if id == place.1 { Ok(place.0) } else { times.of(ledger, id) };
            let (end, begin) = ((time(end)?, end), (time(begin)?, begin));
            let (first, second) = (Block::of(block.first, end, ids), Block::of(begin, block.last, behind));
            put(ledger, posting, if place < begin { &second } else { &first })?;
            self.passed = self.passed.saturating_sub(if place < begin { 0 } else { first.ids.len() });
            self.next = if place < begin { Some(begin) } else { self.next };
            self.block = Some(if place < begin { first } else { second });
        }
        Ok(())
    }
}

/// Returns where a place stands among those of some ids, of which the first are known to stand before it.
fn position(ledger: &Ledger<'_>, ids: &[u64], passed: usize, place: Place, times: &Times) -> Result<usize> {
    let (mut low, mut high) = (passed.min(ids.len()), ids.len());
    // What is entered together often stands together.
    if let Some(next) = ids.get(low)
        && (times.of(ledger, *next)?, *next) > place
    {
        return Ok(low);
    }
    while low < high {
        let middle = low.midpoint(high);
        let id = ids.get(middle).copied().unwrap_or_default();
        if (times.of(ledger, id)?, id) < place {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
