//! Writing of answers, whole ones and streams.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::encode;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::dialect::sse::put_event;
use crate::dialect::{AnswerStart, ReplyEncoder};
use crate::provider::WholeScanner;
use crate::types::{ChatReply, ChatRequest, Delta, Error, Result, Stop, ToolCallDelta, Usage};

/// Writes one answer.
pub(super) struct Encoder {
    stops: Vec<String>,
    /// The index of the next block.
    next: u32,
    /// The block that has not ended, and its index.
    open: Option<(Block, u32)>,
    /// The calls, in the order in which they began.
    calls: Vec<Call>,
    /// Where each call stands in their list, by its place among the answer's calls.
    places: BTreeMap<u32, usize>,
    /// How many calls were written, which are the first ones.
    begun: usize,
    /// Reasoning that was written with its finished block, and may come again as a piece; what is left of it is its end.
    told: String,
    /// How many bytes of it came again.
    again: usize,
}

/// What a block that has not ended is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    Thinking,
    Text,
    Call,
}

/// A call that has begun.
struct Call {
    /// The block that it starts with, until it is written.
    start: Value,
    /// Its arguments so far.
    arguments: String,
    /// Knows whether they are whole.
    scanner: WholeScanner,
    /// The index of its block; absent while it waits.
    index: Option<u32>,
}

impl Call {
    fn new(piece: &ToolCallDelta) -> Self {
        let id = piece.id.clone().unwrap_or_else(|| format!("call_{}", piece.index));
        let name = piece.name.as_deref().unwrap_or_default();
        let mut start = json!({"type": "tool_use", "id": id, "name": name, "input": {}});
        if let Some(extra) = &piece.extra_content {
            start["extra_content"] = extra.clone();
        }
        let mut call = Self { start, arguments: String::new(), scanner: WholeScanner::default(), index: None };
        call.add(&piece.arguments);
        call
    }

    fn add(&mut self, arguments: &str) {
        self.arguments.push_str(arguments);
        self.scanner.take(arguments);
    }

    /// Returns whether its arguments are a whole object.
    fn is_whole(&self) -> bool {
        self.scanner.is_whole()
    }
}

impl Encoder {
    /// Starts the writing of the answer to a request.
    pub(super) fn new(request: &ChatRequest) -> Self {
        let stops = request.stop.as_ref().map(Stop::texts).unwrap_or_default();
        Self {
            stops: stops.into_iter().map(str::to_owned).collect(),
            next: 0,
            open: None,
            calls: Vec::new(),
            places: BTreeMap::new(),
            begun: 0,
            told: String::new(),
            again: 0,
        }
    }

    fn put_reasoning(&mut self, reasoning: &str, events: &mut Vec<u8>) {
        let mut new = reasoning;
        let left = self.told.get(self.again..).unwrap_or_default();
        if left.starts_with(reasoning) {
            self.again += reasoning.len();
            return;
        } else if let Some(rest) = reasoning.strip_prefix(left) {
            new = rest;
        }
        self.told.clear();
        self.again = 0;
        let index = self.open_block(Block::Thinking, || encode::encode_thinking("", Vec::new()), events);
        put_piece(index, &json!({"type": "thinking_delta", "thinking": new}), events);
    }

    /// Writes a finished block of reasoning: as the end of the one whose text was written already, or as a whole.
    fn put_thinking_block(&mut self, block: &Value, events: &mut Vec<u8>) {
        let signature = block.get("signature").and_then(Value::as_str);
        if let (Some((Block::Thinking, index)), Some(signature)) = (self.open, signature) {
            put_piece(index, &json!({"type": "signature_delta", "signature": signature}), events);
            self.close_block(events);
            return;
        }
        self.close_block(events);
        let Some(thinking) = block.get("thinking").and_then(Value::as_str).filter(|_| encode::is_own_block(block))
        else {
            let whole = if encode::is_own_block(block) {
                block.clone()
            } else {
                encode::encode_thinking("", vec![block.clone()])
            };
            self.start_block(&whole, events);
            self.stop_last(events);
            return;
        };
        let index = self.start_block(&encode::encode_thinking("", Vec::new()), events);
        if !thinking.is_empty() {
            put_piece(index, &json!({"type": "thinking_delta", "thinking": thinking}), events);
        }
        put_piece(index, &json!({"type": "signature_delta", "signature": signature.unwrap_or_default()}), events);
        self.stop_last(events);
        self.told.push_str(thinking);
    }

    /// Writes a piece of a call, or holds it back: readers take one block at a time, so that a call that begins while
    /// another is written waits until that one's arguments are whole.
    fn put_call(&mut self, piece: &ToolCallDelta, events: &mut Vec<u8>) {
        let Some(call) = self.places.get(&piece.index).and_then(|place| self.calls.get_mut(*place)) else {
            self.places.insert(piece.index, self.calls.len());
            self.calls.push(Call::new(piece));
            self.put_waiting(events);
            return;
        };
        call.add(&piece.arguments);
        if let Some(index) = call.index {
            put_arguments(index, &piece.arguments, events);
        }
        self.put_waiting(events);
    }

    /// Writes the calls that wait, as far as the one before each is whole.
    fn put_waiting(&mut self, events: &mut Vec<u8>) {
        while let Some(place) = self.waiting() {
            let is_open = matches!(self.open, Some((Block::Call, _)));
            let earlier = place.checked_sub(1).and_then(|earlier| self.calls.get(earlier));
            if is_open && earlier.is_some_and(|earlier| !earlier.is_whole()) {
                return;
            }
            self.start_call(place, events);
        }
    }

    /// Returns the place of the first call that waits.
    fn waiting(&self) -> Option<usize> {
        (self.begun < self.calls.len()).then_some(self.begun)
    }

    /// Writes a call that waited, with what is known of its arguments.
    fn start_call(&mut self, place: usize, events: &mut Vec<u8>) {
        self.end_block(events);
        let Some(call) = self.calls.get_mut(place) else { return };
        let index = self.next;
        call.index = Some(index);
        self.begun = place + 1;
        let (start, arguments) = (call.start.take(), call.arguments.clone());
        self.start_block(&start, events);
        put_arguments(index, &arguments, events);
        self.open = Some((Block::Call, index));
    }

    /// Returns the index of the open block if it is this one; else ends it and starts this one.
    fn open_block(&mut self, block: Block, start: impl FnOnce() -> Value, events: &mut Vec<u8>) -> u32 {
        match self.open {
            Some((open, index)) if open == block => index,
            _ => {
                self.close_block(events);
                let index = self.start_block(&start(), events);
                self.open = Some((block, index));
                index
            }
        }
    }

    fn start_block(&mut self, block: &Value, events: &mut Vec<u8>) -> u32 {
        let index = self.next;
        self.next += 1;
        let event = json!({"type": "content_block_start", "index": index, "content_block": block});
        put_event(events, "content_block_start", &event);
        index
    }

    /// Ends the open block; of calls that wait for it, all are written, as nothing more is to be waited for.
    fn close_block(&mut self, events: &mut Vec<u8>) {
        while let Some(place) = self.waiting() {
            self.start_call(place, events);
        }
        self.end_block(events);
    }

    fn end_block(&mut self, events: &mut Vec<u8>) {
        if let Some((_, index)) = self.open.take() {
            put_event(events, "content_block_stop", &json!({"type": "content_block_stop", "index": index}));
        }
    }

    fn stop_last(&mut self, events: &mut Vec<u8>) {
        let index = self.next.saturating_sub(1);
        put_event(events, "content_block_stop", &json!({"type": "content_block_stop", "index": index}));
    }
}

impl ReplyEncoder for Encoder {
    fn encode_reply(&mut self, start: &AnswerStart, reply: &ChatReply) -> Result<Vec<u8>> {
        Ok(encode::encode_reply(start, reply, &self.stops).to_string().into_bytes())
    }

    fn encode_start(&mut self, start: &AnswerStart, events: &mut Vec<u8>) {
        let mut message = encode::encode_message(start);
        let mut usage = encode::encode_usage(&Usage::default());
        // Libraries keep this part as the first event has it, so a zero here would contradict the last event.
        usage["cache_creation"] = Value::Null;
        message["usage"] = usage;
        put_event(events, "message_start", &json!({"type": "message_start", "message": message}));
    }

    fn encode_delta(&mut self, delta: &Delta, events: &mut Vec<u8>) {
        // A request of this format asks for one answer.
        if delta.index != 0 {
            return;
        }
        if !delta.reasoning.is_empty() {
            self.put_reasoning(&delta.reasoning, events);
        }
        if let Some(block) = &delta.thinking_block {
            self.put_thinking_block(block, events);
        }
        if !delta.text.is_empty() {
            let index = self.open_block(Block::Text, || json!({"type": "text", "text": ""}), events);
            put_piece(index, &json!({"type": "text_delta", "text": delta.text}), events);
        }
        for call in &delta.tool_calls {
            self.put_call(call, events);
        }
    }

    fn encode_done(&mut self, reply: &ChatReply, events: &mut Vec<u8>) {
        self.close_block(events);
        let event = json!({
            "type": "message_delta",
            "delta": encode::encode_stop(reply, &self.stops),
            "usage": encode::encode_usage(&reply.usage),
            FIELD: receipt_field(reply),
        });
        put_event(events, "message_delta", &event);
        put_event(events, "message_stop", &json!({"type": "message_stop"}));
    }

    fn encode_failure(&mut self, error: &Error, events: &mut Vec<u8>) {
        put_event(events, "error", &encode::encode_error(error));
    }
}

fn put_arguments(index: u32, arguments: &str, events: &mut Vec<u8>) {
    if !arguments.is_empty() {
        put_piece(index, &json!({"type": "input_json_delta", "partial_json": arguments}), events);
    }
}

fn put_piece(index: u32, piece: &Value, events: &mut Vec<u8>) {
    let event = json!({"type": "content_block_delta", "index": index, "delta": piece});
    put_event(events, "content_block_delta", &event);
}
