//! Model configs as they are shown.

use serde::Serialize;
use tollway::client::{self, Configured, PricesFrom};
use tollway::types;

use super::Shown;

/// What an administrator configured and routing picks. The API key is never shown.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelConfig<'a> {
    #[serde(flatten)]
    config: &'a types::ModelConfig,
    /// The name, as `provider/model`.
    name: String,
}

impl Shown for types::ModelConfig {
    type Form<'a> = ModelConfig<'a>;

    fn shown(&self) -> ModelConfig<'_> {
        ModelConfig { config: self, name: self.name() }
    }
}

/// A model config that was added or set, and what its administrator may want to know.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConfiguredModel<'a> {
    #[serde(flatten)]
    config: ModelConfig<'a>,
    /// What was done: `added`, `changed` or `unchanged`.
    outcome: Configured,
    /// Where its prices come from: `given`, `catalog`, `kept` where it had them before, or `none`.
    prices_from: PricesFrom,
    /// Models of the provider that may have been meant, nearest first, where the catalog does not know this one.
    near_matches: &'a [String],
    /// What may be wrong, in words; calls are made all the same.
    warnings: &'a [String],
}

impl Shown for client::ConfiguredModel {
    type Form<'a> = ConfiguredModel<'a>;

    fn shown(&self) -> ConfiguredModel<'_> {
        // Each field by its name, so that one that is added is not forgotten here.
        let Self { config, outcome, prices_from, near_matches, warnings } = self;
        ConfiguredModel { config: config.shown(), outcome: *outcome, prices_from: *prices_from, near_matches, warnings }
    }
}
