//! Price books: offers of sellers, as importers read them and the bundled catalog holds them.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::condition::Conditions;
use super::currency::Currency;
use super::model_config::Capability;
use super::model_name::ModelName;
use super::price::{Basis, Modifier, PriceTerms, PricingType, Rounding};
use super::unit::Unit;

/// A list of what sellers charge, with where its facts come from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceBook {
    /// What is offered, in the order of provider and model.
    pub offers: Vec<Offer>,
}

/// What one seller charges for one model. Two lists of one vendor are two sellers, such as `dashscope` and `dashscope-intl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The seller, as a provider is named in model configs.
    pub provider: String,
    /// The model's name at the seller.
    pub model: String,
    /// Other names of exactly this model at exactly these prices, such as dated ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What the model makes.
    #[serde(default)]
    pub capability: Capability,
    /// The native currency of all its prices.
    pub currency: Currency,
    /// The prices and modifiers.
    pub prices: Vec<OfferPrice>,
    /// The most input tokens that it takes, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_window: Option<u64>,
    /// The most output tokens that it gives, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Where the facts were read, with the version of that source.
    pub source: String,
    /// The day on which they were read.
    pub checked: Date,
    /// What the prices leave out, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One price of an offer, or one modifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferPrice {
    /// The meter that it prices, or `modifier`.
    pub pricing_type: PricingType,
    /// The price of one unit, or the ratio of a modifier; zero or more.
    #[serde(with = "super::decimal_text")]
    pub unit_price: Decimal,
    /// The unit that the price counts in.
    pub unit: Unit,
    /// When it applies.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// Whether it stands for its meter or is added.
    #[serde(default, skip_serializing_if = "is_default")]
    pub basis: Basis,
    /// How odd quantities are billed.
    #[serde(default, skip_serializing_if = "Rounding::is_none")]
    pub rounding: Rounding,
    /// What a modifier multiplies; present exactly for modifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifier: Option<Modifier>,
    /// The first instant at which it applies, where the seller stated one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_date: Option<Timestamp>,
    /// The first instant at which it no longer applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiry_date: Option<Timestamp>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl OfferPrice {
    /// Makes the plain price of a meter.
    #[must_use]
    pub fn new(pricing_type: impl Into<PricingType>, unit_price: Decimal, unit: Unit) -> Self {
        Self {
            pricing_type: pricing_type.into(),
            unit_price,
            unit,
            conditions: Conditions::default(),
            basis: Basis::default(),
            rounding: Rounding::default(),
            modifier: None,
            effective_date: None,
            expiry_date: None,
        }
    }

    /// Makes a modifier: a ratio, and what it multiplies.
    #[must_use]
    pub fn modifier(ratio: Decimal, modifier: Modifier) -> Self {
        Self { modifier: Some(modifier), ..Self::new(PricingType::MODIFIER, ratio, Unit::Ratio) }
    }

    /// Puts conditions on it.
    #[must_use]
    pub fn when(mut self, conditions: Conditions) -> Self {
        self.conditions = conditions;
        self
    }
}

impl Offer {
    /// Returns `provider/model`.
    #[must_use]
    pub fn name(&self) -> String {
        ModelName::new(&self.provider, &self.model).to_string()
    }

    /// Returns the prices as rows would hold them that are written at an instant.
    ///
    /// A price without a date applies from that instant on: no price is back-dated. Those that are over are left out.
    #[must_use]
    pub fn terms(&self, now: Timestamp) -> Vec<PriceTerms> {
        let is_current = |price: &&OfferPrice| price.expiry_date.is_none_or(|expiry| now < expiry);
        let terms = |price| {
            let term = self.term(price, now);
            PriceTerms { effective_date: term.effective_date.max(now), ..term }
        };
        self.prices.iter().filter(is_current).map(terms).collect()
    }

    /// Returns one of its prices as a row would hold it that is written at an instant; one without a date applies from then.
    #[must_use]
    pub fn term(&self, price: &OfferPrice, now: Timestamp) -> PriceTerms {
        PriceTerms {
            pricing_type: price.pricing_type,
            unit_price: price.unit_price,
            unit: price.unit,
            currency: self.currency,
            conditions: price.conditions.clone(),
            basis: price.basis,
            rounding: price.rounding,
            modifier: price.modifier.clone(),
            effective_date: price.effective_date.unwrap_or(now),
            expiry_date: price.expiry_date,
            known_from: now,
            is_active: true,
            source: format!("{}, checked {}", self.source, self.checked),
        }
    }
}
