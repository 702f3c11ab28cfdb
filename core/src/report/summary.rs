//! Sums of usage records in groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::store::{Grain, Tally, TallyKey, TallyPart, TallyQuery};
use crate::types::{
    Currency, Decimal, Error, ErrorKind, Money, RecordStatus, Result, Totals, UsageFilter, UsageRecord, exact_add,
    time_zone,
};

/// How to group usage records, and which.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SummaryQuery {
    /// `model`, `provider`, `user`, `day`, `month`, `status`, `cost_status`, `currency`, or `tag:KEY`; one row of all
    /// records where empty.
    pub by: Vec<String>,
    /// The IANA time zone of days and months; UTC where absent.
    pub time_zone: Option<String>,
    /// Which records.
    #[serde(flatten)]
    pub filter: UsageFilter,
}

/// A group of usage records with exact totals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SummaryRow {
    /// The value of each key that was grouped by; null where a record has none.
    pub group: BTreeMap<String, Option<String>>,
    /// How many attempts were recorded; an adjustment is none.
    pub calls: u64,
    /// How many of them have no price; their cost is not in the totals.
    pub unpriced_calls: u64,
    /// How many of them did not succeed.
    pub failed_calls: u64,
    /// The input tokens, where reported or estimated.
    pub input_tokens: u64,
    /// The output tokens, where reported or estimated.
    pub output_tokens: u64,
    /// The costs, per currency, adjustments included.
    pub totals: Totals,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Model,
    Provider,
    User,
    Day,
    Month,
    Status,
    CostStatus,
    Currency,
    Tag(String),
}

/// A sum under way.
#[derive(Debug, Default)]
pub struct Summary {
    keys: Vec<(String, Key)>,
    time_zone: Option<TimeZone>,
    groups: BTreeMap<Vec<Option<String>>, Group>,
}

/// A group under way. While its parts are added, its numbers may be below zero.
#[derive(Debug, Default)]
struct Group {
    records: i64,
    calls: i64,
    unpriced_calls: i64,
    failed_calls: i64,
    input_tokens: i128,
    output_tokens: i128,
    /// How many records have a cost in a currency, and its sum.
    costs: BTreeMap<Currency, (i64, Decimal)>,
}

impl Summary {
    /// Starts a sum. Fails with `invalid_request` if a key or the time zone is unknown.
    pub fn new(query: &SummaryQuery) -> Result<Self> {
        let keys = query.by.iter().map(|name| Ok((name.clone(), parse_key(name)?))).collect::<Result<_>>()?;
        let time_zone = query.time_zone.as_deref().map(|name| {
            time_zone(name).ok_or_else(|| {
                let detail = format!("time zone {name:?} is unknown; give an IANA name such as \"Asia/Shanghai\"");
                Error::new(ErrorKind::InvalidRequest, detail)
            })
        });
        Ok(Self { keys, time_zone: time_zone.transpose()?, groups: BTreeMap::new() })
    }

    /// Returns what to ask rollups for the same sum; nothing if they do not tell its groups apart.
    #[must_use]
    pub fn tally_query(&self, filter: UsageFilter) -> Option<TallyQuery> {
        let mut by = None;
        for key in self.keys.iter().map(|(_, key)| key) {
            let key = match key {
                Key::User => TallyKey::User,
                Key::Tag(tag) => TallyKey::Tag(tag.clone()),
                _ => continue,
            };
            if by.replace(key.clone()).is_some_and(|other| other != key) {
                return None;
            }
        }
        let has = |wanted: Key| self.keys.iter().any(|(_, key)| *key == wanted);
        let grain = match (has(Key::Day), has(Key::Month)) {
            (true, _) => Grain::Day,
            (false, true) => Grain::Month,
            (false, false) => Grain::Whole,
        };
        Some(TallyQuery { filter, by, grain, time_zone: self.zone() })
    }

    /// Adds a record.
    pub fn add(&mut self, record: &UsageRecord) -> Result<()> {
        let date = || record.created_at.to_zoned(self.zone()).date();
        let value = |key: &Key| match key {
            Key::Model => Some(format!("{}/{}", record.provider, record.model)),
            Key::Provider => Some(record.provider.clone()),
            Key::User => record.user.clone(),
            Key::Day => Some(date().to_string()),
            Key::Month => Some(date().strftime("%Y-%m").to_string()),
            Key::Status => Some(record.status.name().to_owned()),
            Key::CostStatus => Some(record.cost_status.name().to_owned()),
            Key::Currency => record.currency.map(|currency| currency.to_string()),
            Key::Tag(tag) => record.tags.get(tag).cloned(),
        };
        let values = self.keys.iter().map(|(_, key)| value(key)).collect();
        let group = self.groups.entry(values).or_default();
        let calls = i64::from(record.adjusts.is_none());
        group.records += 1;
        group.calls += calls;
        group.failed_calls += if record.status == RecordStatus::Success { 0 } else { calls };
        group.input_tokens += i128::from(record.usage.input_tokens().unwrap_or_default());
        group.output_tokens += i128::from(record.usage.output_tokens().unwrap_or_default());
        if let Some((amount, currency)) = record.cost_amount.zip(record.currency) {
            return group.add_cost(currency, 1, amount);
        }
        group.unpriced_calls += calls;
        Ok(())
    }

    /// Adds what a rollup, or a record beside it, says of the question that [`Self::tally_query`] made.
    pub fn add_part(&mut self, part: &TallyPart<'_>) -> Result<()> {
        let tally = match part {
            TallyPart::Record(record) => return self.add(record),
            TallyPart::Tally(tally) => *tally,
        };
        let value = |key: &Key| match key {
            Key::Model => Some(format!("{}/{}", tally.provider, tally.model)),
            Key::Provider => Some(tally.provider.to_string()),
            Key::User | Key::Tag(_) => tally.value.as_deref().map(str::to_owned),
            Key::Day => tally.date.map(|date| date.to_string()),
            Key::Month => tally.date.map(|date| date.strftime("%Y-%m").to_string()),
            Key::Status => Some(tally.status.name().to_owned()),
            Key::CostStatus => Some(tally.cost_status.name().to_owned()),
            Key::Currency => tally.currency.map(|currency| currency.to_string()),
        };
        let values = self.keys.iter().map(|(_, key)| value(key)).collect();
        self.groups.entry(values).or_default().add_tally(tally)
    }

    /// Returns the groups: days and months in their order, where the first key is one of them; else by their costs, the
    /// highest first, in the currency that most groups have, and then in the others. Equals come in the order of their keys' values.
    #[must_use]
    pub fn into_rows(self) -> Vec<SummaryRow> {
        let is_in_time = matches!(self.keys.first(), Some((_, Key::Day | Key::Month)));
        // A group that was taken back whole never was.
        let groups = self.groups.into_iter().filter(|(_, group)| group.records != 0);
        let mut rows: Vec<_> = groups.map(|(values, group)| (values, group.row())).collect();
        if !is_in_time {
            let currencies = by_frequency(rows.iter().map(|(_, row)| &row.totals));
            let costs = |row: &SummaryRow| -> Vec<_> {
                currencies.iter().map(|currency| Reverse(row.totals.get(*currency))).collect()
            };
            rows.sort_by_cached_key(|(_, row)| costs(row));
        }
        let names: Vec<_> = self.keys.into_iter().map(|(name, _)| name).collect();
        let label = |(values, row)| SummaryRow { group: names.iter().cloned().zip::<Vec<_>>(values).collect(), ..row };
        rows.into_iter().map(label).collect()
    }

    fn zone(&self) -> TimeZone {
        self.time_zone.clone().unwrap_or(TimeZone::UTC)
    }
}

impl Group {
    fn add_tally(&mut self, tally: &Tally) -> Result<()> {
        let records = tally.calls + tally.adjustments;
        self.records += records;
        self.calls += tally.calls;
        self.failed_calls += if tally.status == RecordStatus::Success { 0 } else { tally.calls };
        self.input_tokens += tally.input_tokens;
        self.output_tokens += tally.output_tokens;
        if let Some(currency) = tally.currency {
            return self.add_cost(currency, records, tally.cost);
        }
        self.unpriced_calls += tally.calls;
        Ok(())
    }

    fn add_cost(&mut self, currency: Currency, records: i64, amount: Decimal) -> Result<()> {
        let (count, sum) = self.costs.entry(currency).or_default();
        *count += records;
        *sum = exact_add(*sum, amount)?.normalize();
        Ok(())
    }

    fn row(self) -> SummaryRow {
        let count = |count: i64| u64::try_from(count).unwrap_or_default();
        let tokens = |tokens: i128| u64::try_from(tokens.max(0)).unwrap_or(u64::MAX);
        let mut totals = Totals::default();
        for (currency, (records, sum)) in self.costs {
            if records != 0 {
                totals.set(Money::new(sum, currency));
            }
        }
        SummaryRow {
            group: BTreeMap::new(),
            calls: count(self.calls),
            unpriced_calls: count(self.unpriced_calls),
            failed_calls: count(self.failed_calls),
            input_tokens: tokens(self.input_tokens),
            output_tokens: tokens(self.output_tokens),
            totals,
        }
    }
}

/// Returns the currencies of some totals, those that most of them have first.
fn by_frequency<'a>(totals: impl Iterator<Item = &'a Totals>) -> Vec<Currency> {
    let mut counts = BTreeMap::<Currency, usize>::new();
    for money in totals.flat_map(Totals::iter) {
        *counts.entry(money.currency).or_default() += 1;
    }
    let mut currencies: Vec<_> = counts.into_iter().collect();
    currencies.sort_by_key(|(currency, count)| (Reverse(*count), *currency));
    currencies.into_iter().map(|(currency, _)| currency).collect()
}

fn parse_key(name: &str) -> Result<Key> {
    Ok(match name {
        "model" => Key::Model,
        "provider" => Key::Provider,
        "user" => Key::User,
        "day" => Key::Day,
        "month" => Key::Month,
        "status" => Key::Status,
        "cost_status" => Key::CostStatus,
        "currency" => Key::Currency,
        _ => match name.strip_prefix("tag:") {
            Some(tag) if !tag.is_empty() => Key::Tag(tag.to_owned()),
            _ => {
                let known = "model, provider, user, day, month, status, cost_status, currency, tag:KEY";
                let detail = format!("field `by`: {name:?} is unknown; give some of {known}");
                return Err(Error::new(ErrorKind::InvalidRequest, detail));
            }
        },
    })
}

#[cfg(test)]
#[path = "summary_tests.rs"]
mod tests;
