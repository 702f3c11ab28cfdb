//! Reading of streams.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::decode::{MARKS, decode_choice, is_kept, refusal, summary};
use crate::provider::anthropic::{error, usage};
use crate::provider::document::DocumentReader;
use crate::provider::finish_reason::finish_reason;
use crate::provider::json::{count, owned, text};
use crate::provider::origin::Origin;
use crate::provider::snapshots::UsageSnapshots;
use crate::provider::{Flaw, Holding, MOST_VALUES, ResponseHead, ServerEvent, StreamDecoder, Target, has_more_values};
use crate::types::{Completion, Content, Delta, ReportedUsage, ToolCallDelta};

/// Decodes one stream of events.
pub(super) struct Decoder {
    origin: Origin,
    documents: DocumentReader,
    summary: Completion,
    usage: UsageSnapshots,
    /// Whether the output count is still the placeholder that a stream starts with.
    has_placeholder: bool,
    /// Whether the output count is more than the placeholder that a stream starts with.
    is_usage_final: bool,
    blocks: BTreeMap<u64, Block>,
    calls: u32,
    /// What is kept of the answer.
    held: Holding,
    end: End,
}

/// How far the end of an answer was told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// Not at all.
    Open,
    /// It was said why the answer stopped.
    Stopped,
    /// The format's last event came.
    Over,
}

/// The field of a piece that continues the input of a call.
const INPUT_PIECES: &str = "partial_json";

/// A block that has started.
enum Block {
    /// Its text is passed on as it comes.
    Text,
    /// A tool call, by its place among the calls, with the input that it started with, which stands unless pieces come.
    Call { place: u32, input: Option<String> },
    /// Pieces of the input of a call that has not started yet.
    Early(String),
    /// A block that goes back unchanged in the next turn.
    Kept(Map<String, Value>),
    /// Anything else, which says nothing to the caller.
    Other,
}

impl Decoder {
    /// Starts the decoding of a stream.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            origin: Origin::new(target, head),
            documents: DocumentReader::default(),
            summary: Completion::default(),
            usage: UsageSnapshots::new(),
            has_placeholder: false,
            is_usage_final: false,
            blocks: BTreeMap::new(),
            calls: 0,
            held: Holding::default(),
            end: End::Open,
        }
    }

    fn keep_summary(&mut self, message: &Value) {
        let said = summary(message);
        self.summary.id = said.id.or(self.summary.id.take());
        self.summary.model = said.model.or(self.summary.model.take());
        self.summary.service_tier = said.service_tier.or(self.summary.service_tier.take());
        if let Some(found) = usage::find(message) {
            self.usage.add(found);
            self.has_placeholder = true;
        }
    }

    fn start_block(&mut self, index: u64, block: &Value, deltas: &mut Vec<Delta>) {
        let state = match text(block, "type").unwrap_or_default() {
            "text" => {
                push(deltas, Delta { text: owned(block, "text").unwrap_or_default(), ..Delta::default() });
                Block::Text
            }
            "tool_use" => {
                let input = block.get("input").filter(|input| input.is_object()).map(Value::to_string);
                let early = match self.blocks.remove(&index) {
                    Some(Block::Early(pieces)) => Some(pieces),
                    _ => None,
                };
                let place = self.calls;
                self.calls += 1;
                self.held.calls += 1;
                let call = ToolCallDelta {
                    index: place,
                    id: Some(owned(block, "id").unwrap_or_else(|| format!("call_{place}"))),
                    name: Some(owned(block, "name").unwrap_or_default()),
                    arguments: early.clone().unwrap_or_default(),
                    extra_content: None,
                };
                push(deltas, Delta { tool_calls: vec![call], ..Delta::default() });
                let input = early.is_none().then(|| input.unwrap_or_else(|| "{}".to_owned()));
                Block::Call { place, input }
            }
            kind if is_kept(kind) => {
                push(deltas, Delta { reasoning: owned(block, "thinking").unwrap_or_default(), ..Delta::default() });
                self.held.add_value(block);
                Block::Kept(block.as_object().cloned().unwrap_or_default())
            }
            _ => Block::Other,
        };
        self.blocks.insert(index, state);
        self.held.blocks += 1;
    }

    fn extend_block(&mut self, index: u64, piece: &Value, deltas: &mut Vec<Delta>) {
        // Hosts that imitate the format may leave the start of a block out, or send it late.
        let missing = text(piece, "type").filter(|_| !self.blocks.contains_key(&index)).unwrap_or_default();
        match missing {
            "text_delta" => self.start_block(index, &json!({"type": "text"}), deltas),
            "thinking_delta" => self.start_block(index, &json!({"type": "thinking"}), deltas),
            "input_json_delta" => {
                self.held.blocks += 1;
                self.blocks.insert(index, Block::Early(String::new()));
            }
            _ => {}
        }
        match self.blocks.get_mut(&index) {
            Some(Block::Text) => {
                push(deltas, Delta { text: owned(piece, "text").unwrap_or_default(), ..Delta::default() });
            }
            Some(Block::Early(pieces)) => pieces.push_str(text(piece, INPUT_PIECES).unwrap_or_default()),
            Some(Block::Call { place, input }) => {
                let Some(arguments) = owned(piece, INPUT_PIECES) else { return };
                *input = None;
                let call = ToolCallDelta { index: *place, arguments, ..ToolCallDelta::default() };
                push(deltas, Delta { tool_calls: vec![call], ..Delta::default() });
            }
            Some(Block::Kept(block)) => {
                push(deltas, Delta { reasoning: owned(piece, "thinking").unwrap_or_default(), ..Delta::default() });
                // The input of a tool of the provider's comes in pieces of JSON, as that of a call does.
                for key in ["thinking", "signature", "content", INPUT_PIECES] {
                    let Some(more) = text(piece, key) else { continue };
                    match block.get_mut(key) {
                        Some(Value::String(known)) => known.push_str(more),
                        _ => {
                            block.insert(key.to_owned(), more.into());
                        }
                    }
                }
            }
            Some(Block::Other) | None => {}
        }
    }

    fn stop_block(&mut self, index: u64, deltas: &mut Vec<Delta>) {
        match self.blocks.remove(&index) {
            Some(Block::Call { place, input: Some(arguments) }) => {
                let call = ToolCallDelta { index: place, arguments, ..ToolCallDelta::default() };
                push(deltas, Delta { tool_calls: vec![call], ..Delta::default() });
            }
            Some(Block::Kept(mut block)) => {
                let pieces = block.shift_remove(INPUT_PIECES);
                let pieces = pieces.as_ref().and_then(Value::as_str);
                let pieces = pieces.filter(|pieces| {
                    !has_more_values(pieces.as_bytes(), MOST_VALUES - self.held.values.min(MOST_VALUES))
                });
                if let Some(input) = pieces.and_then(|pieces| serde_json::from_str::<Value>(pieces).ok()) {
                    self.held.add_value(&input);
                    block.insert("input".to_owned(), input);
                }
                push(deltas, Delta { thinking_block: Some(Value::Object(block)), ..Delta::default() });
            }
            _ => {}
        }
    }

    fn end_message(&mut self, event: &Value, deltas: &mut Vec<Delta>) {
        if let Some(found) = usage::find(event) {
            // Where no count follows the first one, that was no more than a placeholder.
            if std::mem::take(&mut self.has_placeholder) && count(found, usage::OUTPUT).unwrap_or_default() == 0 {
                self.usage.forget(usage::OUTPUT);
            }
            self.usage.add(found);
            self.is_usage_final = true;
        }
        let Some(delta) = event.get("delta") else { return };
        let reason = owned(delta, "stop_reason");
        if reason.is_some() {
            self.end = self.end.max(End::Stopped);
        }
        push(
            deltas,
            Delta {
                refusal: refusal(delta).unwrap_or_default(),
                finish_reason: reason.as_deref().and_then(|reason| finish_reason(reason, self.calls > 0)),
                provider_finish_reason: reason,
                ..Delta::default()
            },
        );
    }

    /// Reads a provider's whole answer to a streamed call.
    fn decode_whole(&mut self, message: &Value, deltas: &mut Vec<Delta>) {
        self.keep_summary(message);
        self.is_usage_final = true;
        self.end = self.end.max(End::Stopped);
        let choice = decode_choice(message);
        let said = choice.message;
        let blocks = said.thinking_blocks.into_iter();
        deltas.extend(blocks.map(|block| Delta { thinking_block: Some(block), ..Delta::default() }));
        let calls = said.tool_calls.into_iter().zip(0..).map(|(call, index)| ToolCallDelta {
            index,
            id: Some(call.id),
            name: Some(call.function.name),
            arguments: call.function.arguments,
            extra_content: call.extra_content,
        });
        deltas.push(Delta {
            text: said.content.as_ref().map(Content::text).unwrap_or_default(),
            reasoning: said.reasoning_content.unwrap_or_default(),
            refusal: said.refusal.unwrap_or_default(),
            tool_calls: calls.collect(),
            finish_reason: choice.finish_reason,
            provider_finish_reason: choice.provider_finish_reason,
            ..Delta::default()
        });
    }
}

impl StreamDecoder for Decoder {
    fn decode_event(&mut self, event: &ServerEvent, deltas: &mut Vec<Delta>) -> Result<(), Flaw> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.end = End::Over;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        let value = self.origin.read(&mut self.documents, event, data, &MARKS)?.value;
        if let Some(error) = error::embedded(&self.origin.target(), &self.origin.head, &value) {
            let completion = Completion { choices: vec![decode_choice(&value)], ..summary(&value) };
            return Err(Flaw::stated(error, usage::find(&value).and_then(usage::read)).with_answer(completion));
        }
        if event.event == "error" {
            return Err(Flaw::stated(error::named(&self.origin.target(), &self.origin.head, &value), None));
        }
        let nothing = Value::Null;
        let part = |key: &str| value.get(key).unwrap_or(&nothing);
        let index = value.get("index").and_then(Value::as_u64).unwrap_or_default();
        match text(&value, "type").unwrap_or_default() {
            "message_start" => self.keep_summary(part("message")),
            "content_block_start" => self.start_block(index, part("content_block"), deltas),
            "content_block_delta" => self.extend_block(index, part("delta"), deltas),
            "content_block_stop" => self.stop_block(index, deltas),
            "message_delta" => self.end_message(&value, deltas),
            "message_stop" => self.end = End::Over,
            "message" => self.decode_whole(&value, deltas),
            _ => {}
        }
        self.origin.check(&self.held)
    }

    fn finish(&mut self, deltas: &mut Vec<Delta>) {
        Origin::finish(&mut self.documents, deltas);
        // A call that did not come whole stays as it came.
        let open: Vec<u64> = self.blocks.keys().copied().filter(|_| self.end > End::Open).collect();
        for index in open {
            self.stop_block(index, deltas);
        }
    }

    fn is_over(&self) -> bool {
        self.end == End::Over
    }

    fn is_complete(&self) -> bool {
        self.end > End::Open
    }

    fn usage(&self) -> Option<ReportedUsage> {
        self.provisional_usage().filter(|_| self.is_usage_final)
    }

    fn summary(&self) -> Completion {
        self.summary.clone()
    }

    fn provisional_usage(&self) -> Option<ReportedUsage> {
        usage::read(&self.usage.joined()?)
    }
}

/// Passes a delta on unless it brings nothing.
fn push(deltas: &mut Vec<Delta>, delta: Delta) {
    if delta != Delta::default() {
        deltas.push(delta);
    }
}
