//! Prices as they are given: of one meter one, or a list of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::condition::Conditions;
use super::currency::Currency;
use super::price::{Basis, Modifier, PricingType, Rounding};
use super::unit::Unit;

/// A price of one meter, or the ratio of a modifier. No float has touched its amount.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(example = example(), extend("noun" = "prices")))]
#[serde(deny_unknown_fields)]
pub struct PriceDraft {
    /// The price of one unit, or the ratio of a modifier.
    #[serde(with = "super::decimal_text")]
    #[cfg_attr(feature = "schema", schemars(with = "Decimal"))]
    pub unit_price: Decimal,
    /// The unit that the price counts in.
    pub unit: Unit,
    /// The native currency. A modifier has that of the prices beside it.
    pub currency: Currency,
    /// When it applies; always where left out.
    #[serde(default)]
    pub conditions: Conditions,
    /// Whether it is the price of its meter, as where left out, or is added to that.
    #[serde(default)]
    pub basis: Basis,
    /// How a quantity is billed that is not a multiple of what the vendor bills.
    #[serde(default)]
    pub rounding: Rounding,
    /// What a modifier multiplies; for modifiers only.
    #[serde(default)]
    pub modifier: Option<Modifier>,
    /// The first instant at which it applies; now where left out.
    #[serde(default)]
    pub effective_date: Option<Timestamp>,
    /// The first instant at which it no longer applies.
    #[serde(default)]
    pub expiry_date: Option<Timestamp>,
    /// Where the fact comes from; `user` where left out.
    #[serde(default)]
    pub source: Option<String>,
}

impl PriceDraft {
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
pub struct PriceList(pub Vec<PriceDraft>);

impl PriceList {
    /// Returns the prices.
    pub fn iter(&self) -> std::slice::Iter<'_, PriceDraft> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a PriceList {
    type Item = &'a PriceDraft;
    type IntoIter = std::slice::Iter<'a, PriceDraft>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl From<PriceDraft> for PriceList {
    fn from(price: PriceDraft) -> Self {
        Self(vec![price])
    }
}

impl From<Vec<PriceDraft>> for PriceList {
    fn from(prices: Vec<PriceDraft>) -> Self {
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
                PriceDraft::deserialize(MapAccessDeserializer::new(map)).map(PriceList::from)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<PriceList, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(items)).map(PriceList)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// The prices of a model config, by meter or `modifier`.
pub type PriceMap = BTreeMap<PricingType, PriceList>;

/// Describes prices by meter, each of which is a price or a list of them.
#[cfg(feature = "schema")]
pub fn price_map(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<PriceDraft>();
    schemars::json_schema!({ "format": "price_map" })
}

#[cfg(feature = "schema")]
fn example() -> serde_json::Value {
    serde_json::json!({"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"})
}
