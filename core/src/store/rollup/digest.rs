//! Digesting: records are added to the rollups, and entered under what they have in common with others, some hundreds at a time, after
//! they were settled. Until then they are read beside them.

use super::change::Change;
use crate::store::ledger::Ledger;
use crate::store::postings::enter::{self, Entries};
use crate::store::state::State;
use crate::types::{Result, UsageRecord};

/// How many records are digested at a time.
pub(in crate::store) const AT_ONCE: u64 = if cfg!(test) { 4 } else { 512 };

/// How many records may wait before operations wait for them: so many that summaries and pages read beside the rollups take no longer than
/// they should.
pub(in crate::store) const MOST_WAITING: u64 = 8 * AT_ONCE;

/// Returns how many records wait to be digested.
pub(in crate::store) fn waiting(state: &State) -> u64 {
    state.head().record.saturating_sub(state.digested())
}

/// Returns whether there are enough records to be digested.
pub(in crate::store) fn is_due(state: &State) -> bool {
    waiting(state) >= AT_ONCE
}

/// Digests the next records. A file that an earlier version made is brought to its rollups in the same way.
pub(in crate::store) fn digest(ledger: &mut Ledger<'_>) -> Result<()> {
    let (first, head) = (ledger.state().digested() + 1, ledger.state().head().record);
    let last = head.min(first + AT_ONCE - 1);
    let (mut change, mut entries) = (Change::default(), Entries::default());
    for record in records(ledger, first, last)? {
        change.add(ledger, &record, true)?;
        entries.add(ledger, &record)?;
    }
    change.write(ledger)?;
    entries.write(ledger)?;
    ledger.state().set_digested(last);
    Ok(())
}

/// Returns the records of some ids, both inclusive.
fn records(ledger: &mut Ledger<'_>, first: u64, last: u64) -> Result<Vec<UsageRecord>> {
    if let Some(records) = ledger.take_recent((first, last))? {
        return Ok(records);
    }
    let mut records = Vec::new();
    ledger.records.each_in(first..=last, |id, row| {
        records.push(row.record(id)?);
        Ok(true)
    })?;
    Ok(records)
}

/// Moves a record that was digested from what it was to what it has become.
pub(in crate::store) fn moved(ledger: &mut Ledger<'_>, before: &UsageRecord, after: &UsageRecord) -> Result<()> {
    ledger.record_revised()?;
    if before.id.get() > ledger.state().digested() {
        return Ok(());
    }
    let mut change = Change::default();
    change.add(ledger, before, false)?;
    change.add(ledger, after, true)?;
    change.write(ledger)?;
    enter::moved(ledger, before, after)
}
