//! The billing ids that are known, so that a relaxed reply need not wait for its settlement.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::types::{ModelConfig, ModelId};

/// The billing ids by provider and model.
#[derive(Debug, Default)]
pub(in crate::client) struct BillingIds(Mutex<HashMap<(String, String), ModelId>>);

impl BillingIds {
    pub(in crate::client) fn get(&self, provider: &str, model: &str) -> Option<ModelId> {
        let ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.get(&(provider.to_owned(), model.to_owned())).copied()
    }

    pub(in crate::client) fn put(&self, config: &ModelConfig, id: ModelId) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ids.insert((config.provider.clone(), config.model_name.clone()), id);
    }
}
