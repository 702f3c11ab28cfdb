//! Tool calls of a stream, put together from pieces in any order.

use std::collections::HashMap;

use serde_json::Value;

use super::decode::{arguments, index};
use crate::provider::json::{field, get, owned};
use crate::provider::{Holding, WholeScanner};
use crate::types::ToolCallDelta;

/// The calls of one answer so far, in their order.
///
/// What is passed on of a call is in order, however its pieces came: its first piece has the id and the name, and the calls
/// before it are passed on before it. So a call is kept back until its id, its name and the beginning of its arguments are
/// known, or no more can come.
#[derive(Default)]
pub(super) struct Calls {
    list: Vec<Call>,
    /// The last call of each number of the provider's. Some providers give every call the number zero, others none.
    by_number: HashMap<u32, usize>,
    /// The last call of each id.
    by_id: HashMap<String, usize>,
    /// How many calls were passed on: always the first ones.
    told: usize,
}

#[derive(Default)]
struct Call {
    id: Option<String>,
    name: String,
    arguments: String,
    /// Knows whether the arguments are a whole object, so that no piece can follow.
    scanner: WholeScanner,
    /// What came beside it and was not passed on.
    extra_content: Option<Value>,
    /// How many bytes of the arguments were passed on; nothing if the call was not.
    told: Option<usize>,
}

impl Calls {
    /// Returns whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Takes the calls of a chunk, and passes on what is known of them. Returns whether there was one.
    pub(super) fn add<'a>(
        &mut self,
        pieces: impl Iterator<Item = &'a Value>,
        holding: &mut Holding,
        told: &mut Vec<ToolCallDelta>,
    ) -> bool {
        let known = self.list.len();
        let mut count = 0;
        for (place_in_list, piece) in pieces.enumerate() {
            count += 1;
            let function = get(piece, "function");
            let name = function.and_then(|function| owned(function, "name")).unwrap_or_default();
            let added = function.and_then(arguments).unwrap_or_default();
            let (number, id) = (index(piece), owned(piece, "id"));
            let place = self.place(number, id.as_deref(), &name, &added, place_in_list > 0);
            let place = place.unwrap_or_else(|| self.begin(number));
            let Some(call) = self.list.get_mut(place) else { continue };
            if let (None, Some(id)) = (&call.id, id) {
                let last = self.by_id.entry(id.clone()).or_default();
                *last = place.max(*last);
                call.id = Some(id);
            }
            call.add_name(&name);
            call.arguments.push_str(&added);
            call.scanner.take(&added);
            if let Some(extra) = field(piece, "extra_content") {
                holding.add_value(extra);
                call.extra_content = Some(extra.clone());
            }
            let is_known = call.id.is_some() && !call.name.is_empty() && !call.arguments.is_empty();
            if is_known || call.told.is_some() {
                self.tell(place, told);
            }
        }
        holding.calls += self.list.len() - known;
        count > 0
    }

    fn begin(&mut self, number: Option<u32>) -> usize {
        let place = self.list.len();
        self.list.push(Call::default());
        if let Some(number) = number {
            self.by_number.insert(number, place);
        }
        place
    }

    /// Passes on all that was kept back.
    pub(super) fn finish(&mut self, told: &mut Vec<ToolCallDelta>) {
        if let Some(last) = self.list.len().checked_sub(1) {
            self.tell(last, told);
        }
    }

    /// Finds the call that a piece belongs to; nothing if it begins a new one: one of a number of its own, or one whose own id
    /// or own name tells it from the call that has its number.
    fn place(&self, number: Option<u32>, id: Option<&str>, name: &str, added: &str, is_further: bool) -> Option<usize> {
        let last = self.list.len().checked_sub(1);
        let place = match (number, id) {
            (Some(number), _) => self.by_number.get(&number).copied(),
            (None, Some(id)) => self.by_id.get(id).copied().or(last),
            (None, None) => last,
        }?;
        let call = self.list.get(place)?;
        let begins = match (id, call.id.as_deref()) {
            // Hosts that know no ids give one to all.
            (Some(id), Some(known)) if id == known => {
                let has_own_name = !name.is_empty() && !call.name.is_empty() && name != call.name;
                number.is_none() && has_own_name && (is_further || call.is_whole())
            }
            // Some hosts make a new id for each piece, and say the name in each.
            (Some(_), Some(_)) if name.is_empty() => number.is_none() && call.is_whole(),
            (Some(_), Some(_)) => name != call.name || call.arguments.is_empty() || call.is_whole(),
            _ if name.is_empty() => false,
            // Two items of one list are two calls, unless numbers say otherwise.
            _ if is_further && number.is_none() && !call.name.is_empty() => true,
            _ if call.name.is_empty() || call.arguments.is_empty() => false,
            _ => (name != call.name || !added.is_empty()) && call.is_whole(),
        };
        (!begins).then_some(place)
    }

    /// Passes on what is new of a call, after all calls before it.
    fn tell(&mut self, last: usize, told: &mut Vec<ToolCallDelta>) {
        let first = self.told.min(last);
        self.told = self.told.max(last + 1);
        for (place, call) in self.list.iter_mut().enumerate().take(last + 1).skip(first) {
            let from = call.told.replace(call.arguments.len());
            let arguments = call.arguments.get(from.unwrap_or_default()..).unwrap_or_default().to_owned();
            let mut delta = ToolCallDelta {
                index: u32::try_from(place).unwrap_or(u32::MAX),
                arguments,
                extra_content: call.extra_content.take(),
                ..ToolCallDelta::default()
            };
            if from.is_none() {
                delta.id = Some(call.id.get_or_insert_with(|| format!("call_{place}")).clone());
                delta.name = Some(call.name.clone());
            } else if delta.arguments.is_empty() && delta.extra_content.is_none() {
                continue;
            }
            told.push(delta);
        }
    }
}

impl Call {
    /// Adds a name: the whole one, the whole one once more, or what follows the half that is known.
    fn add_name(&mut self, name: &str) {
        if self.told.is_some() || name == self.name {
            return;
        }
        match name.strip_prefix(self.name.as_str()) {
            Some(rest) => self.name.push_str(rest),
            None => self.name.push_str(name),
        }
    }

    /// Returns whether the arguments are a whole object, so that no piece can follow.
    fn is_whole(&self) -> bool {
        self.scanner.is_whole()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Takes lists of pieces one after another, and joins what is passed on: id, name and arguments of each call.
    fn joined(chunks: &[Value]) -> Vec<(String, String, String)> {
        let mut calls = Calls::default();
        let mut told = Vec::new();
        for chunk in chunks {
            calls.add(chunk.as_array().unwrap().iter(), &mut Holding::default(), &mut told);
        }
        calls.finish(&mut told);
        let mut joined: Vec<(String, String, String)> = Vec::new();
        for piece in told {
            let place = piece.index as usize;
            assert!(place <= joined.len(), "the calls are passed on in order");
            if place == joined.len() {
                joined.push((piece.id.unwrap(), piece.name.unwrap(), String::new()));
            } else {
                assert_eq!((piece.id, piece.name), (None, None));
            }
            joined[place].2.push_str(&piece.arguments);
        }
        joined
    }

    fn one(chunks: &[Value], id: &str, name: &str, arguments: &str) {
        assert_eq!(joined(chunks), [(id.to_owned(), name.to_owned(), arguments.to_owned())], "{chunks:?}");
    }

    #[test]
    fn work_grows_with_the_bytes_and_not_with_their_square() {
        // Each of these is a second of work at the most if it is linear, and minutes otherwise.
        let own: Vec<Value> = (0..100_000).map(|number| json!({"index": number})).collect();
        assert_eq!(joined(&[Value::Array(own)]).len(), 100_000);
        let named: Vec<Value> =
            (0..100_000).map(|number| json!({"id": format!("id {number}"), "function": {"name": "f"}})).collect();
        assert_eq!(joined(&[Value::Array(named)]).len(), 100_000);
        let mut calls = Calls::default();
        let mut told = Vec::new();
        let long = json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": format!("{}{}}}", "[".repeat(30_000), "{},".repeat(100_000))}});
        let mut held = Holding::default();
        calls.add([&long].into_iter(), &mut held, &mut told);
        let more = json!({"index": 0, "function": {"name": "f", "arguments": "}"}});
        (0..20_000).for_each(|_| assert!(calls.add([&more].into_iter(), &mut held, &mut told)));
        assert_eq!(held.calls, 1);
    }

    #[test]
    fn id_name_and_arguments_may_come_in_any_order() {
        let piece = |piece: Value| json!([piece]);
        let id = || piece(json!({"index": 0, "id": "a", "type": "function", "function": {"arguments": ""}}));
        let name = || piece(json!({"index": 0, "function": {"name": "bash"}}));
        let first = || piece(json!({"index": 0, "function": {"arguments": "{\"c\":"}}));
        let last = || piece(json!({"index": 0, "function": {"arguments": "1}"}}));
        for order in [
            vec![id(), name(), first(), last()],
            vec![name(), id(), first(), last()],
            vec![id(), first(), name(), last()],
            vec![first(), last(), name(), id()],
            vec![name(), first(), id(), last()],
            vec![first(), id(), last(), name()],
        ] {
            one(&order, "a", "bash", r#"{"c":1}"#);
        }
    }

    #[test]
    fn a_name_may_come_whole_again_in_halves_or_grow() {
        let piece = |name: Value, arguments: &str| json!([{"index": 0, "id": "a", "function": {"name": name, "arguments": arguments}}]);
        for pieces in [
            [piece(json!("bash"), r#"{"c""#), piece(json!("bash"), ":1}")],
            [piece(json!("ba"), ""), piece(json!("sh"), r#"{"c":1}"#)],
            [piece(json!("ba"), ""), piece(json!("bash"), r#"{"c":1}"#)],
            [piece(json!(null), ""), piece(json!("bash"), r#"{"c":1}"#)],
            [piece(json!(""), r#"{"c":1}"#), piece(json!("bash"), "")],
            [piece(json!("bash"), r#"{"c":1}"#), piece(json!("bash"), "")],
        ] {
            one(&pieces, "a", "bash", r#"{"c":1}"#);
        }
    }

    #[test]
    fn a_new_call_has_a_number_an_id_or_a_name_of_its_own() {
        let call = |number: Value, id: Value, name: &str, arguments: &str| json!([{"index": number, "id": id, "function": {"name": name, "arguments": arguments}}]);
        let null = || Value::Null;
        for chunks in [
            vec![call(json!(0), json!("a"), "f", "{}"), call(json!(1), json!("b"), "g", "{}")],
            vec![call(json!(0), json!("a"), "f", "{}"), call(json!(0), json!("b"), "g", "{}")],
            vec![call(null(), json!("a"), "f", "{}"), call(null(), json!("b"), "g", "{}")],
            vec![call(json!(0), json!("a"), "f", "{}"), call(json!(0), null(), "g", "{}")],
            vec![
                call(json!(0), json!("a"), "f", "{"),
                call(json!(0), json!("x"), "", "}"),
                call(json!(7), json!("b"), "g", "{}"),
            ],
        ] {
            let found = joined(&chunks);
            let names: Vec<_> = found.iter().map(|(_, name, arguments)| (name.as_str(), arguments.as_str())).collect();
            assert_eq!(names, [("f", "{}"), ("g", "{}")], "{chunks:?}");
            assert_eq!(found[0].0, "a");
        }
        let twice = [call(json!(0), null(), "f", r#"{"c":1}"#), call(json!(0), null(), "f", r#"{"c":2}"#)];
        assert_eq!(joined(&twice).len(), 2);
        let list = json!([{"function": {"name": "f"}}, {"function": {"name": "g"}}]);
        assert_eq!(joined(&[list]).len(), 2);
    }

    #[test]
    fn a_call_without_an_id_gets_one_and_calls_stay_in_order() {
        let chunks = [
            json!([{"index": 0, "function": {"name": "f", "arguments": ""}}]),
            json!([{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]),
        ];
        let found = joined(&chunks);
        assert_eq!(found[0], ("call_0".to_owned(), "f".to_owned(), String::new()));
        assert_eq!(found[1], ("b".to_owned(), "g".to_owned(), "{}".to_owned()));
    }
}
