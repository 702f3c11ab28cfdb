//! Adjust: a record of its own corrects another's cost; the other is never changed.

use rust_decimal::Decimal;

use super::balance::Bucket;
use super::counted::{Released, in_currency, move_later_budgets};
use super::{invalid, not_found};
use crate::store::codec::{Row, kept};
use crate::store::ledger::Ledger;
use crate::store::operation::Cause;
use crate::store::rows::UsageRecordRow;
use crate::store::{Adjustment, Hold};
use crate::types::{
    AccountUnit, BilledBy, CostStatus, Dimensions, Error, ErrorKind, Money, ReceiptLine, RecordStatus, Result, Usage,
    UsageRecord, UsageRecordId, exact_add, exact_subtract,
};

pub(super) fn adjust(ledger: &mut Ledger<'_>, adjustment: Adjustment) -> Result<Money> {
    let Adjustment { adjusts, cost, price_ids, record_uid, now } = adjustment;
    let (original, holds) = original(ledger, &adjusts, cost)?;
    if ledger.records.of_uid(&record_uid)?.is_some() {
        return Err(invalid(format!("record {record_uid} exists already; give each adjustment a uid of its own")));
    }
    let billed = billed(ledger, &original)?;
    let created_at = original.created_at;
    let difference = Money::new(exact_subtract(cost.amount, billed)?, cost.currency);
    if difference.amount.is_zero() {
        return Ok(difference);
    }
    let now = kept(now);
    let original_rates: Vec<_> = original.conversions.iter().map(|conversion| conversion.exchange).collect();
    let mut record = UsageRecord {
        id: UsageRecordId::new(ledger.records.next_id()?),
        uid: record_uid,
        usage: Usage::default(),
        token_consumed: None,
        cost_amount: Some(difference.amount),
        currency: Some(difference.currency),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::Adjustment,
        receipt: vec![line(&original, difference)],
        price_ids,
        conversions: Vec::new(),
        adjusts: Some(adjusts),
        status: RecordStatus::Success,
        error_code: None,
        error_message: None,
        latency_ms: 0,
        created_at: now,
        ..original
    };
    let started_at = record.facts.started_at;
    let rate = |currency| {
        let frozen = original_rates.iter().find(|exchange| exchange.to == currency);
        frozen.copied()
    };
    let mut moved = Released::default();
    // The buckets that the record moved, and no others: yesterday's correction is not today's.
    for hold in &holds {
        let AccountUnit::Money(currency) = hold.unit else { continue };
        let frozen = hold.exchange.or_else(|| rate(currency));
        let Some(counted) = in_currency(difference, currency, frozen, &ledger.rates_at(started_at))? else { continue };
        let bucket = Bucket::of(hold);
        if !moved.changes.is_kept(ledger, &bucket)? {
            continue;
        }
        moved.changes.settle(ledger, &bucket, counted.amount, Cause::Adjust)?;
        counted.note(&mut moved.conversions);
        moved.moved.push(Hold { amount: counted.amount, closes: false, ..hold.clone() });
    }
    let dimensions = Dimensions {
        user: record.user.as_deref(),
        tags: &record.tags,
        provider: Some(&record.provider),
        model: Some(&record.model),
    };
    let lies = (&dimensions, created_at);
    move_later_budgets(ledger, &mut moved, &holds, lies, (difference, Cause::Adjust), &rate, started_at)?;
    record.conversions = std::mem::take(&mut moved.conversions);
    let row = UsageRecordRow::new(&record, &moved.moved, &[])?;

    let id = ledger.records.take_id()?;
    ledger.put_record(id, record, &row)?;
    moved.changes.write(ledger, id, now)?;
    Ok(difference)
}

/// Returns the record to correct and what it moved, if it can be corrected to a cost.
fn original(ledger: &Ledger<'_>, uid: &str, cost: Money) -> Result<(UsageRecord, Vec<Hold>)> {
    let missing = || not_found(&format!("usage record {uid}"));
    let id = ledger.records.of_uid(uid)?.ok_or_else(missing)?;
    let mut row = ledger.records.get(id)?.ok_or_else(missing)?;
    let holds = std::mem::take(&mut row.holds).into_iter().map(|hold| hold.hold(UsageRecordRow::TABLE));
    let (holds, record) = (holds.collect::<Result<_>>()?, row.record(id)?);
    if cost.amount < Decimal::ZERO {
        return Err(invalid("a cost is below zero; give zero or more"));
    }
    if let Some(other) = &record.adjusts {
        return Err(invalid(format!("record {uid} is an adjustment itself; adjust record {other}, which it corrects")));
    }
    match record.currency {
        None => Err(invalid(format!("record {uid} has no cost to correct; put a price on it instead"))),
        Some(currency) if currency != cost.currency => Err(Error::new(
            ErrorKind::CurrencyMismatch,
            format!("record {uid} was billed in {currency}; correct it in that currency, not in {}", cost.currency),
        )),
        Some(_) => Ok((record, holds)),
    }
}

/// Sums the cost of a record and of its adjustments in its own currency.
pub(super) fn billed(ledger: &Ledger<'_>, record: &UsageRecord) -> Result<Decimal> {
    let adjustments = ledger.records.correcting(&record.uid)?;
    adjustments.into_iter().try_fold(record.cost_amount.unwrap_or_default(), |sum, row| {
        let cost = row.cost()?.filter(|cost| Some(cost.currency) == record.currency);
        exact_add(sum, cost.map_or(Decimal::ZERO, |cost| cost.amount))
    })
}

fn line(record: &UsageRecord, difference: Money) -> ReceiptLine {
    ReceiptLine {
        attempt: record.attempt,
        model: record.full_name().to_string(),
        meter: None,
        note: Some("adjustment".to_owned()),
        quantity: 1.into(),
        billed_quantity: None,
        unit_price: None,
        unit: None,
        price_id: None,
        modifiers: Vec::new(),
        amount: Some(difference.amount),
        currency: Some(difference.currency),
    }
}
