//! What administrators give to the client.

use std::collections::BTreeMap;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::types::{
    Basis, Capability, Conditions, Currency, Decimal, ModelConfigId, Modifier, PricingType, Rounding, Unit,
};

/// A model config to add.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelInput {
    /// `provider/model`.
    pub name: String,
    /// A name of the caller's, which requests and routes can use; unique.
    pub alias: Option<String>,
    /// What it can make; what the bundled catalog says of it where absent, and text if that does not know it.
    pub capability: Option<Capability>,
    /// The API key; it is sealed before it is written. White space around it is left out, and what no header can carry is refused.
    pub api_key: Option<SecretString>,
    /// Whether the API key is read from the environment variable in which the provider's key usually stands, such as
    /// `OPENAI_API_KEY`. It is read once, now, and sealed like one that is given.
    pub api_key_from_environment: bool,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters: `wire_format`, `max_output_tokens`, `context_window`, `max_uses`, `headers`, `body`, `omit`.
    pub params: Map<String, Value>,
    /// Whether its key may go to another machine over plain http, for everyone on the way to read; no where absent.
    pub allow_insecure: Option<bool>,
    /// Whether it becomes the default of its capability.
    pub default: bool,
    /// The place in a fallback; lower is earlier.
    pub priority: i64,
    /// Whether routing may pick it; yes where absent.
    pub active: Option<bool>,
    /// A note.
    pub description: Option<String>,
    /// Prices by meter, or `modifier`. Where absent, those of the bundled catalog; where empty, none.
    pub prices: Option<BTreeMap<PricingType, PriceList>>,
}

/// A model config as it shall be. A field that is absent stays as it is in a config that is there, and is as in [`ModelInput`] in
/// one that is added.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelTerms {
    /// `provider/model`. Together with the alias, it says which config is meant.
    pub name: String,
    /// The name of the caller's that the config has.
    pub alias: Option<String>,
    /// What it can make.
    pub capability: Option<Capability>,
    /// The API key.
    pub api_key: Option<SecretString>,
    /// Whether the API key is read from the environment variable in which the provider's key usually stands.
    pub api_key_from_environment: bool,
    /// The address that replaces the provider's own.
    pub base_url: Option<String>,
    /// Parameters, all of them; those that are there stay where this is empty.
    pub params: Map<String, Value>,
    /// Whether its key may go to another machine over plain http.
    pub allow_insecure: Option<bool>,
    /// Whether it is the default of its capability.
    pub default: Option<bool>,
    /// The place in a fallback; lower is earlier.
    pub priority: Option<i64>,
    /// Whether routing may pick it.
    pub active: Option<bool>,
    /// A note.
    pub description: Option<String>,
    /// Prices by meter, or `modifier`, all that it shall have; where empty, none.
    pub prices: Option<BTreeMap<PricingType, PriceList>>,
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
    /// What it can make.
    pub capability: Option<Capability>,
    /// Whether its key may go to another machine over plain http.
    pub allow_insecure: Option<bool>,
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

impl ModelUpdate {
    /// Returns whether nothing is to be changed.
    pub(super) fn is_empty(&self) -> bool {
        self.alias.is_none()
            && self.api_key.is_none()
            && self.base_url.is_none()
            && self.params.is_none()
            && self.capability.is_none()
            && self.allow_insecure.is_none()
            && self.default.is_none()
            && self.priority.is_none()
            && self.active.is_none()
            && self.description.is_none()
    }
}

/// A price to set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceInput {
    /// The price of one unit, or the ratio of a modifier, as a decimal string of at most 28 digits.
    #[serde(with = "crate::types::decimal_text")]
    pub unit_price: Decimal,
    /// The unit.
    pub unit: Unit,
    /// The native currency. A modifier has that of the prices beside it.
    pub currency: Currency,
    /// When it applies; always where absent.
    #[serde(default)]
    pub conditions: Conditions,
    /// Whether it stands for its meter or is added.
    #[serde(default)]
    pub basis: Basis,
    /// How odd quantities are billed.
    #[serde(default)]
    pub rounding: Rounding,
    /// What a modifier multiplies; for modifiers only.
    #[serde(default)]
    pub modifier: Option<Modifier>,
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

impl PriceInput {
    /// Makes a plain price, from now on.
    #[must_use]
    pub fn new(unit_price: Decimal, unit: Unit, currency: Currency) -> Self {
        Self {
            unit_price,
            unit,
            currency,
            conditions: Conditions::default(),
            basis: Basis::default(),
            rounding: Rounding::default(),
            modifier: None,
            effective_date: None,
            expiry_date: None,
            source: None,
        }
    }
}

/// The prices of one meter, or the modifiers. In JSON one price, or a list of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList(pub Vec<PriceInput>);

impl PriceList {
    /// Returns the prices.
    pub fn iter(&self) -> std::slice::Iter<'_, PriceInput> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a PriceList {
    type Item = &'a PriceInput;
    type IntoIter = std::slice::Iter<'a, PriceInput>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<PriceInput> for PriceList {
    fn from(price: PriceInput) -> Self {
        Self(vec![price])
    }
}

impl From<Vec<PriceInput>> for PriceList {
    fn from(prices: Vec<PriceInput>) -> Self {
        Self(prices)
    }
}

// A derived reader of either form would not say what is wrong with a price.
impl<'de> Deserialize<'de> for PriceList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = PriceList;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a price, or an array of prices")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PriceList, A::Error> {
                PriceInput::deserialize(MapAccessDeserializer::new(map)).map(PriceList::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<PriceList, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(PriceList)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// An exchange rate to add: one unit of `from` is worth `rate` units of `to`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FxRateInput {
    /// The currency that is converted.
    pub from: Currency,
    /// The currency that it becomes.
    pub to: Currency,
    /// How many of `to` one of `from` is, as a decimal string above zero.
    #[serde(with = "crate::types::decimal_text")]
    pub rate: Decimal,
    /// The first instant at which it applies; now where absent.
    #[serde(default)]
    pub effective_date: Option<Timestamp>,
    /// Where the rate comes from; `user` where absent.
    #[serde(default)]
    pub source: Option<String>,
}

/// What is known of a config's health in this process.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(deserializer).map(Some)
}
