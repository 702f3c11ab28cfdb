//! Reserve: holds the worst case of an attempt in every account that applies, all or nothing.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::balance::{self, Bucket, Changes};
use super::{invalid, pool_holds, quota_holds};
use crate::budget::admission::{Refusal, Verdict, check_currency, check_price, describe, weigh};
use crate::budget::index::Applying;
use crate::budget::window::{Bounds, window_bounds};
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::rows::ReservationRow;
use crate::store::{Hold, Reservation, ReserveRequest, Reserved};
use crate::types::{AccountId, Balance, Budget, BudgetRefusal, Enforcement, Error, ErrorKind, ReservationId, Result};

pub(super) fn reserve(ledger: &mut Ledger<'_>, request: ReserveRequest) -> Result<Reserved> {
    if request.worst_case.is_some_and(|worst| worst.amount < Decimal::ZERO) {
        return Err(invalid("the worst case of a call is below zero; give zero or more"));
    }
    if ledger.records.of_uid(&request.record_uid)?.is_some() {
        return Err(invalid(format!(
            "record {} exists already; give each attempt a uid of its own",
            request.record_uid
        )));
    }
    let applying = ledger.applying(&request.dimensions());
    let closes = check_price(&request.demand(), &applying)?;
    check_currency(&request.demand(), &applying, &|from, to| ledger.exchange(from, to, request.now))?;

    let mut holds = Vec::with_capacity(applying.len());
    let mut changes = Changes::default();
    for applying in &applying {
        holds.push(hold(ledger, applying, &request, closes, &mut changes)?);
    }

    let provided = provided(ledger, &request, &mut changes)?;
    let budgets_apply =
        provided.is_bounded || applying.iter().any(|applying| applying.budget.terms.enforcement == Enforcement::Hard);
    holds.extend(provided.holds);

    let id = ReservationId::new(ledger.reservations.take_id()?);
    let now = request.now;
    let reservation = Reservation { id, session: ledger.session.id(), request, holds, job_id: None };
    ledger.reservations.put(id.get(), &ReservationRow::new(&reservation)?)?;
    ledger.note_session()?;
    changes.write(ledger, 0, now)?;
    Ok(Reserved { id, budgets_apply })
}

/// What quotas and pools hold for an attempt.
struct Provided {
    holds: Vec<Hold>,
    /// Whether any of them refuses what it has no room for.
    is_bounded: bool,
}

/// Works out what the user's quotas and the provider's pools hold, and their balances after that. Fails if they have no room.
fn provided(ledger: &Ledger<'_>, request: &ReserveRequest, changes: &mut Changes) -> Result<Provided> {
    let quotas = quota_holds::hold(ledger, request, changes, HELD_FOR)?;
    let pools = pool_holds::hold(ledger, request, changes, HELD_FOR)?;
    if let Some(refusal) = quotas.unless_pooled.filter(|_| pools.is_empty()) {
        return Err(refusal.with_detail_suffix(", and the provider has no pool that pays for it"));
    }
    let is_bounded = quotas.is_bounded || !pools.is_empty();
    Ok(Provided { holds: quotas.holds.into_iter().chain(pools).collect(), is_bounded })
}

/// Fails as a reservation would for which quotas or pools have no room; holds nothing.
pub(super) fn ask_provisions(ledger: &Ledger<'_>, request: &ReserveRequest) -> Result<()> {
    provided(ledger, request, &mut Changes::default()).map(drop)
}

/// Works out what one budget holds, and its balance after that. Fails if the cap would be passed.
fn hold(
    ledger: &Ledger<'_>,
    applying: &Applying,
    request: &ReserveRequest,
    closes: bool,
    changes: &mut Changes,
) -> Result<Hold> {
    let budget = &applying.budget;
    let terms = &budget.terms;
    let bounds = window_bounds(terms.window, &terms.time_zone, request.now)?;
    let account = AccountId::Budget(budget.id);
    let bucket = |start: Timestamp| Bucket::new(account, &applying.part, Some(kept(start)));
    let whole_time = || Bucket::new(account, &applying.part, None);
    let first = bounds.map_or_else(whole_time, |bounds| bucket(bounds.first));
    let last = bounds.map_or_else(whole_time, |bounds| bucket(bounds.bucket));
    let balance = balance::sum(ledger, &first, &last)?;
    let rates = |from, to| ledger.exchange(from, to, request.now);
    let Verdict { amount, unit, exchange, refusal } = weigh(&request.demand(), &terms.limit, &balance, &rates)?;
    if let Some(refusal) = refusal.filter(|_| terms.enforcement == Enforcement::Hard) {
        return Err(exceeded(applying, request, bounds, refusal, &balance, amount));
    }
    let closes = closes && unit.currency().is_some() && terms.enforcement == Enforcement::Hard;
    changes.hold(ledger, &last, (amount, closes), bounds.map(|bounds| bounds.first))?;
    let start = bounds.map(|bounds| kept(bounds.bucket));
    Ok(Hold { account, part: applying.part.clone(), bucket: start, unit, amount, closes, exchange })
}

/// How long to wait for calls under way to settle, before the next try.
const HELD_FOR: Duration = Duration::from_secs(1);

fn exceeded(
    applying: &Applying,
    request: &ReserveRequest,
    bounds: Option<Bounds>,
    Refusal { why, is_held }: Refusal,
    balance: &Balance,
    asked: Decimal,
) -> Error {
    let Budget { id, terms, .. } = &*applying.budget;
    let until_end = |end: Timestamp| Duration::try_from(end.duration_since(request.now)).unwrap_or_default();
    let retry_after = if is_held { Some(HELD_FOR) } else { bounds.map(|bounds| until_end(bounds.end)) };
    let unit = terms.limit.unit();
    let had = BudgetRefusal {
        budget_id: *id,
        part: applying.part.clone(),
        limit: terms.limit.amount(),
        settled: balance.settled,
        reserved: balance.reserved,
        asked,
        currency: unit.currency(),
        meter: BudgetRefusal::meter_of(unit),
        on_exceeded: terms.on_exceeded,
        max_tokens: None,
    };
    Error::new(ErrorKind::BudgetExceeded, format!("{} {why}", describe(&applying.budget)))
        .with_target(&request.provider, &request.model)
        .with_retry_after(retry_after)
        .with_retryable(Some(is_held))
        .with_budget(had)
}
