//! What is configured in a file, as a whole.

use super::{Budget, FxRate, ModelConfig, Pool, Price, Provider, Quota, Route};

/// Everything that routing and pricing look at, as it stood at one version of the file.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Grows with every change of a config, a price, a rate, a route, a budget, a pool or a quota, by any process.
    pub version: u64,
    /// All providers, by id.
    pub providers: Vec<Provider>,
    /// All model configs, by id.
    pub model_configs: Vec<ModelConfig>,
    /// All prices, by id.
    pub prices: Vec<Price>,
    /// All exchange rates, by id.
    pub fx_rates: Vec<FxRate>,
    /// All routes, by id.
    pub routes: Vec<Route>,
    /// All budgets, by id.
    pub budgets: Vec<Budget>,
    /// All pools, by id.
    pub pools: Vec<Pool>,
    /// All quotas, by id.
    pub quotas: Vec<Quota>,
}
