//! What attempts hold and take of quotas: of the month's part first, then of the balance.

use std::time::Duration;

use rust_decimal::Decimal;

use super::balance::{self, Bucket, Changes};
use super::counted::{Consumed, HeldAs, Released, within};
use crate::budget::admission::Refusal;
use crate::budget::quota::{Share, describe_quota, in_units, month_at, of_month, weigh_quota};
use crate::store::codec::kept;
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::{Hold, ReserveRequest};
use crate::types::{AccountId, Error, ErrorKind, Quota, QuotaEnforcement, Result, exact_add, exact_subtract};

/// What the quotas of a user say of an attempt.
#[derive(Default)]
pub(super) struct QuotaHolds {
    /// Two for each quota: of the month's part, and of the balance.
    pub(super) holds: Vec<Hold>,
    /// The refusal of a quota that lets the attempt go where a pool pays for it.
    pub(super) unless_pooled: Option<Error>,
    /// Whether any of them refuses what it has no room for.
    pub(super) is_bounded: bool,
}

/// Works out what the quotas of the user hold, and their balances after that. Fails if one of them has no room.
pub(super) fn hold(
    ledger: &Ledger<'_>,
    request: &ReserveRequest,
    changes: &mut Changes,
    retry_after: Duration,
) -> Result<QuotaHolds> {
    let mut all = QuotaHolds::default();
    let quotas = ledger.provisions().map(|provisions| provisions.quotas_of(request.user.as_deref()));
    for quota in quotas.unwrap_or_default() {
        let month = month_at(&quota.terms.time_zone, request.now)?;
        let (account, unit) = (AccountId::Quota(quota.id), quota.terms.quota_type.unit());
        let own = [Some(kept(month.bucket)), None].map(|start| (start, Bucket::new(account, "", start)));
        let [(_, of_month), (_, of_balance)] = &own;
        let balances = (balance::read(ledger, of_month)?, balance::read(ledger, of_balance)?);
        let share = weigh_quota(&request.demand(), request.capability, quota, &balances.0, &balances.1)?;
        let Some(Share { month: held, balance, refusal }) = share else { continue };
        if let Some(refusal) = refusal {
            let until_end = Duration::try_from(month.end.duration_since(request.now)).unwrap_or_default();
            let starts_again = quota.terms.monthly > Decimal::ZERO;
            let wait = if refusal.is_held { Some(retry_after) } else { starts_again.then_some(until_end) };
            let error = exceeded(quota, request, &refusal, wait);
            if quota.terms.enforcement != QuotaEnforcement::Pool {
                return Err(error);
            }
            all.unless_pooled.get_or_insert(error);
            continue;
        }
        all.is_bounded |= quota.terms.enforcement != QuotaEnforcement::Record;
        for ((start, bucket), amount) in own.into_iter().zip([held, balance]) {
            changes.hold(ledger, &bucket, (amount, false), None)?;
            let part = String::new();
            all.holds.push(Hold { account, part, bucket: start, unit, amount, closes: false, exchange: None });
        }
    }
    Ok(all)
}

fn exceeded(quota: &Quota, request: &ReserveRequest, refusal: &Refusal, wait: Option<Duration>) -> Error {
    Error::new(ErrorKind::QuotaExceeded, format!("{} {}", describe_quota(quota), refusal.why))
        .with_target(&request.provider, &request.model)
        .with_retry_after(wait)
        .with_retryable(Some(refusal.is_held))
}

/// Returns whether a hold is one of a quota's two.
pub(super) const fn is_quotas(hold: &Hold) -> bool {
    matches!(hold.account, AccountId::Quota(_))
}

/// Returns the two holds of each quota: of the month's part, and of the balance.
pub(super) fn pairs(holds: &[Hold]) -> impl Iterator<Item = (&Hold, &Hold)> {
    let of_month = holds.iter().filter(|hold| is_quotas(hold) && hold.bucket.is_some());
    of_month.filter_map(|month| {
        let is_balance = |other: &&Hold| other.account == month.account && other.bucket.is_none();
        holds.iter().find(is_balance).map(|balance| (month, balance))
    })
}

/// Returns what is held of a quota, as one.
pub(super) fn whole(month: &Hold, balance: &Hold) -> Result<Hold> {
    Ok(Hold { amount: exact_add(month.amount, balance.amount)?, ..month.clone() })
}

/// Works out the balances of the quotas after their holds become what the attempt took.
pub(super) fn release(
    ledger: &Ledger<'_>,
    holds: &[Hold],
    consumed: Consumed<'_>,
    made: HeldAs,
    released: &mut Released,
) -> Result<()> {
    for (month, balance) in pairs(holds) {
        let counted = within(ledger, &whole(month, balance)?, consumed, made, released)?;
        for hold in [month, balance] {
            released.changes.free(ledger, &Bucket::of(hold), (hold.amount, false))?;
        }
        if let Some(counted) = counted {
            take(
                ledger,
                (month, balance),
                counted.amount,
                Cause::Consume,
                (&mut released.changes, &mut released.moved),
            )?;
        }
    }
    Ok(())
}

/// Takes an amount of a quota whose holds are freed: of the month's part as far as nobody else holds it, then of the balance.
pub(super) fn take(
    ledger: &Ledger<'_>,
    (month, balance): (&Hold, &Hold),
    amount: Decimal,
    cause: Cause,
    (changes, moved): (&mut Changes, &mut Vec<Hold>),
) -> Result<()> {
    let monthly = match month.account {
        AccountId::Quota(id) => ledger.quotas.get(id.get())?.map(|row| row.quota(id.get())).transpose()?,
        AccountId::Budget(_) | AccountId::Pool(_) => None,
    };
    let monthly = monthly.map_or(Ok(month.amount), |quota| in_units(quota.terms.quota_type, quota.terms.monthly))?;
    let others = changes.balance(ledger, &Bucket::of(month))?;
    let held = if cause == Cause::Consume { month.amount } else { Decimal::ZERO };
    let part = of_month(monthly, &others, held, amount)?;
    for (hold, amount) in [(month, part), (balance, exact_subtract(amount, part)?)] {
        if !amount.is_zero() {
            changes.settle(ledger, &Bucket::of(hold), amount, cause)?;
            moved.push(Hold { amount, closes: false, ..hold.clone() });
        }
    }
    Ok(())
}

/// Gives back an amount of a quota that an attempt took: of the balance first, as it was taken last.
pub(super) fn give_back(
    ledger: &Ledger<'_>,
    (month, balance): (&Hold, &Hold),
    amount: Decimal,
    taken_of_balance: Decimal,
    (changes, moved): (&mut Changes, &mut Vec<Hold>),
) -> Result<()> {
    let of_balance = amount.min(taken_of_balance.max(Decimal::ZERO));
    for (hold, amount) in [(balance, of_balance), (month, exact_subtract(amount, of_balance)?)] {
        if !amount.is_zero() {
            changes.settle(ledger, &Bucket::of(hold), -amount, Cause::Adjust)?;
            moved.push(Hold { amount: -amount, closes: false, ..hold.clone() });
        }
    }
    Ok(())
}
