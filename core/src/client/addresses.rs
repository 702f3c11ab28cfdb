//! The addresses of configs, each looked at once until its config changes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::provider::{Target, check_address};
use crate::types::{ModelConfig, ModelConfigId, Result};

/// The configs whose address is fine, and when each was last changed.
#[derive(Debug, Default)]
pub(super) struct Addresses(Mutex<HashMap<ModelConfigId, Timestamp>>);

impl Addresses {
    /// Checks the address of a config, and that its secrets may go there. Fails with `invalid_request`.
    pub(super) fn check(&self, config: &ModelConfig, target: &Target<'_>) -> Result<()> {
        let mut fine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fine.get(&config.id) == Some(&config.updated_at) {
            return Ok(());
        }
        check_address(target)?;
        fine.insert(config.id, config.updated_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::types::Capability;

    #[test]
    fn a_config_that_was_changed_is_looked_at_again() {
        let mut config = ModelConfig {
            id: ModelConfigId::new(1),
            provider: "house".into(),
            model_name: "m".into(),
            alias: None,
            capability: Capability::Text,
            api_key: None,
            base_url: Some("https://house.example/v1".into()),
            model_params: Map::new(),
            is_default: false,
            priority: 0,
            is_active: true,
            description: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let addresses = Addresses::default();
        for _ in 0..2 {
            addresses.check(&config, &Target::of(&config, None)).unwrap();
        }
        config.base_url = Some("https://user:password@house.example/v1".into());
        config.updated_at = Timestamp::UNIX_EPOCH + std::time::Duration::from_micros(1);
        for _ in 0..2 {
            addresses.check(&config, &Target::of(&config, None)).unwrap_err();
        }
    }
}
