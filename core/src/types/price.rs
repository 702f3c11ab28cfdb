//! Prices: one dated price of one meter of a model config, or one modifier of several.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer, Serialize};

use super::condition::{Conditions, Scale};
use super::currency::Currency;
use super::ids::{ModelConfigId, PriceId};
use super::meter::Meter;
use super::quantity::Quantity;
use super::unit::Unit;

/// What a row of `ai_model_pricing` prices: a meter, or, as a modifier, what other rows make.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum PricingType {
    /// A meter.
    Meter(Meter),
    /// The amounts of other rows, which it multiplies.
    Modifier(ModifierName),
}

/// The name of modifiers among pricing types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModifierName {
    /// `modifier`.
    Modifier,
}

impl PricingType {
    /// The pricing type of modifiers.
    pub const MODIFIER: Self = Self::Modifier(ModifierName::Modifier);

    /// Returns the meter, where it is one.
    #[must_use]
    pub const fn meter(self) -> Option<Meter> {
        match self {
            Self::Meter(meter) => Some(meter),
            Self::Modifier(_) => None,
        }
    }

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meter(meter) => meter.name(),
            Self::Modifier(_) => "modifier",
        }
    }

    /// Returns the pricing type of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == Self::MODIFIER.name() { Some(Self::MODIFIER) } else { Meter::from_name(name).map(Self::Meter) }
    }
}

// A derived reader of either would not say which names there are.
impl<'de> Deserialize<'de> for PricingType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        if name == Self::MODIFIER.name() {
            return Ok(Self::MODIFIER);
        }
        Meter::deserialize(name.into_deserializer()).map(Self::Meter)
    }
}

impl From<Meter> for PricingType {
    fn from(meter: Meter) -> Self {
        Self::Meter(meter)
    }
}

impl PartialEq<Meter> for PricingType {
    fn eq(&self, other: &Meter) -> bool {
        self.meter() == Some(*other)
    }
}

impl std::fmt::Display for PricingType {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Whether a price stands for its meter, or is added to the price that does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// It is the price of its meter.
    #[default]
    Replaces,
    /// It is added to the price of its meter, wherever that comes from.
    Surcharge,
}

impl Basis {
    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replaces => "replaces",
            Self::Surcharge => "surcharge",
        }
    }
}

/// How a quantity is billed that is not a multiple of what the vendor bills. Without any of it, nothing is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(example = serde_json::json!({"minimum_quantity": 10}))
)]
#[serde(deny_unknown_fields, default)]
pub struct Rounding {
    /// The least quantity that is billed once anything was used, in single units of the meter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_quantity: Option<Quantity>,
    /// The quantity that is billed is a multiple of this one, rounded up; the followed system's `min_charge_unit`.
    #[serde(skip_serializing_if = "Option::is_none", alias = "min_charge_unit")]
    pub step: Option<Quantity>,
    /// The least amount that is billed once anything was used.
    #[serde(skip_serializing_if = "Option::is_none", with = "super::decimal_text::option")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Decimal>"))]
    pub minimum_charge: Option<Decimal>,
}

impl Rounding {
    /// Returns whether there is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What a modifier multiplies, and how it stands to others. Its ratio is the row's `unit_price`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
// One without a group is read, so that the error can say what to give.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("required" = ["group"]), example = serde_json::json!({"group": "batch"})))]
#[serde(deny_unknown_fields, default)]
pub struct Modifier {
    /// The meters that it multiplies, with those below them; all where empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub meters: Vec<Meter>,
    /// The name of its kind; of several that apply in one group, only the one that looks at most facts does.
    pub group: String,
    /// The place among the groups; lower is applied first.
    #[serde(skip_serializing_if = "is_zero")]
    pub order: i32,
    /// The groups that do not apply where this one does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub excludes: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference to the field")]
const fn is_zero(order: &i32) -> bool {
    *order == 0
}

/// A row of `ai_model_pricing`: one dated price of one meter of a model config.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// What a later row took back of it; absent as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded: Option<Superseded>,
}

/// What a correction took back of a price: from when on it is no longer believed, and since when that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Superseded {
    /// The first instant at which the price did not apply after all.
    pub from: Timestamp,
    /// When that was learned.
    pub known_from: Timestamp,
}

/// What a price says, apart from its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("noun" = "prices")))]
pub struct PriceTerms {
    /// The meter that it prices, or `modifier`.
    pub pricing_type: PricingType,
    /// The price of one unit, or the ratio of a modifier; zero or more.
    pub unit_price: Decimal,
    /// The unit that the price counts in.
    pub unit: Unit,
    /// The native currency. A modifier has that of the prices beside it.
    pub currency: Currency,
    /// When it applies.
    #[serde(default, skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// Whether it stands for its meter or is added.
    #[serde(default)]
    pub basis: Basis,
    /// How odd quantities are billed.
    #[serde(default, skip_serializing_if = "Rounding::is_none")]
    pub rounding: Rounding,
    /// What a modifier multiplies; present exactly for modifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modifier: Option<Modifier>,
    /// The first instant at which it applies.
    pub effective_date: Timestamp,
    /// The first instant at which it no longer applies; absent if it has no end.
    pub expiry_date: Option<Timestamp>,
    /// When it was learned. A call is priced by what was known at its time.
    pub known_from: Timestamp,
    /// Whether it applies at all.
    pub is_active: bool,
    /// Where the fact comes from: `user`, or the catalog's source with its date.
    pub source: String,
}

impl PriceTerms {
    /// Makes the plain price of a meter, from an instant on.
    #[must_use]
    pub fn new(meter: Meter, unit_price: Decimal, unit: Unit, currency: Currency, from: Timestamp) -> Self {
        Self {
            pricing_type: meter.into(),
            unit_price,
            unit,
            currency,
            conditions: Conditions::default(),
            basis: Basis::default(),
            rounding: Rounding::default(),
            modifier: None,
            effective_date: from,
            expiry_date: None,
            known_from: from,
            is_active: true,
            source: "user".to_owned(),
        }
    }

    /// Returns whether the price is in force at an instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> bool {
        self.is_active && self.effective_date <= at && self.expiry_date.is_none_or(|expiry| at < expiry)
    }

    /// Returns what is wrong with it by itself, and what to do; nothing if it makes sense.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let name = self.pricing_type;
        let rounding = &self.rounding;
        let is_ratio = name.meter().is_none();
        if !name.meter().map_or(self.unit == Unit::Ratio, |meter| self.unit.fits(meter)) {
            return Some(format!("a price of {name} cannot count {}; give a unit that fits it", self.unit.name()));
        }
        if is_ratio != self.modifier.is_some() {
            return Some(if is_ratio {
                "a modifier does not say what it multiplies; give its field `modifier`".to_owned()
            } else {
                format!("the price of {name} has a field `modifier`, which only modifiers have; leave it out")
            });
        }
        if self.modifier.as_ref().is_some_and(|modifier| modifier.group.trim().is_empty()) {
            return Some("a modifier has no group; name its kind, such as \"region\"".to_owned());
        }
        if is_ratio && self.unit_price <= Decimal::ZERO {
            return Some("the ratio of a modifier is not above zero; give one that is".to_owned());
        }
        if is_ratio && (self.basis != Basis::Replaces || !rounding.is_none()) {
            return Some("a modifier has a basis or a rounding; leave them out".to_owned());
        }
        if (is_ratio || self.basis == Basis::Surcharge) && self.conditions.scale == Scale::Marginal {
            return Some(format!(
                "a {} has a marginal scale, which only prices have; leave it out",
                if is_ratio { "modifier" } else { "surcharge" }
            ));
        }
        if self.unit_price.is_sign_negative() && !self.unit_price.is_zero() {
            return Some(format!("the price of {name} is below zero; give zero or more"));
        }
        if rounding.step.is_some_and(Quantity::is_zero) {
            return Some(format!("the step of the price of {name} is zero; give one above zero, or leave it out"));
        }
        if rounding.minimum_charge.is_some_and(|least| least < Decimal::ZERO) {
            return Some(format!("the minimum charge of the price of {name} is below zero; give zero or more"));
        }
        if self.expiry_date.is_some_and(|expiry| expiry.as_microsecond() <= self.effective_date.as_microsecond()) {
            return Some(format!("the price of {name} ends before it begins; give a later expiry_date"));
        }
        let problem = self.conditions.problem();
        problem.map(|problem| format!("the conditions of the price of {name} make no sense: {problem}"))
    }

    /// Returns whether the price is in force at an instant, by what was known of it and of what was taken back at another.
    #[must_use]
    pub fn in_force_as_known(&self, superseded: Option<Superseded>, at: Timestamp, known: Timestamp) -> bool {
        self.in_force(at)
            && self.known_from <= known
            && superseded.is_none_or(|superseded| at < superseded.from || known < superseded.known_from)
    }

    /// Returns whether two prices are for the same thing under the same conditions, so that one takes the other's place.
    #[must_use]
    pub fn same_slot(&self, other: &Self) -> bool {
        let multiplied = |terms: &Self| {
            let modifier = terms.modifier.as_ref();
            modifier.map(|modifier| (modifier.group.clone(), modifier.meters.iter().copied().collect::<BTreeSet<_>>()))
        };
        self.pricing_type == other.pricing_type
            && self.basis == other.basis
            && self.conditions == other.conditions
            && multiplied(self) == multiplied(other)
    }
}

impl Price {
    /// Returns whether the price is in force at an instant, or will be later, by what is known then.
    #[must_use]
    pub fn stands(&self, at: Timestamp) -> bool {
        self.in_force(self.terms.effective_date.max(at), at)
    }

    /// Returns whether the price is in force at an instant, by what was known at another.
    #[must_use]
    pub fn in_force(&self, at: Timestamp, known: Timestamp) -> bool {
        self.terms.in_force_as_known(self.superseded, at, known)
    }
}
