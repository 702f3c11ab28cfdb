//! The addresses of configs and what must not be told of their answers, each worked out once until its config changes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::provider::{Redactor, Target, check_address};
use crate::types::{ModelConfig, ModelConfigId, Result};

/// The configs whose address is fine, as they were then, and what must not be told of what each answers.
///
/// Those hold secrets, as the vault's own key does that opens them all. Dropping them wipes them.
#[derive(Default)]
pub(in crate::client) struct Addresses(Mutex<HashMap<ModelConfigId, Known>>);

/// A config whose address is fine, and what must not be told of what it answers.
struct Known {
    config: Arc<ModelConfig>,
    redactor: Arc<Redactor>,
}

impl Addresses {
    /// Checks the address of a config, and that its secrets may go there; returns what hides them. Fails with `invalid_request`.
    pub(in crate::client) fn check(&self, config: &Arc<ModelConfig>, target: &Target<'_>) -> Result<Arc<Redactor>> {
        let mut fine = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = fine.get(&config.id)
            && (Arc::ptr_eq(&known.config, config) || known.config == *config)
        {
            return Ok(Arc::clone(&known.redactor));
        }
        check_address(target)?;
        let redactor = Arc::new(Redactor::of(target));
        fine.insert(config.id, Known { config: Arc::clone(config), redactor: Arc::clone(&redactor) });
        Ok(redactor)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
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
            params: Map::new(),
            is_default: false,
            priority: 0,
            is_active: true,
            description: None,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        };
        let addresses = Addresses::default();
        let first = Arc::new(config.clone());
        let redactor = addresses.check(&first, &Target::of(&first, None)).unwrap();
        for same in [Arc::clone(&first), Arc::new(config.clone())] {
            let known = addresses.check(&same, &Target::of(&same, None)).unwrap();
            assert!(Arc::ptr_eq(&known, &redactor));
        }
        config.base_url = Some("https://user:password@house.example/v1".into());
        let changed = Arc::new(config);
        for _ in 0..2 {
            assert!(addresses.check(&changed, &Target::of(&changed, None)).is_err());
        }
    }
}
