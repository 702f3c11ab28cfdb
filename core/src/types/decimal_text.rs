//! Decimals in JSON: texts, read to the last digit or not at all.
//!
//! A text with more digits than a decimal holds is refused, because reading it would round it; a JSON number with a point or an
//! exponent is refused, because it is read as a float.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

/// The most decimal places that a [`Decimal`] holds.
const MAXIMUM_SCALE: u32 = 28;

/// Writes a decimal as a text.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a decimal from a text or an integer.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    deserializer.deserialize_any(ExactVisitor)
}

struct ExactVisitor;

impl Visitor<'_> for ExactVisitor {
    type Value = Decimal;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an exact amount as a decimal text, such as \"0.15\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Decimal, E> {
        decimal_of(text).ok_or_else(|| {
            E::custom(format!(
                "{text:?} is not an exact amount; give a decimal text of at most 28 digits, such as \"0.15\""
            ))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Decimal, E> {
        Ok(number.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Decimal, E> {
        Ok(number.into())
    }
}

/// The same for a decimal that may be absent.
pub mod option {
    use super::{Decimal, Deserialize, Deserializer, Serializer};

    /// Writes a decimal as a text, or nothing.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    /// Reads a decimal from a text, or nothing.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Decimal>, D::Error> {
        #[derive(Deserialize)]
        struct Text(#[serde(with = "super")] Decimal);
        Ok(Option::<Text>::deserialize(deserializer)?.map(|Text(value)| value))
    }
}

/// Builds a decimal from its digits, dropping trailing zeros only where the scale leaves no room for them.
pub(super) fn from_mantissa(mut mantissa: i128, mut scale: u32) -> Option<Decimal> {
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    while scale > MAXIMUM_SCALE || (scale > 0 && mantissa.unsigned_abs() >> 96 != 0) {
        if mantissa % 10 != 0 {
            return None;
        }
        mantissa /= 10;
        scale -= 1;
    }
    Decimal::try_from_i128_with_scale(mantissa, scale).ok()
}

/// Reads a decimal exactly, in plain or scientific notation; nothing if it is none, or has more than 28 digits.
#[must_use]
pub fn decimal_of(text: &str) -> Option<Decimal> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        None => return Decimal::from_str_exact(text).ok(),
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
    };
    let digits = Decimal::from_str_exact(digits).ok()?.normalize();
    let scale = i32::try_from(digits.scale()).ok()?.checked_sub(exponent)?;
    if scale >= 0 {
        let scale = u32::try_from(scale).ok()?;
        return from_mantissa(digits.mantissa(), scale);
    }
    let factor = 10_i128.checked_pow(scale.unsigned_abs())?;
    from_mantissa(digits.mantissa().checked_mul(factor)?, 0)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(with = "super")]
        price: Decimal,
        #[serde(default, with = "super::option")]
        least: Option<Decimal>,
    }

    #[test]
    fn every_digit_is_kept_or_the_string_is_refused() {
        let row: Row = serde_json::from_str(r#"{"price": "1.5e-7", "least": "0.10"}"#).unwrap();
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"price":"0.00000015","least":"0.10"}"#);
        let plain: Row = serde_json::from_str(r#"{"price": 5, "least": -5}"#).unwrap();
        assert_eq!((plain.price, plain.least), (5.into(), Some((-5).into())));
        let long = "0.00000012345678901234567890123456789";
        for wrong in
            [format!("\"{long}\""), "0.15".to_owned(), "\"\"".to_owned(), "\"1,5\"".to_owned(), "null".to_owned()]
        {
            assert!(serde_json::from_str::<Row>(&format!(r#"{{"price": {wrong}}}"#)).is_err(), "{wrong}");
        }
    }
}
