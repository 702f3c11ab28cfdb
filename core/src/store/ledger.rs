//! The tables of one write transaction, as operations see them.

use std::cell::{Cell, RefCell};

use jiff::Timestamp;

use super::codec::Row;
use super::failure::damaged;
use super::names::{self, KnownNames, Numbers};
use super::rows::{
    BalanceRow, BudgetRow, FxRateRow, KeyRow, LedgerHeadRow, ModelConfigRow, ModelRow, MovementRow, NameRow,
    PackageRow, PoolRow, PriceRow, ProviderRow, QuotaRow, RechargeRow, ReservationRow, RollupRow, RouteRow,
    TransactionRow, UsageRecordRow,
};
use super::snapshot::Budgets;
use super::state::State;
use super::storage::Session;
use super::tables::{self, BalanceKey, MovementKey, RollupKey};
use super::writing::{Index, Meta, Rows, Writing, number};
use crate::budget::index::Applying;
use crate::budget::provisions::Provisions;
use crate::types::{Currency, Dimensions, Exchange, Result};

/// The key in `meta` of the configuration's version.
pub(super) const CONFIGURATION_VERSION: &str = "configuration_version";

/// What operations read and change. Every write goes through it.
pub(super) struct Ledger<'t> {
    pub(super) session: &'t dyn Session,
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
    pub(super) rollups: Rows<'t, RollupKey, RollupRow>,
    pub(super) budget_rows: Rows<'t, u64, BudgetRow>,
    pub(super) balances: Rows<'t, BalanceKey, BalanceRow>,
    pub(super) movements: Rows<'t, MovementKey, MovementRow>,
    pub(super) reservations: Rows<'t, u64, ReservationRow>,
    pub(super) keys: Rows<'t, &'static str, KeyRow>,
    pub(super) keys_by_session: Index<'t, (u64, &'static str), ()>,
    pub(super) keys_by_time: Index<'t, (i64, &'static str), ()>,
    pub(super) quotas: Rows<'t, u64, QuotaRow>,
    pub(super) transactions: Rows<'t, u64, TransactionRow>,
    pub(super) transactions_by_quota: Index<'t, (u64, u64), ()>,
    pub(super) packages: Rows<'t, u64, PackageRow>,
    pub(super) packages_by_order: Index<'t, &'static str, u64>,
    pub(super) pools: Rows<'t, u64, PoolRow>,
    pub(super) recharges: Rows<'t, u64, RechargeRow>,
    pub(super) recharges_by_order: Index<'t, &'static str, u64>,
    heads: Rows<'t, u64, LedgerHeadRow>,
    names: Rows<'t, u64, NameRow>,
    names_by_digest: Index<'t, (u64, u64), ()>,
    known_names: &'t KnownNames,
    /// The first number that this transaction gave, and what it gave: nobody else may know of them before they are committed.
    first_new_name: Cell<Option<u64>>,
    new_names: RefCell<Numbers>,
    writing: Writing<'t>,
}

impl<'t> Ledger<'t> {
    /// Reads the state of the file, and the budgets if they have changed.
    pub(super) fn open(
        writing: Writing<'t>,
        session: &'t dyn Session,
        budgets: &'t mut Option<Budgets>,
        known_names: &'t KnownNames,
    ) -> Result<Self> {
        let mut ledger = Self {
            session,
            budgets,
            providers: writing.rows(tables::PROVIDERS),
            providers_by_name: writing.index(tables::PROVIDERS_BY_NAME),
            model_configs: writing.rows(tables::MODEL_CONFIGS),
            models: writing.rows(tables::MODELS),
            models_by_code: writing.index(tables::MODELS_BY_CODE),
            prices: writing.rows(tables::PRICES),
            fx_rates: writing.rows(tables::FX_RATES),
            routes: writing.rows(tables::ROUTES),
            records: writing.rows(tables::RECORDS),
            records_by_uid: writing.index(tables::RECORDS_BY_UID),
            records_by_user: writing.index(tables::RECORDS_BY_USER),
            records_by_request: writing.index(tables::RECORDS_BY_REQUEST),
            records_by_time: writing.index(tables::RECORDS_BY_TIME),
            records_by_adjusted: writing.index(tables::RECORDS_BY_ADJUSTED),
            records_by_reservation: writing.index(tables::RECORDS_BY_RESERVATION),
            rollups: writing.rows(tables::ROLLUPS),
            budget_rows: writing.rows(tables::BUDGETS),
            balances: writing.rows(tables::BALANCES),
            movements: writing.rows(tables::MOVEMENTS),
            reservations: writing.rows(tables::RESERVATIONS),
            keys: writing.rows(tables::KEYS),
            keys_by_session: writing.index(tables::KEYS_BY_SESSION),
            keys_by_time: writing.index(tables::KEYS_BY_TIME),
            quotas: writing.rows(tables::QUOTAS),
            transactions: writing.rows(tables::TRANSACTIONS),
            transactions_by_quota: writing.index(tables::TRANSACTIONS_BY_QUOTA),
            packages: writing.rows(tables::PACKAGES),
            packages_by_order: writing.index(tables::PACKAGES_BY_ORDER),
            pools: writing.rows(tables::POOLS),
            recharges: writing.rows(tables::RECHARGES),
            recharges_by_order: writing.index(tables::RECHARGES_BY_ORDER),
            heads: writing.rows(tables::HEADS),
            names: writing.rows(tables::NAMES),
            names_by_digest: writing.index(tables::NAMES_BY_DIGEST),
            known_names,
            first_new_name: Cell::new(None),
            new_names: RefCell::default(),
            writing,
        };
        Meta(writing).load_state()?;
        ledger.load_budgets()?;
        Ok(ledger)
    }

    fn load_budgets(&mut self) -> Result<()> {
        let version = number(self.meta(CONFIGURATION_VERSION)?.as_deref())?;
        if self.budgets.as_ref().is_none_or(|budgets| budgets.version != version) {
            let rows = self.budget_rows.all()?;
            let budgets = rows.into_iter().map(|(id, row)| row.budget(id)).collect::<Result<_>>()?;
            let rates = self.fx_rates.all()?.into_iter().map(|(id, row)| row.fx_rate(id)).collect::<Result<_>>()?;
            let pools = self.pools.all()?.into_iter().map(|(id, row)| row.pool(id)).collect::<Result<_>>()?;
            let quotas = self.quotas.all()?.into_iter().map(|(id, row)| row.quota(id)).collect::<Result<_>>()?;
            *self.budgets = Some(Budgets::new(version, budgets, Provisions::new(pools, quotas), rates));
        }
        Ok(())
    }

    /// Returns the version of the configuration.
    pub(super) fn version(&self) -> u64 {
        self.budgets.as_ref().map_or(0, |budgets| budgets.version)
    }

    /// Returns the budgets that apply to a call.
    pub(super) fn applying(&self, call: &Dimensions<'_>) -> Vec<Applying> {
        self.budgets.as_ref().map(|budgets| budgets.applying(call)).unwrap_or_default()
    }

    /// Returns the pools and the quotas.
    pub(super) fn provisions(&self) -> Option<&Provisions> {
        self.budgets.as_ref().map(|budgets| &budgets.provisions)
    }

    /// Returns the rate between two currencies at an instant.
    pub(super) fn exchange(&self, from: Currency, to: Currency, at: Timestamp) -> Option<Exchange> {
        self.budgets.as_ref().and_then(|budgets| budgets.exchange(from, to, at))
    }

    /// Returns a value of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Meta(self.writing).get(key)
    }

    /// Writes a value of `meta`.
    pub(super) fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<()> {
        Meta(self.writing).put(key, value)
    }

    /// Writes a new record, and links it to those before it.
    pub(super) fn put_record(&mut self, id: u64, row: &UsageRecordRow) -> Result<()> {
        if id <= self.writing.state.head().record {
            return Err(damaged(UsageRecordRow::TABLE, "the counter of its ids was set back"));
        }
        self.records.put(id, row)?;
        match self.writing.state.link(self.writing.key, id, &row.uid) {
            Some(head) => self.heads.put(id, &LedgerHeadRow { link: head.link }),
            None => Ok(()),
        }
    }

    /// Returns the state of the file.
    pub(super) fn state(&self) -> &'t State {
        self.writing.state
    }

    /// Returns the number of a name, which it gets if it has none; nothing if its space takes no more.
    pub(super) fn number(&mut self, space: u64, value: &[u8]) -> Result<Option<u64>> {
        if let Some(number) = self.known_names.number(space, value) {
            return Ok(Some(number));
        }
        if let Some(number) = self.new_names.borrow().get(&space).and_then(|numbers| numbers.get(value)) {
            return Ok(Some(*number));
        }
        let digest = names::digest(self.writing.key, space, value);
        if let Some(number) = self.name_of_digest(digest, space, value)? {
            if self.first_new_name.get().is_none_or(|first| number < first) {
                self.known_names.keep_number(space, value, number);
            }
            return Ok(Some(number));
        }
        let mut row = self.names.get(space)?.unwrap_or(NameRow { space: 0, value: Vec::new(), members: 0 });
        if row.members >= names::most(space) {
            return Ok(None);
        }
        row.members += 1;
        self.names.put(space, &row)?;
        let number = self.names.take_id()? + names::FIRST;
        self.names.put(number, &NameRow { space, value: value.to_vec(), members: 0 })?;
        self.names_by_digest.put((digest, number), ())?;
        self.first_new_name.set(self.first_new_name.get().or(Some(number)));
        self.new_names.borrow_mut().entry(space).or_default().insert(value.into(), number);
        Ok(Some(number))
    }

    fn name_of_digest(&self, digest: u64, space: u64, value: &[u8]) -> Result<Option<u64>> {
        let mut numbers = Vec::new();
        self.names_by_digest.each((digest, 0)..=(digest, u64::MAX), |(_, number)| {
            numbers.push(number);
            Ok(())
        })?;
        for number in numbers {
            let row = self.names.get(number)?.ok_or_else(|| damaged(NameRow::TABLE, "a name is missing"))?;
            if row.space == space && row.value == value {
                return Ok(Some(number));
            }
        }
        Ok(None)
    }

    /// Writes the state of the file, if it has changed.
    pub(super) fn finish(self) -> Result<()> {
        Meta(self.writing).put_state()
    }

    /// Marks the configuration as changed, for every process, and reads the budgets and rates again.
    pub(super) fn configuration_changed(&mut self) -> Result<()> {
        let version = number(self.meta(CONFIGURATION_VERSION)?.as_deref())?;
        self.put_meta(CONFIGURATION_VERSION, &(version + 1).to_le_bytes())?;
        self.load_budgets()
    }
}
