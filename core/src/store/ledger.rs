//! The tables of one write transaction, as operations see them.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::RangeBounds;

use jiff::Timestamp;
use redb::{Key, ReadableTable, Table, TableDefinition, Value, WriteTransaction};

use super::codec::{Row, damaged, decode, encode};
use super::failure::Failure;
use super::rows::{
    BalanceRow, BudgetRow, DailyRow, FxRateRow, KeyRow, ModelConfigRow, ModelRow, PriceRow, ProviderRow,
    ReservationRow, RouteRow, UsageRecordRow,
};
use super::session::Session;
use super::snapshot::Budgets;
use super::tables::{self, BalanceKey, DailyKey, RowTable};
use crate::types::{Budget, Currency, Exchange, Result};

/// The key in `meta` of the configuration's version.
pub(super) const CONFIGURATION_VERSION: &str = "configuration_version";

/// A table of rows. Its changes are noted, so that an operation that fails half way is never committed.
pub(super) struct Rows<'t, K: Key + 'static, R> {
    table: Table<'t, K, &'static [u8]>,
    changed: &'t Cell<bool>,
    row: PhantomData<fn() -> R>,
}

impl<K: Key + 'static, R: Row> Rows<'_, K, R> {
    pub(super) fn get(&self, key: K::SelfType<'_>) -> Result<Option<R>> {
        let row = self.table.get(key).map_err(Failure::error)?;
        row.map(|row| decode(row.value())).transpose()
    }

    pub(super) fn put(&mut self, key: K::SelfType<'_>, row: &R) -> Result<()> {
        let bytes = encode(row)?;
        self.changed.set(true);
        self.table.insert(key, bytes.as_slice()).map_err(Failure::error)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, key: K::SelfType<'_>) -> Result<()> {
        self.changed.set(true);
        self.table.remove(key).map_err(Failure::error)?;
        Ok(())
    }
}

impl<R: Row> Rows<'_, u64, R> {
    /// Visits all rows in the order of their ids until the visitor returns an error.
    pub(super) fn each(&self, mut visit: impl FnMut(u64, R) -> Result<()>) -> Result<()> {
        for entry in self.table.iter().map_err(Failure::error)? {
            let (key, row) = entry.map_err(Failure::error)?;
            visit(key.value(), decode(row.value())?)?;
        }
        Ok(())
    }

    pub(super) fn all(&self) -> Result<Vec<(u64, R)>> {
        let mut rows = Vec::new();
        self.each(|id, row| {
            rows.push((id, row));
            Ok(())
        })?;
        Ok(rows)
    }
}

impl<R: Row> Rows<'_, BalanceKey, R> {
    /// Returns the keys of one budget.
    pub(super) fn windows(&self, budget: u64) -> Result<Vec<BalanceKey>> {
        let range = self.table.range((budget, i64::MIN)..=(budget, i64::MAX)).map_err(Failure::error)?;
        range.map(|entry| Ok(entry.map_err(Failure::error)?.0.value())).collect()
    }
}

/// A secondary index.
pub(super) struct Index<'t, K: Key + 'static, V: Value + 'static> {
    table: Table<'t, K, V>,
    changed: &'t Cell<bool>,
}

impl<K: Key + 'static, V: Value + 'static> Index<'_, K, V> {
    pub(super) fn put(&mut self, key: K::SelfType<'_>, value: V::SelfType<'_>) -> Result<()> {
        self.changed.set(true);
        self.table.insert(key, value).map_err(Failure::error)?;
        Ok(())
    }

    pub(super) fn remove(&mut self, key: K::SelfType<'_>) -> Result<()> {
        self.changed.set(true);
        self.table.remove(key).map_err(Failure::error)?;
        Ok(())
    }

    /// Visits the keys of a range in order.
    pub(super) fn each<'a>(
        &self,
        range: impl RangeBounds<K::SelfType<'a>> + 'a,
        mut visit: impl FnMut(K::SelfType<'_>) -> Result<()>,
    ) -> Result<()>
    where
        K::SelfType<'a>: 'a,
    {
        for entry in self.table.range(range).map_err(Failure::error)? {
            visit(entry.map_err(Failure::error)?.0.value())?;
        }
        Ok(())
    }
}

impl<K: Key + 'static> Index<'_, K, u64> {
    pub(super) fn get(&self, key: K::SelfType<'_>) -> Result<Option<u64>> {
        Ok(self.table.get(key).map_err(Failure::error)?.map(|id| id.value()))
    }
}

impl Index<'_, (i64, &'static str), ()> {
    /// Returns the first names up to a time, inclusive, and no more than so many.
    pub(super) fn names_until(&self, time: i64, most: usize) -> Result<Vec<String>> {
        let range = self.table.range((i64::MIN, "")..=(time, "\u{10FFFF}")).map_err(Failure::error)?;
        range.take(most).map(|entry| Ok(entry.map_err(Failure::error)?.0.value().1.to_owned())).collect()
    }
}

impl Index<'_, (i64, u64), ()> {
    /// Returns the greatest time.
    pub(super) fn last_time(&self) -> Result<Option<i64>> {
        Ok(self.table.last().map_err(Failure::error)?.map(|(key, _)| key.value().0))
    }
}

/// What operations read and change. Every write goes through it.
pub(super) struct Ledger<'t> {
    pub(super) session: &'t Session,
    pub(super) budgets: &'t mut Option<Budgets>,
    pub(super) providers: Rows<'t, u64, ProviderRow>,
    pub(super) providers_by_name: Index<'t, &'static str, u64>,
    pub(super) model_configs: Rows<'t, u64, ModelConfigRow>,
    pub(super) models: Rows<'t, u64, ModelRow>,
    pub(super) models_by_code: Index<'t, (&'static str, &'static str), u64>,
    pub(super) prices: Rows<'t, u64, PriceRow>,
    pub(super) fx_rates: Rows<'t, u64, FxRateRow>,
    pub(super) routes: Rows<'t, u64, RouteRow>,
    pub(super) records: Rows<'t, u64, UsageRecordRow>,
    pub(super) records_by_uid: Index<'t, &'static str, u64>,
    pub(super) records_by_user: Index<'t, (&'static str, u64), ()>,
    pub(super) records_by_request: Index<'t, (&'static str, u64), ()>,
    pub(super) records_by_time: Index<'t, (i64, u64), ()>,
    pub(super) records_by_adjusted: Index<'t, (&'static str, u64), ()>,
    pub(super) records_by_reservation: Index<'t, u64, u64>,
    pub(super) daily: Rows<'t, DailyKey, DailyRow>,
    pub(super) budget_rows: Rows<'t, u64, BudgetRow>,
    pub(super) balances: Rows<'t, BalanceKey, BalanceRow>,
    pub(super) reservations: Rows<'t, u64, ReservationRow>,
    pub(super) keys: Rows<'t, &'static str, KeyRow>,
    pub(super) keys_by_session: Index<'t, (u64, &'static str), ()>,
    pub(super) keys_by_time: Index<'t, (i64, &'static str), ()>,
    meta: Table<'t, &'static str, &'static [u8]>,
    counters: BTreeMap<&'static str, u64>,
    changed: &'t Cell<bool>,
}

impl<'t> Ledger<'t> {
    /// Opens all tables. `changed` is set by every write.
    pub(super) fn open(
        transaction: &'t WriteTransaction,
        changed: &'t Cell<bool>,
        session: &'t Session,
        budgets: &'t mut Option<Budgets>,
    ) -> Result<Self> {
        fn rows<'t, K: Key + 'static, R>(
            transaction: &'t WriteTransaction,
            changed: &'t Cell<bool>,
            definition: RowTable<K>,
        ) -> Result<Rows<'t, K, R>> {
            let table = transaction.open_table(definition).map_err(Failure::error)?;
            Ok(Rows { table, changed, row: PhantomData })
        }
        fn index<'t, K: Key + 'static, V: Value + 'static>(
            transaction: &'t WriteTransaction,
            changed: &'t Cell<bool>,
            definition: TableDefinition<'static, K, V>,
        ) -> Result<Index<'t, K, V>> {
            Ok(Index { table: transaction.open_table(definition).map_err(Failure::error)?, changed })
        }
        let mut ledger = Self {
            session,
            budgets,
            providers: rows(transaction, changed, tables::PROVIDERS)?,
            providers_by_name: index(transaction, changed, tables::PROVIDERS_BY_NAME)?,
            model_configs: rows(transaction, changed, tables::MODEL_CONFIGS)?,
            models: rows(transaction, changed, tables::MODELS)?,
            models_by_code: index(transaction, changed, tables::MODELS_BY_CODE)?,
            prices: rows(transaction, changed, tables::PRICES)?,
            fx_rates: rows(transaction, changed, tables::FX_RATES)?,
            routes: rows(transaction, changed, tables::ROUTES)?,
            records: rows(transaction, changed, tables::RECORDS)?,
            records_by_uid: index(transaction, changed, tables::RECORDS_BY_UID)?,
            records_by_user: index(transaction, changed, tables::RECORDS_BY_USER)?,
            records_by_request: index(transaction, changed, tables::RECORDS_BY_REQUEST)?,
            records_by_time: index(transaction, changed, tables::RECORDS_BY_TIME)?,
            records_by_adjusted: index(transaction, changed, tables::RECORDS_BY_ADJUSTED)?,
            records_by_reservation: index(transaction, changed, tables::RECORDS_BY_RESERVATION)?,
            daily: rows(transaction, changed, tables::DAILY)?,
            budget_rows: rows(transaction, changed, tables::BUDGETS)?,
            balances: rows(transaction, changed, tables::BALANCES)?,
            reservations: rows(transaction, changed, tables::RESERVATIONS)?,
            keys: rows(transaction, changed, tables::KEYS)?,
            keys_by_session: index(transaction, changed, tables::KEYS_BY_SESSION)?,
            keys_by_time: index(transaction, changed, tables::KEYS_BY_TIME)?,
            meta: transaction.open_table(tables::META).map_err(Failure::error)?,
            counters: BTreeMap::new(),
            changed,
        };
        ledger.load_budgets()?;
        Ok(ledger)
    }

    fn load_budgets(&mut self) -> Result<()> {
        let version = self.counter(CONFIGURATION_VERSION)?;
        if self.budgets.as_ref().is_none_or(|budgets| budgets.version != version) {
            let rows = self.budget_rows.all()?;
            let budgets = rows.into_iter().map(|(id, row)| row.budget(id)).collect::<Result<_>>()?;
            let rates = self.fx_rates.all()?.into_iter().map(|(id, row)| row.fx_rate(id)).collect::<Result<_>>()?;
            *self.budgets = Some(Budgets::new(version, budgets, rates));
        }
        Ok(())
    }

    /// Returns the budgets that apply to a call.
    pub(super) fn applying(&self, user: Option<&str>, tags: &BTreeMap<String, String>) -> Vec<Budget> {
        self.budgets.as_ref().map(|budgets| budgets.applying(user, tags)).unwrap_or_default()
    }

    /// Returns the rate between two currencies at an instant.
    pub(super) fn exchange(&self, from: Currency, to: Currency, at: Timestamp) -> Option<Exchange> {
        self.budgets.as_ref().and_then(|budgets| budgets.exchange(from, to, at))
    }

    /// Returns a value of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.meta.get(key).map_err(Failure::error)?.map(|value| value.value().to_vec()))
    }

    /// Writes a value of `meta`.
    pub(super) fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.changed.set(true);
        self.meta.insert(key, value).map_err(Failure::error)?;
        Ok(())
    }

    fn counter(&mut self, name: &'static str) -> Result<u64> {
        if let Some(value) = self.counters.get(name) {
            return Ok(*value);
        }
        let value = number(self.meta(name)?.as_deref())?;
        self.counters.insert(name, value);
        Ok(value)
    }

    fn set_counter(&mut self, name: &'static str, value: u64) -> Result<()> {
        self.put_meta(name, &value.to_le_bytes())?;
        self.counters.insert(name, value);
        Ok(())
    }

    /// Returns the id that the next row of a table will get, without taking it.
    pub(super) fn next_id(&mut self, counter: &'static str) -> Result<u64> {
        Ok(self.counter(counter)? + 1)
    }

    /// Takes an id. It is never given again, even if its row is deleted.
    pub(super) fn take_id(&mut self, counter: &'static str) -> Result<u64> {
        let id = self.next_id(counter)?;
        self.set_counter(counter, id)?;
        Ok(id)
    }

    /// Marks the configuration as changed, for every process, and reads the budgets and rates again.
    pub(super) fn configuration_changed(&mut self) -> Result<()> {
        self.take_id(CONFIGURATION_VERSION)?;
        self.load_budgets()
    }
}

/// Reads a counter or another number of `meta`; an absent one is zero.
pub(super) fn number(value: Option<&[u8]>) -> Result<u64> {
    value.map_or(Ok(0), |bytes| {
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| damaged("meta", "a number has no 8 bytes"))
    })
}
