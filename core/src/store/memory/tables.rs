//! The tables of a transaction in memory: what was committed, and over it what the transaction changed.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use crate::store::failure::misused;
use crate::store::key::{Part, compare};
use crate::store::storage::{Before, ReadTables, Receive, Visit, WriteTables};
use crate::store::tables::{ALL, Shape};
use crate::types::{Error, Result};

/// A key at its place among those of its table.
#[derive(Clone, Debug)]
struct Place {
    kinds: &'static [Part],
    key: Box<[u8]>,
}

impl Place {
    fn new(table: &Shape, key: &[u8]) -> Self {
        Self { kinds: table.key, key: key.into() }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(self.kinds, &self.key, &other.key)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Place {}

type Ends = (Bound<Place>, Bound<Place>);
type Values = BTreeMap<Place, Arc<[u8]>>;
/// New values by their keys; nothing where a key was removed.
type Changed = BTreeMap<Place, Option<Arc<[u8]>>>;

/// Returns the ends of a range; nothing if no key can lie in it, which a map would not take.
fn ends(table: &Shape, (from, to): (Bound<&[u8]>, Bound<&[u8]>)) -> Option<Ends> {
    let place = |key: &[u8]| Place::new(table, key);
    let (from, to) = (from.map(place), to.map(place));
    let is_empty = match (&from, &to) {
        (Bound::Included(from), Bound::Included(to)) => from > to,
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => from >= to,
        _ => false,
    };
    (!is_empty).then_some((from, to))
}

/// All tables as they stood at one commit.
#[derive(Clone, Debug)]
pub(super) struct Snapshot(Vec<Arc<Values>>);

impl Default for Snapshot {
    fn default() -> Self {
        Self(ALL.iter().map(|_| Arc::default()).collect())
    }
}

impl Snapshot {
    fn values(&self, table: &Shape) -> Result<&Values> {
        self.0.get(table.place).map(AsRef::as_ref).ok_or_else(no_place)
    }

    /// Takes over what a transaction changed. A table that someone reads is copied first.
    pub(super) fn apply(&mut self, Changes { committed, changed }: Changes) {
        // Else each table that was changed would be copied.
        drop(committed);
        let changed = changed.into_iter().map(RefCell::into_inner);
        for (values, changed) in self.0.iter_mut().zip(changed).filter(|(_, changed)| !changed.is_empty()) {
            let values = Arc::make_mut(values);
            for (place, value) in changed {
                match value {
                    Some(value) => values.insert(place, value),
                    None => values.remove(&place),
                };
            }
        }
    }
}

impl ReadTables for Snapshot {
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        self.values(table)?.get(&Place::new(table, key)).map_or(Ok(()), |value| receive(value))
    }

    fn range(&self, table: &Shape, range: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        let Some(ends) = ends(table, range) else { return Ok(()) };
        for (place, value) in self.values(table)?.range(ends) {
            if !visit(&place.key, value)? {
                break;
            }
        }
        Ok(())
    }

    fn range_back(&self, table: &Shape, range: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        let Some(ends) = ends(table, range) else { return Ok(()) };
        for (place, value) in self.values(table)?.range(ends).rev() {
            if !visit(&place.key, value)? {
                break;
            }
        }
        Ok(())
    }

    fn count(&self, table: &Shape) -> Result<u64> {
        Ok(self.values(table)?.len() as u64)
    }
}

/// All tables as a transaction changes them. Nobody else sees what it changed.
pub(super) struct Changes {
    committed: Snapshot,
    changed: Vec<RefCell<Changed>>,
}

impl Changes {
    /// Begins a transaction.
    pub(super) fn over(committed: Snapshot) -> Self {
        Self { committed, changed: ALL.iter().map(|_| RefCell::default()).collect() }
    }

    fn changed(&self, table: &Shape) -> Result<&RefCell<Changed>> {
        self.changed.get(table.place).ok_or_else(no_place)
    }

    fn change(&self, table: &Shape, key: &[u8], value: Option<&[u8]>, before: &mut Before<'_>) -> Result<()> {
        let place = Place::new(table, key);
        let mut changed = self.changed(table)?.try_borrow_mut().map_err(|_| in_use())?;
        match changed.get(&place) {
            Some(own) => before(own.as_deref()),
            None => before(self.committed.values(table)?.get(&place).map(AsRef::as_ref)),
        }
        changed.insert(place, value.map(Arc::from));
        Ok(())
    }
}

impl ReadTables for Changes {
    fn get(&self, table: &Shape, key: &[u8], receive: &mut Receive<'_>) -> Result<()> {
        let changed = self.changed(table)?.try_borrow().map_err(|_| in_use())?;
        match changed.get(&Place::new(table, key)) {
            Some(own) => own.as_deref().map_or(Ok(()), receive),
            None => self.committed.get(table, key, receive),
        }
    }

    fn range(&self, table: &Shape, range: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        let Some(ends) = ends(table, range) else { return Ok(()) };
        let changed = self.changed(table)?.try_borrow().map_err(|_| in_use())?;
        let committed = self.committed.values(table)?;
        merge(changed.range(ends.clone()), committed.range(ends), Ordering::Greater, visit)
    }

    fn range_back(&self, table: &Shape, range: (Bound<&[u8]>, Bound<&[u8]>), visit: &mut Visit<'_>) -> Result<()> {
        let Some(ends) = ends(table, range) else { return Ok(()) };
        let changed = self.changed(table)?.try_borrow().map_err(|_| in_use())?;
        let committed = self.committed.values(table)?;
        merge(changed.range(ends.clone()).rev(), committed.range(ends).rev(), Ordering::Less, visit)
    }

    fn count(&self, table: &Shape) -> Result<u64> {
        let mut count = 0;
        self.range(table, (Bound::Unbounded, Bound::Unbounded), &mut |_, _| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }
}

impl WriteTables for Changes {
    fn put(&self, table: &Shape, key: &[u8], value: &[u8], before: &mut Before<'_>) -> Result<()> {
        self.change(table, key, Some(value), before)
    }

    fn remove(&self, table: &Shape, key: &[u8], before: &mut Before<'_>) -> Result<()> {
        self.change(table, key, None, before)
    }
}

/// Visits what was committed and what was changed since, in the order of both. `later` is how the later of two places compares.
fn merge<'v>(
    own: impl Iterator<Item = (&'v Place, &'v Option<Arc<[u8]>>)>,
    committed: impl Iterator<Item = (&'v Place, &'v Arc<[u8]>)>,
    later: Ordering,
    visit: &mut Visit<'_>,
) -> Result<()> {
    let (mut own, mut committed) = (own.peekable(), committed.peekable());
    loop {
        // What was changed stands in the place of what was committed under the same key.
        let is_committed = match (own.peek(), committed.peek()) {
            (None, None) => return Ok(()),
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some((own, _)), Some((place, _))) => {
                let order = own.cmp(place);
                if order.is_eq() {
                    committed.next();
                }
                order == later
            }
        };
        let next = if is_committed {
            committed.next().map(|(place, value)| (place, Some(value)))
        } else {
            own.next().map(|(place, value)| (place, value.as_ref()))
        };
        if let Some((place, Some(value))) = next
            && !visit(&place.key, value)?
        {
            return Ok(());
        }
    }
}

fn no_place() -> Error {
    misused("a table has no place")
}

fn in_use() -> Error {
    misused("a table was changed while it was visited")
}
