//! The tables of one write transaction, as operations see them.

use std::rc::Rc;

use jiff::Timestamp;

use super::accounts::Accounts;
use super::codec::Row;
use super::failure::damaged;
use super::name_book::NameBook;
use super::names::KnownNames;
use super::reading::Reader;
use super::recent::Recent;
use super::records::Records;
use super::rows::{
    ArchivedRow, BudgetRow, FxRateRow, KeyRow, LedgerHeadRow, ModelConfigRow, ModelRow, PackageRow, PoolRow, PriceRow,
    ProviderRow, QuotaRow, RechargeRow, ReservationRow, RollupRow, RouteRow, TransactionRow, UsageRecordRow,
};
use super::snapshot::Budgets;
use super::state::State;
use super::storage::Session;
use super::tables::{self, BalanceKey, PostingKey, RollupKey};
use super::writing::{Index, Meta, Rows, Writing, number};
use crate::budget::index::Applying;
use crate::budget::provisions::Provisions;
use crate::types::{Currency, Dimensions, Exchange, Result, UsageRecord};

/// The key in `meta` of the configuration's version.
pub(super) const CONFIGURATION_VERSION: &str = "configuration_version";

/// The key in `meta` of how often records were changed after they were written.
pub(super) const REVISED_RECORDS: &str = "revised_records";

/// The key in `meta` of the instant before which records were archived, in microseconds.
pub(super) const ARCHIVED_BEFORE: &str = "archived_before";

/// What operations read and change. Every write goes through it.
pub(super) struct Ledger<'t> {
    pub(super) session: &'t dyn Session,
    pub(super) budgets: &'t mut Option<Budgets>,
    recent: &'t mut Recent<UsageRecord>,
    pub(super) providers: Rows<'t, u64, ProviderRow>,
    pub(super) providers_by_name: Index<'t, &'static str, u64>,
    pub(super) model_configs: Rows<'t, u64, ModelConfigRow>,
    pub(super) models: Rows<'t, u64, ModelRow>,
    pub(super) models_by_code: Index<'t, (&'static str, &'static str), u64>,
    pub(super) prices: Rows<'t, u64, PriceRow>,
    pub(super) fx_rates: Rows<'t, u64, FxRateRow>,
    pub(super) routes: Rows<'t, u64, RouteRow>,
    pub(super) records: Records<'t>,
    pub(super) postings: Index<'t, PostingKey, &'static [u8]>,
    pub(super) records_by_reservation: Index<'t, u64, u64>,
    pub(super) rollups: Rows<'t, RollupKey, RollupRow>,
    pub(super) budget_rows: Rows<'t, u64, BudgetRow>,
    pub(super) accounts: Accounts<'t>,
    pub(super) archived: Rows<'t, BalanceKey, ArchivedRow>,
    pub(super) reservations: Rows<'t, u64, ReservationRow>,
    pub(super) sessions: Index<'t, u64, ()>,
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
    pub(super) names: Rc<NameBook<'t>>,
    writing: Writing<'t>,
}

impl<'t> Ledger<'t> {
    /// Reads the state of the file, and the budgets if they have changed.
    pub(super) fn open(
        writing: Writing<'t>,
        session: &'t dyn Session,
        (budgets, recent): (&'t mut Option<Budgets>, &'t mut Recent<UsageRecord>),
        known_names: &'t KnownNames,
    ) -> Result<Self> {
        let names = Rc::new(NameBook::open(writing, known_names));
        let mut ledger = Self {
            session,
            budgets,
            recent,
            providers: writing.rows(tables::PROVIDERS),
            providers_by_name: writing.index(tables::PROVIDERS_BY_NAME),
            model_configs: writing.rows(tables::MODEL_CONFIGS),
            models: writing.rows(tables::MODELS),
            models_by_code: writing.index(tables::MODELS_BY_CODE),
            prices: writing.rows(tables::PRICES),
            fx_rates: writing.rows(tables::FX_RATES),
            routes: writing.rows(tables::ROUTES),
            records: Records::open(writing, Rc::clone(&names)),
            postings: writing.index(tables::POSTINGS),
            records_by_reservation: writing.index(tables::RECORDS_BY_RESERVATION),
            rollups: writing.rows(tables::ROLLUPS),
            budget_rows: writing.rows(tables::BUDGETS),
            accounts: Accounts::open(writing),
            archived: writing.rows(tables::ARCHIVED),
            reservations: writing.rows(tables::RESERVATIONS),
            sessions: writing.index(tables::SESSIONS),
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
            names,
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

    /// Returns the rates at an instant.
    pub(super) fn rates_at(&self, at: Timestamp) -> impl Fn(Currency, Currency) -> Option<Exchange> {
        move |from, to| self.exchange(from, to, at)
    }

    /// Reads what the transaction sees, its own changes among it, but for those of accounts.
    pub(super) fn reader(&self) -> Reader<'t> {
        Reader::new(self.writing.tables, self.writing.key)
    }

    /// Notes that a record was changed that others may have added up.
    pub(super) fn record_revised(&mut self) -> Result<()> {
        let revised = self.revised_records()?;
        self.put_meta(REVISED_RECORDS, &(revised + 1).to_le_bytes())
    }

    fn revised_records(&self) -> Result<u64> {
        number(self.meta(REVISED_RECORDS)?.as_deref())
    }

    /// Returns the records of some ids, both inclusive, if this writer wrote all of them and they are as it did.
    pub(super) fn take_recent(&mut self, ids: (u64, u64)) -> Result<Option<Vec<UsageRecord>>> {
        let revised = self.revised_records()?;
        Ok(self.recent.take(ids, revised))
    }

    /// Notes that the session of this transaction has something open.
    pub(super) fn note_session(&mut self) -> Result<()> {
        let id = self.session.id();
        if self.sessions.has(id)? { Ok(()) } else { self.sessions.put(id, ()) }
    }

    /// Returns a value of `meta`.
    pub(super) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        Meta(self.writing).get(key)
    }

    /// Writes a value of `meta`.
    pub(super) fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<()> {
        Meta(self.writing).put(key, value)
    }

    /// Writes a new record, links it to those before it, and lets it be found.
    pub(super) fn put_record(&mut self, id: u64, record: UsageRecord, row: &UsageRecordRow) -> Result<()> {
        if id <= self.writing.state.head().record {
            return Err(damaged(UsageRecordRow::TABLE, "the counter of its ids was set back"));
        }
        self.records.put(id, row)?;
        self.records.enter(id, &record)?;
        if !self.recent.is_followed_by(id) {
            let revised = self.revised_records()?;
            self.recent.begin(revised);
        }
        self.recent.push(id, record);
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
    pub(super) fn number(&self, space: u64, value: &[u8]) -> Result<Option<u64>> {
        self.names.number(space, value)
    }

    /// Writes what operations have left to the end of the transaction: accounts, counters, and the state of the file.
    pub(super) fn finish(mut self) -> Result<()> {
        self.accounts.write()?;
        Meta(self.writing).put_counters()?;
        Meta(self.writing).put_state()
    }

    /// Marks the configuration as changed, for every process, and reads the budgets and rates again.
    pub(super) fn configuration_changed(&mut self) -> Result<()> {
        let version = number(self.meta(CONFIGURATION_VERSION)?.as_deref())?;
        self.put_meta(CONFIGURATION_VERSION, &(version + 1).to_le_bytes())?;
        self.load_budgets()
    }
}
