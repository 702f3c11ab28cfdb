//! What a new budget counts of the records that there are: worked out before the write transaction, out of rollups and of the few
//! records that they do not tell, and put right in it by what came meanwhile.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::codec::{Row as _, kept, micros, time};
use super::ledger::{CONFIGURATION_VERSION, REVISED_RECORDS};
use super::postings::look::{Look, look};
use super::query::{self, each_record};
use super::reading::Reader;
use super::rollup::tally::{Counts, Rest, tally};
use super::rows::{FxRateRow, UsageRecordRow};
use super::tables;
use super::writing::number;
use super::{Grain, Tally, TallyKey, TallyQuery};
use crate::budget::exchange::conversion;
use crate::budget::window::{bucket_at, rolling_grain, window_bounds};
use crate::types::{
    AccountUnit, BilledBy, BudgetTerms, Currency, Dimensions, EACH, Exchange, FxRate, RecordOrder, Result, UsageFilter,
    UsageRecord, Window, exact_add, time_zone,
};

/// How many records are looked at in one transaction.
const SLICE: usize = if cfg!(test) { 3 } else { 2_048 };

/// Reads in a transaction of its own, or in the one that is under way.
pub(super) type Read<'f> = dyn FnMut(&mut dyn FnMut(&Reader<'_>) -> Result<()>) -> Result<()> + 'f;

/// What the records up to one add up to, by the part of a template and the bucket.
#[derive(Debug)]
pub(super) struct Used {
    /// The last record that counts.
    pub(super) through: u64,
    /// What changes when any of these records changes, or the rates that they are converted with.
    basis: (u64, u64),
    pub(super) sums: Sums,
}

/// What is used, by the part of a template and the bucket.
pub(super) type Sums = BTreeMap<(String, Option<Timestamp>), Decimal>;

/// Returns what must be as it was for sums of records to stand.
fn basis(reader: &Reader<'_>) -> Result<(u64, u64)> {
    let of = |key: &str| number(reader.meta(key)?.as_deref());
    Ok((of(CONFIGURATION_VERSION)?, of(REVISED_RECORDS)?))
}

impl Used {
    /// Works out what a new budget counts of all records that there are.
    pub(super) fn work_out(read: &mut Read<'_>, terms: &BudgetTerms, now: Timestamp) -> Result<Self> {
        let mut filling = Filling::new(terms, now)?;
        let mut begun = None;
        read(&mut |reader| {
            filling.rates = reader.all(tables::FX_RATES, FxRateRow::fx_rate)?;
            let state = reader.state()?;
            begun = Some((state.digested(), state.head().record, basis(reader)?, filling.rollups(reader)?));
            Ok(())
        })?;
        let Some((digested, head, basis, rest)) = begun else {
            return Err(super::failure::misused("a query was not made"));
        };
        if let Some(rest) = rest {
            for stretch in &rest.stretches {
                let instant = |micros| Timestamp::from_microsecond(micros).ok();
                let within = (instant(stretch.start), instant(stretch.end));
                filling.digested(read, digested, within, Which::Calls)?;
            }
            filling.digested(read, digested, (filling.first, None), Which::Corrections)?;
        } else {
            filling.sums.clear();
            filling.digested(read, digested, (filling.first, None), Which::All)?;
        }
        filling.ids(read, digested + 1, head)?;
        Ok(Self { through: head, basis, sums: filling.sums })
    }

    /// Adds the records that came since. Returns whether it stands: not if records that it counts were changed meanwhile, or rates.
    pub(super) fn put_right(&mut self, reader: &Reader<'_>, terms: &BudgetTerms, now: Timestamp) -> Result<bool> {
        if basis(reader)? != self.basis {
            return Ok(false);
        }
        let mut filling = Filling::new(terms, now)?;
        filling.rates = reader.all(tables::FX_RATES, FxRateRow::fx_rate)?;
        filling.sums = std::mem::take(&mut self.sums);
        let head = reader.state()?.head().record;
        filling.ids(&mut |query| query(reader), self.through + 1, head)?;
        (self.through, self.sums) = (head, filling.sums);
        Ok(true)
    }
}

/// Which records are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    Calls,
    Corrections,
}

/// Sums under way.
struct Filling<'t> {
    terms: &'t BudgetTerms,
    /// The first instant that counts; absent where all do.
    first: Option<Timestamp>,
    /// The buckets that have begun, each with its end.
    buckets: Vec<(Option<Timestamp>, i64, i64)>,
    rates: Vec<FxRate>,
    sums: Sums,
}

impl<'t> Filling<'t> {
    fn new(terms: &'t BudgetTerms, now: Timestamp) -> Result<Self> {
        let bounds = window_bounds(terms.window, &terms.time_zone, now)?;
        let mut buckets = Vec::new();
        let mut end = i64::MIN;
        match (bounds, terms.window) {
            (None, _) => {
                buckets.push((None, i64::MIN, i64::MAX));
                end = i64::MAX;
            }
            (Some(bounds), Window::Rolling(length)) => {
                let grain = i64::try_from(rolling_grain(length)).unwrap_or(i64::MAX).saturating_mul(1_000_000);
                let mut start = micros(bounds.first);
                while start <= micros(bounds.bucket) {
                    end = start.saturating_add(grain);
                    buckets.push((Timestamp::from_microsecond(start).ok(), start, end));
                    start = end;
                }
            }
            (Some(bounds), _) => {
                end = micros(bounds.end);
                buckets.push((Some(kept(bounds.first)), micros(bounds.first), end));
            }
        }
        if end < i64::MAX {
            // What has a clock that is ahead counts in buckets that have not begun; its day tells which, or records do.
            buckets.push((None, end, i64::MAX));
        }
        let first = bounds.map(|bounds| bounds.first);
        Ok(Self { terms, first, buckets, rates: Vec::new(), sums: Sums::new() })
    }

    /// Returns the records that the scope means, as far as a filter says so.
    fn filter(&self) -> UsageFilter {
        let one = |value: &Option<String>| value.clone().filter(|value| value != EACH);
        let scope = &self.terms.scope;
        let tags = scope.tags.iter().filter(|(_, value)| *value != EACH);
        UsageFilter {
            user: one(&scope.user),
            tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
            provider: one(&scope.provider),
            model: one(&scope.model),
            ..UsageFilter::default()
        }
    }

    /// Adds what rollups tell of calls. Returns what they do not tell; nothing if they cannot tell.
    fn rollups(&mut self, reader: &Reader<'_>) -> Result<Option<Rest>> {
        let scope = self.terms.scope.clone();
        let unit = self.terms.limit.unit();
        let is_told = matches!(unit, AccountUnit::Money(_) | AccountUnit::Tokens | AccountUnit::Requests);
        if !is_told || usize::from(scope.user.is_some()) + scope.tags.len() > 1 {
            return Ok(None);
        }
        let each_tag = scope.tags.iter().find(|(_, value)| *value == EACH).map(|(key, _)| key.clone());
        let by = match &scope.user {
            Some(user) if user == EACH => Some(TallyKey::User),
            _ => each_tag.clone().map(TallyKey::Tag),
        };
        let filter = UsageFilter { provider: None, model: None, ..self.filter() };
        let (mut all, buckets) = (Rest::default(), self.buckets.clone());
        for (bucket, since, until) in buckets {
            let is_later = bucket.is_none() && self.first.is_some();
            let later_zone = time_zone(&self.terms.time_zone).filter(|_| is_later && self.has_buckets_of_days());
            if is_later && later_zone.is_none() {
                all.stretches.push(since..until);
                continue;
            }
            let instant = |micros| Timestamp::from_microsecond(micros).ok();
            let filter = UsageFilter { since: instant(since), until: instant(until), ..filter.clone() };
            let (grain, zone) = match &later_zone {
                Some(zone) => (Grain::Day, zone.clone()),
                None => (Grain::Whole, TimeZone::UTC),
            };
            let query = TallyQuery { filter, by: by.clone(), grain, time_zone: zone };
            let mut can_tell = true;
            let mut take = |tally: &Tally| -> Result<()> {
                let Some(part) = self.part_of_tally(tally, each_tag.as_deref()) else { return Ok(()) };
                let midnight =
                    tally.date.zip(later_zone.as_ref()).and_then(|(day, zone)| day.to_zoned(zone.clone()).ok());
                let bucket = match midnight {
                    Some(midnight) => self.bucket_at(midnight.timestamp())?,
                    None => bucket,
                };
                if let Some(amount) = self.of_tally(tally, unit) {
                    return self.add(part, bucket, amount);
                }
                can_tell = false;
                Ok(())
            };
            let rest = tally(reader, &query, Counts::Calls, &mut take)?;
            let Some(rest) = rest.filter(|_| can_tell) else { return Ok(None) };
            all.stretches.extend(rest.stretches);
        }
        Ok(Some(all))
    }

    /// Returns whether each bucket is made of whole days of the budget's time zone.
    fn has_buckets_of_days(&self) -> bool {
        matches!(self.terms.window, Window::Day | Window::Week | Window::Month | Window::Recurring(_))
    }

    fn bucket_at(&self, at: Timestamp) -> Result<Option<Timestamp>> {
        Ok(bucket_at(self.terms.window, &self.terms.time_zone, at)?.map(kept))
    }

    fn part_of_tally(&self, tally: &Tally, each_tag: Option<&str>) -> Option<String> {
        let scope = &self.terms.scope;
        let value = tally.value.as_deref();
        let mut tags = scope.tags.clone();
        if let Some(key) = each_tag {
            tags.remove(key);
            tags.extend(value.map(|value| (key.to_owned(), value.to_owned())));
        }
        let user = match scope.user.as_deref() {
            Some(EACH) => value,
            user => user,
        };
        scope.part_of(&Dimensions { user, tags: &tags, provider: Some(&tally.provider), model: Some(&tally.model) })
    }

    /// Returns what a sum is to the budget; nothing if only records can tell.
    fn of_tally(&self, tally: &Tally, unit: AccountUnit) -> Option<Decimal> {
        let whole = |number: i128| Decimal::try_from_i128_with_scale(number, 0).ok();
        match (unit, tally.currency) {
            (AccountUnit::Money(own), Some(currency)) if own == currency => Some(tally.cost),
            (AccountUnit::Money(own), Some(currency)) if self.converts(currency, own) => None,
            (AccountUnit::Money(_), _) => Some(Decimal::ZERO),
            (AccountUnit::Tokens, _) => whole(tally.tokens),
            _ => whole(tally.requests.into()),
        }
    }

    /// Returns whether any rate between two currencies was ever in force, so that records may have been converted.
    fn converts(&self, from: Currency, to: Currency) -> bool {
        Exchange::find(&self.rates, from, to, Timestamp::MAX).is_some()
    }

    fn add(&mut self, part: String, bucket: Option<Timestamp>, amount: Decimal) -> Result<()> {
        let sum = self.sums.entry((part, bucket)).or_default();
        *sum = exact_add(*sum, amount)?;
        Ok(())
    }

    /// Adds the digested records of a stretch of time, in slices.
    fn digested(
        &mut self,
        read: &mut Read<'_>,
        through: u64,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        which: Which,
    ) -> Result<()> {
        let filter = UsageFilter { since, until, ..self.filter() };
        let mut after = None;
        loop {
            let mut next = None;
            read(&mut |reader| {
                let order = RecordOrder::Asc;
                let corrections = which == Which::Corrections;
                let wanted = Look {
                    filter: &filter,
                    order,
                    after,
                    limit: SLICE,
                    most: SLICE,
                    through: Some(through),
                    corrections,
                };
                let found = look(reader, &wanted)?;
                next = found.next;
                for record in found.records.iter().filter(|record| which != Which::Calls || record.adjusts.is_none()) {
                    self.record(reader, record)?;
                }
                Ok(())
            })?;
            match next {
                Some(_) => after = next,
                None => return Ok(()),
            }
        }
    }

    /// Adds the records of some ids, in slices.
    fn ids(&mut self, read: &mut Read<'_>, first: u64, head: u64) -> Result<()> {
        let mut next = first;
        while next <= head {
            read(&mut |reader| {
                let end = next.saturating_add(SLICE as u64).min(head.saturating_add(1));
                each_record(reader, next..end, &mut |record| self.record(reader, &record).map(|()| true))?;
                next = end;
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Adds a record. A correction counts where the record that it corrects lies.
    fn record(&mut self, reader: &Reader<'_>, record: &UsageRecord) -> Result<()> {
        let dimensions = Dimensions {
            user: record.user.as_deref(),
            tags: &record.tags,
            provider: Some(&record.provider),
            model: Some(&record.model),
        };
        let Some(part) = self.terms.scope.part_of(&dimensions) else { return Ok(()) };
        let corrected = record.adjusts.as_deref().map(|uid| query::record_of_uid(reader, uid)).transpose()?.flatten();
        let at = match corrected {
            Some(corrected) => time(UsageRecordRow::TABLE, corrected.created_at)?,
            None => record.created_at,
        };
        if self.first.is_some_and(|first| at < first) {
            return Ok(());
        }
        let bucket = self.bucket_at(at)?;
        let rates = |from, to, at| Exchange::find(&self.rates, from, to, at);
        let amount = used_by(record, self.terms.limit.unit(), &rates)?;
        self.add(part, bucket, amount)
    }
}

/// Finds the rate between two currencies that was in force at an instant.
type Rates<'f> = dyn Fn(Currency, Currency, Timestamp) -> Option<Exchange> + 'f;

/// Returns what a record counts in a unit.
fn used_by(record: &UsageRecord, unit: AccountUnit, rates: &Rates<'_>) -> Result<Decimal> {
    match unit {
        AccountUnit::Money(currency) => money_of(record, currency, rates),
        AccountUnit::Tokens => Ok(record.token_consumed.unwrap_or(0).into()),
        AccountUnit::Requests => {
            Ok(u64::from(record.adjusts.is_none() && record.billed_by != BilledBy::NotBilled).into())
        }
        AccountUnit::Meter(_) | AccountUnit::AudioSeconds => {
            let counted = record.usage.meters.iter().filter(|(meter, _)| unit.counts(**meter));
            counted.map(|(_, quantity)| quantity.get()).try_fold(Decimal::ZERO, exact_add)
        }
    }
}

/// Returns what a record cost in a currency: by the rate that is frozen in it, or else by that of its time; nothing without.
fn money_of(record: &UsageRecord, currency: Currency, rates: &Rates<'_>) -> Result<Decimal> {
    let Some((amount, own)) = record.cost_amount.zip(record.currency) else { return Ok(Decimal::ZERO) };
    if own == currency {
        return Ok(amount);
    }
    let mut frozen = record.conversions.iter().map(|conversion| conversion.exchange);
    let frozen = frozen.find(|exchange| (exchange.from, exchange.to) == (own, currency));
    let Some(exchange) = frozen.or_else(|| rates(own, currency, record.facts.started_at)) else {
        return Ok(Decimal::ZERO);
    };
    conversion(exchange, amount).map(|conversion| conversion.amount)
}
