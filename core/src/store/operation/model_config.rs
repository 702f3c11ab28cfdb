//! Model configs to be added and changed.

use serde_json::{Map, Value};

use crate::types::{Capability, SealedSecret};

/// What a model config is called. Provider, name and alias together are unique.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelConfigNames {
    /// The provider's name; its row is made if it is new.
    pub provider: String,
    /// The model's name at the provider.
    pub model_name: String,
    /// A name of the caller's.
    pub alias: Option<String>,
}

/// A model config to be added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NewModelConfig {
    /// What it is called.
    pub names: ModelConfigNames,
    /// What it can make.
    pub capability: Capability,
    /// The API key, sealed for the id that was taken.
    pub api_key: Option<SealedSecret>,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters.
    pub params: Map<String, Value>,
    /// Whether it becomes the default of its capability, in place of any other.
    pub is_default: bool,
    /// The place in a fallback.
    pub priority: i64,
    /// Whether routing may pick it.
    pub is_active: bool,
    /// A note.
    pub description: Option<String>,
}

/// Fields of a model config to change; an absent one stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ModelConfigChange {
    /// The sealed API key.
    pub api_key: Option<SealedSecret>,
    /// The alias; the inner nothing removes it.
    pub alias: Option<Option<String>>,
    /// The address; the inner nothing returns to the provider's own.
    pub base_url: Option<Option<String>>,
    /// Parameters.
    pub params: Option<Map<String, Value>>,
    /// What it can make.
    pub capability: Option<Capability>,
    /// Whether it is the default of its capability.
    pub is_default: Option<bool>,
    /// The place in a fallback.
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    pub is_active: Option<bool>,
    /// The note; the inner nothing removes it.
    pub description: Option<Option<String>>,
}
