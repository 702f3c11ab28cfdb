//! What models cost by UTC days: `ai_cost_daily`, out of the rollups of all records.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::calendar::{date_of_day, day_number, first_day, month};
use super::change::ALL;
use super::sum::{Sum, add};
use super::tally::{Rest, month_from};
use crate::store::DailyCost;
use crate::store::codec::{Row, currency, from_name};
use crate::store::failure::damaged;
use crate::store::names::{self, NOTHING};
use crate::store::reading::Reader;
use crate::store::rows::{ModelRow, RollupClassRow, RollupRow, RollupSlotRow};
use crate::store::tables;
use crate::types::{Currency, Error, ErrorKind, Meter, ModelId, Quantity, Result, UsageFilter, UsageRecord};

/// What is kept apart: the day, the provider, the model, the kind of work and the currency.
type Key = (i32, String, u64, String, Option<Currency>);

/// Days under way.
pub(in crate::store) struct Days(pub(in crate::store) BTreeMap<Key, Day>);

/// What one model consumed in one day, in one currency. A sum of more digits than fit is none.
pub(in crate::store) struct Day {
    model: String,
    cost: Option<Sum>,
    meters: BTreeMap<Meter, Option<Sum>>,
    calls: u64,
    unpriced_calls: u64,
    cost_statuses: BTreeSet<String>,
}

/// Returns the records of some days, both inclusive.
pub(in crate::store) fn filter(first: Date, last: Date) -> UsageFilter {
    let midnight = |date: Date| date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp());
    let until = last.tomorrow().ok().and_then(midnight);
    UsageFilter { since: midnight(first), until, ..UsageFilter::default() }
}

/// Reads what the rollups tell of some days, both inclusive. Returns what they do not tell.
pub(in crate::store) fn read(reader: &Reader<'_>, first: Date, last: Date, days: &mut Days) -> Result<Rest> {
    let state = reader.state()?;
    let rest = Rest { digested: state.digested(), head: state.head().record, stretches: Vec::new() };
    let asked = day_number(first)..=day_number(last);
    let mut next = month(first);
    while let Some(bucket) = month_from(reader, next)?.filter(|bucket| *bucket <= month(last)) {
        days.put_month(reader, bucket, &asked)?;
        next = bucket + 1;
    }
    Ok(rest)
}

impl Days {
    /// Adds the days of a month that are asked for.
    fn put_month(&mut self, reader: &Reader<'_>, month: i32, asked: &RangeInclusive<i32>) -> Result<()> {
        let range = (month, ALL, NOTHING, 0)..=(month, ALL, NOTHING, u64::MAX);
        reader.rows(tables::ROLLUPS).each(range, |(.., model), row: RollupRow| {
            let names = reader.rows::<u64, ModelRow>(tables::MODELS).get(model)?;
            let names = names.ok_or_else(|| damaged(ModelRow::TABLE, "a model is missing"))?;
            for class in &row.classes {
                for slot in &class.slots()? {
                    let day = day_number(first_day(month)).saturating_add(slot.slot.into());
                    if asked.contains(&day) {
                        self.put(reader, day, (model, &names), class, slot)?;
                    }
                }
            }
            Ok(true)
        })
    }

    fn day(&mut self, key: Key, model: &str) -> &mut Day {
        self.0.entry(key).or_insert_with(|| Day {
            model: model.to_owned(),
            cost: Some(Sum::default()),
            meters: BTreeMap::new(),
            calls: 0,
            unpriced_calls: 0,
            cost_statuses: BTreeSet::new(),
        })
    }

    /// Adds a slot of a rollup.
    fn put(
        &mut self,
        reader: &Reader<'_>,
        day: i32,
        (model, names): (u64, &ModelRow),
        class: &RollupClassRow,
        slot: &RollupSlotRow,
    ) -> Result<()> {
        let word = |number| Ok::<_, Error>(names::text(&reader.name(number)?)?.to_owned());
        let in_currency =
            (class.currency != NOTHING).then(|| currency(RollupRow::TABLE, &word(class.currency)?)).transpose()?;
        let key = (day, names.provider.clone(), model, word(class.usage_type)?, in_currency);
        let day = self.day(key, &names.model_code);
        let read = |sum: &Option<_>| sum.as_ref().map(|sum| Sum::read(RollupRow::TABLE, sum)).transpose();
        day.cost = add(day.cost, read(&slot.cost)?);
        for (meter, sum) in &slot.meters {
            let total = day.meters.entry(from_name(RollupRow::TABLE, &word(*meter)?)?).or_insert(Some(Sum::default()));
            *total = add(*total, read(sum)?);
        }
        let calls = if class.is_adjustment { 0 } else { slot.records };
        day.calls += calls;
        day.unpriced_calls += if class.currency == NOTHING { calls } else { 0 };
        day.cost_statuses.insert(word(class.cost_status)?);
        Ok(())
    }

    /// Adds a record.
    pub(in crate::store) fn add(&mut self, record: &UsageRecord) {
        let date = record.created_at.to_zoned(TimeZone::UTC).date();
        let key = (
            day_number(date),
            record.provider.clone(),
            record.model_id.get(),
            record.usage_type.clone(),
            record.currency,
        );
        let day = self.day(key, &record.model);
        day.cost = add(day.cost, Some(record.cost_amount.map(Sum::from).unwrap_or_default()));
        for (meter, quantity) in &record.usage.meters {
            let total = day.meters.entry(*meter).or_insert(Some(Sum::default()));
            *total = add(*total, Some(quantity.get().into()));
        }
        day.calls += u64::from(record.adjusts.is_none());
        day.unpriced_calls += u64::from(record.adjusts.is_none() && record.cost_amount.is_none());
        day.cost_statuses.insert(record.cost_status.name().to_owned());
    }

    /// Returns the days, in the order day, provider, model. Fails if a sum has more digits than an amount.
    pub(in crate::store) fn costs(self) -> Result<Vec<DailyCost>> {
        let exact = |sum: Option<Sum>| {
            sum.and_then(Sum::amount).ok_or_else(|| {
                Error::new(
                    ErrorKind::Internal,
                    "a sum of one day has more than 28 digits; it is refused rather than rounded",
                )
            })
        };
        let cost = |((day, provider, model_id, usage_type, currency), sums): (Key, Day)| {
            let quantity = |(meter, sum)| Ok((meter, Quantity::new(exact(sum)?).unwrap_or_default()));
            Ok(DailyCost {
                day: date_of_day(day),
                provider,
                model_id: ModelId::new(model_id),
                model: sums.model,
                usage_type,
                currency,
                cost: exact(sums.cost)?,
                meters: sums.meters.into_iter().map(quantity).collect::<Result<_>>()?,
                calls: sums.calls,
                unpriced_calls: sums.unpriced_calls,
                cost_statuses: sums.cost_statuses,
            })
        };
        self.0.into_iter().map(cost).collect()
    }
}
