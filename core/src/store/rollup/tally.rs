//! Answering from rollups.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::calendar::is_month;
use super::change::ALL;
use super::plan::{Label, Slots, Stretch};
use super::sum::{Sum, add};
use crate::store::codec::{Row, currency, from_name, micros};
use crate::store::failure::damaged;
use crate::store::names::{self, NOTHING, TAG_KEYS, USERS};
use crate::store::reading::Reader;
use crate::store::rows::{ModelRow, RollupClassRow, RollupRow};
use crate::store::tables::{self, RollupKey};
use crate::store::{Tally, TallyKey, TallyQuery};
use crate::types::{Result, UsageFilter};

/// Which records rollups do not tell.
#[derive(Debug, Default)]
pub(in crate::store) struct Rest {
    /// The last record that the rollups count, and the last that there is: those between them are not told.
    pub(in crate::store) digested: u64,
    pub(in crate::store) head: u64,
    /// Stretches of time, in microseconds, of which counted records are not told either.
    pub(in crate::store) stretches: Vec<Range<i64>>,
}

/// Which records are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Counts {
    /// All of them.
    All,
    /// Those that correct no other.
    Calls,
}

/// Hands on what rollups tell of a question. Returns what they do not tell; nothing if they cannot answer it.
pub(in crate::store) fn tally(
    reader: &Reader<'_>,
    query: &TallyQuery,
    counts: Counts,
    take: &mut dyn FnMut(&Tally) -> Result<()>,
) -> Result<Option<Rest>> {
    let state = reader.state()?;
    let mut rest = Rest { digested: state.digested(), head: state.head().record, stretches: Vec::new() };
    let Some(lines) = lines(reader, query)? else { return Ok(None) };
    let UsageFilter { since, until, .. } = query.filter;
    let (since, until) = (since.map_or(i64::MIN, ceiling), until.map_or(i64::MAX, ceiling));
    let stretch = Stretch::new(since, until, query.grain, &query.time_zone);
    let mut answer = Answer { reader, query, counts, models: HashMap::new(), classes: HashMap::new(), take };
    let mut next = super::calendar::place(stretch.since()).month;
    while let Some(month) = month_from(reader, next)? {
        if stretch.ends_before(month) {
            break;
        }
        let plan = stretch.plan(month);
        rest.stretches.extend(plan.rest);
        let days = plan.hours.into_iter().chain(std::iter::once((month, plan.days)));
        for (bucket, slots) in days.filter(|(_, slots)| slots.iter().any(Option::is_some)) {
            for line in &lines {
                if !answer.bucket(bucket, line, &slots)? {
                    return Ok(None);
                }
            }
        }
        next = month + 1;
    }
    Ok(Some(rest))
}

/// Returns an instant in microseconds, as rows keep them: a record lies before it exactly if it lies before what is returned.
fn ceiling(instant: jiff::Timestamp) -> i64 {
    let cut = micros(instant);
    let is_cut = jiff::Timestamp::from_microsecond(cut).is_ok_and(|kept| kept < instant);
    cut.saturating_add(is_cut.into())
}

/// Returns the first month from one on of which there are rollups.
pub(super) fn month_from(reader: &Reader<'_>, month: i32) -> Result<Option<i32>> {
    let mut found = None;
    reader.entries(tables::ROLLUPS).each((month, 0, 0, 0).., |(bucket, ..), _| {
        found = is_month(bucket).then_some(bucket);
        Ok(false)
    })?;
    Ok(found)
}

/// Rows of one dimension that are read, and what they are.
struct Line {
    dimension: u64,
    /// The value; all values where absent.
    value: Option<u64>,
    role: Role,
}

/// What the sums of rows are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Those of all that is asked for.
    Whole,
    /// Those of the value that a row is of.
    OfValue,
    /// Those of the value that a row is of, which are taken from those of the records without one.
    OfValueTakenBack,
}

/// Returns the rows to read for a question; nothing if rollups cannot tell.
fn lines(reader: &Reader<'_>, query: &TallyQuery) -> Result<Option<Vec<Line>>> {
    let UsageFilter { user, tags, request_id, .. } = &query.filter;
    let mut tags = tags.iter();
    let (space, name, role) = match (&query.by, user, tags.next()) {
        _ if request_id.is_some() || tags.next().is_some() => return Ok(None),
        (None, None, None) => {
            return Ok(Some(vec![Line { dimension: ALL, value: Some(NOTHING), role: Role::Whole }]));
        }
        (None, Some(user), None) => (USERS, Some(user), Role::Whole),
        (Some(TallyKey::User), user, None) => (USERS, user.as_ref(), Role::OfValue),
        (by, None, Some((key, value))) => {
            let role = match by {
                None => Role::Whole,
                Some(TallyKey::Tag(by)) if by == key => Role::OfValue,
                Some(_) => return Ok(None),
            };
            let Some(key) = reader.number(TAG_KEYS, key.as_bytes())? else {
                return Ok((!reader.is_full(TAG_KEYS)?).then(Vec::new));
            };
            (key, Some(value), role)
        }
        (Some(TallyKey::Tag(key)), None, None) => {
            let whole = Line { dimension: ALL, value: Some(NOTHING), role: Role::Whole };
            let Some(key) = reader.number(TAG_KEYS, key.as_bytes())? else {
                return Ok((!reader.is_full(TAG_KEYS)?).then(|| vec![whole]));
            };
            let values = Line { dimension: key, value: None, role: Role::OfValueTakenBack };
            return Ok((!reader.is_full(key)?).then(|| vec![whole, values]));
        }
        _ => return Ok(None),
    };
    Ok(match name {
        None if reader.is_full(space)? => None,
        None => Some(vec![Line { dimension: space, value: None, role }]),
        Some(name) => match reader.number(space, name.as_bytes())? {
            None if reader.is_full(space)? => None,
            None => Some(Vec::new()),
            value => Some(vec![Line { dimension: space, value, role }]),
        },
    })
}

/// A model: its provider's name and its own.
type Names = (Arc<str>, Arc<str>);

/// An answer under way.
struct Answer<'a> {
    reader: &'a Reader<'a>,
    query: &'a TallyQuery,
    counts: Counts,
    /// Models that were looked at; nothing for those that are not asked for.
    models: HashMap<u64, Option<Names>>,
    /// Classes that were looked at, as sums that are empty; nothing for those that are not asked for.
    classes: HashMap<[u64; 3], Option<Tally>>,
    take: &'a mut dyn FnMut(&Tally) -> Result<()>,
}

impl Answer<'_> {
    /// Hands on what the rows of one month or day tell. Returns whether they can tell it.
    fn bucket(&mut self, bucket: i32, line: &Line, slots: &Slots) -> Result<bool> {
        let Line { dimension, value, role } = *line;
        let first: RollupKey = (bucket, dimension, value.unwrap_or(0), 0);
        let last: RollupKey = (bucket, dimension, value.unwrap_or(u64::MAX), u64::MAX);
        let mut named: Option<(u64, Option<Arc<str>>)> = None;
        let mut can_tell = true;
        self.reader.rows(tables::ROLLUPS).each(first..=last, |(_, _, value, model), row: RollupRow| {
            let Some((provider, model)) = self.model(model)? else { return Ok(true) };
            if role != Role::Whole && named.as_ref().is_none_or(|(known, _)| *known != value) {
                named = Some((value, self.value(value)?));
            }
            let value = named.as_ref().and_then(|(_, value)| value.clone());
            let counts = self.counts;
            for class in row.classes.iter().filter(|class| counts == Counts::All || !class.is_adjustment) {
                let Some(empty) = self.class(class)? else { continue };
                let empty = Tally { value: value.clone(), provider: provider.clone(), model: model.clone(), ..empty };
                can_tell = self.sum(class, slots, &empty, role)?;
                if !can_tell {
                    return Ok(false);
                }
            }
            Ok(true)
        })?;
        Ok(can_tell)
    }

    /// Adds up the slots of a class that have the same label, and hands the sums on. Returns whether they are known exactly.
    fn sum(&mut self, class: &RollupClassRow, slots: &Slots, empty: &Tally, role: Role) -> Result<bool> {
        let mut sums: Vec<(Label, Tally, Option<Sum>)> = Vec::new();
        // Where all slots go under one label, their sum does.
        let whole = slots.first().copied().flatten().filter(|label| slots.iter().all(|other| *other == Some(*label)));
        let rows = if whole.is_some() { vec![class.all()?] } else { class.slots()? };
        for row in &rows {
            let Some(label) = whole.as_ref().or_else(|| slots.get(usize::from(row.slot))?.as_ref()) else { continue };
            let place = sums.iter().position(|(own, ..)| own == label).unwrap_or_else(|| {
                sums.push((*label, Tally { date: *label, ..empty.clone() }, Some(Sum::default())));
                sums.len() - 1
            });
            let (_, tally, cost) = &mut sums[place];
            let count = |count: u64| i64::try_from(count).map_err(|_| out_of_range());
            let records = if class.is_adjustment { &mut tally.adjustments } else { &mut tally.calls };
            *records += count(row.records)?;
            tally.input_tokens += row.input_tokens;
            tally.output_tokens += row.output_tokens;
            tally.tokens += row.input_tokens + row.output_tokens + row.other_tokens;
            tally.requests += count(row.requests)?;
            let own = row.cost.as_ref().map(|cost| Sum::read(RollupRow::TABLE, cost)).transpose()?;
            *cost = add(*cost, own);
        }
        for (_, mut tally, cost) in sums {
            let Some(cost) = cost.and_then(Sum::amount) else { return Ok(false) };
            tally.cost = cost;
            (self.take)(&tally)?;
            if role == Role::OfValueTakenBack {
                (self.take)(&Tally { value: None, ..tally.taken_back() })?;
            }
        }
        Ok(true)
    }

    fn value(&self, number: u64) -> Result<Option<Arc<str>>> {
        match number {
            NOTHING => Ok(None),
            number => Ok(Some(names::text(&self.reader.name(number)?)?.into())),
        }
    }

    /// Returns the names of a model, if it is asked for.
    fn model(&mut self, id: u64) -> Result<Option<Names>> {
        if let Some(known) = self.models.get(&id) {
            return Ok(known.clone());
        }
        let row = self.reader.rows::<u64, ModelRow>(tables::MODELS).get(id)?;
        let row = row.ok_or_else(|| damaged(ModelRow::TABLE, "a model is missing"))?;
        let filter = &self.query.filter;
        let is_asked = filter.provider.as_ref().is_none_or(|provider| *provider == row.provider)
            && filter.names_model(&row.provider, &row.model_code);
        let names = is_asked.then(|| (Arc::from(row.provider), Arc::from(row.model_code)));
        Ok(self.models.entry(id).or_insert(names).clone())
    }

    /// Returns an empty sum of a class, if it is asked for.
    fn class(&mut self, class: &RollupClassRow) -> Result<Option<Tally>> {
        let key = [class.status, class.cost_status, class.currency];
        if let Some(known) = self.classes.get(&key) {
            return Ok(known.clone());
        }
        let filter = &self.query.filter;
        let word = |number| self.reader.name(number);
        let status = from_name(RollupRow::TABLE, names::text(&word(class.status)?)?)?;
        let cost_status = from_name(RollupRow::TABLE, names::text(&word(class.cost_status)?)?)?;
        let currency = match class.currency {
            NOTHING => None,
            number => Some(currency(RollupRow::TABLE, names::text(&word(number)?)?)?),
        };
        let is_asked = filter.status.is_none_or(|wanted| wanted == status)
            && filter.cost_status.is_none_or(|wanted| wanted == cost_status);
        let empty = Tally {
            value: None,
            provider: Arc::from(""),
            model: Arc::from(""),
            date: None,
            status,
            cost_status,
            currency,
            calls: 0,
            adjustments: 0,
            input_tokens: 0,
            output_tokens: 0,
            tokens: 0,
            requests: 0,
            cost: rust_decimal::Decimal::ZERO,
        };
        Ok(self.classes.entry(key).or_insert(is_asked.then_some(empty)).clone())
    }
}

fn out_of_range() -> crate::types::Error {
    damaged(RollupRow::TABLE, "a count is out of range")
}
