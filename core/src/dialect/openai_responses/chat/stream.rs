//! Writing of streams.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::encode::{Ending, response, settled};
use super::item::{Item, Reasoning, Spoken, SpokenPart, annotation, logprobs};
use super::{Form, error};
use crate::dialect::{AnswerStart, sse};
use crate::types::{ChatReply, Delta, Error, ToolCall, ToolCallDelta};

/// Writes the events of one stream.
pub(super) struct Encoder {
    form: Form,
    start: AnswerStart,
    sequence: u64,
    slots: Vec<Slot>,
    /// The place of the message or the reasoning that is open; there is one at the most.
    open: Option<usize>,
    /// The places of the calls' items, by the calls' own numbers.
    calls: BTreeMap<u32, usize>,
}

/// An item and its place, which is its index in the output.
struct Slot {
    place: usize,
    id: String,
    item: Item,
    is_open: bool,
}

impl Encoder {
    /// Starts a stream; every response in it repeats what the request chose.
    pub(super) fn new(form: Form) -> Self {
        let start = AnswerStart { request_id: String::new(), created: 0, model: String::new() };
        Self { form, start, sequence: 0, slots: Vec::new(), open: None, calls: BTreeMap::new() }
    }

    /// Returns the form.
    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// Appends the response as it is before its first item.
    pub(super) fn encode_start(&mut self, start: &AnswerStart, events: &mut Vec<u8>) {
        self.start = start.clone();
        for name in ["response.created", "response.in_progress"] {
            let response = response(&self.form, &self.start, "in_progress", Vec::new());
            self.put(events, name, json!({"response": response}));
        }
    }

    /// Appends the events of a piece. Reasoning and text end each other's items; calls stay open to the end, since their
    /// pieces may come by turns.
    pub(super) fn encode_delta(&mut self, delta: &Delta, events: &mut Vec<u8>) {
        if !delta.reasoning.is_empty() || delta.thinking_block.is_some() {
            let place = self.reasoning(events);
            self.add_reasoning(place, &delta.reasoning, delta.thinking_block.as_ref(), events);
        }
        if !delta.text.is_empty() {
            self.add_text(false, &delta.text, delta.logprobs.as_ref(), events);
        }
        if !delta.refusal.is_empty() {
            self.add_text(true, &delta.refusal, None, events);
        }
        for found in &delta.annotations {
            self.add_annotation(found, events);
        }
        for piece in &delta.tool_calls {
            self.add_call(piece, events);
        }
    }

    /// Appends the ends of all items, and the response with its cost.
    pub(super) fn encode_done(&mut self, reply: &ChatReply, events: &mut Vec<u8>) {
        let ending = Ending::of(reply);
        for place in 0..self.slots.len() {
            self.close(place, ending.item_status(place + 1 == self.slots.len()), events);
        }
        let last = self.slots.len().saturating_sub(1);
        let output = self.slots.iter().map(|slot| slot.item.encode(&slot.id, ending.item_status(slot.place == last)));
        let response = settled(&self.form, &self.start, reply, output.collect());
        self.put(events, &format!("response.{}", ending.status()), json!({"response": response}));
    }

    /// Appends an error, on which libraries raise, and the response as it failed.
    pub(super) fn encode_failure(&mut self, error: &Error, events: &mut Vec<u8>) {
        let body = error::body(error);
        let event = json!({"code": error.code(), "message": error.detail(), "param": body["param"], "error": body});
        self.put(events, "error", event);
        let output = self.slots.iter().map(|slot| slot.item.encode(&slot.id, "incomplete")).collect();
        let mut failed = response(&self.form, &self.start, "failed", output);
        failed["error"] = error::of_response(error);
        self.put(events, "response.failed", json!({"response": failed}));
    }

    /// Returns the place of the reasoning that is open; begins one if there is none.
    fn reasoning(&mut self, events: &mut Vec<u8>) -> usize {
        match self.open_place(|item| matches!(item, Item::Reasoning(_))) {
            Some(place) => place,
            None => self.begin(Item::Reasoning(Reasoning::default()), events),
        }
    }

    fn add_reasoning(&mut self, place: usize, more: &str, block: Option<&Value>, events: &mut Vec<u8>) {
        let Some(Slot { id, item: Item::Reasoning(reasoning), .. }) = self.slots.get_mut(place) else { return };
        reasoning.blocks.extend(block.cloned());
        if more.is_empty() {
            return;
        }
        let is_first = reasoning.text.is_empty();
        reasoning.text.push_str(more);
        let at = json!({"item_id": id, "output_index": place, "summary_index": 0});
        if is_first {
            let part = json!({"part": {"type": "summary_text", "text": ""}});
            self.put(events, "response.reasoning_summary_part.added", joined(&at, part));
        }
        self.put(events, "response.reasoning_summary_text.delta", joined(&at, json!({"delta": more})));
    }

    /// Returns the place of the message that is open; begins one if there is none.
    fn message(&mut self, events: &mut Vec<u8>) -> usize {
        match self.open_place(|item| matches!(item, Item::Message(_))) {
            Some(place) => place,
            None => self.begin(Item::Message(Spoken::default()), events),
        }
    }

    /// Returns the place of a message and of its last part, which is of this kind; begins them if they are missing.
    fn part(&mut self, is_refusal: bool, events: &mut Vec<u8>) -> (usize, usize) {
        let place = self.message(events);
        let Some(Slot { id, item: Item::Message(message), .. }) = self.slots.get_mut(place) else { return (place, 0) };
        let last = message.parts.len().saturating_sub(1);
        if message.parts.get(last).is_some_and(|part| part.is_refusal == is_refusal) {
            return (place, last);
        }
        let part = SpokenPart { is_refusal, ..SpokenPart::default() };
        let index = message.parts.len();
        let added = json!({"item_id": id, "output_index": place, "content_index": index, "part": part.encode()});
        message.parts.push(part);
        self.put(events, "response.content_part.added", added);
        (place, index)
    }

    fn add_text(&mut self, is_refusal: bool, more: &str, probabilities: Option<&Value>, events: &mut Vec<u8>) {
        let (place, index) = self.part(is_refusal, events);
        let Some((id, part)) = self.spoken_part(place, index) else { return };
        part.text.push_str(more);
        let at = json!({"item_id": id, "output_index": place, "content_index": index});
        if is_refusal {
            self.put(events, "response.refusal.delta", joined(&at, json!({"delta": more})));
            return;
        }
        let probabilities = probabilities.map(logprobs).unwrap_or_default();
        part.logprobs.extend(probabilities.iter().cloned());
        let piece = json!({"delta": more, "logprobs": probabilities});
        self.put(events, "response.output_text.delta", joined(&at, piece));
    }

    fn add_annotation(&mut self, found: &Value, events: &mut Vec<u8>) {
        let (place, index) = self.part(false, events);
        let Some((id, part)) = self.spoken_part(place, index) else { return };
        let found = annotation(found.clone());
        let event = json!({"item_id": id, "output_index": place, "content_index": index,
            "annotation_index": part.annotations.len(), "annotation": found});
        part.annotations.push(found);
        self.put(events, "response.output_text.annotation.added", event);
    }

    fn spoken_part(&mut self, place: usize, index: usize) -> Option<(String, &mut SpokenPart)> {
        match self.slots.get_mut(place)? {
            Slot { id, item: Item::Message(message), .. } => Some((id.clone(), message.parts.get_mut(index)?)),
            _ => None,
        }
    }

    fn add_call(&mut self, piece: &ToolCallDelta, events: &mut Vec<u8>) {
        let place = if let Some(place) = self.calls.get(&piece.index) {
            *place
        } else {
            let mut call = ToolCall { r#type: "function".to_owned(), ..ToolCall::default() };
            call.id = piece.id.clone().unwrap_or_default();
            call.function.name = piece.name.clone().unwrap_or_default();
            call.extra_content.clone_from(&piece.extra_content);
            let place = self.begin(Item::Call(call), events);
            self.calls.insert(piece.index, place);
            place
        };
        let Some(Slot { id, item: Item::Call(call), .. }) = self.slots.get_mut(place) else { return };
        if piece.extra_content.is_some() {
            call.extra_content.clone_from(&piece.extra_content);
        }
        if !piece.arguments.is_empty() {
            call.function.arguments.push_str(&piece.arguments);
            let event = json!({"item_id": id, "output_index": place, "delta": piece.arguments});
            self.put(events, "response.function_call_arguments.delta", event);
        }
    }

    /// Begins an item, and ends the message or the reasoning before it.
    fn begin(&mut self, item: Item, events: &mut Vec<u8>) -> usize {
        if let Some(open) = self.open.take() {
            self.close(open, "completed", events);
        }
        let place = self.slots.len();
        self.open = Some(place).filter(|_| !matches!(item, Item::Call(_)));
        let id = item.id(&self.start.request_id, place);
        let event = json!({"output_index": place, "item": item.encode(&id, "in_progress")});
        self.slots.push(Slot { place, id, item, is_open: true });
        self.put(events, "response.output_item.added", event);
        place
    }

    fn open_place(&self, is_meant: impl Fn(&Item) -> bool) -> Option<usize> {
        self.open.filter(|place| self.slots.get(*place).is_some_and(|slot| is_meant(&slot.item)))
    }

    /// Appends the ends of an item's parts and of the item.
    fn close(&mut self, place: usize, status: &str, events: &mut Vec<u8>) {
        let Some(slot) = self.slots.get_mut(place).filter(|slot| slot.is_open) else { return };
        slot.is_open = false;
        let mut ends: Vec<(&str, Value)> = Vec::new();
        let at = json!({"item_id": slot.id, "output_index": place});
        match &slot.item {
            Item::Reasoning(Reasoning { text, .. }) if !text.is_empty() => {
                let at = joined(&at, json!({"summary_index": 0}));
                ends.push(("response.reasoning_summary_text.done", joined(&at, json!({"text": text}))));
                let part = json!({"part": {"type": "summary_text", "text": text}});
                ends.push(("response.reasoning_summary_part.done", joined(&at, part)));
            }
            Item::Reasoning(_) => {}
            Item::Message(message) => {
                for (index, part) in message.parts.iter().enumerate() {
                    let at = joined(&at, json!({"content_index": index}));
                    ends.push(if part.is_refusal {
                        ("response.refusal.done", joined(&at, json!({"refusal": part.text})))
                    } else {
                        let text = json!({"text": part.text, "logprobs": part.logprobs});
                        ("response.output_text.done", joined(&at, text))
                    });
                    ends.push(("response.content_part.done", joined(&at, json!({"part": part.encode()}))));
                }
            }
            Item::Call(call) => {
                let function = json!({"name": call.function.name, "arguments": call.function.arguments});
                ends.push(("response.function_call_arguments.done", joined(&at, function)));
            }
        }
        let item = slot.item.encode(&slot.id, status);
        if let Some(items) = &self.form.kept_in {
            items.keep(&slot.id, &item);
        }
        ends.push(("response.output_item.done", json!({"output_index": place, "item": item})));
        for (name, event) in ends {
            self.put(events, name, event);
        }
    }

    fn put(&mut self, events: &mut Vec<u8>, name: &str, fields: Value) {
        let event = joined(&json!({"type": name, "sequence_number": self.sequence}), fields);
        self.sequence += 1;
        sse::put_event(events, name, &event);
    }
}

/// Returns the fields of two objects as one.
fn joined(first: &Value, second: Value) -> Value {
    let mut fields = first.as_object().cloned().unwrap_or_default();
    if let Value::Object(second) = second {
        fields.extend(second);
    }
    fields.into()
}
