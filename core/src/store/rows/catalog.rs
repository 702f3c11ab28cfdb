//! Rows of what is configured: providers, model configs, models and routes.

use super::budget::MoneyRow;
use super::rows;
use crate::store::codec::{Row, from_name, micros, name_of, time};
use crate::store::failure::damaged;
use crate::types::{
    Model, ModelConfig, ModelConfigId, ModelId, Money, Provider, ProviderId, Result, Route, RouteId, RouteTerms,
    SealedSecret,
};

rows! {
    /// A row of `ai_providers`.
    ProviderRow in "ai_providers" {
        name: String,
        created_at: i64,
    }
    /// A row of `ai_model_config`.
    ModelConfigRow in "ai_model_config" {
        provider: String,
        model_name: String,
        alias: Option<String>,
        capability: String,
        api_key: Option<Vec<u8>>,
        base_url: Option<String>,
        model_params: String,
        is_default: bool,
        priority: i64,
        is_active: bool,
        description: Option<String>,
        created_at: i64,
        updated_at: i64,
    }
    /// A row of `ai_models`.
    ModelRow in "ai_models" {
        provider_id: u64,
        provider: String,
        model_code: String,
        model_name: String,
        model_type: String,
        enabled: bool,
        created_at: i64,
    }
    /// A row of `ai_routing_strategy`.
    RouteRow in "ai_routing_strategy" {
        name: String,
        strategy_type: String,
        models: Vec<String>,
        preferred_providers: Vec<String>,
        maximum_cost: Option<MoneyRow>,
        created_at: i64,
        updated_at: i64,
    }
}

impl ProviderRow {
    pub(in crate::store) fn provider(self, id: u64) -> Result<Provider> {
        Ok(Provider { id: ProviderId::new(id), name: self.name, created_at: time(Self::TABLE, self.created_at)? })
    }
}

impl ModelConfigRow {
    pub(in crate::store) fn new(config: &ModelConfig) -> Self {
        Self {
            provider: config.provider.clone(),
            model_name: config.model_name.clone(),
            alias: config.alias.clone(),
            capability: config.capability.name().to_owned(),
            api_key: config.api_key.as_ref().map(|key| key.0.clone()),
            base_url: config.base_url.clone(),
            model_params: serde_json::Value::Object(config.params.clone()).to_string(),
            is_default: config.is_default,
            priority: config.priority,
            is_active: config.is_active,
            description: config.description.clone(),
            created_at: micros(config.created_at),
            updated_at: micros(config.updated_at),
        }
    }

    pub(in crate::store) fn model_config(self, id: u64) -> Result<ModelConfig> {
        Ok(ModelConfig {
            id: ModelConfigId::new(id),
            provider: self.provider,
            model_name: self.model_name,
            alias: self.alias,
            capability: from_name(Self::TABLE, &self.capability)?,
            api_key: self.api_key.map(SealedSecret),
            base_url: self.base_url,
            params: serde_json::from_str(&self.model_params)
                .map_err(|_| damaged(Self::TABLE, "model_params is no JSON object"))?,
            is_default: self.is_default,
            priority: self.priority,
            is_active: self.is_active,
            description: self.description,
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}

impl ModelRow {
    pub(in crate::store) fn model(self, id: u64) -> Result<Model> {
        Ok(Model {
            id: ModelId::new(id),
            provider_id: ProviderId::new(self.provider_id),
            provider: self.provider,
            model_code: self.model_code,
            model_name: self.model_name,
            model_type: from_name(Self::TABLE, &self.model_type)?,
            enabled: self.enabled,
            created_at: time(Self::TABLE, self.created_at)?,
        })
    }
}

impl RouteRow {
    pub(in crate::store) fn new(terms: &RouteTerms, created_at: i64, updated_at: i64) -> Result<Self> {
        Ok(Self {
            name: terms.name.clone(),
            strategy_type: name_of(&terms.strategy)?,
            models: terms.models.clone(),
            preferred_providers: terms.preferred_providers.clone(),
            maximum_cost: terms.maximum_cost.map(MoneyRow::new),
            created_at,
            updated_at,
        })
    }

    pub(in crate::store) fn route(self, id: u64) -> Result<Route> {
        let maximum_cost: Option<Money> = self.maximum_cost.map(|cost| cost.money(Self::TABLE)).transpose()?;
        Ok(Route {
            id: RouteId::new(id),
            terms: RouteTerms {
                name: self.name,
                strategy: from_name(Self::TABLE, &self.strategy_type)?,
                models: self.models,
                preferred_providers: self.preferred_providers,
                maximum_cost,
            },
            created_at: time(Self::TABLE, self.created_at)?,
            updated_at: time(Self::TABLE, self.updated_at)?,
        })
    }
}
