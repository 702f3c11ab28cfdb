//! Reading of streams.

use std::collections::BTreeMap;

use serde_json::Value;

use super::decode::{MARKS, blocked, decode_call, finish_reason, index, is_thought, parts, summary};
use crate::provider::document::DocumentReader;
use crate::provider::gemini::{error, usage};
use crate::provider::json::{items, owned, word};
use crate::provider::origin::Origin;
use crate::provider::snapshots::UsageSnapshots;
use crate::provider::{Flaw, Holding, ResponseHead, ServerEvent, StreamDecoder, Target};
use crate::types::{Completion, Delta, ReportedUsage, ToolCallDelta};

/// Decodes one stream of chunks.
pub(super) struct Decoder {
    origin: Origin,
    documents: DocumentReader,
    summary: Completion,
    usage: UsageSnapshots,
    /// How many queries the answer was grounded in.
    queries: u64,
    choices: BTreeMap<u32, ChoiceState>,
    /// What is kept of the candidates.
    held: Holding,
    is_blocked: bool,
    /// Whether a mark of the end came, which the format itself has not.
    is_over: bool,
}

/// What is kept of one candidate between chunks.
#[derive(Default)]
struct ChoiceState {
    is_finished: bool,
    calls: u32,
}

impl Decoder {
    /// Starts the decoding of a stream.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            origin: Origin::new(target, head),
            documents: DocumentReader::default(),
            summary: Completion::default(),
            usage: UsageSnapshots::of(usage::SUM),
            queries: 0,
            choices: BTreeMap::new(),
            held: Holding::default(),
            is_blocked: false,
            is_over: false,
        }
    }
}

impl StreamDecoder for Decoder {
    fn decode_event(&mut self, event: &ServerEvent, deltas: &mut Vec<Delta>) -> Result<(), Flaw> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_over = true;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        let chunk = self.origin.read(&mut self.documents, event, data, &MARKS)?.value;
        // Every chunk has the usage so far, as its grounding.
        if let Some(found) = usage::find(&chunk) {
            self.usage.add(found);
        }
        self.queries = self.queries.max(usage::queries(&chunk));
        let said = summary(&chunk);
        self.summary.id = said.id.or(self.summary.id.take());
        self.summary.model = said.model.or(self.summary.model.take());
        self.summary.service_tier = said.service_tier.or(self.summary.service_tier.take());
        let error = if event.event == "error" {
            Some(error::named(&self.origin.target(), &self.origin.head, &chunk))
        } else {
            error::embedded(&self.origin.target(), &self.origin.head, &chunk)
        };
        let known = deltas.len();
        for (candidate, place) in items(&chunk, "candidates").iter().zip(0..) {
            let index = index(candidate).unwrap_or(place);
            let state = self.choices.entry(index).or_default();
            let was_finished = state.is_finished;
            state.decode(index, candidate, &mut self.held, deltas);
            state.is_finished &= was_finished || error.is_none();
        }
        if let Some(error) = error {
            // What a model made before it failed was made, though the piece that tells of the failure brings it.
            let mut place = 0..;
            deltas.retain(|delta| place.next().is_some_and(|place| place < known) || delta.has_content());
            return Err(Flaw::stated(error, None));
        }
        self.held.choices = self.choices.len();
        self.origin.check(&self.held)?;
        if let Some(choice) = blocked(&chunk).filter(|_| self.choices.is_empty()) {
            self.is_blocked = true;
            deltas.push(Delta {
                finish_reason: choice.finish_reason,
                provider_finish_reason: choice.provider_finish_reason,
                ..Delta::default()
            });
        }
        Ok(())
    }

    fn finish(&mut self, deltas: &mut Vec<Delta>) {
        Origin::finish(&mut self.documents, deltas);
    }

    fn is_over(&self) -> bool {
        self.is_over
    }

    fn is_complete(&self) -> bool {
        self.is_blocked || (!self.choices.is_empty() && self.choices.values().all(|choice| choice.is_finished))
    }

    fn usage(&self) -> Option<ReportedUsage> {
        self.provisional_usage().filter(|_| self.is_complete())
    }

    fn summary(&self) -> Completion {
        self.summary.clone()
    }

    fn provisional_usage(&self) -> Option<ReportedUsage> {
        let reported = usage::read(&self.usage.joined()?)?;
        Some(usage::with_searches(reported, self.origin.target().model, self.queries))
    }
}

impl ChoiceState {
    fn decode(&mut self, index: u32, candidate: &Value, held: &mut Holding, deltas: &mut Vec<Delta>) {
        let mut delta = Delta { index, ..Delta::default() };
        for part in parts(candidate) {
            if let Some(call) = part.get("functionCall") {
                let place = self.calls;
                self.calls = place.saturating_add(1);
                held.calls += 1;
                let call = decode_call(part, call, usize::try_from(place).unwrap_or(usize::MAX));
                delta.tool_calls.push(ToolCallDelta {
                    index: place,
                    id: Some(call.id),
                    name: Some(call.function.name),
                    arguments: call.function.arguments,
                    extra_content: call.extra_content,
                });
            } else if let Some(words) = owned(part, "text") {
                let place = if is_thought(part) { &mut delta.reasoning } else { &mut delta.text };
                place.push_str(&words);
            }
        }
        if let Some(reason) = word(candidate, "finishReason")
            && let Some(known) = finish_reason(&reason, self.calls > 0)
        {
            self.is_finished = true;
            delta.finish_reason = Some(known);
            delta.provider_finish_reason = Some(reason);
        }
        if delta != (Delta { index, ..Delta::default() }) {
            deltas.push(delta);
        }
    }
}
