//! Holding rollups against the records that they count, and against each other.

use std::collections::BTreeMap;

use super::calendar::{HOUR, HOURS, date_of_day, day_number, first_day, is_month, month, place};
use super::change::{ALL, Class, class_of};
use super::sum::{Sum, add};
use crate::store::codec::{Row, micros};
use crate::store::names::{self, NOTHING, USERS};
use crate::store::reading::Reader;
use crate::store::rows::{RollupClassRow, RollupRow, RollupSlotRow};
use crate::store::tables::{self, RollupKey};
use crate::types::{Result, UsageRecord};

/// How records ended, and in what.
type Words = (bool, [String; 4]);
/// A cell of a month's rollup: the model, the class, the day.
type Cell = (u64, Class, u8);

/// What many records add up to, as far as it is checked. A sum of more digits than fit is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Total {
    records: u64,
    cost: Option<Sum>,
}

impl Default for Total {
    fn default() -> Self {
        Self { records: 0, cost: Some(Sum::default()) }
    }
}

impl Total {
    fn of(row: &RollupSlotRow) -> Result<Self> {
        let cost = row.cost.as_ref().map(|cost| Sum::read(RollupRow::TABLE, cost)).transpose()?;
        Ok(Self { records: row.records, cost })
    }

    fn add(&mut self, other: Self) {
        self.records = self.records.saturating_add(other.records);
        self.cost = add(self.cost, other.cost);
    }
}

/// A check under way: first the records are counted, then the rows are read in their order.
#[derive(Default)]
pub(in crate::store) struct RollupCheck {
    digested: u64,
    archived: i64,
    /// What records add up to by their day, model and class.
    counted: BTreeMap<(i32, u64, Words), Total>,
    /// The month that is read, what all of its records add up to, and what those of its users do.
    month: i32,
    all: BTreeMap<Cell, Total>,
    of_users: BTreeMap<Cell, Total>,
    /// How many cells months have, and how many of days are among them.
    cells_of_months: u64,
    cells_of_days: u64,
}

impl RollupCheck {
    /// Begins a check. Of the months before an instant, in microseconds, records were archived.
    pub(in crate::store) fn new(digested: u64, archived: i64) -> Self {
        Self { digested, archived, ..Self::default() }
    }

    /// Counts a record.
    pub(in crate::store) fn count(&mut self, record: &UsageRecord) {
        if record.id.get() > self.digested {
            return;
        }
        let currency = record.currency.map_or_else(String::new, |currency| currency.code().to_owned());
        let words = [&record.usage_type, record.status.name(), record.cost_status.name(), &currency];
        let words = (record.adjusts.is_some(), words.map(str::to_owned));
        let day = place(micros(record.created_at)).day;
        let total = self.counted.entry((day, record.model_id.get(), words)).or_default();
        total.add(Total { records: 1, cost: Some(record.cost_amount.map(Sum::from).unwrap_or_default()) });
    }

    /// Holds a row against what was counted, or against a row that was read before. Returns what is wrong with it.
    pub(in crate::store) fn row(
        &mut self,
        reader: &Reader<'_>,
        key: RollupKey,
        row: &RollupRow,
    ) -> Result<Option<String>> {
        let (bucket, dimension, _, model) = key;
        if !is_month(bucket) {
            return self.day(reader, key, row);
        }
        let begun = (bucket != self.month).then(|| self.users(reader)).transpose()?.flatten();
        if bucket != self.month {
            (self.month, self.all, self.of_users) = (bucket, BTreeMap::new(), BTreeMap::new());
        }
        for class in &row.classes {
            if let Some(problem) = wrong_sum(class)? {
                return Ok(Some(problem));
            }
            for slot in &class.slots()? {
                self.cells_of_months += 1;
                let (total, cell) = (Total::of(slot)?, (model, class_of(class), slot.slot));
                if dimension == USERS {
                    self.of_users.entry(cell).or_default().add(total);
                } else if dimension == ALL {
                    self.all.insert(cell, total);
                    let day = day_number(first_day(bucket)).saturating_add(slot.slot.into());
                    let counted = self.counted.remove(&(day, model, words(reader, class)?)).unwrap_or_default();
                    let is_archived = i64::from(day) * HOURS * HOUR < self.archived;
                    let is_right = if is_archived { counted.records <= total.records } else { counted == total };
                    if !is_right {
                        return Ok(Some(differs(day, total, counted)));
                    }
                }
            }
        }
        Ok(begun)
    }

    /// Returns what the users of a month lack.
    fn users(&self, reader: &Reader<'_>) -> Result<Option<String>> {
        let is_whole = self.all == self.of_users || reader.is_full(USERS)?;
        Ok((!is_whole).then(|| {
            format!("the users of the month of {} do not add up to all of its records", first_day(self.month))
        }))
    }

    /// Holds the hours of a day against the day.
    fn day(&mut self, reader: &Reader<'_>, key: RollupKey, row: &RollupRow) -> Result<Option<String>> {
        let (day, dimension, value, model) = key;
        let date = date_of_day(day);
        let key = (month(date), dimension, value, model);
        let whole = reader.rows::<RollupKey, RollupRow>(tables::ROLLUPS).get(key)?;
        let whole = whole.map(|row| row.classes).unwrap_or_default();
        for class in &row.classes {
            self.cells_of_days += 1;
            let mut hours = Total::default();
            if let Some(problem) = wrong_sum(class)? {
                return Ok(Some(problem));
            }
            for slot in &class.slots()? {
                hours.add(Total::of(slot)?);
            }
            let same = whole.iter().find(|other| class_of(other) == class_of(class));
            let slots = same.map(RollupClassRow::slots).transpose()?.unwrap_or_default();
            let stated = slots.iter().find(|slot| i8::try_from(slot.slot).is_ok_and(|slot| slot + 1 == date.day()));
            let stated = stated.map(Total::of).transpose()?.unwrap_or_default();
            if stated != hours {
                return Ok(Some(differs(day, stated, hours)));
            }
        }
        Ok(None)
    }

    /// Returns what is wrong after all rows were read.
    pub(in crate::store) fn end(mut self, reader: &Reader<'_>) -> Result<Vec<String>> {
        let mut wrong: Vec<String> = self.users(reader)?.into_iter().collect();
        if self.cells_of_days != self.cells_of_months {
            let Self { cells_of_months, cells_of_days, .. } = self;
            wrong.push(format!("days have {cells_of_days} sums and months {cells_of_months} of days"));
        }
        for (day, model, _) in std::mem::take(&mut self.counted).into_keys() {
            wrong.push(format!("the sum of model {model} on {} is missing", date_of_day(day)));
        }
        Ok(wrong)
    }
}

/// Returns what is wrong with the sum of all slots of a class.
fn wrong_sum(class: &RollupClassRow) -> Result<Option<String>> {
    let mut all = Total::default();
    for slot in &class.slots()? {
        all.add(Total::of(slot)?);
    }
    Ok((Total::of(&class.all()?)? != all).then(|| "a sum is not that of its parts".to_owned()))
}

fn differs(day: i32, stated: Total, counted: Total) -> String {
    let amount = |total: Total| {
        total.cost.and_then(Sum::amount).map_or_else(|| "more than can be told".to_owned(), |amount| amount.to_string())
    };
    format!(
        "it says {} for {} records on {}, which add up to {} for {}",
        amount(stated),
        stated.records,
        date_of_day(day),
        amount(counted),
        counted.records
    )
}

fn words(reader: &Reader<'_>, class: &RollupClassRow) -> Result<Words> {
    let (is_adjustment, numbers) = class_of(class);
    let mut words = <[String; 4]>::default();
    for (word, number) in words.iter_mut().zip(numbers) {
        if number != NOTHING {
            names::text(&reader.name(number)?)?.clone_into(word);
        }
    }
    Ok((is_adjustment, words))
}
