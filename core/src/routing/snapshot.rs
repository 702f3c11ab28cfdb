//! The configuration as routing and pricing see it: one version of the file, indexed, in memory.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::billing::component::{self, Component};
use crate::billing::price::PriceSet;
use crate::budget::index::BudgetIndex;
use crate::budget::provisions::Provisions;
use crate::types::{
    Configuration, Currency, Dimensions, Exchange, FxRate, Limit, ModelConfig, ModelConfigId, Price, Result, Route,
};

/// Returns whether a reference names a config.
type Matches = fn(&ModelConfig, &str) -> bool;

/// One version of the configuration. It never changes; a change of the file makes another snapshot.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// The version of the file that it was read from.
    pub version: u64,
    configs: Vec<Arc<ModelConfig>>,
    routes: HashMap<String, Route>,
    prices: HashMap<ModelConfigId, Vec<Price>>,
    components: HashMap<ModelConfigId, Vec<Arc<Component>>>,
    budgets: BudgetIndex,
    provisions: Provisions,
    fx_rates: Vec<FxRate>,
}

impl Snapshot {
    /// Indexes a configuration.
    #[must_use]
    pub fn new(configuration: Configuration) -> Self {
        let mut prices = HashMap::<_, Vec<_>>::new();
        for price in configuration.prices {
            prices.entry(price.model_config_id).or_default().push(price);
        }
        let components = prices.iter().map(|(config, prices)| (*config, component::of_rows(prices))).collect();
        Self {
            version: configuration.version,
            configs: configuration.model_configs.into_iter().map(Arc::new).collect(),
            routes: configuration.routes.into_iter().map(|route| (route.terms.name.clone(), route)).collect(),
            prices,
            components,
            budgets: BudgetIndex::new(configuration.budgets),
            provisions: Provisions::new(configuration.pools, configuration.quotas),
            fx_rates: configuration.fx_rates,
        }
    }

    /// Returns all model configs, by id.
    #[must_use]
    pub fn configs(&self) -> &[Arc<ModelConfig>] {
        &self.configs
    }

    /// Returns the configs that a reference names: an alias, `provider/model` (or `provider:model`), a bare model name,
    /// or an id. Several configs may share a `provider/model`; they come by priority, then by id.
    #[must_use]
    pub fn named(&self, reference: &str) -> Vec<Arc<ModelConfig>> {
        let by_alias: Matches = |config, reference| config.alias.as_deref() == Some(reference);
        let by_name: Matches = |config, reference| config.full_name().is_meant_by(reference);
        let by_model: Matches = |config, reference| config.model_name == reference;
        let by_id: Matches = |config, reference| reference.parse() == Ok(config.id.get());
        for matches in [by_alias, by_name, by_model, by_id] {
            let mut found: Vec<_> = self.configs.iter().filter(|config| matches(config, reference)).cloned().collect();
            if !found.is_empty() {
                found.sort_by_key(|config| (config.priority, config.id));
                return found;
            }
        }
        Vec::new()
    }

    /// Returns the route of a name.
    #[must_use]
    pub fn route(&self, name: &str) -> Option<&Route> {
        self.routes.get(name)
    }

    /// Returns all routes, by name.
    #[must_use]
    pub fn routes(&self) -> Vec<&Route> {
        let mut routes: Vec<_> = self.routes.values().collect();
        routes.sort_by(|left, right| left.terms.name.cmp(&right.terms.name));
        routes
    }

    /// Returns whether any budget, pool or quota applies to a call.
    #[must_use]
    pub fn is_capped(&self, call: &Dimensions<'_>) -> bool {
        self.budgets.any(call, |_| true) || self.provisions.caps(call)
    }

    /// Returns whether any pool or quota applies to a call.
    #[must_use]
    pub fn has_provisions(&self, call: &Dimensions<'_>) -> bool {
        self.provisions.caps(call)
    }

    /// Returns whether any budget of money, or a pool, applies to a call.
    #[must_use]
    pub fn caps_money(&self, call: &Dimensions<'_>) -> bool {
        self.budgets.any(call, |limit| matches!(limit, Limit::Money(_))) || self.provisions.caps_money(call)
    }

    /// Returns all prices of a config, in force or not, by id.
    #[must_use]
    pub fn prices(&self, config: ModelConfigId) -> &[Price] {
        self.prices.get(&config).map_or(&[], Vec::as_slice)
    }

    /// Returns the prices of a config that are in force at an instant. It takes the pricing id and no other.
    pub fn price_set(&self, config: ModelConfigId, at: Timestamp) -> Result<PriceSet> {
        self.price_set_as_known(config, at, at)
    }

    /// Returns the prices of a config that are in force at an instant, by what was known at another.
    pub fn price_set_as_known(&self, config: ModelConfigId, at: Timestamp, known: Timestamp) -> Result<PriceSet> {
        PriceSet::in_force(self.components.get(&config).into_iter().flatten(), at, known)
    }

    /// Returns all exchange rates, by id.
    #[must_use]
    pub fn fx_rates(&self) -> &[FxRate] {
        &self.fx_rates
    }

    /// Returns the rate between two currencies at an instant: the pair's own, or else the inverse of the opposite one's.
    #[must_use]
    pub fn fx_rate(&self, from: Currency, to: Currency, at: Timestamp) -> Option<Exchange> {
        Exchange::find(&self.fx_rates, from, to, at)
    }
}
