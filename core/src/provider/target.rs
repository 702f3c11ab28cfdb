//! Who is asked.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::vendor::{Vendor, vendor};
use crate::types::{ModelConfig, ModelName};

/// What a request is encoded for.
pub struct Target<'a> {
    /// The facts of the provider.
    pub vendor: &'static Vendor,
    /// The provider's name, as configured.
    pub provider: &'a str,
    /// The model's name at the provider.
    pub model: &'a str,
    /// The address that replaces the provider's own.
    pub base_url: Option<&'a str>,
    /// The API key.
    pub api_key: Option<&'a SecretString>,
    /// The parameters of the model config.
    pub params: &'a Map<String, Value>,
}

impl<'a> Target<'a> {
    /// Makes the target that a model config is, with its API key unsealed.
    #[must_use]
    pub fn of(config: &'a ModelConfig, api_key: Option<&'a SecretString>) -> Self {
        Self {
            vendor: vendor(&config.provider),
            provider: &config.provider,
            model: &config.model_name,
            base_url: config.base_url.as_deref(),
            api_key,
            params: &config.params,
        }
    }

    /// Returns the name of the model.
    #[must_use]
    pub const fn full_name(&self) -> ModelName<'a> {
        ModelName::new(self.provider, self.model)
    }
}
