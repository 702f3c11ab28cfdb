//! The read side: queries in one read transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;

use super::Reservation;
use super::codec::{Row, kept, micros};
use super::failure::damaged;
use super::ledger::CONFIGURATION_VERSION;
use super::reading::Reader;
use super::records::text_key;
use super::rows::{
    BalanceRow, BudgetRow, FxRateRow, ModelConfigRow, ModelRow, MovementsRow, PoolRow, PriceRow, ProviderRow, QuotaRow,
    ReservationRow, RouteRow, UsageRecordRow, numbers,
};
use super::state::{STATE_KEY, State, TableSum};
use super::storage::{Liveness, Session};
use super::tables::{self, META_TABLE, WHOLE_TIME, is_unsigned};
use super::writing::number;
use crate::budget::window::window_bounds;
use crate::types::{
    AccountId, Balance, Budget, BudgetId, BudgetStatus, Call, Configuration, Decimal, Model, Result, UsageRecord,
    exact_add, exact_subtract,
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

/// Returns the record with a uid.
pub(super) fn record_of_uid(reader: &Reader<'_>, uid: &str) -> Result<Option<UsageRecordRow>> {
    let (key, mut found) = (text_key(reader.key(), uid), None);
    reader.entries(tables::RECORDS_BY_TEXT).each((key, 0)..=(key, u64::MAX), |(_, id), ()| {
        found = reader.record(id)?.filter(|row| row.uid == uid);
        Ok(found.is_none())
    })?;
    Ok(found)
}

/// Returns whether a session that has made reservations has ended, or, where the system does not say who is alive, whether one of its
/// reservations has expired.
pub(super) fn may_recover(reader: &Reader<'_>, own: &dyn Session, now: Timestamp) -> Result<bool> {
    let (mut has_ended, mut unknown) = (false, BTreeSet::new());
    reader.entries(tables::SESSIONS).each(.., |session, ()| {
        match own.liveness(session) {
            Liveness::Alive => {}
            Liveness::Dead => has_ended = true,
            Liveness::Unknown => drop(unknown.insert(session)),
        }
        Ok(!has_ended)
    })?;
    if !has_ended && !unknown.is_empty() {
        reader.rows(tables::RESERVATIONS).each(.., |_, row: ReservationRow| {
            has_ended = unknown.contains(&row.session) && row.expires_at <= micros(now);
            Ok(!has_ended)
        })?;
    }
    Ok(has_ended)
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
    let (mut balance, mut counted) = (Balance::default(), BTreeSet::new());
    reader.rows(tables::BALANCES).each(key(first)..=key(last), |(.., start), row: BalanceRow| {
        let own = row.balance()?;
        balance.settled = exact_add(balance.settled, own.settled)?;
        balance.reserved = exact_add(balance.reserved, own.reserved)?;
        balance.holds += own.holds;
        counted.insert(start);
        Ok(true)
    })?;
    balance.settled = exact_add(balance.settled, folded(reader, key(first), last, &counted)?)?;
    let remaining = exact_subtract(budget.terms.limit.amount(), exact_add(balance.settled, balance.reserved)?)?;
    Ok(BudgetStatus {
        budget,
        window_start: bounds.map(|bounds| kept(bounds.first)),
        window_end: bounds.map(|bounds| kept(bounds.end)),
        balance,
        remaining: remaining.max(Decimal::ZERO),
    })
}

/// Returns what was settled in the buckets of an account, from one up to another, that were folded away: a clock that was set back
/// comes into them again. Those that are `counted` are kept.
fn folded(
    reader: &Reader<'_>,
    (kind, number, part, first): (u64, u64, &str, i64),
    last: i64,
    counted: &BTreeSet<i64>,
) -> Result<Decimal> {
    let mut is_behind = first == last && !counted.contains(&last);
    if first != last {
        let later = (kind, number, part, last.saturating_add(1))..(kind, number, part, i64::MAX);
        reader.rows(tables::BALANCES).each(later, |_, _: BalanceRow| {
            is_behind = true;
            Ok(false)
        })?;
    }
    let mut ends = BTreeMap::new();
    if !is_behind {
        return Ok(Decimal::ZERO);
    }
    let buckets = (kind, number, part, first, 0)..=(kind, number, part, last, u64::MAX);
    reader.rows(tables::MOVEMENTS).each(buckets, |(.., start, number), row: MovementsRow| {
        if !counted.contains(&start)
            && let Some((settled, _)) = row.last(number)?
        {
            ends.insert(start, settled);
        }
        Ok(true)
    })?;
    ends.into_values().try_fold(Decimal::ZERO, exact_add)
}

/// Visits the records of some ids, in their order, until `visit` returns false. Fails with `corrupted_file` if one is missing.
pub(super) fn each_record(
    reader: &Reader<'_>,
    ids: Range<u64>,
    visit: &mut dyn FnMut(UsageRecord) -> Result<bool>,
) -> Result<()> {
    let state = reader.state()?;
    let mut next = ids.start.max(1);
    let mut is_broken_off = false;
    reader.each_record(ids.clone(), |id, row| {
        check_gap(&state, next, id)?;
        next = id + 1;
        is_broken_off = !visit(row.record(id)?)?;
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
