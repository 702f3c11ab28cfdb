//! The read side: queries in one read transaction.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use redb::{AccessGuard, Key, ReadOnlyTable, ReadTransaction, ReadableTable, TableError};

use super::apply::daily::day_number;
use super::apply::settle::TIME_DISORDER;
use super::codec::{Row, currency, damaged, decimal, decode, kept, micros};
use super::failure::Failure;
use super::ledger::{CONFIGURATION_VERSION, number};
use super::rows::{
    BalanceRow, BudgetRow, DailyRow, FxRateRow, ModelConfigRow, ModelRow, PriceRow, ProviderRow, ReservationRow,
    RouteRow, UsageRecordRow, meters_by_name,
};
use super::tables::{self, RowTable, WHOLE_TIME};
use super::{Configuration, DailyCost, Reservation};
use crate::billing::window::window_bounds;
use crate::types::{
    Balance, Budget, BudgetStatus, Decimal, FxRate, Limit, Model, ModelId, Result, UsageFilter, UsageRecord,
    UsageRecordId, exact_add, exact_subtract,
};

fn open<K: Key + 'static>(
    transaction: &ReadTransaction,
    table: RowTable<K>,
) -> Result<ReadOnlyTable<K, &'static [u8]>> {
    transaction.open_table(table).map_err(Failure::error)
}

fn all<R: Row, T>(
    transaction: &ReadTransaction,
    table: RowTable<u64>,
    plain: impl Fn(R, u64) -> Result<T>,
) -> Result<Vec<T>> {
    let rows = open(transaction, table)?;
    let entries = rows.iter().map_err(Failure::error)?;
    entries
        .map(|entry| {
            let (id, row) = entry.map_err(Failure::error)?;
            plain(decode(row.value())?, id.value())
        })
        .collect()
}

fn meta_number(transaction: &ReadTransaction, key: &str) -> Result<u64> {
    let value = open(transaction, tables::META)?.get(key).map_err(Failure::error)?;
    number(value.as_ref().map(AccessGuard::value))
}

pub(super) fn configuration_version(transaction: &ReadTransaction) -> Result<u64> {
    meta_number(transaction, CONFIGURATION_VERSION)
}

pub(super) fn configuration(transaction: &ReadTransaction) -> Result<Configuration> {
    Ok(Configuration {
        version: configuration_version(transaction)?,
        providers: all(transaction, tables::PROVIDERS, ProviderRow::provider)?,
        model_configs: all(transaction, tables::MODEL_CONFIGS, ModelConfigRow::model_config)?,
        prices: all(transaction, tables::PRICES, PriceRow::price)?,
        fx_rates: fx_rates(transaction)?,
        routes: all(transaction, tables::ROUTES, RouteRow::route)?,
        budgets: budgets(transaction)?,
    })
}

/// Reads the exchange rates; a file that an earlier version made has no table of them before its first change.
fn fx_rates(transaction: &ReadTransaction) -> Result<Vec<FxRate>> {
    match transaction.open_table(tables::FX_RATES) {
        Err(TableError::TableDoesNotExist(_)) => Ok(Vec::new()),
        Err(error) => Err(Failure::error(error)),
        Ok(_) => all(transaction, tables::FX_RATES, FxRateRow::fx_rate),
    }
}

fn budgets(transaction: &ReadTransaction) -> Result<Vec<Budget>> {
    all(transaction, tables::BUDGETS, BudgetRow::budget)
}

pub(super) fn models(transaction: &ReadTransaction) -> Result<Vec<Model>> {
    all(transaction, tables::MODELS, ModelRow::model)
}

pub(super) fn reservations(transaction: &ReadTransaction) -> Result<Vec<Reservation>> {
    all(transaction, tables::RESERVATIONS, ReservationRow::reservation)
}

/// Returns the sessions that have reservations.
pub(super) fn sessions(transaction: &ReadTransaction) -> Result<BTreeSet<u64>> {
    let sessions = all(transaction, tables::RESERVATIONS, |row: ReservationRow, _| Ok(row.session))?;
    Ok(sessions.into_iter().collect())
}

pub(super) fn budget_statuses(transaction: &ReadTransaction, now: Timestamp) -> Result<Vec<BudgetStatus>> {
    let balances = open(transaction, tables::BALANCES)?;
    let status = |budget: Budget| {
        let bounds = window_bounds(budget.terms.window, &budget.terms.time_zone, now)?;
        let key = (budget.id.get(), bounds.map_or(WHOLE_TIME, |(start, _)| micros(start)));
        let row = balances.get(key).map_err(Failure::error)?;
        let row: Option<BalanceRow> = row.map(|row| decode(row.value())).transpose()?;
        let balance = row.map_or_else(|| Ok(Balance::default()), |row| row.balance())?;
        let limit = match budget.terms.limit {
            Limit::Money(money) => money.amount,
            Limit::Tokens(tokens) => Decimal::from(tokens),
        };
        let remaining = exact_subtract(limit, exact_add(balance.settled, balance.reserved)?)?;
        Ok(BudgetStatus {
            budget,
            window_start: bounds.map(|(start, _)| kept(start)),
            window_end: bounds.map(|(_, end)| kept(end)),
            balance,
            remaining: remaining.max(Decimal::ZERO),
        })
    };
    budgets(transaction)?.into_iter().map(status).collect()
}

pub(super) fn daily_costs(transaction: &ReadTransaction, first: Date, last: Date) -> Result<Vec<DailyCost>> {
    let table = open(transaction, tables::DAILY)?;
    let range = (day_number(first), "", 0, "", "")..(day_number(last).saturating_add(1), "", 0, "", "");
    let epoch = jiff::civil::date(1970, 1, 1);
    let mut costs = Vec::new();
    for entry in table.range(range).map_err(Failure::error)? {
        let (key, row) = entry.map_err(Failure::error)?;
        let (day, provider, model_id, usage_type, code) = key.value();
        let row: DailyRow = decode(row.value())?;
        let day = epoch.checked_add(jiff::Span::new().days(day));
        costs.push(DailyCost {
            day: day.map_err(|_| damaged(DailyRow::TABLE, "a day is out of range"))?,
            provider: provider.to_owned(),
            model_id: ModelId::new(model_id),
            usage_type: usage_type.to_owned(),
            currency: if code.is_empty() { None } else { Some(currency(DailyRow::TABLE, code)?) },
            cost: decimal(DailyRow::TABLE, row.cost)?,
            meters: meters_by_name(DailyRow::TABLE, &row.meters)?,
            calls: row.calls,
            unpriced_calls: row.unpriced_calls,
            cost_statuses: row.cost_statuses.into_iter().collect(),
            model: row.model,
        });
    }
    Ok(costs)
}

/// Visits the records that pass a filter and come after a record, in the order of their ids, until `visit` returns false.
pub(super) fn scan(
    transaction: &ReadTransaction,
    filter: &UsageFilter,
    after: Option<UsageRecordId>,
    visit: &mut dyn FnMut(UsageRecord) -> Result<bool>,
) -> Result<()> {
    let records = open(transaction, tables::RECORDS)?;
    let Some(bounds) = TimeBounds::new(transaction, filter)? else { return Ok(()) };
    let first = after.map_or(0, |after| after.get().saturating_add(1)).max(bounds.first_id);
    let mut pass = |id: u64, bytes: &[u8]| -> Result<bool> {
        let record = decode::<UsageRecordRow>(bytes)?.record(id)?;
        if bounds.is_past(&record) {
            return Ok(false);
        }
        if matches(filter, &record) { visit(record) } else { Ok(true) }
    };
    let index = match (&filter.request_id, &filter.user) {
        (Some(request_id), _) => Some((tables::RECORDS_BY_REQUEST, request_id.as_str())),
        (None, Some(user)) => Some((tables::RECORDS_BY_USER, user.as_str())),
        (None, None) => None,
    };
    if let Some((index, value)) = index {
        let index = transaction.open_table(index).map_err(Failure::error)?;
        for entry in index.range((value, first)..=(value, u64::MAX)).map_err(Failure::error)? {
            let (_, id) = entry.map_err(Failure::error)?.0.value();
            let row = records.get(id).map_err(Failure::error)?;
            let row = row.ok_or_else(|| damaged(UsageRecordRow::TABLE, "an index names a record that is missing"))?;
            if !pass(id, row.value())? {
                break;
            }
        }
        return Ok(());
    }
    for entry in records.range(first..).map_err(Failure::error)? {
        let (id, row) = entry.map_err(Failure::error)?;
        if !pass(id.value(), row.value())? {
            break;
        }
    }
    Ok(())
}

/// Where the records of a time range stand in the order of ids.
///
/// Ids follow the order of settlement, and settlement times ran backwards by at most a known amount. So the first record
/// of the range lies within that amount of the earliest one, and none follows a record that is past the end by more.
struct TimeBounds {
    first_id: u64,
    past: i64,
}

impl TimeBounds {
    /// Returns nothing if no record can lie in the range.
    fn new(transaction: &ReadTransaction, filter: &UsageFilter) -> Result<Option<Self>> {
        let disorder = i64::try_from(meta_number(transaction, TIME_DISORDER)?).unwrap_or(i64::MAX);
        let past = filter.until.map_or(i64::MAX, |until| micros(until).saturating_add(disorder).saturating_add(1));
        let mut first_id = 0;
        if let Some(since) = filter.since {
            let by_time = transaction.open_table(tables::RECORDS_BY_TIME).map_err(Failure::error)?;
            let mut range = by_time.range((micros(since), 0)..).map_err(Failure::error)?;
            let Some(earliest) = range.next() else { return Ok(None) };
            let (time, id) = earliest.map_err(Failure::error)?.0.value();
            first_id = id;
            for entry in range {
                let (other, id) = entry.map_err(Failure::error)?.0.value();
                if other > time.saturating_add(disorder) {
                    break;
                }
                first_id = first_id.min(id);
            }
        }
        Ok(Some(Self { first_id, past }))
    }

    fn is_past(&self, record: &UsageRecord) -> bool {
        micros(record.created_at) > self.past
    }
}

fn matches(filter: &UsageFilter, record: &UsageRecord) -> bool {
    fn is<T: PartialEq>(wanted: Option<&T>, actual: &T) -> bool {
        wanted.is_none_or(|wanted| wanted == actual)
    }
    let names_model = |wanted: &String| {
        *wanted == record.model
            || wanted
                .split_once('/')
                .is_some_and(|(provider, model)| (provider, model) == (&record.provider, &record.model))
    };
    filter.user.as_ref().is_none_or(|user| record.user.as_ref() == Some(user))
        && filter.tags.iter().all(|(key, value)| record.tags.get(key) == Some(value))
        && is(filter.provider.as_ref(), &record.provider)
        && filter.model.as_ref().is_none_or(names_model)
        && is(filter.request_id.as_ref(), &record.request_id)
        && is(filter.status.as_ref(), &record.status)
        && is(filter.cost_status.as_ref(), &record.cost_status)
        && filter.since.is_none_or(|since| record.created_at >= since)
        && filter.until.is_none_or(|until| record.created_at < until)
}
