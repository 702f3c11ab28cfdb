//! What administrators give to the client.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::types::{Capability, Currency, Decimal, Meter, ModelConfigId, Unit};

/// A model config to add.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelInput {
    /// `provider/model`.
    pub name: String,
    /// A name of the caller's, which requests and routes can use; unique.
    pub alias: Option<String>,
    /// What it can make.
    pub capability: Capability,
    /// The API key; it is sealed before it is written.
    pub api_key: Option<SecretString>,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters: `wire_format`, `max_output_tokens`, `headers`, `body`.
    pub params: Map<String, Value>,
    /// Whether it becomes the default of its capability.
    pub default: bool,
    /// The place in a fallback; lower is earlier.
    pub priority: i64,
    /// Whether routing may pick it; yes where absent.
    pub active: Option<bool>,
    /// A note.
    pub description: Option<String>,
    /// Prices by meter. Where absent, those of the bundled catalog; where empty, none.
    pub prices: Option<BTreeMap<Meter, PriceInput>>,
}

/// Fields of a model config to change; an absent one stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelUpdate {
    /// The alias; null removes it.
    #[serde(deserialize_with = "present")]
    pub alias: Option<Option<String>>,
    /// The API key.
    pub api_key: Option<SecretString>,
    /// The address; null returns to the provider's own.
    #[serde(deserialize_with = "present")]
    pub base_url: Option<Option<String>>,
    /// Parameters, all of them.
    pub params: Option<Map<String, Value>>,
    /// Whether it is the default of its capability.
    pub default: Option<bool>,
    /// The place in a fallback.
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    pub active: Option<bool>,
    /// The note; null removes it.
    #[serde(deserialize_with = "present")]
    pub description: Option<Option<String>>,
}

/// A price to set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceInput {
    /// The price of one unit, as a decimal string.
    #[serde(with = "rust_decimal::serde::str")]
    pub unit_price: Decimal,
    /// The unit.
    pub unit: Unit,
    /// The native currency.
    pub currency: Currency,
    /// The first instant at which it applies; now where absent.
    #[serde(default)]
    pub effective_date: Option<Timestamp>,
    /// The first instant at which it no longer applies.
    #[serde(default)]
    pub expiry_date: Option<Timestamp>,
    /// Where the fact comes from; `user` where absent.
    #[serde(default)]
    pub source: Option<String>,
}

/// What is known of a config's health in this process.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelHealth {
    /// `provider/model`, or the alias.
    pub model: String,
    /// The config.
    pub model_config_id: ModelConfigId,
    /// How many attempts in a row failed.
    pub consecutive_failures: u32,
    /// How many seconds it is still passed over; absent if it is healthy.
    pub cooling_for: Option<f64>,
}

/// Tells a field that is null from one that is absent.
#[expect(clippy::option_option, reason = "absent, null and a value are three different things")]
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}
