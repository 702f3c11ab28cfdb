//! Prices: one dated price of one meter of a model config.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::ids::{ModelConfigId, PriceId};
use super::meter::Meter;
use super::money::Currency;

/// The unit that a price counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Unit {
    /// One token.
    PerToken,
    /// A thousand tokens.
    #[serde(rename = "per_1k_tokens")]
    Per1kTokens,
    /// A million tokens.
    #[serde(rename = "per_1m_tokens")]
    Per1mTokens,
    /// One request.
    PerRequest,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 4] = [Self::PerToken, Self::Per1kTokens, Self::Per1mTokens, Self::PerRequest];

    /// Returns how many of the meter one unit is.
    #[must_use]
    pub const fn size(self) -> u64 {
        match self {
            Self::PerToken | Self::PerRequest => 1,
            Self::Per1kTokens => 1_000,
            Self::Per1mTokens => 1_000_000,
        }
    }

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::PerToken => "per_token",
            Self::Per1kTokens => "per_1k_tokens",
            Self::Per1mTokens => "per_1m_tokens",
            Self::PerRequest => "per_request",
        }
    }

    /// Tells whether a price of the meter may count in this unit.
    #[must_use]
    pub const fn fits(self, meter: Meter) -> bool {
        matches!(self, Self::PerRequest) == matches!(meter, Meter::Request)
    }
}

/// A row of `ai_model_pricing`: one dated price of one meter of a model config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The row.
    pub id: PriceId,
    /// The config that it prices. The table calls it `model_id`, and it is a **config** id.
    pub model_config_id: ModelConfigId,
    /// What and when it prices.
    #[serde(flatten)]
    pub terms: PriceTerms,
    /// When the row was written.
    pub created_at: Timestamp,
}

/// What a price says, apart from its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceTerms {
    /// The meter that it prices.
    pub pricing_type: Meter,
    /// The price of one unit; zero or more.
    pub unit_price: Decimal,
    /// The unit that the price counts in.
    pub unit: Unit,
    /// The native currency.
    pub currency: Currency,
    /// The first instant at which it applies.
    pub effective_date: Timestamp,
    /// The first instant at which it no longer applies; absent if it has no end.
    pub expiry_date: Option<Timestamp>,
    /// Whether it applies at all.
    pub is_active: bool,
    /// Where the fact comes from: `user`, or the catalog's source with its date.
    pub source: String,
}

impl PriceTerms {
    /// Tells whether the price is in force at an instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.is_active && self.effective_date <= at && self.expiry_date.is_none_or(|expiry| at < expiry)
    }
}
