//! What the tests of the client share: a file whose clock stands still, and records that no provider made.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::Tollway;
use crate::environment::{Environment, SystemEnvironment, TestEnvironment};
use crate::settings::Settings;
use crate::store::{Operation, Outcome, ReserveRequest, Settlement, Store};
use crate::types::*;
use crate::vault::MasterKey;

/// An open file and its world.
pub(super) struct Fixture {
    pub(super) world: TestEnvironment,
    pub(super) tollway: Tollway,
    _folder: Option<TempDir>,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// Reads what a caller would give in JSON.
pub(super) fn from_json<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

/// A price of a million tokens in dollars.
pub(super) fn per_million(amount: &str) -> Value {
    json!({"unit_price": amount, "unit": "per_1m_tokens", "currency": "USD"})
}

impl Fixture {
    /// Opens a file at noon of 2026-11-22.
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.tollway");
        Self { _folder: Some(folder), ..Self::at_path(&path).await }
    }

    /// Does the same at a path.
    pub(super) async fn at_path(path: &std::path::Path) -> Self {
        let world = TestEnvironment::new(at("2026-11-22T12:00:00Z"));
        let key = MasterKey::Text("00".repeat(32).into());
        let tollway = Tollway::open_in(path, key, Settings::default(), Arc::new(world.clone())).await.unwrap();
        Self { world, tollway, _folder: None }
    }

    /// Takes a file that is open in a world.
    pub(super) fn of(world: TestEnvironment, tollway: Tollway) -> Self {
        Self { world, tollway, _folder: None }
    }

    /// Adds a model with prices.
    pub(super) async fn model(&self, name: &str, prices: Value) -> ModelConfig {
        let input: ModelTerms = from_json(json!({"name": name, "api_key": "k", "prices": prices}));
        self.tollway.add_model(input).await.unwrap().config
    }

    /// Writes the record of a call that consumed input tokens now, and returns its uid.
    pub(super) async fn call(&self, config: &ModelConfig, tokens: u64, cost: Option<Money>) -> String {
        let cost_status = if cost.is_some() { CostStatus::Computed } else { CostStatus::Unpriced };
        self.settled(config, tokens, cost, cost_status, BilledBy::ProviderUsage).await
    }

    pub(super) async fn settled(
        &self,
        config: &ModelConfig,
        tokens: u64,
        cost: Option<Money>,
        cost_status: CostStatus,
        billed_by: BilledBy,
    ) -> String {
        self.settled_as(config, tokens, cost, (cost_status, billed_by), Facts::at(self.world.now())).await
    }

    pub(super) async fn settled_as(
        &self,
        config: &ModelConfig,
        tokens: u64,
        cost: Option<Money>,
        how: (CostStatus, BilledBy),
        facts: Facts,
    ) -> String {
        let usage = Usage { meters: [(Meter::InputToken, tokens.into())].into(), ..Usage::default() };
        self.settled_usage(config, usage, cost, how, facts).await
    }

    /// Writes the record of a call that consumed what is given, and returns its uid.
    pub(super) async fn settled_usage(
        &self,
        config: &ModelConfig,
        usage: Usage,
        cost: Option<Money>,
        (cost_status, billed_by): (CostStatus, BilledBy),
        facts: Facts,
    ) -> String {
        let tokens = usage.total_tokens().unwrap_or_default();
        let now = self.world.now();
        let uid = self.world.unique_id();
        let store = &self.tollway.engine.store;
        let request = ReserveRequest {
            request_id: format!("request-{uid}"),
            attempt: 1,
            record_uid: uid.clone(),
            user: Some("alice".into()),
            tags: [("feature".to_owned(), "geo".to_owned())].into(),
            model_config_id: config.id,
            provider: config.provider.clone(),
            model: config.model_name.clone(),
            capability: Capability::Text,
            worst_case: cost,
            worst_case_tokens: Some(tokens),

            worst_case_meters: None,
            on_unpriced: Some(UnpricedPolicy::Allow),
            planned_with: None,
            now,
            expires_at: now + std::time::Duration::from_mins(10),
        };
        let Outcome::Reserved(reserved) = store.apply(Operation::Reserve(Box::new(request))).await.unwrap() else {
            panic!("not reserved")
        };
        let settlement = Settlement {
            reservation_id: reserved.id,
            usage,
            facts,
            cost,
            cost_status,
            billed_by,
            receipt: Vec::new(),
            price_ids: Vec::new(),
            status: RecordStatus::Success,
            provider_request_id: None,
            served_model: None,
            error_code: None,
            error_message: None,
            latency_ms: 5,
            completes_key: None,
            now,
        };
        store.apply(Operation::Settle(Box::new(settlement))).await.unwrap();
        uid
    }

    pub(super) async fn records(&self) -> Vec<UsageRecord> {
        self.tollway.usage_records(UsageFilter::default(), None, 1_000).await.unwrap().records
    }
}

/// Writes the record of a call of a config.
pub(super) async fn spent(store: &Arc<dyn Store>, world: &dyn Environment, config: ModelConfigId) {
    let now = world.now();
    let request = ReserveRequest {
        request_id: SystemEnvironment.unique_id(),
        attempt: 1,
        // Two worlds of a test give the same ids.
        record_uid: SystemEnvironment.unique_id(),
        user: None,
        tags: std::collections::BTreeMap::new(),
        model_config_id: config,
        provider: "house".into(),
        model: "m".into(),
        capability: Capability::Text,
        worst_case: None,
        worst_case_tokens: None,

        worst_case_meters: None,
        on_unpriced: Some(UnpricedPolicy::Allow),
        planned_with: None,
        now,
        expires_at: now + std::time::Duration::from_mins(10),
    };
    let Outcome::Reserved(reserved) = store.apply(Operation::Reserve(Box::new(request))).await.unwrap() else {
        panic!("not reserved")
    };
    let settlement = Settlement {
        reservation_id: reserved.id,
        usage: Usage::default(),
        facts: Facts::at(now),
        cost: None,
        cost_status: CostStatus::Unpriced,
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
        now,
    };
    store.apply(Operation::Settle(Box::new(settlement))).await.unwrap();
}
