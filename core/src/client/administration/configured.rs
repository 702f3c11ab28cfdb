//! What is said of a model config that was added or set.

use std::ops::Deref;

use serde::Serialize;

use super::model_fields::check_has_key;
use crate::catalog::bundled;
use crate::provider::{has_secret_header, is_known_vendor, seller};
use crate::types::{ModelConfig, ModelName, did_you_mean, nearest};

/// How many models are named that may have been meant.
const MOST_NEAR: usize = 3;

/// What setting a model config did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Configured {
    /// It was not there, and was added.
    Added,
    /// It was there, and something of it was changed.
    Changed,
    /// It was there as it was set.
    Unchanged,
}

/// Where the prices of a model config come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PricesFrom {
    /// They were given with the config.
    Given,
    /// The bundled catalog has exactly this model of this provider.
    Catalog,
    /// The config had them before.
    Kept,
    /// It has none, so that its calls are unpriced.
    None,
}

/// A model config that was added or set, and what its administrator may want to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfiguredModel {
    /// The config as it is now.
    #[serde(flatten)]
    pub config: ModelConfig,
    /// What was done.
    pub outcome: Configured,
    /// Where its prices come from.
    pub prices_from: PricesFrom,
    /// Models of the provider that may have been meant, nearest first, where the catalog does not know this one.
    pub near_matches: Vec<String>,
    /// What may be wrong, in words; calls are made all the same.
    pub warnings: Vec<String>,
}

impl Deref for ConfiguredModel {
    type Target = ModelConfig;

    fn deref(&self) -> &ModelConfig {
        &self.config
    }
}

/// Says what may be wrong with a config, and which models may have been meant.
///
/// A provider's own address serves the provider's own models: there, a name that the catalog does not know is new, or misspelt. What
/// another address serves is its own matter.
pub(super) fn warnings(config: &ModelConfig, lacks_prices: bool) -> (Vec<String>, Vec<String>) {
    let name = config.name();
    let mut warnings = Vec::new();
    let mut near = Vec::new();
    let seller = seller(&config.provider);
    let is_at_home = config.base_url.is_none() && is_known_vendor(&config.provider);
    let mut known = bundled().models_of(seller).peekable();
    if is_at_home && known.peek().is_some() && bundled().find(seller, &config.model_name).is_none() {
        let found = nearest(&config.model_name, known, MOST_NEAR);
        near = found.iter().map(|model| ModelName::new(&config.provider, model).to_string()).collect();
        let named: Vec<&str> = near.iter().map(String::as_str).collect();
        warnings.push(format!(
            "{name} is not in the catalog of {}, so that it is new, or misspelt{}",
            bundled().version(),
            did_you_mean(&named)
        ));
    }
    if lacks_prices {
        warnings.push(format!(
            "{name} has no prices: its calls are recorded as unpriced, and refused under a budget in money; give `prices`, \
             or set them with prices.set"
        ));
    }
    let has_key = config.api_key.is_some() || has_secret_header(&config.params);
    if let Err(error) = check_has_key(&config.provider, config.base_url.as_deref(), has_key) {
        warnings.push(format!("{name} has prices and no key, so that calls of it fail: {}", error.detail()));
    }
    (near, warnings)
}

#[cfg(test)]
#[path = "models_tests.rs"]
mod tests;
