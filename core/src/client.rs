//! The client: the only module that knows all others, and the way of a call.
#![allow(missing_docs, unused_variables, clippy::todo, clippy::unused_async, reason = "signatures first")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::environment::Environment;
use crate::settings::Settings;
use crate::types::*;
use crate::vault::MasterKey;

/// An open file. Clones share it. Every async method must be awaited inside a tokio runtime.
#[derive(Clone)]
pub struct Tollway {
    inner: Arc<()>,
}

/// A model config to add. `name` is `provider/model`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelInput {
    pub name: String,
    pub alias: Option<String>,
    pub capability: Capability,
    pub api_key: Option<SecretString>,
    pub base_url: Option<String>,
    pub params: Map<String, Value>,
    pub default: bool,
    pub priority: i64,
    pub active: Option<bool>,
    pub description: Option<String>,
    /// Prices by meter name; those of the bundled catalog where absent. An explicit empty map means: unpriced.
    pub prices: Option<BTreeMap<Meter, PriceInput>>,
}

/// Fields of a model config to change; an absent one stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelUpdate {
    pub alias: Option<Option<String>>,
    pub api_key: Option<SecretString>,
    pub base_url: Option<Option<String>>,
    pub params: Option<Map<String, Value>>,
    pub default: Option<bool>,
    pub priority: Option<i64>,
    pub active: Option<bool>,
    pub description: Option<Option<String>>,
}

/// A price to set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceInput {
    pub unit_price: Decimal,
    pub unit: Unit,
    pub currency: Currency,
    #[serde(default)]
    pub effective_date: Option<Timestamp>,
    #[serde(default)]
    pub expiry_date: Option<Timestamp>,
    #[serde(default)]
    pub source: Option<String>,
}

/// How to group usage records: `model`, `provider`, `user`, `day`, `month`, `status`, `currency`, or `tag:KEY`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SummaryQuery {
    pub by: Vec<String>,
    pub time_zone: Option<String>,
    #[serde(flatten)]
    pub filter: UsageFilter,
}

/// A group of usage records with exact totals.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SummaryRow {
    pub group: BTreeMap<String, Option<String>>,
    pub calls: u64,
    pub unpriced_calls: u64,
    pub input_tokens: u64,
    pub output_tokens: u64,
    pub totals: Totals,
}

/// What is known of a config's health in this process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelHealth {
    pub model: String,
    pub model_config_id: ModelConfigId,
    pub consecutive_failures: u32,
    /// Seconds until it is probed again; absent if it is healthy.
    pub cooling_for: Option<f64>,
}

/// A streamed call. Dropping it, or calling `cancel`, gives the call up; it is then settled by its abandon policy.
pub struct ChatStream {
    request_id: String,
}

impl ChatStream {
    pub fn request_id(&self) -> &str {
        &self.request_id
    }
    /// Waits for the next event. After an error or after `Done` it returns nothing.
    pub async fn next(&mut self) -> Option<Result<StreamEvent>> {
        todo!()
    }
    /// Waits for at least one event and returns all that are ready, at most `maximum`; empty at the end.
    pub async fn next_batch(&mut self, maximum: usize) -> Vec<Result<StreamEvent>> {
        todo!()
    }
}

impl Tollway {
    pub async fn open(path: impl AsRef<Path>, master_key: MasterKey, settings: Settings) -> Result<Self> {
        todo!()
    }
    pub async fn open_in(
        path: impl AsRef<Path>,
        master_key: MasterKey,
        settings: Settings,
        environment: Arc<dyn Environment>,
    ) -> Result<Self> {
        todo!()
    }
    pub async fn chat(&self, request: ChatRequest, options: CallOptions) -> Result<ChatReply> {
        todo!()
    }
    pub async fn chat_stream(&self, request: ChatRequest, options: CallOptions) -> Result<ChatStream> {
        todo!()
    }
    /// `reference` everywhere: an alias, `provider/model`, or a config id as text.
    pub async fn add_model(&self, input: ModelInput) -> Result<ModelConfig> {
        todo!()
    }
    pub async fn update_model(&self, reference: &str, update: ModelUpdate) -> Result<ModelConfig> {
        todo!()
    }
    pub async fn delete_model(&self, reference: &str) -> Result<()> {
        todo!()
    }
    pub async fn model_configs(&self) -> Result<Vec<ModelConfig>> {
        todo!()
    }
    pub async fn used_models(&self) -> Result<Vec<Model>> {
        todo!()
    }
    pub async fn model_health(&self) -> Result<Vec<ModelHealth>> {
        todo!()
    }
    pub async fn set_prices(&self, reference: &str, prices: BTreeMap<Meter, PriceInput>) -> Result<Vec<PriceId>> {
        todo!()
    }
    pub async fn prices(&self, reference: Option<&str>) -> Result<Vec<Price>> {
        todo!()
    }
    pub async fn expire_price(&self, id: PriceId, at: Option<Timestamp>) -> Result<()> {
        todo!()
    }
    pub async fn set_route(&self, terms: RouteTerms) -> Result<()> {
        todo!()
    }
    pub async fn routes(&self) -> Result<Vec<Route>> {
        todo!()
    }
    pub async fn delete_route(&self, name: &str) -> Result<()> {
        todo!()
    }
    pub async fn set_budget(&self, terms: BudgetTerms) -> Result<BudgetId> {
        todo!()
    }
    pub async fn budgets(&self) -> Result<Vec<BudgetStatus>> {
        todo!()
    }
    pub async fn delete_budget(&self, id: BudgetId) -> Result<()> {
        todo!()
    }
    pub async fn usage_records(&self, filter: UsageFilter, cursor: Option<String>, limit: usize) -> Result<UsagePage> {
        todo!()
    }
    pub async fn usage_summary(&self, query: SummaryQuery) -> Result<Vec<SummaryRow>> {
        todo!()
    }
    pub async fn price_record(&self, uid: &str, cost: Money) -> Result<()> {
        todo!()
    }
    pub async fn rotate_master_key(&self, master_key: MasterKey) -> Result<()> {
        todo!()
    }
    /// Stops new calls, waits for settlements under way, at most for `timeout`; returns whether all ended.
    pub async fn shutdown(&self, timeout: Duration) -> bool {
        todo!()
    }
}
