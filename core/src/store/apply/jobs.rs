//! Jobs: reservations of work that goes on at the provider after the process that asked for it has ended.

use jiff::Timestamp;

use super::recover::is_stale;
use super::{invalid, not_found};
use crate::store::codec::{Row as _, micros, time};
use crate::store::ledger::Ledger;
use crate::store::rows::ReservationRow;
use crate::types::{ReservationId, Result};

/// The session of a job that nobody asks for at the moment. No handle has this id.
const NOBODY: u64 = 0;

/// Makes a reservation a job.
pub(super) fn submit(ledger: &mut Ledger<'_>, id: ReservationId, job_id: String) -> Result<()> {
    if job_id.is_empty() {
        return Err(invalid("the id of a job is empty; give what its provider calls it"));
    }
    let mut row = reservation(ledger, id)?;
    match &row.job_id {
        Some(known) if *known == job_id => return Ok(()),
        Some(known) => {
            return Err(invalid(format!("reservation {id} is the job {known:?} already, and not {job_id:?}")));
        }
        None => row.job_id = Some(job_id),
    }
    ledger.reservations.put(id.get(), &row)
}

/// Makes this handle the one that asks for a job, unless another one that lives does. Returns whether it is.
pub(super) fn take(ledger: &mut Ledger<'_>, id: ReservationId, now: Timestamp, until: Timestamp) -> Result<bool> {
    let mut row = job(ledger, id)?;
    let own = ledger.session.id();
    let expires_at = time(ReservationRow::TABLE, row.expires_at)?;
    let is_free = row.session == NOBODY || row.session == own || is_stale(ledger.session, row.session, expires_at, now);
    if is_free {
        row.session = own;
        row.expires_at = micros(until);
        ledger.reservations.put(id.get(), &row)?;
    }
    Ok(is_free)
}

/// Lets others ask for a job, if this handle is the one that does.
pub(super) fn leave(ledger: &mut Ledger<'_>, id: ReservationId) -> Result<()> {
    let mut row = job(ledger, id)?;
    if row.session == ledger.session.id() {
        row.session = NOBODY;
        ledger.reservations.put(id.get(), &row)?;
    }
    Ok(())
}

fn job(ledger: &Ledger<'_>, id: ReservationId) -> Result<ReservationRow> {
    let row = reservation(ledger, id)?;
    if row.job_id.is_none() { Err(invalid(format!("reservation {id} is no job"))) } else { Ok(row) }
}

fn reservation(ledger: &Ledger<'_>, id: ReservationId) -> Result<ReservationRow> {
    ledger.reservations.get(id.get())?.ok_or_else(|| not_found(&format!("reservation {id}")))
}
