//! JSON as it stands in a list: its numbers are read from their digits and never go through a float.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::NotUnderstood;
use super::extent::quoted;
use crate::types::{Decimal, Result, decimal_of, read_json};

/// Reads JSON text; fails with `invalid_request`, which names what was read.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str, what: &str) -> Result<T> {
    read_json(what, text)
}

/// Returns a number of zero or more, written as a number or as a string; nothing if it is none.
pub(super) fn amount(raw: &RawValue) -> Option<Decimal> {
    let digits = raw.get().strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(raw.get());
    decimal_of(digits).filter(|amount| amount.is_zero() || amount.is_sign_positive()).map(|amount| amount.normalize())
}

/// Returns a whole number of zero or more.
pub(super) fn whole(raw: &RawValue) -> Option<u64> {
    use rust_decimal::prelude::ToPrimitive;
    amount(raw).filter(|amount| amount.fract().is_zero()).and_then(|amount| amount.to_u64())
}

/// Returns the text of a JSON string.
pub(super) fn words(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// Returns whether the value is absent in all but name.
pub(super) fn is_null(raw: &RawValue) -> bool {
    raw.get() == "null"
}

/// Says that a key became no price.
pub(super) fn not_understood(entry: &str, key: impl Into<String>, raw: &RawValue, reason: &str) -> NotUnderstood {
    NotUnderstood { entry: entry.to_owned(), key: key.into(), value: quoted(raw.get()), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_digits() {
        for (text, digits) in [
            ("0.435", "0.435"),
            ("\"0.10\"", "0.1"),
            ("5.0000000000000004e-08", "0.000000050000000000000004"),
            ("3", "3"),
        ] {
            let raw: &RawValue = serde_json::from_str(text).unwrap();
            assert_eq!(amount(raw).unwrap().to_string(), digits);
        }
        for wrong in ["-1", "\"free\"", "null", "[1]"] {
            let raw: &RawValue = serde_json::from_str(wrong).unwrap();
            assert_eq!(amount(raw), None, "{wrong}");
        }
        assert_eq!(whole(serde_json::from_str("2.5").unwrap()), None);
    }
}
