//! JSON that others wrote: how deep it may nest, whoever reads it.
//!
//! A reader that goes down by calling itself ends the process where the stack ends. Serde's own limit begins anew at every raw
//! value, so that levels are counted here, once, before anything goes down.

use memchr::memchr2;
use serde::Deserialize;
use serde_json::Value;

use super::error::{Error, ErrorKind, Result};

/// The most levels of lists and objects that are read of JSON which others wrote.
pub const MOST_LEVELS: usize = 96;

/// Returns whether JSON text nests deeper than so many levels. It looks at every byte once, and calls nothing.
///
/// Text that is no JSON has at least as many levels as a reader sees of it before it finds that out.
#[must_use]
pub fn nests_deeper_than(levels: usize, text: &[u8]) -> bool {
    let (mut depth, mut place) = (0_usize, 0_usize);
    while let Some(byte) = text.get(place) {
        place += 1;
        match byte {
            b'"' => place = end_of_text(text, place),
            b'{' | b'[' => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// Returns the place behind the quote that ends a text.
fn end_of_text(json: &[u8], mut place: usize) -> usize {
    while let Some(found) = json.get(place..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        place += found + 1;
        if json[place - 1] == b'"' {
            return place;
        }
        // What is escaped ends nothing.
        place += 1;
    }
    json.len()
}

/// Refuses JSON text that nests too deep with `invalid_request`, which names what it is.
pub fn check_levels(what: &str, text: &[u8]) -> Result<()> {
    if nests_deeper_than(MOST_LEVELS, text) { Err(too_deep(what)) } else { Ok(()) }
}

/// Refuses a value that nests too deep, as [`check_levels`] does.
pub fn check_value_levels(what: &str, value: &Value) -> Result<()> {
    if has_levels(value, MOST_LEVELS) { Ok(()) } else { Err(too_deep(what)) }
}

/// Returns whether a value has at most so many levels; what lies deeper is not looked at.
fn has_levels(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels > 0 && items.iter().all(|item| has_levels(item, levels - 1)),
        Value::Object(fields) => levels > 0 && fields.values().all(|field| has_levels(field, levels - 1)),
        _ => true,
    }
}

/// Reads JSON text; fails with `invalid_request`, which names what was read, if it is not of the form or nests too deep.
pub fn read_json<'a, T: Deserialize<'a>>(what: &str, text: &'a str) -> Result<T> {
    check_levels(what, text.as_bytes())?;
    serde_json::from_str(text)
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("{what} cannot be read: {error}")))
}

fn too_deep(what: &str) -> Error {
    let detail = format!("{what} nests deeper than {MOST_LEVELS} levels of lists and objects; make it flatter");
    Error::new(ErrorKind::InvalidRequest, detail)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::types::{AssistantMessage, ChatRequest, Message, ResponseFormat, Tool, ToolCall};

    #[test]
    fn nesting_levels_are_counted_outside_of_strings_only() {
        for (text, levels) in [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": 2}], "c": [[]]}"#, 3),
            (r#""[[[[""#, 0),
            (r#"["\"[[[", "\\", ["\\\"["]]"#, 2),
            ("[\"[[", 1),
            ("]]]]", 0),
            ("[\"\\", 1),
        ] {
            assert!(!nests_deeper_than(levels, text.as_bytes()), "{text}");
            assert!(levels == 0 || nests_deeper_than(levels - 1, text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn json_that_nests_too_deep_is_refused_with_its_name() {
        for levels in [MOST_LEVELS + 1, 5_000, 1_000_000] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let text = format!("{}1{}", open.repeat(levels), close.repeat(levels));
                let error = read_json::<Value>("the price list", &text).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidRequest);
                assert!(error.detail().starts_with("the price list nests deeper than 96 levels"), "{error}");
            }
        }
        let allowed = format!("{}1{}", "[".repeat(MOST_LEVELS), "]".repeat(MOST_LEVELS));
        let value: Value = read_json("it", &allowed).unwrap();
        assert!(check_value_levels("it", &value).is_ok());
        assert!(check_value_levels("it", &json!([value])).is_err());
    }

    #[test]
    fn a_request_that_nests_too_deep_anywhere_is_refused() {
        let read = |text: &str, deep: &Value| {
            let mut request: ChatRequest = serde_json::from_str(text).unwrap();
            let slot = match (&mut request.tools[..], &mut request.response_format) {
                ([Tool::Function { function, .. }], _) => function.parameters.get_or_insert_default(),
                ([Tool::Vendor(fields)], _) => fields,
                (_, Some(ResponseFormat::JsonSchema { json_schema })) => {
                    json_schema.schema = Some(deep.clone());
                    return request.check_levels();
                }
                _ => &mut request.extra,
            };
            slot.insert("deep".to_owned(), deep.clone());
            request.check_levels()
        };
        let nested = |levels| (0..levels).fold(json!(1), |value, _| json!([value]));
        for text in [
            r#"{"messages": []}"#,
            r#"{"messages": [], "tools": [{"type": "function", "function": {"name": "f"}}]}"#,
            r#"{"messages": [], "tools": [{"type": "web_search"}]}"#,
            r#"{"messages": [], "response_format": {"type": "json_schema", "json_schema": {"name": "j"}}}"#,
        ] {
            assert!(read(text, &nested(MOST_LEVELS)).is_ok(), "{text}");
            let error = read(text, &nested(MOST_LEVELS + 1)).unwrap_err();
            assert!(error.detail().contains("nests deeper than 96 levels"), "{text}: {error}");
        }
        let mut said = AssistantMessage { thinking_blocks: vec![nested(500)], ..AssistantMessage::default() };
        let refuses = |said: &AssistantMessage| {
            let messages = vec![Message::Assistant(said.clone())];
            ChatRequest { messages, ..ChatRequest::default() }.check_levels().is_err()
        };
        assert!(refuses(&said));
        said.thinking_blocks.clear();
        assert!(!refuses(&said));
        said.tool_calls.push(ToolCall { extra_content: Some(nested(500)), ..ToolCall::default() });
        assert!(refuses(&said));
    }

    proptest! {
        #[test]
        fn the_level_count_of_text_agrees_with_that_of_the_parsed_value(text in r#"[\[\]{}"\\,:a1 ]{0,40}"#) {
            if let Ok(value) = serde_json::from_str::<Value>(&text) {
                for levels in 0..8 {
                    prop_assert_eq!(nests_deeper_than(levels, text.as_bytes()), !has_levels(&value, levels));
                }
            }
        }
    }
}
