//! What a JSON text is made of, found in one pass over its bytes and without a tree.

use std::fmt;

use memchr::memchr2;
use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The most bytes of a field that is kept of a document with too many values. The greatest usage that is known has 4 KB.
const LONGEST_FIELD: usize = 64 << 10;

/// The most fields that are kept of a document with too many values.
const MOST_FIELDS: usize = 256;

/// Returns whether a JSON text has more values than a number. A tree has some hundred bytes for each, however short the text is.
#[must_use]
pub fn has_more_values(text: &[u8], most: usize) -> bool {
    // Each value but the first has a bracket, a brace or a comma of its own.
    text.len() > most && Values::default().count(text, most) > most
}

#[derive(Default)]
struct Values {
    count: usize,
    in_text: bool,
}

impl Values {
    /// Counts the signs that begin values, to one more than a number at the most.
    fn count(mut self, text: &[u8], most: usize) -> usize {
        let mut place = 0;
        while let Some(byte) = text.get(place) {
            if self.in_text {
                let Some(next) = memchr2(b'"', b'\\', &text[place..]) else { break };
                place += next;
                if text[place] == b'\\' {
                    place += 1;
                } else {
                    self.in_text = false;
                }
            } else {
                match byte {
                    b'"' => self.in_text = true,
                    b',' | b'{' | b'[' => {
                        self.count += 1;
                        if self.count > most {
                            break;
                        }
                    }
                    _ => {}
                }
            }
            place += 1;
        }
        self.count
    }
}

/// Returns a document without what is long in it: its fields that are short, and null for each of the others. Nothing if it is
/// no object.
#[must_use]
pub fn outline(text: &[u8]) -> Option<Vec<u8>> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let fields = reader.deserialize_map(Outline).ok()?;
    Some(Value::Object(fields).to_string().into_bytes())
}

struct Outline;

impl<'de> Visitor<'de> for Outline {
    type Value = Map<String, Value>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<std::borrow::Cow<'de, str>>()? {
            let value: &RawValue = access.next_value()?;
            if fields.len() < MOST_FIELDS && name.len() <= LONGEST_FIELD {
                let is_short = value.get().len() <= LONGEST_FIELD;
                let kept = is_short.then(|| serde_json::from_str(value.get()).ok()).flatten();
                fields.insert(name.into_owned(), kept.unwrap_or_default());
            }
        }
        Ok(fields)
    }
}

/// Follows an object or a list that comes in pieces, and knows when it is whole, without looking at a byte twice.
#[derive(Clone, Debug, Default)]
pub struct WholeScanner {
    depth: usize,
    in_text: bool,
    is_escaped: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Nothing but blanks came.
    #[default]
    Blank,
    /// It has begun.
    Open,
    /// Its last bracket came, and nothing but blanks behind it.
    Whole,
    /// It is no object and no list, or more stands behind it.
    Other,
}

impl WholeScanner {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &str) {
        for byte in piece.bytes() {
            self.take_byte(byte);
        }
    }

    /// Returns whether an object or a list came to its end, and nothing follows it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    fn take_byte(&mut self, byte: u8) {
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match (self.state, byte) {
            (State::Blank | State::Open, b'{' | b'[') => {
                self.state = State::Open;
                self.depth += 1;
            }
            (State::Open, b'}' | b']') => {
                self.depth -= 1;
                if self.depth == 0 {
                    self.state = State::Whole;
                }
            }
            (State::Open, b'"') => self.in_text = true,
            (State::Blank | State::Whole, byte) if !byte.is_ascii_whitespace() => self.state = State::Other,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn json_values_are_counted_outside_of_strings() {
        for (text, count) in [
            ("", 0),
            ("7", 0),
            ("{}", 1),
            (r#"{"a": [1, 2], "b,{[": "\",\\"}"#, 4),
            ("[{},{},{}]", 6),
            (r#""never ends,,,,"#, 0),
        ] {
            assert_eq!(Values::default().count(text.as_bytes(), 99), count, "{text}");
        }
        let many = "[0,0,0,0,0,0]";
        assert!(has_more_values(many.as_bytes(), 5));
        assert!(!has_more_values(many.as_bytes(), 6));
    }

    #[test]
    fn an_outline_keeps_the_short_fields_only() {
        let long = "x".repeat(LONGEST_FIELD);
        let text = json!({"id": "a", "choices": [long], "usage": {"prompt_tokens": 7}}).to_string();
        let outline: Value = serde_json::from_slice(&outline(text.as_bytes()).unwrap()).unwrap();
        assert_eq!(outline, json!({"id": "a", "choices": null, "usage": {"prompt_tokens": 7}}));
        let many: Map<String, Value> = (0..1_000).map(|number| (number.to_string(), number.into())).collect();
        let outline = super::outline(Value::Object(many).to_string().as_bytes()).unwrap();
        assert_eq!(serde_json::from_slice::<Map<String, Value>>(&outline).unwrap().len(), MOST_FIELDS);
        assert!(super::outline(b"[1, 2]").is_none());
        assert!(super::outline(b"{\"a\": ").is_none());
    }

    proptest! {
        #[test]
        fn the_end_of_a_json_object_is_found_however_it_is_split(list in prop::collection::vec("[a\"\\\\{},\\[\\]]{0,5}", 0..5), cut in 0_usize..40) {
            let text = json!({"a": list}).to_string();
            let (first, second) = text.split_at(cut.min(text.len()));
            let mut scanner = WholeScanner::default();
            scanner.take(first);
            prop_assert_eq!(scanner.is_whole(), second.is_empty());
            scanner.take(second);
            prop_assert!(scanner.is_whole());
            scanner.take(" \n");
            prop_assert!(scanner.is_whole());
            scanner.take("{");
            prop_assert!(!scanner.is_whole());
        }
    }
}
