//! What is asked of the ledger: records, summaries, and the pricing of records that have no cost.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::client::engine::Tollway;
use crate::report::{Summary, SummaryQuery, SummaryRow};
use crate::store::{DailyCost, Operation, Reservation, TallyPart};
use crate::types::{
    Decimal, Error, ErrorKind, Money, RecordOrder, RecordPlace, Result, UsageFilter, UsagePage, UsageRecordId,
};

/// The most records that a page holds.
const LARGEST_PAGE: usize = 1_000;

impl Tollway {
    /// Returns a page of usage records in the order of the times at which they were settled, at most 1,000.
    ///
    /// `cursor` is the `next_cursor` of the page before; records that are settled meanwhile come on later pages, as far as clocks agree.
    pub async fn usage_records(&self, filter: UsageFilter, cursor: Option<String>, limit: usize) -> Result<UsagePage> {
        self.usage_records_in(RecordOrder::Asc, filter, cursor, limit).await
    }

    /// Returns a page of usage records in an order, at most 1,000.
    ///
    /// `cursor` is the `next_cursor` of the page before, which had the same order. Where the newest come first, records that are
    /// settled meanwhile come on no later page.
    pub async fn usage_records_in(
        &self,
        order: RecordOrder,
        filter: UsageFilter,
        cursor: Option<String>,
        limit: usize,
    ) -> Result<UsagePage> {
        self.engine.check()?;
        if limit == 0 {
            return Err(Error::new(ErrorKind::InvalidRequest, "field `limit` is zero; give at least one"));
        }
        let limit = limit.min(LARGEST_PAGE);
        let last = cursor.map(|cursor| parse_cursor(&cursor)).transpose()?;
        let mut records = match order {
            RecordOrder::Asc => self.engine.store.usage_records(filter, last, limit + 1).await?,
            RecordOrder::Desc => self.engine.store.newest_usage_records(filter, last, limit + 1).await?,
        };
        let more = records.len() > limit;
        records.truncate(limit);
        let next_cursor = records.last().filter(|_| more).map(|record| cursor_of(RecordPlace::of(record)));
        Ok(UsagePage { records, next_cursor })
    }

    /// Sums usage records in groups, exactly and per currency.
    ///
    /// Rollups tell all groups that name at most one of the user and one tag; for others, records are read, in slices.
    pub async fn usage_summary(&self, query: SummaryQuery) -> Result<Vec<SummaryRow>> {
        self.engine.check()?;
        let summary = Summary::new(&query)?;
        if let Some(tally) = summary.tally_query(query.filter.clone()) {
            let summary = Arc::new(Mutex::new(summary));
            let sink = Arc::clone(&summary);
            let take = move |part: TallyPart<'_>| sink.lock().unwrap_or_else(PoisonError::into_inner).add_part(&part);
            if self.engine.store.tally(tally, Box::new(take)).await? {
                return Ok(rows(&summary));
            }
        }
        let summary = Arc::new(Mutex::new(Summary::new(&query)?));
        let sink = Arc::clone(&summary);
        let visit = move |record| sink.lock().unwrap_or_else(PoisonError::into_inner).add(&record);
        self.engine.store.scan_usage_records(query.filter, Box::new(visit)).await?;
        Ok(rows(&summary))
    }

    /// Returns the daily rollup between two UTC days, inclusive.
    pub async fn daily_costs(&self, first: jiff::civil::Date, last: jiff::civil::Date) -> Result<Vec<DailyCost>> {
        self.engine.check()?;
        self.engine.store.daily_costs(first, last).await
    }

    /// Returns what calls under way hold at this instant, in every process, by id.
    pub async fn reservations(&self) -> Result<Vec<Reservation>> {
        self.engine.check()?;
        self.engine.store.reservations().await
    }

    /// Puts a cost on a record that has none; budgets that the record kept closed open again.
    pub async fn price_record(&self, uid: &str, cost: Money) -> Result<()> {
        self.engine.check()?;
        if cost.amount < Decimal::ZERO {
            return Err(Error::new(ErrorKind::InvalidRequest, "field `amount` is negative; give zero or more"));
        }
        self.engine
            .store
            .apply(Operation::PriceRecord { uid: uid.to_owned(), cost, now: self.engine.environment.now() })
            .await
            .map(|_| ())
    }
}

/// Returns the groups of a sum to which nothing more is added.
fn rows(summary: &Mutex<Summary>) -> Vec<SummaryRow> {
    std::mem::take(&mut *summary.lock().unwrap_or_else(PoisonError::into_inner)).into_rows()
}

/// Returns the cursor that stands for a place.
fn cursor_of(place: RecordPlace) -> String {
    format!("{:x}-{:x}", place.at.as_microsecond().cast_unsigned(), place.id.get())
}

fn parse_cursor(cursor: &str) -> Result<RecordPlace> {
    let place = || {
        let (micros, id) = cursor.split_once('-')?;
        let at = Timestamp::from_microsecond(u64::from_str_radix(micros, 16).ok()?.cast_signed()).ok()?;
        Some(RecordPlace { at, id: UsageRecordId::new(u64::from_str_radix(id, 16).ok()?) })
    };
    place().ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest, format!("cursor {cursor:?} is not one that a page returned"))
    })
}
