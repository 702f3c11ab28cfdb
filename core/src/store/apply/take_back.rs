//! Taking back: reservations whose callers were told that they failed, and that may be in the file all the same.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::counted::Consumed;
use super::released::released;
use super::settle::held_as;
use crate::store::ledger::Ledger;
use crate::types::Result;

/// Frees what the reservations of this session hold that were made for records with these uids. Returns whether there were any.
pub(in crate::store) fn take_back(ledger: &mut Ledger<'_>, uids: &BTreeSet<String>, now: Timestamp) -> Result<bool> {
    let mut found = Vec::new();
    for (id, row) in ledger.reservations.all()? {
        let reservation = row.reservation(id)?;
        if reservation.session == ledger.session.id() && uids.contains(&reservation.request.record_uid) {
            found.push(reservation);
        }
    }
    for reservation in &found {
        let held = held_as(&reservation.request);
        let freed = released(ledger, &reservation.holds, Consumed::NOTHING, false, held)?;
        freed.changes.write(ledger, 0, now)?;
        ledger.reservations.remove(reservation.id.get())?;
    }
    Ok(!found.is_empty())
}
