//! What becomes of the holds of an attempt once it is known what it took.

use rust_decimal::Decimal;

use super::balance::Bucket;
use super::counted::{Consumed, HeldAs, Released, within};
use super::{pool_holds, quota_holds};
use crate::store::Hold;
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::types::Result;

/// Works out the balances after the holds of an attempt become what it took. An account that was deleted is left out.
///
/// What has no cost moves no money; where it `awaits_price`, its accounts that were closed for it stay so.
pub(super) fn released(
    ledger: &Ledger<'_>,
    holds: &[Hold],
    consumed: Consumed<'_>,
    awaits_price: bool,
    made: HeldAs,
) -> Result<Released> {
    let mut released = Released::default();
    quota_holds::release(ledger, holds, consumed, made, &mut released)?;
    let is_paying = pool_holds::paying(ledger, holds, consumed.cost, made.at);
    for hold in holds.iter().filter(|hold| !quota_holds::is_quotas(hold)) {
        let consumed = if is_paying(hold) { consumed } else { Consumed::NOTHING };
        let counted = within(ledger, hold, consumed, made, &mut released)?;
        let bucket = Bucket::of(hold);
        if !released.changes.is_kept(ledger, &bucket)? {
            continue;
        }
        released.changes.free(ledger, &bucket, (hold.amount, hold.closes && !awaits_price))?;
        if let Some(counted) = counted {
            released.changes.settle(ledger, &bucket, counted.amount, Cause::Consume)?;
            counted.note(&mut released.conversions);
            released.moved.push(Hold { amount: counted.amount, closes: false, ..hold.clone() });
        } else if awaits_price && hold.unit.currency().is_some() {
            released.moved.push(Hold { amount: Decimal::ZERO, ..hold.clone() });
        }
    }
    Ok(released)
}
