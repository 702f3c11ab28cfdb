//! Decimals in JSON: texts, read to the last digit or not at all.
//!
//! A text with more digits than a decimal holds is refused, because reading it would round it; a JSON number is refused,
//! because other readers would make a float of it.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer};

use super::money::decimal_of;

/// Writes a decimal as a text.
pub fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads a decimal from a text.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    decimal_of(&text).ok_or_else(|| {
        serde::de::Error::custom(format!("{text:?} is no decimal number of at most 28 digits, such as \"0.15\""))
    })
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
        let long = "0.00000012345678901234567890123456789";
        for wrong in
            [format!("\"{long}\""), "0.15".to_owned(), "\"\"".to_owned(), "\"1,5\"".to_owned(), "null".to_owned()]
        {
            assert!(serde_json::from_str::<Row>(&format!(r#"{{"price": {wrong}}}"#)).is_err(), "{wrong}");
        }
    }
}
