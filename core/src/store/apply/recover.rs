//! Recover: settles what processes that ended had reserved, so that no money is held for ever.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::counted::Consumed;
use super::released::released;
use super::{keys, settle};
use crate::environment::log::LEDGER;
use crate::store::ledger::Ledger;
use crate::store::storage::{Liveness, Session};
use crate::store::{Reservation, Settlement};
use crate::types::{
    BilledBy, CostStatus, ErrorKind, Facts, ModelName, Money, ReceiptLine, RecordStatus, RecoveryPolicy, Result, Usage,
    UsageFlag,
};

/// What the record says of an attempt that nobody settled in time.
const UNSETTLED: &str = "the process ended before settlement";

/// Returns whether what a session left behind is to be settled or freed. The wall clock, which may jump, is asked only where the
/// system does not say who is alive.
pub(super) fn is_stale(own: &dyn Session, session: u64, expires_at: Timestamp, now: Timestamp) -> bool {
    match own.liveness(session) {
        Liveness::Alive => false,
        Liveness::Dead => true,
        Liveness::Unknown => expires_at <= now,
    }
}

/// Returns whether a record stands for an attempt whose own settlement has not come yet.
pub(super) fn is_unsettled(error_message: Option<&str>) -> bool {
    error_message == Some(UNSETTLED)
}

pub(super) fn recover(ledger: &mut Ledger<'_>, policy: RecoveryPolicy, now: Timestamp) -> Result<u64> {
    let (mut stale, mut running) = (Vec::new(), BTreeSet::new());
    for (id, row) in ledger.reservations.all()? {
        let reservation = row.reservation(id)?;
        let is_job = reservation.job_id.is_some();
        if !is_job && is_stale(ledger.session, reservation.session, reservation.request.expires_at, now) {
            stale.push(reservation);
        } else {
            running.insert(reservation.session);
        }
    }
    let mut settled = 0;
    for reservation in stale {
        if ledger.records.of_uid(&reservation.request.record_uid)?.is_some() {
            // Two attempts were given one uid, and the other has its record; what this one held is freed.
            let held = settle::held_as(&reservation.request);
            let freed = released(ledger, &reservation.holds, Consumed::NOTHING, false, held)?;
            freed.changes.write(ledger, 0, now)?;
            ledger.reservations.remove(reservation.id.get())?;
            continue;
        }
        let (priced, tokens) = settlement(&reservation, policy, now);
        let written = settle::write(ledger, &reservation, priced, tokens);
        if let Err(error) = &written
            && matches!(error.kind(), ErrorKind::Internal | ErrorKind::InvalidRequest)
        {
            // A cost that its sums cannot hold exactly must not keep the file from opening: its record waits for a price.
            let request = &reservation.request;
            tracing::error!(
                target: LEDGER,
                request_id = request.request_id,
                attempt = request.attempt,
                provider = request.provider,
                model = request.model,
                record_uid = request.record_uid,
                code = error.code(),
                %error,
                "a reservation was settled without its cost"
            );
            let (mut unpriced, tokens) = settlement(&reservation, policy, now);
            (unpriced.cost, unpriced.cost_status) = (None, CostStatus::Unpriced);
            unpriced.receipt.clear();
            settle::write(ledger, &reservation, unpriced, tokens)?;
        } else {
            written?;
        }
        settled += 1;
    }
    forget_ended(ledger, &running)?;
    keys::clean(ledger, now)?;
    Ok(settled)
}

/// Forgets the sessions that have ended and have nothing open.
fn forget_ended(ledger: &mut Ledger<'_>, running: &BTreeSet<u64>) -> Result<()> {
    let mut ended = Vec::new();
    ledger.sessions.each(.., |session| {
        if !running.contains(&session) && ledger.session.liveness(session) != Liveness::Alive {
            ended.push(session);
        }
        Ok(())
    })?;
    ended.into_iter().try_for_each(|session| ledger.sessions.remove(session))
}

/// Makes the settlement of a reservation whose end is not known, and the tokens that it counts.
fn settlement(reservation: &Reservation, policy: RecoveryPolicy, now: Timestamp) -> (Settlement, Option<u64>) {
    let request = &reservation.request;
    let (cost, billed_by, tokens) = match policy {
        RecoveryPolicy::BillReserved => (request.worst_case, BilledBy::Recovery, request.worst_case_tokens),
        RecoveryPolicy::Release => {
            let nothing = request.worst_case.map(|worst| Money::new(Decimal::ZERO, worst.currency));
            (nothing, BilledBy::NotBilled, Some(0))
        }
    };
    let mut usage = Usage::default();
    if policy == RecoveryPolicy::BillReserved {
        usage.flag(UsageFlag::Estimated);
    }
    let line = ReceiptLine {
        attempt: request.attempt,
        model: ModelName::new(&request.provider, &request.model).to_string(),
        meter: None,
        note: Some("reservation".to_owned()),
        quantity: 1.into(),
        billed_quantity: None,
        modifiers: Vec::new(),
        unit_price: None,
        unit: None,
        price_id: None,
        amount: cost.map(|cost| cost.amount),
        currency: cost.map(|cost| cost.currency),
    };
    let settlement = Settlement {
        reservation_id: reservation.id,
        usage,
        facts: Facts::at(request.now),
        cost,
        cost_status: if cost.is_some() { CostStatus::Estimated } else { CostStatus::Unpriced },
        billed_by,
        receipt: vec![line],
        price_ids: Vec::new(),
        status: RecordStatus::Failed,
        provider_request_id: None,
        served_model: None,
        error_code: Some(ErrorKind::Internal.code().to_owned()),
        error_message: Some(UNSETTLED.to_owned()),
        latency_ms: 0,
        completes_key: None,
        now,
    };
    (settlement, tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another session, of which the system says this.
    struct Other(Liveness);

    impl Session for Other {
        fn id(&self) -> u64 {
            1
        }

        fn liveness(&self, _id: u64) -> Liveness {
            self.0
        }
    }

    #[test]
    fn the_clock_is_asked_only_where_the_system_does_not_say_who_is_alive() {
        let (early, late) = (Timestamp::UNIX_EPOCH, Timestamp::MAX);
        for (liveness, before, after) in
            [(Liveness::Alive, false, false), (Liveness::Dead, true, true), (Liveness::Unknown, false, true)]
        {
            assert_eq!(is_stale(&Other(liveness), 2, late, early), before, "{liveness:?}");
            assert_eq!(is_stale(&Other(liveness), 2, early, early), after, "{liveness:?}");
        }
    }
}
