//! What records add to rollups, or take from them.

use std::collections::BTreeMap;

use super::calendar::{Place, place};
use super::sum::{Sum, add};
use crate::store::codec::{Row, micros};
use crate::store::failure::damaged;
use crate::store::ledger::Ledger;
use crate::store::names::{NOTHING, TAG_KEYS, USERS, WORDS};
use crate::store::rows::{ALL_SLOTS, RollupClassRow, RollupRow, RollupSlotRow};
use crate::store::tables::RollupKey;
use crate::types::{BilledBy, Result, UsageRecord};

/// The dimension of all records, which has one value.
pub(in crate::store) const ALL: u64 = 0;

/// What records that ended alike have in common: whether they are corrections, and the numbers of the kind of work, of the status, of
/// the cost status and of the currency.
pub(super) type Class = (bool, [u64; 4]);

/// Returns what the records of a class have in common.
pub(super) fn class_of(row: &RollupClassRow) -> Class {
    (row.is_adjustment, [row.usage_type, row.status, row.cost_status, row.currency])
}

/// What records add to rollups: by the dimension, its value and the model, and by the hour and the class.
#[derive(Default)]
pub(in crate::store) struct Change(BTreeMap<[u64; 3], BTreeMap<(Place, Class), Sums>>);

/// What some records add up to. A sum of more digits than fit is none.
#[derive(Clone, Debug)]
struct Sums {
    records: i64,
    requests: i64,
    input_tokens: i128,
    output_tokens: i128,
    other_tokens: i128,
    cost: Option<Sum>,
    meters: BTreeMap<u64, Option<Sum>>,
}

impl Change {
    /// Adds a record, or takes it away. What it says gets numbers where it has none.
    pub(in crate::store) fn add(&mut self, ledger: &mut Ledger<'_>, record: &UsageRecord, is_new: bool) -> Result<()> {
        let word = |word: &str| ledger.number(WORDS, word.as_bytes()).map(Option::unwrap_or_default);
        let currency = record.currency.map(|currency| word(currency.code())).transpose()?.unwrap_or(NOTHING);
        let words =
            [word(&record.usage_type)?, word(record.status.name())?, word(record.cost_status.name())?, currency];
        let class = (record.adjusts.is_some(), words);
        let mut of_all = Sums::of(record);
        for (meter, quantity) in &record.usage.meters {
            of_all.meters.insert(word(meter.name())?, Some(Sum::from(quantity.get())));
        }
        if !is_new {
            of_all.negate();
        }
        let of_value = Sums { meters: BTreeMap::new(), ..of_all.clone() };
        let at = place(micros(record.created_at));
        let model = record.model_id.get();
        let mut put = |dimension, value, sums: &Sums| {
            let hours = self.0.entry([dimension, value, model]).or_default();
            hours.entry((at, class)).or_default().add(sums);
        };
        put(ALL, NOTHING, &of_all);
        let user = match &record.user {
            Some(user) => ledger.number(USERS, user.as_bytes())?,
            None => Some(NOTHING),
        };
        if let Some(user) = user {
            put(USERS, user, &of_value);
        }
        for (key, value) in &record.tags {
            let Some(key) = ledger.number(TAG_KEYS, key.as_bytes())? else { continue };
            if let Some(value) = ledger.number(key, value.as_bytes())? {
                put(key, value, &of_value);
            }
        }
        Ok(())
    }

    /// Returns what is added to each row: those of months, and those of days.
    fn rows(self) -> BTreeMap<RollupKey, Cells> {
        let mut rows = BTreeMap::<RollupKey, Cells>::new();
        for ([dimension, value, model], hours) in self.0 {
            for ((at, class), sums) in hours {
                for (bucket, slot) in [(at.month, at.day_of_month), (at.day, at.hour)] {
                    let cells = rows.entry((bucket, dimension, value, model)).or_default();
                    cells.entry((class, slot)).or_default().add(&sums);
                }
            }
        }
        rows
    }

    /// Writes what was added and taken away.
    pub(in crate::store) fn write(self, ledger: &mut Ledger<'_>) -> Result<()> {
        for (key, cells) in self.rows() {
            let mut row = ledger.rollups.get(key)?.unwrap_or(RollupRow { classes: Vec::new() });
            let mut by_class = BTreeMap::<Class, Vec<(u8, Sums)>>::new();
            for ((class, slot), sums) in cells {
                by_class.entry(class).or_default().push((slot, sums));
            }
            for (class, slots) in by_class {
                change(&mut row, class, &slots)?;
            }
            row.classes.retain(|class| !class.packed.is_empty());
            if row.classes.is_empty() {
                ledger.rollups.remove(key)?;
            } else {
                ledger.rollups.put(key, &row)?;
            }
        }
        Ok(())
    }
}

/// What is added to a row: to the cells of its classes and slots.
type Cells = BTreeMap<(Class, u8), Sums>;

/// Changes cells of a class of a row. One that no record is left in is removed, and a class without any is left with none.
fn change(row: &mut RollupRow, class: Class, changed: &[(u8, Sums)]) -> Result<()> {
    let (is_adjustment, [usage_type, status, cost_status, currency]) = class;
    let place = row.classes.iter().position(|row| class_of(row) == class).unwrap_or_else(|| {
        row.classes.push(RollupClassRow {
            is_adjustment,
            usage_type,
            status,
            cost_status,
            currency,
            packed: Vec::new(),
        });
        row.classes.len() - 1
    });
    let class = &mut row.classes[place];
    let mut slots = class.slots()?;
    for (slot, sums) in changed {
        let found = slots.binary_search_by_key(slot, |row| row.slot);
        let mut total = found.map_or_else(|_| Ok(Sums::default()), |place| Sums::read(&slots[place]))?;
        total.add(sums);
        let is_empty = total.records == 0;
        match found {
            Ok(place) if is_empty => drop(slots.remove(place)),
            Ok(place) => slots[place] = total.row(*slot)?,
            Err(_) if is_empty => {}
            Err(place) => slots.insert(place, total.row(*slot)?),
        }
    }
    if slots.is_empty() {
        class.packed.clear();
        return Ok(());
    }
    let mut all = Sums::default();
    for slot in &slots {
        all.add(&Sums::read(slot)?);
    }
    class.pack(&all.row(ALL_SLOTS)?, &slots);
    Ok(())
}

impl Default for Sums {
    fn default() -> Self {
        Self {
            records: 0,
            requests: 0,
            input_tokens: 0,
            output_tokens: 0,
            other_tokens: 0,
            cost: Some(Sum::default()),
            meters: BTreeMap::new(),
        }
    }
}

impl Sums {
    /// Returns what one record adds, but for its meters.
    fn of(record: &UsageRecord) -> Self {
        let is_request = record.adjusts.is_none() && record.billed_by != BilledBy::NotBilled;
        let tokens = |tokens: Option<u64>| i128::from(tokens.unwrap_or_default());
        let (input_tokens, output_tokens) = (tokens(record.usage.input_tokens()), tokens(record.usage.output_tokens()));
        let consumed = i128::from(record.token_consumed.unwrap_or_default());
        Self {
            records: 1,
            requests: is_request.into(),
            input_tokens,
            output_tokens,
            other_tokens: consumed - input_tokens - output_tokens,
            cost: Some(record.cost_amount.map(Sum::from).unwrap_or_default()),
            meters: BTreeMap::new(),
        }
    }

    fn negate(&mut self) {
        self.records = -self.records;
        self.requests = -self.requests;
        self.input_tokens = -self.input_tokens;
        self.output_tokens = -self.output_tokens;
        self.other_tokens = -self.other_tokens;
        self.cost = self.cost.map(|sum| -sum);
        for sum in self.meters.values_mut() {
            *sum = sum.map(|sum| -sum);
        }
    }

    fn add(&mut self, other: &Self) {
        self.records += other.records;
        self.requests += other.requests;
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.other_tokens += other.other_tokens;
        self.cost = add(self.cost, other.cost);
        for (meter, sum) in &other.meters {
            let own = self.meters.entry(*meter).or_insert(Some(Sum::default()));
            *own = add(*own, *sum);
        }
    }

    fn read(row: &RollupSlotRow) -> Result<Self> {
        let count = |count: u64| i64::try_from(count).map_err(|_| damaged(RollupRow::TABLE, "a count is out of range"));
        let sum = |row: &Option<_>| row.as_ref().map(|row| Sum::read(RollupRow::TABLE, row)).transpose();
        Ok(Self {
            records: count(row.records)?,
            requests: count(row.requests)?,
            input_tokens: row.input_tokens,
            output_tokens: row.output_tokens,
            other_tokens: row.other_tokens,
            cost: sum(&row.cost)?,
            meters: row.meters.iter().map(|(meter, row)| Ok((*meter, sum(row)?))).collect::<Result<_>>()?,
        })
    }

    fn row(self, slot: u8) -> Result<RollupSlotRow> {
        let count =
            |count: i64| u64::try_from(count).map_err(|_| damaged(RollupRow::TABLE, "a record is taken from it twice"));
        // A meter of which nothing is left was taken away with its record, or was zero in all of them.
        let is_left = |(_, sum): &(u64, Option<Sum>)| *sum != Some(Sum::default());
        Ok(RollupSlotRow {
            slot,
            records: count(self.records)?,
            requests: count(self.requests)?,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            other_tokens: self.other_tokens,
            cost: self.cost.map(Sum::row),
            meters: self.meters.into_iter().filter(is_left).map(|(meter, sum)| (meter, sum.map(Sum::row))).collect(),
        })
    }
}
