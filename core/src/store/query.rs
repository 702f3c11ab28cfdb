//! The read side: queries in one read transaction.

use std::collections::{BTreeSet, VecDeque};
use std::ops::Range;

use jiff::Timestamp;

use super::Reservation;
use super::apply::settle::TIME_DISORDER;
use super::codec::{Row, kept, micros};
use super::failure::damaged;
use super::ledger::CONFIGURATION_VERSION;
use super::reading::Reader;
use super::rows::{
    BalanceRow, BudgetRow, FxRateRow, ModelConfigRow, ModelRow, PoolRow, PriceRow, ProviderRow, QuotaRow,
    ReservationRow, RouteRow, UsageRecordRow, numbers,
};
use super::state::{STATE_KEY, State, TableSum};
use super::tables::{self, META_TABLE, WHOLE_TIME, is_unsigned};
use super::writing::number;
use crate::budget::window::window_bounds;
use crate::types::{
    AccountId, Balance, Budget, BudgetId, BudgetStatus, Call, Configuration, Decimal, Model, Result, UsageFilter,
    UsageRecord, UsageRecordId, exact_add, exact_subtract,
};

fn meta_number(reader: &Reader<'_>, key: &str) -> Result<u64> {
    number(reader.meta(key)?.as_deref())
}

/// Checks the values of `meta` against the state of the file. Fails with `corrupted_file` if one was edited or is missing.
pub(super) fn check_meta(reader: &Reader<'_>) -> Result<()> {
    let mut read = TableSum::default();
    reader.entries(tables::META).each(.., |key, value| {
        if !is_unsigned(key) && key != STATE_KEY {
            reader.key().open_meta(key, value)?;
            read = read.replace(None, Some(value));
        }
        Ok(true)
    })?;
    reader.state()?.sum(META_TABLE).check(META_TABLE, read)
}

pub(super) fn configuration_version(reader: &Reader<'_>) -> Result<u64> {
    meta_number(reader, CONFIGURATION_VERSION)
}

pub(super) fn configuration(reader: &Reader<'_>) -> Result<Configuration> {
    Ok(Configuration {
        version: configuration_version(reader)?,
        providers: reader.all(tables::PROVIDERS, ProviderRow::provider)?,
        model_configs: reader.all(tables::MODEL_CONFIGS, ModelConfigRow::model_config)?,
        prices: reader.all(tables::PRICES, PriceRow::price)?,
        fx_rates: reader.all(tables::FX_RATES, FxRateRow::fx_rate)?,
        routes: reader.all(tables::ROUTES, RouteRow::route)?,
        budgets: budgets(reader)?,
        pools: reader.all(tables::POOLS, PoolRow::pool)?,
        quotas: reader.all(tables::QUOTAS, QuotaRow::quota)?,
    })
}

fn budgets(reader: &Reader<'_>) -> Result<Vec<Budget>> {
    reader.all(tables::BUDGETS, BudgetRow::budget)
}

pub(super) fn models(reader: &Reader<'_>) -> Result<Vec<Model>> {
    reader.all(tables::MODELS, ModelRow::model)
}

pub(super) fn reservations(reader: &Reader<'_>) -> Result<Vec<Reservation>> {
    reader.all(tables::RESERVATIONS, ReservationRow::reservation)
}

/// Returns the sessions that have reservations.
pub(super) fn sessions(reader: &Reader<'_>) -> Result<BTreeSet<u64>> {
    let sessions = reader.all(tables::RESERVATIONS, |row: ReservationRow, _| Ok(row.session))?;
    Ok(sessions.into_iter().collect())
}

/// Returns whether a session has claims of idempotency keys.
pub(super) fn has_claims(reader: &Reader<'_>, session: u64) -> Result<bool> {
    let mut has = false;
    reader.entries(tables::KEYS_BY_SESSION).each((session, "")..(session + 1, ""), |_, ()| {
        has = true;
        Ok(false)
    })?;
    Ok(has)
}

pub(super) fn budget_statuses(reader: &Reader<'_>, call: Option<&Call>, now: Timestamp) -> Result<Vec<BudgetStatus>> {
    let mut statuses = Vec::new();
    for budget in budgets(reader)? {
        let part = match call {
            Some(call) => budget.terms.scope.part_of(&call.dimensions()),
            None => Some(String::new()),
        };
        if let Some(part) = part {
            statuses.push(status(reader, budget, &part, now)?);
        }
    }
    Ok(statuses)
}

/// Returns one budget with its state: for one with `*`, that of the call's values.
pub(super) fn budget_status(
    reader: &Reader<'_>,
    id: BudgetId,
    call: Option<&Call>,
    now: Timestamp,
) -> Result<Option<BudgetStatus>> {
    let Some(row) = reader.rows::<_, BudgetRow>(tables::BUDGETS).get(id.get())? else { return Ok(None) };
    let budget = row.budget(id.get())?;
    let part = call.and_then(|call| budget.terms.scope.part_of(&call.dimensions())).unwrap_or_default();
    status(reader, budget, &part, now).map(Some)
}

fn status(reader: &Reader<'_>, budget: Budget, part: &str, now: Timestamp) -> Result<BudgetStatus> {
    let bounds = window_bounds(budget.terms.window, &budget.terms.time_zone, now)?;
    let (kind, number) = numbers(AccountId::Budget(budget.id));
    let key = |start: i64| (u64::from(kind), number, part, start);
    let (first, last) = bounds.map_or((WHOLE_TIME, WHOLE_TIME), |bounds| (micros(bounds.first), micros(bounds.bucket)));
    let mut balance = Balance::default();
    reader.rows(tables::BALANCES).each(key(first)..=key(last), |_, row: BalanceRow| {
        let own = row.balance()?;
        balance.settled = exact_add(balance.settled, own.settled)?;
        balance.reserved = exact_add(balance.reserved, own.reserved)?;
        balance.holds += own.holds;
        Ok(true)
    })?;
    let remaining = exact_subtract(budget.terms.limit.amount(), exact_add(balance.settled, balance.reserved)?)?;
    Ok(BudgetStatus {
        budget,
        window_start: bounds.map(|bounds| kept(bounds.first)),
        window_end: bounds.map(|bounds| kept(bounds.end)),
        balance,
        remaining: remaining.max(Decimal::ZERO),
    })
}

/// How many ids are looked at first, and at most, for the newest records. So many records stand in memory at once.
const FIRST_LOOK: u64 = 64;
const GREATEST_LOOK: u64 = 1 << 16;

/// Visits the records that pass a filter and come after a record, in the order of their ids, until `visit` returns false.
pub(super) fn scan(
    reader: &Reader<'_>,
    filter: &UsageFilter,
    after: Option<UsageRecordId>,
    visit: &mut dyn FnMut(UsageRecord) -> Result<bool>,
) -> Result<()> {
    let Some(bounds) = TimeBounds::new(reader, filter)? else { return Ok(()) };
    let first = after.map_or(0, |after| after.get().saturating_add(1)).max(bounds.first_id);
    let end = reader.state()?.head().record.saturating_add(1);
    scan_ids(reader, filter, &bounds, first..end.max(first), visit)
}

/// Reads the newest records that pass a filter and come before a record, newest first. It looks back in steps that grow.
pub(super) fn newest(
    reader: &Reader<'_>,
    filter: &UsageFilter,
    before: Option<UsageRecordId>,
    limit: usize,
) -> Result<Vec<UsageRecord>> {
    let mut found = Vec::new();
    let Some(bounds) = TimeBounds::new(reader, filter)? else { return Ok(found) };
    let head = reader.state()?.head().record.saturating_add(1);
    let first = bounds.first_id.max(1);
    let mut end = before.map_or(head, |before| before.get().min(head));
    let mut look = FIRST_LOOK;
    while found.len() < limit && end > first {
        let start = end.saturating_sub(look).max(first);
        let mut seen = VecDeque::new();
        let wanted = limit - found.len();
        scan_ids(reader, filter, &bounds, start..end, &mut |record| {
            if seen.len() == wanted {
                seen.pop_front();
            }
            seen.push_back(record);
            Ok(true)
        })?;
        found.extend(seen.into_iter().rev());
        end = start;
        look = (look * 2).min(GREATEST_LOOK);
    }
    Ok(found)
}

/// Visits the records of some ids that pass a filter, in their order, until `visit` returns false.
fn scan_ids(
    reader: &Reader<'_>,
    filter: &UsageFilter,
    bounds: &TimeBounds,
    ids: Range<u64>,
    visit: &mut dyn FnMut(UsageRecord) -> Result<bool>,
) -> Result<()> {
    let records = reader.rows::<_, UsageRecordRow>(tables::RECORDS);
    let index = match (&filter.request_id, &filter.user) {
        (Some(request_id), _) => Some((tables::RECORDS_BY_REQUEST, request_id.as_str())),
        (None, Some(user)) => Some((tables::RECORDS_BY_USER, user.as_str())),
        (None, None) => None,
    };
    let mut pass = |record: UsageRecord| -> Result<bool> {
        if bounds.is_past(&record) {
            return Ok(false);
        }
        if filter.is_met_by(&record) { visit(record) } else { Ok(true) }
    };
    if let Some((index, value)) = index {
        let misled = |what: &str| damaged(UsageRecordRow::TABLE, &format!("an index names a record that is {what}"));
        return reader.entries(index).each((value, ids.start)..(value, ids.end), |(_, id), ()| {
            let record = records.get(id)?.ok_or_else(|| misled("missing"))?.record(id)?;
            if record.request_id != value && record.user.as_deref() != Some(value) {
                return Err(misled("another's"));
            }
            pass(record)
        });
    }
    let state = reader.state()?;
    let mut next = ids.start.max(1);
    let mut is_broken_off = false;
    records.each(ids.clone(), |id, row| {
        check_gap(&state, next, id)?;
        next = id + 1;
        is_broken_off = !pass(row.record(id)?)?;
        Ok(!is_broken_off)
    })?;
    if is_broken_off { Ok(()) } else { check_gap(&state, next, ids.end) }
}

/// Fails with `corrupted_file` if a record is missing between two of them.
fn check_gap(state: &State, next: u64, id: u64) -> Result<()> {
    if id > next && id > state.first_record() {
        let missing = next.max(state.first_record());
        return Err(damaged(UsageRecordRow::TABLE, &format!("record {missing} is missing")));
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
    fn new(reader: &Reader<'_>, filter: &UsageFilter) -> Result<Option<Self>> {
        let disorder = i64::try_from(meta_number(reader, TIME_DISORDER)?).unwrap_or(i64::MAX);
        let past = filter.until.map_or(i64::MAX, |until| micros(until).saturating_add(disorder).saturating_add(1));
        let mut first_id = 0;
        if let Some(since) = filter.since {
            let mut earliest = None;
            reader.entries(tables::RECORDS_BY_TIME).each((micros(since), 0).., |(time, id), ()| {
                let (first, least) = earliest.unwrap_or((time, id));
                if time > first.saturating_add(disorder) {
                    return Ok(false);
                }
                earliest = Some((first, least.min(id)));
                Ok(true)
            })?;
            let Some((_, least)) = earliest else { return Ok(None) };
            first_id = least;
        }
        Ok(Some(Self { first_id, past }))
    }

    fn is_past(&self, record: &UsageRecord) -> bool {
        micros(record.created_at) > self.past
    }
}
