//! The reading of a request's fields; an error names the field that is wrong.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::provider::{MOST_REQUEST_VALUES, has_more_values};
use crate::types::{Error, ErrorKind, Result};

/// What the parser says that it expected, and what to say in its place.
const EXPECTED: [(&str, &str); 10] = [
    ("u64", "an integer of zero or more"),
    ("u32", "an integer of zero or more"),
    ("i64", "an integer"),
    ("a JSON number", "a number"),
    ("a boolean", "true or false"),
    ("a sequence", "an array"),
    ("a map", "an object"),
    ("struct ", "an object"),
    ("internally tagged enum ResponseFormat", r#"{"type": "text"}, {"type": "json_object"} or a JSON schema"#),
    ("internally tagged enum Tool", r#"{"type": "function", "function": {...}}"#),
];

/// Reads a body that must be a JSON object. Fields that are null say nothing and are left out.
pub(super) fn read_body(body: &[u8]) -> Result<Map<String, Value>> {
    check_size(body)?;
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("the body is no complete JSON: {error}")))?;
    match value {
        Value::Object(fields) => Ok(without_nulls(fields)),
        _ => Err(Error::new(ErrorKind::InvalidRequest, "the body must be a JSON object")),
    }
}

/// Refuses a body with more values than any conversation has.
pub(super) fn check_size(body: &[u8]) -> Result<()> {
    if has_more_values(body, MOST_REQUEST_VALUES) {
        let detail = format!("the body has more than {MOST_REQUEST_VALUES} JSON values; send fewer");
        return Err(Error::new(ErrorKind::InvalidRequest, detail));
    }
    Ok(())
}

/// Reads a field's value. The path says where the value stands in the body; it is empty for the body itself.
pub(super) fn read<T: DeserializeOwned>(path: &str, value: Value) -> Result<T> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let within = error.path().to_string();
        let path = match (path, within.as_str()) {
            (path, ".") => path.to_owned(),
            ("", within) => within.to_owned(),
            (path, within) if within.starts_with('[') => format!("{path}{within}"),
            (path, within) => format!("{path}.{within}"),
        };
        invalid(&path, &sentence(&error.inner().to_string()))
    })
}

/// Makes an error of a field.
pub(super) fn invalid(path: &str, sentence: &str) -> Error {
    let detail = if path.is_empty() { sentence.to_owned() } else { format!("field `{path}`: {sentence}") };
    Error::new(ErrorKind::InvalidRequest, detail)
}

/// Returns the field that an error of a request names.
pub(super) fn named(error: &Error) -> Option<&str> {
    match error.kind() {
        ErrorKind::InvalidRequest => Some(error.detail().strip_prefix("field `")?.split_once('`')?.0),
        _ => None,
    }
}

/// Leaves out the fields that are null.
pub(super) fn without_nulls(mut fields: Map<String, Value>) -> Map<String, Value> {
    fields.retain(|_, value| !value.is_null());
    fields
}

/// Takes a field that must be true or false; it is false where absent.
pub(super) fn take_flag(fields: &mut Map<String, Value>, name: &str) -> Result<bool> {
    fields.remove(name).map_or(Ok(false), |value| read(name, value))
}

fn sentence(text: &str) -> String {
    match text.rsplit_once(", expected ") {
        Some((found, expected)) if !text.starts_with("unknown ") => {
            let plain = EXPECTED.iter().find(|(known, _)| expected.starts_with(known));
            format!("{found}, expected {}", plain.map_or(expected, |(_, plain)| *plain))
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::{Endpoint, RecentItems, dialect};
    use crate::types::{AssistantMessage, ChatRequest};

    #[test]
    fn no_tree_is_made_of_a_body_with_too_many_values() {
        let body = |count: usize| format!("{{\"messages\":[{}{{}}]}}", "{},".repeat(count / 2));
        for endpoint in [Endpoint::OpenAiChat, Endpoint::OpenAiResponses, Endpoint::AnthropicChat] {
            let items = RecentItems::default().of(None);
            let refused =
                |count: usize| dialect(&endpoint).unwrap().decode_request(body(count).as_bytes(), &items).err();
            assert!(refused(MOST_REQUEST_VALUES).unwrap().detail().contains("JSON values"), "{endpoint:?}");
            assert!(!refused(10).unwrap().detail().contains("JSON values"), "{endpoint:?}");
        }
    }

    #[test]
    fn an_error_names_the_path_of_the_field() {
        let error = read::<AssistantMessage>("messages[2]", json!({"tool_calls": [{"id": 5}]})).unwrap_err();
        assert_eq!(
            error.detail(),
            "field `messages[2].tool_calls[0].id`: invalid type: integer `5`, expected a string"
        );
        assert_eq!(named(&error), Some("messages[2].tool_calls[0].id"));
        let error = read::<ChatRequest>("", json!({"messages": [], "max_tokens": "many"})).unwrap_err();
        assert_eq!(named(&error), Some("max_tokens"));
        assert!(error.detail().ends_with("expected an integer of zero or more"), "{error}");
        let error = read::<Vec<u32>>("n", json!([1, "x"])).unwrap_err();
        assert_eq!(named(&error), Some("n[1]"));
    }

    #[test]
    fn a_body_is_an_object() {
        for body in ["", "{", "[]", "5", "{} trailing"] {
            assert_eq!(read_body(body.as_bytes()).unwrap_err().kind(), ErrorKind::InvalidRequest, "{body}");
        }
        assert_eq!(Value::Object(read_body(br#"{"a": null, "b": {"c": null}}"#).unwrap()), json!({"b": {"c": null}}));
    }

    #[test]
    fn only_errors_of_requests_name_a_field() {
        assert_eq!(named(&Error::new(ErrorKind::InvalidRequest, "field `seed` cannot be expressed")), Some("seed"));
        assert_eq!(named(&Error::new(ErrorKind::InvalidRequest, "the body is no JSON")), None);
        assert_eq!(named(&Error::new(ErrorKind::Internal, "field `seed` is lost")), None);
    }
}
