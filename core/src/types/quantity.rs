//! Quantities: exact, never negative, whole as a rule.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many of a meter. In JSON a whole quantity is a number, and any other a decimal string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quantity(Decimal);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Makes a quantity; what is below zero is no quantity.
    #[must_use]
    pub fn new(value: Decimal) -> Option<Self> {
        (value.is_zero() || value.is_sign_positive()).then(|| Self(value.normalize()))
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }

    /// Returns whether it is nothing.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Returns the whole part, at most the greatest `u64`.
    #[must_use]
    pub fn whole(self) -> u64 {
        self.0.trunc().to_u64().unwrap_or(u64::MAX)
    }

    /// Adds; a sum that does not fit stops at the greatest quantity.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Adds, or returns nothing if the exact sum does not fit.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        super::money::exact_add(self.0, other.0).ok().map(Self)
    }

    /// Subtracts down to nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self((self.0.saturating_sub(other.0)).max(Decimal::ZERO))
    }
}

impl From<u64> for Quantity {
    fn from(value: u64) -> Self {
        Self(value.into())
    }
}

impl PartialEq<u64> for Quantity {
    fn eq(&self, other: &u64) -> bool {
        self.0 == Decimal::from(*other)
    }
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.normalize().fmt(formatter)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.to_u64().filter(|_| self.0.fract().is_zero()) {
            Some(whole) => serializer.serialize_u64(whole),
            None => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Quantity;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a whole number, or a decimal string, of zero or more")
            }

            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Quantity, E> {
                Ok(value.into())
            }

            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Quantity, E> {
                Quantity::new(value.into()).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Signed(value), &self))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Quantity, E> {
                let value = super::decimal_text::decimal_of(text).and_then(Quantity::new);
                value.ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_quantities_are_numbers_and_others_strings() {
        for (quantity, json) in [("8.50", "\"8.5\""), ("12", "12"), ("12.0", "12"), ("0", "0")] {
            let quantity = Quantity::new(quantity.parse().unwrap()).unwrap();
            assert_eq!(serde_json::to_string(&quantity).unwrap(), json);
            assert_eq!(serde_json::from_str::<Quantity>(json).unwrap(), quantity);
        }
        for wrong in ["-1", "\"-0.5\"", "1.5", "\"x\"", "null"] {
            assert!(serde_json::from_str::<Quantity>(wrong).is_err(), "{wrong}");
        }
    }
}
