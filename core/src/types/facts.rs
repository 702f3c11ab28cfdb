//! Facts: what a call was, as far as prices depend on it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::calendar::CalledAt;
use super::condition::{Attribute, Measure};

/// The tier that a call has if nothing says otherwise.
pub const STANDARD_TIER: &str = "standard";

/// What a call was: its properties, its numbers beside those of its usage, and its instants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Facts {
    /// The properties that are known, in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<Attribute, String>,
    /// The numbers that are known. Those of tokens are taken from the usage where they are absent here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<Measure, Decimal>,
    /// When the request was sent.
    pub started_at: Timestamp,
    /// When the first token arrived, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_at: Option<Timestamp>,
    /// When the answer was complete, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
}

impl Facts {
    /// Makes the facts of a call of which only the start is known.
    #[must_use]
    pub fn at(started_at: Timestamp) -> Self {
        Self { started_at, ..Self::default() }
    }

    /// Adds a property; a tier of `default` or `auto` is the standard one.
    pub fn set(&mut self, attribute: Attribute, value: &str) {
        let value = value.to_ascii_lowercase();
        let value = match (attribute, value.as_str()) {
            (Attribute::ServiceTier, "default" | "auto" | "on_demand" | "") => STANDARD_TIER.to_owned(),
            _ => value,
        };
        self.attributes.insert(attribute, value);
    }

    /// Returns a property; the tier is the standard one where it is not known.
    #[must_use]
    pub fn get(&self, attribute: Attribute) -> Option<&str> {
        match self.attributes.get(&attribute) {
            Some(value) => Some(value),
            None if attribute == Attribute::ServiceTier => Some(STANDARD_TIER),
            None => None,
        }
    }

    /// Returns an instant of the call; one that is not known is the nearest before it that is.
    #[must_use]
    pub fn instant(&self, at: CalledAt) -> Timestamp {
        let first_token = self.first_token_at.unwrap_or(self.started_at);
        match at {
            CalledAt::RequestStart => self.started_at,
            CalledAt::FirstToken => first_token,
            CalledAt::Completion => self.completed_at.unwrap_or(first_token),
        }
    }
}
