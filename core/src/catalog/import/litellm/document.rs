//! Documents: JSON whose numbers keep their digits.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use crate::catalog::import::fields::Fields;
use crate::types::{Decimal, Error, ErrorKind, Result, check_levels, decimal_of};

/// Reads the entries of a list, each as its own text.
pub(super) fn entries(text: &str) -> Result<Fields<'_>> {
    check_levels("the price list", text.as_bytes())?;
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("the list is not valid: {error}; give the JSON object that maps models to their prices");
        Error::new(ErrorKind::InvalidRequest, detail)
    })
}

/// Reads a JSON object with every number as the string of its digits, so that no price goes through a float.
///
/// Fails with `invalid_request` if the text is no JSON object, or nests too deep.
pub fn exact_object(text: &str) -> Result<Map<String, Value>> {
    check_levels("a table of prices", text.as_bytes())?;
    let invalid = |error: serde_json::Error| {
        Error::new(ErrorKind::InvalidRequest, format!("the prices are not valid: {error}; give a JSON object of them"))
    };
    // What is wrong is told of the text as it came, and only what is JSON is written anew.
    serde_json::from_str::<IgnoredAny>(text).map_err(invalid)?;
    let mut object = serde_json::from_str::<Map<String, Value>>(&with_quoted_numbers(text)).map_err(invalid)?;
    object.sort_keys();
    object.values_mut().for_each(Value::sort_all_objects);
    Ok(object)
}

/// Writes valid JSON anew with every number as the text of its digits. It is read once then, however deep its numbers lie.
fn with_quoted_numbers(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + text.len() / 4);
    let mut left = text;
    while let Some(start) = left.find(|character: char| matches!(character, '"' | '-' | '0'..='9')) {
        let (before, rest) = left.split_at(start);
        written.push_str(before);
        if rest.starts_with('"') {
            let (text, after) = rest.split_at(end_of_text(rest));
            written.push_str(text);
            left = after;
            continue;
        }
        let end = rest.find(|character: char| !matches!(character, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
        let (number, after) = rest.split_at(end.unwrap_or(rest.len()));
        written.extend(["\"", number, "\""]);
        left = after;
    }
    written.push_str(left);
    written
}

/// Returns the length of a text with both its quotes.
fn end_of_text(json: &str) -> usize {
    let mut is_escaped = false;
    for (place, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return place + 1,
            _ => {}
        }
    }
    json.len()
}

/// Returns the exact number of a value; nothing for what is none, and for a fraction that is no longer its digits.
pub(super) fn number(value: &Value) -> Option<Decimal> {
    match value {
        Value::String(digits) => decimal_of(digits),
        Value::Number(whole) => whole.as_u64().map(Decimal::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_digits() {
        let object =
            exact_object(r#"{"a": 5.0000000000000004e-08, "b": [1.10, {"c": -2}], "d": "x", "e": null}"#).unwrap();
        assert_eq!(object["a"], "5.0000000000000004e-08");
        assert_eq!(object["b"][0], "1.10");
        assert_eq!(object["b"][1]["c"], "-2");
        assert!(object["e"].is_null());
        assert_eq!(number(&object["a"]).unwrap().to_string(), "0.000000050000000000000004");
        assert!(number(&serde_json::json!(0.1)).is_none() && number(&serde_json::json!(3)).is_some());
        assert!(exact_object("[1]").is_err());
    }

    #[test]
    fn digits_within_strings_stay_and_invalid_numbers_are_refused() {
        let object = exact_object(r#"{"a1": "x\\\"2\"3", "b": -0.5E+3, "é": [0]}"#).unwrap();
        assert_eq!(
            (&object["a1"], &object["b"], &object["é"][0]),
            (&"x\\\"2\"3".into(), &"-0.5E+3".into(), &"0".into())
        );
        for (wrong, said) in [
            (r#"{"a": 01}"#, "invalid number at line 1 column 8"),
            (r#"{"a": 1.}"#, "invalid number at line 1 column 9"),
            (r#"{"a": -}"#, "invalid number at line 1 column 8"),
            (r#"{"a": 1e}"#, "invalid number at line 1 column 9"),
            (r#"{"a": 1-2}"#, "expected `,` or `}` at line 1 column 8"),
            (r"{1: 2}", "key must be a string at line 1 column 2"),
            (r#"{"a": 1"#, "EOF while parsing an object at line 1 column 7"),
        ] {
            let error = exact_object(wrong).unwrap_err();
            assert!(error.detail().contains(said), "{wrong}: {error}");
        }
        // A number that no float holds is kept all the same.
        assert_eq!(exact_object(r#"{"a": 1e999}"#).unwrap()["a"], "1e999");
    }

    #[test]
    fn deeply_nested_prices_are_refused_without_recursion() {
        for levels in [1_000, 5_000, 200_000] {
            let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
            let error = exact_object(&deep).unwrap_err();
            assert!(error.detail().contains("nests deeper than 96 levels"), "{error}");
            assert!(entries(&deep).is_err());
        }
    }
}
