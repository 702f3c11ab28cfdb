//! Fields that the engine adds by itself and that a host refused: they are left out of its requests from then on.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::provider::{OMIT, refused_field};
use crate::types::{Error, ModelConfig, ModelConfigId};

/// The fields that no app asks for.
const ADDED: [&str; 1] = ["stream_options"];

/// What the hosts of model configs refused, as far as this process knows.
#[derive(Debug, Default)]
pub(in crate::client) struct Omissions(Mutex<BTreeMap<ModelConfigId, BTreeSet<&'static str>>>);

impl Omissions {
    /// Learns from a refusal. Returns the field that it names, if that was added and is left out from now on, so that the same
    /// request can be sent again.
    pub(in crate::client) fn learn(&self, config: ModelConfigId, error: &Error) -> Option<&'static str> {
        let field = refused_field(error, &ADDED)?;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(config).or_default().insert(field).then_some(field)
    }

    /// Returns the parameters of a config, with what was learned among the fields to leave out.
    pub(in crate::client) fn over<'a>(&self, config: &'a ModelConfig) -> Cow<'a, Map<String, Value>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(fields) = known.get(&config.id) else { return Cow::Borrowed(&config.params) };
        let mut params = config.params.clone();
        let named = params.entry(OMIT).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(named) = named.as_array_mut() {
            named.extend(fields.iter().map(|field| Value::from(*field)));
        }
        Cow::Owned(params)
    }

    /// Forgets what is known of a config that was changed.
    pub(in crate::client) fn forget(&self, config: ModelConfigId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&config);
    }
}
