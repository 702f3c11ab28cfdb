//! Idempotency keys: claimed by a call, completed by its settlement, freed when its process ends.

use jiff::{Timestamp, ToSpan};

use super::recover::is_stale;
use crate::environment::log::LEDGER;
use crate::store::KeyClaim;
use crate::store::codec::{micros, time};
use crate::store::ledger::Ledger;
use crate::store::rows::KeyRow;
use crate::types::{Error, ErrorKind, Result};

/// How many hours a completed key returns its reply.
const RETENTION_HOURS: i64 = 24;
/// How many lapsed replies a claim deletes: more than the one that it may add, so that their number falls.
const DELETED_BY_CLAIM: usize = 8;

/// A claim that is made.
pub(super) struct Claim {
    pub(super) key: String,
    pub(super) fingerprint: [u8; 32],
    pub(super) former: [u8; 32],
    pub(super) request_id: String,
    pub(super) now: Timestamp,
    pub(super) expires_at: Timestamp,
}

pub(super) fn claim(ledger: &mut Ledger<'_>, claim: Claim) -> Result<KeyClaim> {
    let key = claim.key.as_str();
    if let Some(row) = ledger.keys.get(key)? {
        let lapsed = match row.completed_at {
            Some(completed_at) => completed_at <= retained_from(claim.now),
            None => is_stale(ledger.session, row.session, time("idempotency_keys", row.expires_at)?, claim.now),
        };
        if !lapsed {
            if ![claim.fingerprint, claim.former].contains(&row.fingerprint) {
                return Err(Error::new(
                    ErrorKind::IdempotencyConflict,
                    "the idempotency key was used with another request; use a new key for a new request",
                ));
            }
            return Ok(row.reply.map_or(KeyClaim::InFlight, KeyClaim::Completed));
        }
        remove(ledger, key, &row)?;
    }
    let row = KeyRow {
        fingerprint: claim.fingerprint,
        request_id: claim.request_id,
        session: ledger.session.id(),
        claimed_at: micros(claim.now),
        expires_at: micros(claim.expires_at),
        completed_at: None,
        reply: None,
    };
    // A process that runs for months never opens the file again, which is when recovery deletes them.
    delete_lapsed(ledger, claim.now, DELETED_BY_CLAIM)?;
    ledger.keys.put(key, &row)?;
    ledger.keys_by_session.put((row.session, key), ())?;
    Ok(KeyClaim::Claimed)
}

pub(super) fn release(ledger: &mut Ledger<'_>, key: &str, request_id: &str) -> Result<()> {
    match ledger.keys.get(key)? {
        Some(row) if row.completed_at.is_none() && row.request_id == request_id => remove(ledger, key, &row),
        _ => Ok(()),
    }
}

/// Returns the claim that a call may complete: its own. One that lapsed meanwhile may be another call's now.
pub(super) fn completable(ledger: &Ledger<'_>, key: &str, request_id: &str) -> Result<Option<KeyRow>> {
    let row = ledger.keys.get(key)?;
    let row = row.filter(|row| row.completed_at.is_none() && row.request_id == request_id);
    if row.is_none() {
        tracing::warn!(
            target: LEDGER,
            request_id,
            "the claim of an idempotency key lapsed before its call ended; its reply is not kept"
        );
    }
    Ok(row)
}

pub(super) fn complete(
    ledger: &mut Ledger<'_>,
    key: &str,
    mut row: KeyRow,
    reply: Vec<u8>,
    now: Timestamp,
) -> Result<()> {
    ledger.keys_by_session.remove((row.session, key))?;
    row.completed_at = Some(micros(now));
    row.reply = Some(reply);
    ledger.keys.put(key, &row)?;
    ledger.keys_by_time.put((micros(now), key), ())
}

/// Frees the claims that are stale, and deletes the replies that are kept no longer.
pub(super) fn clean(ledger: &mut Ledger<'_>, now: Timestamp) -> Result<()> {
    delete_lapsed(ledger, now, usize::MAX)?;
    let mut names: Vec<String> = Vec::new();
    ledger.keys_by_session.each((0, "").., |(_, key)| {
        if let Some(row) = ledger.keys.get(key)?
            && is_stale(ledger.session, row.session, time("idempotency_keys", row.expires_at)?, now)
        {
            names.push(key.to_owned());
        }
        Ok(())
    })?;
    for key in names {
        if let Some(row) = ledger.keys.get(key.as_str())? {
            remove(ledger, &key, &row)?;
        }
    }
    Ok(())
}

/// Deletes the oldest replies that are kept no longer, no more than so many.
fn delete_lapsed(ledger: &mut Ledger<'_>, now: Timestamp, most: usize) -> Result<()> {
    for key in ledger.keys_by_time.names_until(retained_from(now), most)? {
        if let Some(row) = ledger.keys.get(key.as_str())? {
            remove(ledger, &key, &row)?;
        }
    }
    Ok(())
}

fn remove(ledger: &mut Ledger<'_>, key: &str, row: &KeyRow) -> Result<()> {
    ledger.keys.remove(key)?;
    match row.completed_at {
        Some(completed_at) => ledger.keys_by_time.remove((completed_at, key)),
        None => ledger.keys_by_session.remove((row.session, key)),
    }
}

/// Returns the last microsecond of completion whose replies are kept no longer.
fn retained_from(now: Timestamp) -> i64 {
    micros(now.checked_sub(RETENTION_HOURS.hours()).unwrap_or(Timestamp::MIN))
}
