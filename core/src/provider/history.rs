//! What one vendor's models said, made acceptable to another: the ids of calls, and arguments that are no JSON.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::document;
use crate::types::Message;

/// What ids of calls a target takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallIds {
    /// Any that has a letter.
    Any,
    /// Those of at most 40 characters (OpenAI).
    Short,
    /// At most 64 letters, digits, `_` and `-` (Anthropic).
    Plain,
    /// Exactly nine letters or digits (Mistral).
    Nine,
}

/// The most characters of an id at OpenAI.
const SHORT: usize = 40;
/// The most characters of an id at Anthropic.
const PLAIN: usize = 64;
/// The characters of an id at Mistral.
const NINE: usize = 9;

impl CallIds {
    /// Returns whether no two calls may have one id.
    const fn are_unique(self) -> bool {
        matches!(self, Self::Plain | Self::Nine)
    }

    fn accepts(self, id: &str) -> bool {
        let is_alphanumeric = |byte: u8| byte.is_ascii_alphanumeric();
        match self {
            _ if id.is_empty() => false,
            Self::Any => true,
            Self::Short => id.chars().count() <= SHORT,
            Self::Plain => id.len() <= PLAIN && id.bytes().all(|byte| is_alphanumeric(byte) || b"_-".contains(&byte)),
            Self::Nine => id.len() == NINE && id.bytes().all(is_alphanumeric),
        }
    }

    /// Makes an id that is accepted, the same for the same id. `turn` tells those apart that would be the same.
    fn made(self, id: &str, turn: u32) -> String {
        const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let digest = Sha256::digest(format!("{turn}/{id}"));
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
        let letters = |count: usize| digest.iter().take(count).map(letter).collect::<String>();
        match self {
            Self::Nine => letters(NINE),
            Self::Any | Self::Short | Self::Plain => format!("call_{}", letters(24)),
        }
    }
}

/// Returns messages whose calls and results have ids that a target takes: each id as it is where it is taken, and otherwise
/// another one, the same in the call and in its result, and in every turn. A result without an id answers the call without one
/// that has its place among them; one whose id several calls have, the next of them in the turn before it.
pub(super) fn with_call_ids(messages: &[Message], accepted: CallIds) -> Cow<'_, [Message]> {
    let given = || messages.iter().flat_map(ids);
    let repeats = accepted.are_unique() && {
        let mut called = HashSet::new();
        !messages.iter().filter(|message| !is_result(message)).flat_map(ids).all(|id| called.insert(id))
    };
    if !repeats && given().all(|id| accepted.accepts(id)) {
        return Cow::Borrowed(messages);
    }
    let mut mapping = Mapping {
        accepted,
        taken: given().filter(|id| accepted.accepts(id)).map(str::to_owned).collect(),
        mapped: HashMap::new(),
        called: HashMap::new(),
        open: HashMap::new(),
    };
    let (mut calls, mut results) = (0_u32, 0_u32);
    let mut messages = messages.to_vec();
    for message in &mut messages {
        match message {
            Message::Assistant(message) => {
                message.tool_calls.iter().for_each(|call| mapping.close(&call.id));
                message.tool_calls.iter_mut().for_each(|call| mapping.call(&mut call.id, &mut calls));
            }
            Message::Tool(message) => mapping.answer(&mut message.tool_call_id, &mut results),
            Message::System(_) | Message::User(_) => {}
        }
    }
    Cow::Owned(messages)
}

/// The ids of a conversation, and what became of them.
struct Mapping {
    accepted: CallIds,
    taken: HashSet<String>,
    mapped: HashMap<String, String>,
    /// How many calls had an id.
    called: HashMap<String, u32>,
    /// The ids that calls of one id got in the last turn that has it, and that results have still to name.
    open: HashMap<String, VecDeque<String>>,
}

impl Mapping {
    /// Forgets the calls of an earlier turn.
    fn close(&mut self, id: &str) {
        self.open.remove(id);
    }

    /// Maps the id of a call; `nameless` counts those without one.
    fn call(&mut self, id: &mut String, nameless: &mut u32) {
        let given = id.clone();
        let before = self.called.entry(given.clone()).or_default();
        let earlier = *before;
        *before += 1;
        if earlier > 0 && self.accepted.are_unique() && !given.is_empty() {
            *id = self.make(format!("{given}\u{0}{earlier}"));
        } else {
            self.map(id, nameless);
        }
        if !given.is_empty() {
            self.open.entry(given).or_default().push_back(id.clone());
        }
    }

    /// Maps the id that a result names.
    fn answer(&mut self, id: &mut String, nameless: &mut u32) {
        let next = self
            .open
            .get_mut(id.as_str())
            .and_then(|open| if open.len() > 1 { open.pop_front() } else { open.front().cloned() });
        match next {
            Some(next) => *id = next,
            None => self.map(id, nameless),
        }
    }

    fn map(&mut self, id: &mut String, nameless: &mut u32) {
        if self.accepted.accepts(id) {
            return;
        }
        let name = if id.is_empty() {
            *nameless += 1;
            format!("\u{0}{nameless}")
        } else {
            id.clone()
        };
        *id = self.make(name);
    }

    fn make(&mut self, name: String) -> String {
        let Self { accepted, taken, mapped, .. } = self;
        let made = mapped.entry(name).or_insert_with_key(|name| {
            let mut turns = (0..).map(|turn| accepted.made(name, turn));
            turns.find(|made| taken.insert(made.clone())).unwrap_or_default()
        });
        made.clone()
    }
}

fn is_result(message: &Message) -> bool {
    matches!(message, Message::Tool(_))
}

fn ids(message: &Message) -> Vec<&str> {
    match message {
        Message::Assistant(message) => message.tool_calls.iter().map(|call| call.id.as_str()).collect(),
        Message::Tool(message) => vec![&message.tool_call_id],
        Message::System(_) | Message::User(_) => Vec::new(),
    }
}

/// Returns the arguments of an earlier call as the object that a format wants. A model may have written none: what it wrote
/// then stands under the name that a vendor advises for it.
pub(super) fn arguments(text: &str) -> Map<String, Value> {
    if text.trim().is_empty() {
        return Map::new();
    }
    match document::read(text.as_bytes()).map(|document| document.value) {
        Ok(Value::Object(arguments)) => arguments,
        _ => Map::from_iter([("INVALID_JSON".to_owned(), text.into())]),
    }
}

/// Returns whether a text says nothing that a strict vendor takes.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

/// Stands for what a user said where a format demands something, and nothing but white space was said.
pub(super) const NOTHING_SAID: &str = ".";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ALL: [CallIds; 4] = [CallIds::Any, CallIds::Short, CallIds::Plain, CallIds::Nine];

    fn conversation(calls: &[&str], results: &[&str]) -> Vec<Message> {
        let calls: Vec<Value> =
            calls.iter().map(|id| json!({"id": id, "function": {"name": "f", "arguments": "{}"}})).collect();
        let mut messages = vec![json!({"role": "assistant", "tool_calls": calls})];
        messages.extend(results.iter().map(|id| json!({"role": "tool", "tool_call_id": id, "content": "r"})));
        serde_json::from_value(messages.into()).unwrap()
    }

    fn mapped(calls: &[&str], results: &[&str], accepted: CallIds) -> Vec<String> {
        let messages = conversation(calls, results);
        with_call_ids(&messages, accepted).iter().flat_map(ids).map(str::to_owned).collect()
    }

    #[test]
    fn each_call_and_its_result_keep_one_id_that_is_taken() {
        let long = "x".repeat(65);
        let given = [
            "functions.f:0",
            "call_1|fc_2",
            "toolu_01WQCHVjJ2fKREbVFktxMWqQ",
            &long,
            "call_0",
            "D681PevKs",
            "\u{20ac}",
        ];
        for accepted in ALL {
            let found = mapped(&given, &given, accepted);
            let (calls, results) = found.split_at(given.len());
            assert_eq!(calls, results);
            assert_eq!(calls.iter().collect::<HashSet<_>>().len(), given.len(), "{accepted:?}: {calls:?}");
            for (id, given) in calls.iter().zip(given) {
                assert!(accepted.accepts(id), "{accepted:?}: {id}");
                assert_eq!(accepted.accepts(given), id == given, "{accepted:?}: {given}");
            }
            assert_eq!(mapped(&given, &given, accepted), found, "the same in the next turn");
        }
    }

    #[test]
    fn calls_without_an_id_are_answered_by_their_place() {
        for accepted in ALL {
            let found = mapped(&["", "b23456789", ""], &["", "", "b23456789"], accepted);
            assert_eq!((&found[0], &found[2]), (&found[3], &found[4]), "{accepted:?}");
            assert_ne!(found[0], found[2]);
            assert_eq!(found[5], "b23456789");
        }
    }

    #[test]
    fn an_id_that_several_calls_have_becomes_several_where_it_must() {
        let mut messages = conversation(&["call00000", "call00000"], &["call00000", "call00000"]);
        messages.extend(conversation(&["call00000"], &["call00000"]));
        messages.extend(conversation(&["call00000"], &[]));
        for accepted in ALL {
            let found = with_call_ids(&messages, accepted);
            let found: Vec<&str> = found.iter().flat_map(ids).collect();
            let (first, second, third) = (&found[..2], &found[4], &found[6]);
            assert_eq!((first, second), (&found[2..4], &found[5]), "{accepted:?}");
            let names: HashSet<&str> = [first[0], first[1], second, third].into();
            assert_eq!(names.len(), if accepted.are_unique() { 4 } else { 1 }, "{accepted:?}: {found:?}");
            assert!(found.iter().all(|id| accepted.accepts(id)));
            assert_eq!(found[0], "call00000", "the first keeps its own");
        }
    }

    #[test]
    fn no_id_is_mapped_to_one_that_is_there() {
        let made = CallIds::Nine.made("call_0", 0);
        let found = mapped(&["call_0", &made], &[], CallIds::Nine);
        assert_eq!(found[1], made);
        assert_ne!(found[0], made);
    }

    #[test]
    fn arguments_are_an_object_whatever_the_model_wrote() {
        for (text, read) in [
            ("", json!({})),
            (" ", json!({})),
            (r#"{"a": 1}"#, json!({"a": 1})),
            (r#"{"a": "\ud83d"}"#, json!({"a": "\u{fffd}"})),
            (r#"{"a": NaN}"#, json!({"a": null})),
            ("{\"a\": \"x\ty\"}", json!({"a": "x\ty"})),
            (r#"{"a": 1"#, json!({"INVALID_JSON": r#"{"a": 1"#})),
            ("[1]", json!({"INVALID_JSON": "[1]"})),
            ("plain", json!({"INVALID_JSON": "plain"})),
        ] {
            assert_eq!(Value::Object(arguments(text)), read, "{text}");
        }
    }
}
