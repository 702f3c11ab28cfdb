//! Late settlements: an attempt was taken for one whose process had ended, so that recovery has written its record.
//!
//! What was billed stays: records of their own correct it, and all of them sum to what the settlement says. A record without a
//! cost has billed nothing yet, and becomes what the settlement says.

mod counting;

use sha2::{Digest, Sha256};

use self::counting::Counting;
use super::{adjust, keys};
use crate::environment::log::LEDGER;
use crate::store::codec::{Row, kept};
use crate::store::ledger::Ledger;
use crate::store::rollup::digest;
use crate::store::rows::{HoldRow, KeyRow, UsageRecordRow};
use crate::store::{Hold, Settlement};
use crate::types::{
    BilledBy, Decimal, ModelName, Money, ReceiptLine, Result, Usage, UsageFlag, UsageRecord, UsageRecordId, exact_add,
};

/// What a record that recovery wrote has of its holds.
struct Holds {
    /// What was held.
    bounds: Vec<Hold>,
    /// What recovery moved.
    moved: Vec<Hold>,
}

impl Holds {
    fn parts(&self) -> (&[Hold], &[Hold]) {
        (&self.bounds, &self.moved)
    }

    /// Returns the holds of money, as a record keeps them whose price will move them.
    fn awaiting_price(&self) -> impl Iterator<Item = Hold> {
        let money = self.bounds.iter().filter(|hold| hold.unit.currency().is_some());
        money.map(|hold| Hold { amount: Decimal::ZERO, ..hold.clone() })
    }
}

/// Settles an attempt whose record recovery has written. What was settled so before stays as it is.
pub(super) fn settle(ledger: &mut Ledger<'_>, id: u64, row: UsageRecordRow, settlement: Settlement) -> Result<()> {
    let of_row = |rows: &[HoldRow]| -> Result<Vec<Hold>> {
        rows.iter().map(|hold| hold.clone().hold(UsageRecordRow::TABLE)).collect()
    };
    let holds = Holds { bounds: of_row(&row.bounds)?, moved: of_row(&row.holds)? };
    let record = row.record(id)?;
    tracing::warn!(
        target: LEDGER,
        request_id = record.request_id,
        attempt = record.attempt,
        provider = record.provider,
        model = record.model,
        record_uid = record.uid,
        "an attempt was settled after recovery had; its record is corrected"
    );
    match record.cost_amount.zip(record.currency) {
        Some((amount, currency)) => correct(ledger, &record, Money::new(amount, currency), &holds, settlement),
        None => complete(ledger, &record, &holds, settlement),
    }
}

/// Writes what corrects a record that has a cost: the difference, or, where there is none because the currency is another or the
/// cost is not known, what takes the cost back and what bills the attempt.
fn correct(
    ledger: &mut Ledger<'_>,
    record: &UsageRecord,
    first: Money,
    holds: &Holds,
    mut settlement: Settlement,
) -> Result<()> {
    let uid = derived_uid(record, "settled late");
    if ledger.records.of_uid(&uid)?.is_some() {
        return Ok(());
    }
    let key = completed_key(ledger, record, &mut settlement)?;
    let now = kept(settlement.now);
    let awaits_price = settlement.cost.is_none() && settlement.billed_by != BilledBy::NotBilled;
    let is_one_currency = settlement.cost.is_some_and(|cost| cost.currency == first.currency);
    if is_one_currency && settlement.cost.is_some_and(|cost| cost.amount > first.amount) {
        settlement.usage.flag(UsageFlag::ExceededReservation);
    }
    let mut counting = Counting::new(record, holds.parts(), Some(first.currency));
    let mut own = UsageRecord { uid, ..counting.settled(ledger, settlement)? };
    let back = Money::new(-adjust::billed(ledger, record)?, first.currency);
    let mut corrections = Vec::new();
    if let (true, Some(cost)) = (is_one_currency, own.cost_amount) {
        own.cost_amount = Some(exact_add(cost, back.amount)?);
        own.receipt.insert(0, line(record, back));
    } else if !back.amount.is_zero() {
        corrections.push(UsageRecord {
            uid: derived_uid(record, "taken back"),
            usage: Usage::default(),
            token_consumed: None,
            cost_amount: Some(back.amount),
            currency: Some(back.currency),
            receipt: vec![line(record, back)],
            ..record.clone()
        });
    }
    corrections.push(own);
    let mut written = Vec::with_capacity(corrections.len());
    for correction in corrections {
        let (mut moved, conversions) = counting.count(ledger, correction.cost_amount.zip(correction.currency))?;
        let correction = UsageRecord {
            billed_by: BilledBy::Adjustment,
            adjusts: Some(record.uid.clone()),
            conversions,
            created_at: now,
            ..correction
        };
        if awaits_price && correction.cost_amount.is_none() {
            moved.extend(holds.awaiting_price());
        }
        written.push((correction, moved));
    }

    let changes = counting.into_changes();
    let mut last = 0;
    for (mut correction, moved) in written {
        let id = ledger.records.take_id()?;
        last = id;
        correction.id = UsageRecordId::new(id);
        let row = UsageRecordRow::new(&correction, &moved, &[])?;
        ledger.put_record(id, correction, &row)?;
    }
    changes.write(ledger, last, now)?;
    key.map_or(Ok(()), |(key, row, reply)| keys::complete(ledger, &key, row, reply, now))
}

/// Makes a record that has no cost what its settlement says.
fn complete(ledger: &mut Ledger<'_>, before: &UsageRecord, holds: &Holds, mut settlement: Settlement) -> Result<()> {
    let key = completed_key(ledger, before, &mut settlement)?;
    let (now, billed_by) = (kept(settlement.now), settlement.billed_by);
    let mut counting = Counting::new(before, holds.parts(), None);
    let mut after = UsageRecord { billed_by, ..counting.settled(ledger, settlement)? };
    let (moved, conversions) = counting.count(ledger, after.cost_amount.zip(after.currency))?;
    after.conversions = conversions;
    after.token_consumed = match (before.token_consumed, after.token_consumed) {
        (Some(counted), Some(more)) => Some(counted.saturating_add(more)),
        (counted, more) => more.or(counted),
    };
    let awaits_price = |record: &UsageRecord| record.cost_amount.is_none() && record.billed_by != BilledBy::NotBilled;
    counting.close(ledger, awaits_price(before), awaits_price(&after))?;
    // What waited for a price has it now, or waits again.
    let is_moved = |hold: &&Hold| hold.unit.currency().is_none() || !hold.amount.is_zero();
    let mut kept: Vec<Hold> = holds.moved.iter().filter(is_moved).cloned().collect();
    kept.extend(moved);
    if awaits_price(&after) {
        kept.extend(holds.awaiting_price());
    }
    let row = UsageRecordRow::new(&after, &kept, &[])?;
    let changes = counting.into_changes();

    ledger.records.put(before.id.get(), &row)?;
    digest::moved(ledger, before, &after)?;
    changes.write(ledger, before.id.get(), now)?;
    key.map_or(Ok(()), |(key, row, reply)| keys::complete(ledger, &key, row, reply, now))
}

/// Returns the claim that the attempt completes, if it is still the call's own.
fn completed_key(
    ledger: &Ledger<'_>,
    record: &UsageRecord,
    settlement: &mut Settlement,
) -> Result<Option<(String, KeyRow, Vec<u8>)>> {
    let Some((key, reply)) = settlement.completes_key.take() else { return Ok(None) };
    Ok(keys::completable(ledger, &key, &record.request_id)?.map(|row| (key, row, reply)))
}

/// Makes the uid of a record that corrects another: the same one whenever it is made.
fn derived_uid(record: &UsageRecord, what: &str) -> String {
    let digest = Sha256::digest(format!("{what}:{}", record.uid));
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(record.created_at.as_millisecond()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid().to_string()
}

fn line(record: &UsageRecord, back: Money) -> ReceiptLine {
    ReceiptLine {
        attempt: record.attempt,
        model: ModelName::new(&record.provider, &record.model).to_string(),
        meter: None,
        note: Some("reservation".to_owned()),
        quantity: 1.into(),
        billed_quantity: None,
        modifiers: Vec::new(),
        unit_price: None,
        unit: None,
        price_id: None,
        amount: Some(back.amount),
        currency: Some(back.currency),
    }
}
