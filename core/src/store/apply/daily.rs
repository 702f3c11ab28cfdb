//! The daily rollup: what one model consumed in one UTC day, in one currency.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::store::codec::{DecimalBytes, Row, decimal};
use crate::store::ledger::Ledger;
use crate::store::rows::{DailyRow, named_meters};
use crate::types::{Result, UsageRecord, exact_add, exact_subtract};

/// The key and the row of a rollup that is to be written.
pub(super) struct Rollup {
    day: i32,
    provider: String,
    model_id: u64,
    usage_type: String,
    currency: String,
    row: DailyRow,
}

/// Returns the number of a day since 1970.
pub(in crate::store) fn day_number(day: Date) -> i32 {
    day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours().div_euclid(24).try_into().unwrap_or(i32::MAX)
}

fn read(ledger: &Ledger<'_>, record: &UsageRecord) -> Result<Rollup> {
    let day = day_number(record.created_at.to_zoned(TimeZone::UTC).date());
    let currency = record.currency.map_or_else(String::new, |currency| currency.code().to_owned());
    let key = (day, record.provider.as_str(), record.model_id.get(), record.usage_type.as_str(), currency.as_str());
    let row = ledger.daily.get(key)?.unwrap_or_else(|| DailyRow {
        model: record.model.clone(),
        cost: Decimal::ZERO.serialize(),
        meters: Vec::new(),
        calls: 0,
        unpriced_calls: 0,
        adjustments: 0,
        cost_statuses: Vec::new(),
    });
    Ok(Rollup {
        day,
        provider: record.provider.clone(),
        model_id: record.model_id.get(),
        usage_type: record.usage_type.clone(),
        currency,
        row,
    })
}

/// Works out the rollup with one record more.
pub(super) fn with(ledger: &Ledger<'_>, record: &UsageRecord) -> Result<Rollup> {
    added(read(ledger, record)?, record)
}

/// Works out the rollups after a record that has no cost becomes another one.
pub(super) fn replaced(ledger: &Ledger<'_>, before: &UsageRecord, after: &UsageRecord) -> Result<Vec<Rollup>> {
    let rest = without(ledger, before)?;
    if after.currency.is_none() {
        return Ok(vec![added(rest, after)?]);
    }
    Ok(vec![rest, with(ledger, after)?])
}

fn added(mut rollup: Rollup, record: &UsageRecord) -> Result<Rollup> {
    let row = &mut rollup.row;
    if let Some(amount) = record.cost_amount {
        row.cost = exact_add(decimal(DailyRow::TABLE, row.cost)?, amount)?.serialize();
    }
    let mut meters: BTreeMap<String, DecimalBytes> = std::mem::take(&mut row.meters).into_iter().collect();
    for (meter, bytes) in named_meters(&record.usage.meters) {
        let sum = meters.entry(meter).or_insert_with(|| Decimal::ZERO.serialize());
        *sum = exact_add(decimal(DailyRow::TABLE, *sum)?, decimal(DailyRow::TABLE, bytes)?)?.serialize();
    }
    row.meters = meters.into_iter().collect();
    if record.adjusts.is_some() {
        row.adjustments += 1;
    } else {
        row.calls += 1;
    }
    row.unpriced_calls += u64::from(record.cost_amount.is_none());
    let mut statuses: BTreeSet<String> = std::mem::take(&mut row.cost_statuses).into_iter().collect();
    statuses.insert(record.cost_status.name().to_owned());
    row.cost_statuses = statuses.into_iter().collect();
    Ok(rollup)
}

/// Works out the rollup without a record that has no cost.
pub(super) fn without(ledger: &Ledger<'_>, record: &UsageRecord) -> Result<Rollup> {
    let mut rollup = read(ledger, record)?;
    let row = &mut rollup.row;
    for (meter, sum) in &mut row.meters {
        if let Some((_, used)) = record.usage.meters.iter().find(|(other, _)| other.name() == meter) {
            let rest = exact_subtract(decimal(DailyRow::TABLE, *sum)?, used.get())?;
            *sum = rest.max(Decimal::ZERO).serialize();
        }
    }
    row.calls = row.calls.saturating_sub(1);
    row.unpriced_calls = row.unpriced_calls.saturating_sub(1);
    Ok(rollup)
}

/// Writes a rollup, or removes it if no record is left in it.
pub(super) fn write(ledger: &mut Ledger<'_>, rollup: &Rollup) -> Result<()> {
    let key =
        (rollup.day, rollup.provider.as_str(), rollup.model_id, rollup.usage_type.as_str(), rollup.currency.as_str());
    if rollup.row.calls == 0 && rollup.row.adjustments == 0 {
        ledger.daily.remove(key)
    } else {
        ledger.daily.put(key, &rollup.row)
    }
}
