//! What is asked of rollups, and what they answer.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::types::{CostStatus, Currency, RecordStatus, UsageFilter, UsageRecord};

/// Which records to add up, and how to keep their sums apart. Models, statuses and currencies are always kept apart.
///
/// Rollups tell records apart by their user or by one of their tags, and not by both. So what is grouped by and what is filtered by
/// may name one of these only, and no call.
#[derive(Clone, Debug)]
pub struct TallyQuery {
    /// Which records.
    pub filter: UsageFilter,
    /// What to group by, beside the rest.
    pub by: Option<TallyKey>,
    /// Whether days or months are kept apart.
    pub grain: Grain,
    /// Whose days and months.
    pub time_zone: TimeZone,
}

/// What sums are kept apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TallyKey {
    /// The user.
    User,
    /// The value of a tag.
    Tag(String),
}

/// How finely time is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grain {
    /// Not at all.
    #[default]
    Whole,
    /// By days of the time zone.
    Day,
    /// By months of the time zone; they are named by their first days.
    Month,
}

/// Part of an answer, which is the sum of its parts.
#[derive(Debug)]
pub enum TallyPart<'a> {
    /// What many records add up to.
    Tally(&'a Tally),
    /// A record that no rollup counts yet, or of which only the record itself tells whether it is meant.
    Record(&'a UsageRecord),
}

/// What records that ended alike add up to. Where it takes back what another part said too much, its numbers are below zero.
#[derive(Clone, Debug)]
pub struct Tally {
    /// The user, or the value of the tag; absent for records without one, and where neither was grouped by.
    pub value: Option<Arc<str>>,
    /// The provider's name.
    pub provider: Arc<str>,
    /// The model's name at the provider.
    pub model: Arc<str>,
    /// The day, or the first day of the month.
    pub date: Option<Date>,
    /// How they ended.
    pub status: RecordStatus,
    /// Where their costs come from.
    pub cost_status: CostStatus,
    /// The currency of their costs; absent if they have none.
    pub currency: Option<Currency>,
    /// How many attempts were recorded.
    pub calls: i64,
    /// How many corrections were recorded.
    pub adjustments: i64,
    /// Their input tokens, where known.
    pub input_tokens: i128,
    /// Their output tokens, where known.
    pub output_tokens: i128,
    /// All tokens that they consumed.
    pub tokens: i128,
    /// How many of them may be charged for.
    pub requests: i64,
    /// Their costs.
    pub cost: Decimal,
}

impl Tally {
    /// Returns what takes it back.
    #[must_use]
    pub fn taken_back(&self) -> Self {
        Self {
            calls: -self.calls,
            adjustments: -self.adjustments,
            input_tokens: -self.input_tokens,
            output_tokens: -self.output_tokens,
            tokens: -self.tokens,
            requests: -self.requests,
            cost: -self.cost,
            ..self.clone()
        }
    }
}
