//! Reading of loosely typed JSON: a field of another type counts as absent, and money stays exact.

use rust_decimal::Decimal;
use serde_json::Value;

/// The most decimal places that a [`Decimal`] holds.
const MAXIMUM_SCALE: i64 = 28;

/// The most fields whose names are compared one by one, which is quicker than hashing a name.
const FEW_FIELDS: usize = 16;

/// Returns a field, whatever it is.
pub(super) fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let fields = value.as_object()?;
    if fields.len() > FEW_FIELDS {
        return fields.get(key);
    }
    fields.iter().find_map(|(name, field)| (name == key).then_some(field))
}

/// Returns a field that is there and is not null.
pub(super) fn field<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    get(value, key).filter(|field| !field.is_null())
}

/// Returns what stands under `error`: beside an answer only if it says anything.
pub(super) fn error_field(value: &Value, has_answer: bool) -> Option<&Value> {
    field(value, "error").filter(|error| !has_answer || says_anything(error))
}

fn says_anything(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => items.iter().any(says_anything),
        Value::Object(fields) => fields.values().any(says_anything),
    }
}

/// Returns a field that is a text.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    get(value, key).and_then(Value::as_str)
}

/// Returns a copy of a field that is a text with something in it.
pub(super) fn owned(value: &Value, key: &str) -> Option<String> {
    text(value, key).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns a field that is a text or a whole number, as text.
pub(super) fn word(value: &Value, key: &str) -> Option<String> {
    match get(value, key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}

/// Returns a field that is a whole number and not negative; some hosts write it as `12.0`, or as a text.
pub(super) fn count(value: &Value, key: &str) -> Option<u64> {
    match get(value, key)? {
        Value::Number(number) => number.as_u64().or_else(|| whole(&number.to_string())),
        Value::String(text) => whole(text.trim()),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u64> {
    let number = exact_decimal(text)?.normalize();
    if number.scale() == 0 { u64::try_from(number).ok() } else { None }
}

/// Returns the items of a field that is a list; none otherwise.
pub(super) fn items<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    get(value, key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Reads a JSON number without rounding it; nothing if it needs more than 28 decimal places or 96 bits.
pub(super) fn exact_decimal(text: &str) -> Option<Decimal> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i64>().ok()?),
        None => (text, 0),
    };
    let decimal = Decimal::from_str_exact(digits).ok()?.normalize();
    if decimal.is_zero() {
        return Some(Decimal::ZERO);
    }
    let scale = i64::from(decimal.scale()).checked_sub(exponent)?;
    if scale >= 0 {
        let scale = u32::try_from(scale).ok().filter(|scale| i64::from(*scale) <= MAXIMUM_SCALE)?;
        return Decimal::try_from_i128_with_scale(decimal.mantissa(), scale).ok();
    }
    let factor = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
    Decimal::try_from_i128_with_scale(decimal.mantissa().checked_mul(factor)?, 0).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scientific_notation_is_exact() {
        for (written, exact) in [
            ("3.6e-06", "0.0000036"),
            ("5E-2", "0.05"),
            ("1e+3", "1000"),
            ("1.50", "1.5"),
            ("0.05454000000000001", "0.05454000000000001"),
            ("0", "0"),
            ("0e999", "0"),
        ] {
            assert_eq!(exact_decimal(written), Some(exact.parse().unwrap()), "{written}");
        }
    }

    #[test]
    fn counts_are_whole_and_not_negative() {
        let value = serde_json::json!({
            "a": 12, "b": 12.0, "c": 1.5, "d": -1, "e": "12", "f": null, "h": " 12.0 ", "i": "1.5", "j": "-1", "k": "x",
            "l": 1.2e3, "m": "", "n": [12], "o": "18446744073709551616"
        });
        let keys = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o"];
        let twelve = ["a", "b", "e", "h"];
        for key in keys {
            let expected = if key == "l" { Some(1_200) } else { twelve.contains(&key).then_some(12) };
            assert_eq!(count(&value, key), expected, "{key}");
        }
    }

    #[test]
    fn a_number_that_no_decimal_holds_is_refused() {
        for written in
            ["1e-29", "1e40", "1e99999999999999999999", "abc", "", "1e", "NaN", "0.00000000000000000000000000001"]
        {
            assert_eq!(exact_decimal(written), None, "{written}");
        }
    }

    proptest! {
        #[test]
        fn plain_and_scientific_agree(mantissa in 1_u32.., places in 0_u32..12) {
            let plain = Decimal::from_i128_with_scale(i128::from(mantissa), places);
            prop_assert_eq!(exact_decimal(&format!("{mantissa}e-{places}")), Some(plain));
            prop_assert_eq!(exact_decimal(&plain.to_string()), Some(plain));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = exact_decimal(&text);
        }
    }
}
