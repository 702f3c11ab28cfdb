//! Sums of usage records in groups.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::types::{Currency, Error, ErrorKind, Money, RecordStatus, Result, Totals, UsageFilter, UsageRecord};

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
    rows: BTreeMap<Vec<Option<String>>, SummaryRow>,
}

impl Summary {
    /// Starts a sum. Fails with `invalid_request` if a key or the time zone is unknown.
    pub fn new(query: &SummaryQuery) -> Result<Self> {
        let keys = query.by.iter().map(|name| Ok((name.clone(), parse_key(name)?))).collect::<Result<_>>()?;
        let time_zone = query.time_zone.as_deref().map(|name| {
            TimeZone::get(name).map_err(|_| {
                let detail = format!("time zone {name:?} is unknown; give an IANA name such as \"Asia/Shanghai\"");
                Error::new(ErrorKind::InvalidRequest, detail)
            })
        });
        Ok(Self { keys, time_zone: time_zone.transpose()?, rows: BTreeMap::new() })
    }

    /// Adds a record.
    pub fn add(&mut self, record: &UsageRecord) -> Result<()> {
        let values: Vec<_> = self.keys.iter().map(|(_, key)| self.value(key, record)).collect();
        let row = self.rows.entry(values).or_default();
        let is_call = record.adjusts.is_none();
        row.calls += u64::from(is_call);
        row.failed_calls += u64::from(is_call && record.status != RecordStatus::Success);
        row.input_tokens = row.input_tokens.saturating_add(record.usage.input_tokens().unwrap_or_default());
        row.output_tokens = row.output_tokens.saturating_add(record.usage.output_tokens().unwrap_or_default());
        match record.cost_amount.zip(record.currency) {
            Some((amount, currency)) => row.totals.add(Money::new(amount, currency))?,
            None => row.unpriced_calls += u64::from(is_call),
        }
        Ok(())
    }

    /// Returns the groups: days and months in their order, where the first key is one of them; else by their costs, the
    /// highest first, in the currency that most groups have, and then in the others. Equals come in the order of their keys' values.
    #[must_use]
    pub fn into_rows(self) -> Vec<SummaryRow> {
        let is_in_time = matches!(self.keys.first(), Some((_, Key::Day | Key::Month)));
        let mut rows: Vec<_> = self.rows.into_iter().collect();
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

    fn value(&self, key: &Key, record: &UsageRecord) -> Option<String> {
        let date = || record.created_at.to_zoned(self.time_zone.clone().unwrap_or(TimeZone::UTC)).date();
        match key {
            Key::Model => Some(record.full_name().to_string()),
            Key::Provider => Some(record.provider.clone()),
            Key::User => record.user.clone(),
            Key::Day => Some(date().to_string()),
            Key::Month => Some(date().strftime("%Y-%m").to_string()),
            Key::Status => Some(record.status.name().to_owned()),
            Key::CostStatus => Some(record.cost_status.name().to_owned()),
            Key::Currency => record.currency.map(|currency| currency.to_string()),
            Key::Tag(tag) => record.tags.get(tag).cloned(),
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
