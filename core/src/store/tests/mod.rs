//! Tests of the store as its callers see it: operations in, outcomes and rows out.

mod accounts;
mod adjusting;
mod authenticity;
mod budgets;
mod configs;
mod conversion;
mod exactness;
mod faults;
mod jobs;
mod keys;
mod late;
mod opening;
mod pools;
mod prices;
mod queries;
mod quotas;
mod recovery;
mod reserving;
mod settling;
mod throughput;
mod transactions;
mod verifying;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::environment::{Environment, SystemEnvironment};
use crate::types::*;

/// What a test runs on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Engine {
    File,
    Memory,
}

impl Engine {
    pub(super) const ALL: [Self; 2] = [Self::File, Self::Memory];
}

/// Runs tests on each engine. What is about files, locks and damage is a test of its own.
macro_rules! on_each_engine {
    ($($test:ident,)+) => {
        mod on_a_file {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Engine::File);
                }
            )+
        }

        mod in_memory {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Engine::Memory);
                }
            )+
        }
    };
}
use on_each_engine;

/// A store in a place of its own, and the runtime that its futures run on.
pub(super) struct Fixture {
    place: Place,
    runtime: tokio::runtime::Runtime,
    store: Option<Handle>,
    attempts: std::cell::Cell<u64>,
}

/// Where the tables are while no store is open over them.
pub(super) enum Place {
    Folder(TempDir),
    Memory(Arc<Memory>),
}

/// An open store.
#[derive(Clone)]
pub(super) enum Handle {
    File(Arc<RedbStore>),
    Memory(Arc<MemoryStore>),
}

impl std::ops::Deref for Handle {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::File(store) => &**store,
            Self::Memory(store) => &**store,
        }
    }
}

/// The key that all rows of these tests are signed with.
pub(super) fn row_key() -> RowKey {
    RowKey::new(&[7; 16])
}

pub(super) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(super) fn usd(amount: &str) -> Money {
    Money::new(decimal(amount), Currency::USD)
}

pub(super) fn cny(amount: &str) -> Money {
    Money::new(decimal(amount), Currency::CNY)
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The instant of most tests.
pub(super) fn noon() -> Timestamp {
    at("2026-11-22T12:00:00.123456Z")
}

pub(super) fn terms(scope: Scope, limit: Limit, window: Window) -> BudgetTerms {
    BudgetTerms::new(scope, limit, window)
}

pub(super) fn user(name: &str) -> Scope {
    Scope::of_user(name)
}

impl Fixture {
    /// Makes a file.
    pub(super) fn new() -> Self {
        Self::on(Engine::File)
    }

    /// Makes a file that no other handle can be opened on meanwhile.
    pub(super) fn exclusive() -> Self {
        let mut fixture = Self::on(Engine::File);
        fixture.store = None;
        fixture.store = Some(fixture.opened(true));
        fixture
    }

    pub(super) fn on(engine: Engine) -> Self {
        let place = match engine {
            Engine::File => Place::Folder(tempfile::tempdir().unwrap()),
            Engine::Memory => Place::Memory(Arc::default()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut fixture = Self { place, runtime, store: None, attempts: std::cell::Cell::new(0) };
        fixture.store = Some(fixture.another());
        fixture
    }

    fn opened(&self, exclusive: bool) -> Handle {
        let world = Arc::new(SystemEnvironment);
        match &self.place {
            Place::Folder(_) => Handle::File(RedbStore::open(self.path(), exclusive, world, row_key()).unwrap()),
            Place::Memory(memory) => Handle::Memory(MemoryStore::open(memory, world, row_key()).unwrap()),
        }
    }

    pub(super) fn folder(&self) -> &TempDir {
        match &self.place {
            Place::Folder(folder) => folder,
            Place::Memory(_) => panic!("memory has no folder"),
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder().path().join("ledger")
    }

    pub(super) fn store(&self) -> &Handle {
        self.store.as_ref().unwrap()
    }

    /// Returns what lies below the store.
    pub(super) fn storage(&self) -> &dyn storage::Storage {
        match self.store() {
            Handle::File(store) => &store.open.as_ref().unwrap().shared.storage,
            Handle::Memory(store) => &store.open.as_ref().unwrap().shared.storage,
        }
    }

    /// Opens another handle.
    pub(super) fn another(&self) -> Handle {
        self.opened(false)
    }

    /// Closes the store and opens it again: a new session.
    pub(super) fn reopen(&mut self) {
        self.store = None;
        self.store = Some(self.another());
    }

    pub(super) fn run<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    pub(super) fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        drop(self.runtime.spawn(future));
    }

    pub(super) fn apply(&self, operation: Operation) -> Result<Outcome> {
        self.run(self.store().apply(operation))
    }

    pub(super) fn budget(&self, terms: BudgetTerms) -> BudgetId {
        match self.apply(Operation::PutBudget { terms, now: noon() }).unwrap() {
            Outcome::BudgetPut(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Makes a request with a uid of its own.
    pub(super) fn request(&self, user: &str, worst_case: Option<Money>) -> ReserveRequest {
        self.attempts.set(self.attempts.get() + 1);
        let number = self.attempts.get();
        ReserveRequest {
            request_id: format!("request-{number}"),
            attempt: 1,
            record_uid: format!("{}-{number}", SystemEnvironment.unique_id()),
            user: Some(user.into()),
            tags: [("feature".to_owned(), "geo".to_owned())].into(),
            model_config_id: ModelConfigId::new(7),
            provider: "openai".into(),
            model: "gpt-test".into(),
            capability: Capability::Text,
            worst_case,
            worst_case_tokens: Some(100),
            worst_case_meters: None,
            on_unpriced: None,
            planned_with: None,
            now: noon(),
            expires_at: noon() + Duration::from_mins(10),
        }
    }

    pub(super) fn reserve(&self, request: ReserveRequest) -> Result<ReservationId> {
        match self.apply(Operation::Reserve(Box::new(request)))? {
            Outcome::Reserved(reserved) => Ok(reserved.id),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn settle(&self, settlement: Settlement) -> Result<Settled> {
        match self.apply(Operation::Settle(Box::new(settlement)))? {
            Outcome::Settled(settled) => Ok(settled),
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn recover(&self, policy: RecoveryPolicy, now: Timestamp) -> u64 {
        match self.apply(Operation::Recover { policy, now }).unwrap() {
            Outcome::Recovered(count) => count,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn balance(&self, id: BudgetId, now: Timestamp) -> Balance {
        let statuses = self.run(self.store().budget_statuses(None, now)).unwrap();
        statuses.into_iter().find(|status| status.budget.id == id).unwrap().balance
    }

    pub(super) fn records(&self, filter: UsageFilter) -> Vec<UsageRecord> {
        self.run(self.store().usage_records(filter, None, usize::MAX)).unwrap()
    }

    pub(super) fn configuration(&self) -> Configuration {
        self.run(self.store().configuration()).unwrap()
    }
}

/// Makes the settlement of a call that ended well, with 30 input and 12 output tokens.
pub(super) fn settlement(id: ReservationId, cost: Option<Money>) -> Settlement {
    Settlement {
        reservation_id: id,
        usage: Usage {
            meters: [(Meter::InputToken, 30.into()), (Meter::OutputToken, 12.into())].into(),
            ..Usage::default()
        },
        facts: Facts::at(noon()),
        cost,
        cost_status: if cost.is_some() { CostStatus::Computed } else { CostStatus::Unpriced },
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: None,
        served_model: None,
        error_code: None,
        error_message: None,
        latency_ms: 5,
        completes_key: None,
        now: noon(),
    }
}

pub(super) fn balance(settled: &str, reserved: &str, holds: u64) -> Balance {
    Balance { settled: decimal(settled), reserved: decimal(reserved), holds }
}
