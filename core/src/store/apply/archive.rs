//! Archive: records that stand in a file of their own leave this one. What they add up to stays.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::balance::{Bucket, add_archived};
use super::recover::is_unsettled;
use crate::store::Hold;
use crate::store::codec::{Row as _, micros};
use crate::store::ledger::{ARCHIVED_BEFORE, Ledger};
use crate::store::postings::enter;
use crate::store::rows::UsageRecordRow;
use crate::types::{BilledBy, Decimal, Result, UsageRecord, exact_add};

/// Returns whether a record may leave the file: its cost is final, as far as it can be.
pub(in crate::store) fn is_final(record: &UsageRecord) -> bool {
    let awaits_price = record.cost_amount.is_none() && record.billed_by != BilledBy::NotBilled;
    !awaits_price && !is_unsettled(record.error_message.as_deref())
}

/// Removes the records of some ids that were settled before an instant, may leave and are counted by the rollups. Returns how many.
pub(super) fn forget(ledger: &mut Ledger<'_>, ids: &[u64], before: Timestamp) -> Result<u64> {
    let mut gone = Vec::with_capacity(ids.len());
    for id in ids.iter().copied().filter(|id| *id <= ledger.state().digested()) {
        let Some(row) = ledger.records.get(id)? else { continue };
        let holds =
            row.holds.iter().map(|hold| hold.clone().hold(UsageRecordRow::TABLE)).collect::<Result<Vec<Hold>>>()?;
        let record = row.clone().record(id)?;
        if record.created_at < before && is_final(&record) {
            gone.push((record, row, holds));
        }
    }
    let Some(last) = gone.iter().map(|(record, ..)| record.id.get()).max() else { return Ok(0) };
    let mut moved = BTreeMap::<Bucket, Decimal>::new();
    for hold in gone.iter().flat_map(|(_, _, holds)| holds) {
        let sum = moved.entry(Bucket::of(hold)).or_default();
        *sum = exact_add(*sum, hold.amount)?;
    }
    for (bucket, amount) in &moved {
        add_archived(ledger, bucket, *amount)?;
    }
    let records: Vec<UsageRecord> = gone.iter().map(|(record, ..)| record.clone()).collect();
    enter::remove(ledger, &records)?;
    let ids: BTreeSet<u64> = records.iter().map(|record| record.id.get()).collect();
    for (record, row, _) in &gone {
        ledger.records.remove(record.id.get(), row)?;
    }
    forget_reservations(ledger, &ids)?;
    ledger.state().leave_gaps_until(last);
    let former = crate::store::writing::number(ledger.meta(ARCHIVED_BEFORE)?.as_deref())?.cast_signed();
    ledger.put_meta(ARCHIVED_BEFORE, &former.max(micros(before)).to_le_bytes())?;
    ledger.record_revised()?;
    Ok(records.len() as u64)
}

/// Forgets which reservations became records. Reservations and records are made in about the same order, so that they stand first.
fn forget_reservations(ledger: &mut Ledger<'_>, ids: &BTreeSet<u64>) -> Result<()> {
    let mut found = Vec::new();
    let (mut looked, last) = (0, ids.last().copied().unwrap_or_default());
    ledger.records_by_reservation.each_number(.., |reservation, record| {
        looked += 1;
        if ids.contains(&record) {
            found.push(reservation);
        }
        Ok(found.len() < ids.len() && (looked < 8 * ids.len() || record <= last))
    })?;
    found.into_iter().try_for_each(|reservation| ledger.records_by_reservation.remove(reservation))
}
