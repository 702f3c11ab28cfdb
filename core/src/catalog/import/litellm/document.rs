//! Documents: JSON whose numbers keep their digits.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::types::{Decimal, Error, ErrorKind, Result, decimal_of};

/// Reads the entries of a list, each as its own text.
pub(super) fn entries(text: &str) -> Result<BTreeMap<String, &RawValue>> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("the list is not valid: {error}; give the JSON object that maps models to their prices");
        Error::new(ErrorKind::InvalidRequest, detail)
    })
}

/// Reads a JSON object with every number as the string of its digits, so that no price goes through a float.
///
/// Fails with `invalid_request` if the text is no JSON object.
pub fn exact_object(text: &str) -> Result<Map<String, Value>> {
    object(text).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, format!("the prices are not valid: {error}; give a JSON object of them"))
    })
}

fn object(text: &str) -> serde_json::Result<Map<String, Value>> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    fields.into_iter().map(|(key, value)| Ok((key, exact(value)?))).collect()
}

fn exact(raw: &RawValue) -> serde_json::Result<Value> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'{') => object(text).map(Value::Object),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            items.into_iter().map(exact).collect::<serde_json::Result<_>>().map(Value::Array)
        }
        Some(b'-' | b'0'..=b'9') => Ok(Value::String(text.to_owned())),
        _ => serde_json::from_str(text),
    }
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
}
