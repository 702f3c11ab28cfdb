//! Reading of streams.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::calls::Calls;
use super::decode::{MARKS, calls, index, spoken};
use super::text_piece::TextPiece;
use crate::provider::document::DocumentReader;
use crate::provider::finish_reason::finish_reason;
use crate::provider::json::{field, items, owned, text};
use crate::provider::openai::{error, usage};
use crate::provider::origin::Origin;
use crate::provider::size::MOST_BLOCK_FIELDS;
use crate::provider::snapshots::UsageSnapshots;
use crate::provider::{Flaw, Holding, ResponseHead, ServerEvent, StreamDecoder, Target};
use crate::types::{Completion, Delta, ReportedUsage};

/// Decodes one stream of chunks.
pub(super) struct Decoder {
    origin: Origin,
    documents: DocumentReader,
    summary: Completion,
    usage: UsageSnapshots,
    /// Whether the answer cites what a search brought.
    cites: bool,
    /// Whether the usage came where providers put the last one.
    is_usage_final: bool,
    choices: BTreeMap<u32, ChoiceState>,
    /// What is kept of the choices.
    held: Holding,
    is_done: bool,
}

/// What is kept of one choice between chunks.
#[derive(Default)]
struct ChoiceState {
    is_finished: bool,
    calls: Calls,
    /// The reasoning blocks so far, by number.
    details: BTreeMap<u32, Map<String, Value>>,
}

impl Decoder {
    /// Starts the decoding of a stream.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            origin: Origin::new(target, head),
            documents: DocumentReader::default(),
            summary: Completion::default(),
            usage: UsageSnapshots::of(usage::SUM),
            cites: false,
            is_usage_final: false,
            choices: BTreeMap::new(),
            held: Holding::default(),
            is_done: false,
        }
    }

    fn take_text(&mut self, piece: TextPiece<'_>, deltas: &mut Vec<Delta>) {
        keep(&mut self.summary.id, piece.id.as_deref());
        keep(&mut self.summary.model, piece.model.as_deref());
        keep(&mut self.summary.service_tier, piece.service_tier.as_deref());
        let index = piece.index();
        self.choices.entry(index).or_default();
        let text = piece.into_text();
        if !text.is_empty() {
            deltas.push(Delta { index, text, ..Delta::default() });
        }
    }

    fn check(&mut self) -> Result<(), Flaw> {
        self.held.choices = self.choices.len();
        self.origin.check(&self.held)
    }

    fn read_usage(&mut self, chunk: &Value, document: &[u8]) {
        let vendor = self.origin.target().vendor;
        self.cites |= usage::cites(vendor, chunk);
        let Some(found) = usage::find(chunk) else { return };
        let cost = usage::stated_cost(vendor, found, document);
        self.usage.add(found);
        self.usage.add_cost(cost);
        let choices = items(chunk, "choices");
        let is_last = choices.is_empty() || choices.iter().any(|choice| owned(choice, "finish_reason").is_some());
        self.is_usage_final = is_last || field(chunk, "error").is_some();
    }
}

impl StreamDecoder for Decoder {
    fn decode_event(&mut self, event: &ServerEvent, deltas: &mut Vec<Delta>) -> Result<(), Flaw> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        if event.event != "error"
            && !self.documents.is_amid_pair()
            && let Some(piece) = TextPiece::read(data)
        {
            self.take_text(piece, deltas);
            return self.check();
        }
        let document = self.origin.read(&mut self.documents, event, data, &MARKS)?;
        let chunk = document.value;
        self.read_usage(&chunk, &document.text);
        keep(&mut self.summary.id, text(&chunk, "id"));
        keep(&mut self.summary.model, text(&chunk, "model"));
        keep(&mut self.summary.service_tier, text(&chunk, "service_tier"));
        let error = if event.event == "error" {
            Some(error::named(&self.origin.target(), &self.origin.head, &chunk))
        } else {
            error::embedded(&self.origin.target(), &self.origin.head, &chunk)
        };
        let known = deltas.len();
        for (choice, place) in items(&chunk, "choices").iter().zip(0..) {
            let index = index(choice).unwrap_or(place);
            let state = self.choices.entry(index).or_default();
            let was_finished = state.is_finished;
            state.decode(index, choice, &mut self.held, deltas);
            state.is_finished &= was_finished || error.is_none();
        }
        let Some(error) = error else { return self.check() };
        // What a model made before it failed was made, though the piece that tells of the failure brings it.
        let mut place = 0..;
        deltas.retain(|delta| place.next().is_some_and(|place| place < known) || delta.has_content());
        Err(Flaw::stated(error, None))
    }

    fn finish(&mut self, deltas: &mut Vec<Delta>) {
        Origin::finish(&mut self.documents, deltas);
        for (index, choice) in &mut self.choices {
            let mut delta = Delta { index: *index, ..Delta::default() };
            choice.calls.finish(&mut delta.tool_calls);
            if !delta.tool_calls.is_empty() {
                deltas.push(delta);
            }
        }
    }

    fn is_over(&self) -> bool {
        self.is_done
    }

    fn is_complete(&self) -> bool {
        self.is_done || (!self.choices.is_empty() && self.choices.values().all(|choice| choice.is_finished))
    }

    fn usage(&self) -> Option<ReportedUsage> {
        self.provisional_usage().filter(|_| self.is_usage_final || self.is_complete())
    }

    fn summary(&self) -> Completion {
        self.summary.clone()
    }

    fn provisional_usage(&self) -> Option<ReportedUsage> {
        let reported = usage::read(self.origin.target().vendor, &self.usage.joined()?, self.usage.cost())?;
        Some(usage::with_citations(reported, self.cites))
    }
}

/// Keeps what a chunk says of the answer as a whole: every one says it again.
fn keep(known: &mut Option<String>, said: Option<&str>) {
    if let Some(said) = said.filter(|said| !said.is_empty() && known.as_deref() != Some(said)) {
        *known = Some(said.to_owned());
    }
}

impl ChoiceState {
    fn decode(&mut self, index: u32, choice: &Value, held: &mut Holding, deltas: &mut Vec<Delta>) {
        let nothing = Value::Null;
        // A provider that answers a streamed call with a whole answer sends a message.
        let said = field(choice, "delta").or_else(|| field(choice, "message")).unwrap_or(&nothing);
        let spoken = spoken(said);
        let reason = owned(choice, "finish_reason").filter(|reason| reason != "null");
        for detail in items(said, "reasoning_details") {
            self.keep_detail(detail, held);
        }
        let mut tool_calls = Vec::new();
        let is_called = self.calls.add(calls(said), held, &mut tool_calls);
        if !is_called
            && let Some(function) = field(said, "function_call")
            && ["name", "arguments"].iter().any(|key| owned(function, key).is_some())
        {
            let call = json!({"index": 0, "id": "call_0", "function": function});
            self.calls.add(std::iter::once(&call), held, &mut tool_calls);
        }
        if reason.is_some() {
            self.calls.finish(&mut tool_calls);
        }
        let mut delta = Delta {
            index,
            text: spoken.text.unwrap_or_default(),
            reasoning: spoken.reasoning,
            refusal: owned(said, "refusal").unwrap_or_default(),
            tool_calls,
            annotations: items(said, "annotations").to_vec(),
            logprobs: field(choice, "logprobs").cloned(),
            finish_reason: reason.as_deref().and_then(|reason| finish_reason(reason, !self.calls.is_empty())),
            ..Delta::default()
        };
        if reason.is_some() {
            self.is_finished = true;
            let blocks = std::mem::take(&mut self.details).into_values().map(Value::Object);
            deltas.extend(blocks.map(|block| Delta { index, thinking_block: Some(block), ..Delta::default() }));
        }
        delta.provider_finish_reason = reason;
        if delta != (Delta { index, ..Delta::default() }) {
            deltas.push(delta);
        }
    }

    /// Joins a piece of a reasoning block to what came before: texts grow, everything else is replaced.
    fn keep_detail(&mut self, detail: &Value, held: &mut Holding) {
        let Some(fields) = detail.as_object() else { return };
        let next = self.details.keys().last().map_or(0, |last| last.saturating_add(1));
        let block = self.details.entry(index(detail).unwrap_or(next)).or_insert_with(|| {
            held.blocks += 1;
            Map::new()
        });
        let is_full = block.len() >= MOST_BLOCK_FIELDS;
        for (key, value) in fields {
            match (block.get_mut(key), value) {
                (Some(Value::String(known)), Value::String(more))
                    if matches!(key.as_str(), "text" | "summary" | "data") =>
                {
                    known.push_str(more);
                }
                (Some(_), Value::Null) => {}
                (None, _) if is_full => {}
                _ => {
                    held.add_value(value);
                    block.insert(key.clone(), value.clone());
                }
            }
        }
    }
}
