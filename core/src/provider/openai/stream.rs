//! Reading of streams.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::decode::{arguments, finish_reason, index, spoken, summary};
use super::{error, usage};
use crate::provider::failure::unreadable;
use crate::provider::json::{field, items, owned};
use crate::provider::origin::Origin;
use crate::provider::snapshots::UsageSnapshots;
use crate::provider::{ResponseHead, ServerEvent, StreamDecoder, Target};
use crate::types::{Completion, Delta, FunctionCall, ReportedUsage, Result, ToolCallDelta};

/// Decodes one stream of chunks.
pub(super) struct Decoder {
    origin: Origin,
    summary: Completion,
    usage: UsageSnapshots,
    /// Whether the answer cites what a search brought.
    cites: bool,
    /// Whether the usage came where providers put the last one.
    is_usage_final: bool,
    choices: BTreeMap<u32, ChoiceState>,
    is_done: bool,
}

/// What is kept of one choice between chunks.
#[derive(Default)]
struct ChoiceState {
    is_finished: bool,
    /// The calls so far: the provider's number and the id. Some providers give every call the number zero.
    calls: Vec<(Option<u32>, Option<String>)>,
    /// The reasoning blocks so far, by number.
    details: BTreeMap<u32, Map<String, Value>>,
}

impl Decoder {
    /// Starts the decoding of a stream.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            origin: Origin::new(target, head),
            summary: Completion::default(),
            usage: UsageSnapshots::of(usage::SUM),
            cites: false,
            is_usage_final: false,
            choices: BTreeMap::new(),
            is_done: false,
        }
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
    fn decode_event(&mut self, event: &ServerEvent, deltas: &mut Vec<Delta>) -> Result<()> {
        let data = event.data.trim();
        if data == "[DONE]" {
            self.is_done = true;
            return Ok(());
        }
        if data.is_empty() {
            return Ok(());
        }
        let chunk: Value = serde_json::from_str(data).map_err(|error| {
            let problem = format!("an event of the stream is no complete JSON ({error})");
            unreadable(&self.origin.target(), &self.origin.head, &problem)
        })?;
        self.read_usage(&chunk, data.as_bytes());
        let said = summary(&chunk);
        self.summary.id = said.id.or(self.summary.id.take());
        self.summary.model = said.model.or(self.summary.model.take());
        self.summary.service_tier = said.service_tier.or(self.summary.service_tier.take());
        if let Some(error) = error::embedded(&self.origin.target(), &self.origin.head, &chunk) {
            return Err(error);
        }
        if event.event == "error" {
            return Err(error::named(&self.origin.target(), &self.origin.head, &chunk));
        }
        for (choice, place) in items(&chunk, "choices").iter().zip(0..) {
            let index = index(choice).unwrap_or(place);
            let state = self.choices.entry(index).or_default();
            state.decode(index, choice, deltas);
        }
        Ok(())
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

impl ChoiceState {
    fn decode(&mut self, index: u32, choice: &Value, deltas: &mut Vec<Delta>) {
        let nothing = Value::Null;
        // A provider that answers a streamed call with a whole answer sends a message.
        let said = field(choice, "delta").or_else(|| field(choice, "message")).unwrap_or(&nothing);
        let spoken = spoken(said);
        let reason = owned(choice, "finish_reason").filter(|reason| reason != "null");
        for detail in items(said, "reasoning_details") {
            self.keep_detail(detail);
        }
        let mut tool_calls: Vec<ToolCallDelta> =
            items(said, "tool_calls").iter().map(|call| self.decode_call(call)).collect();
        if tool_calls.is_empty()
            && let Some(function) = field(said, "function_call")
            && ["name", "arguments"].iter().any(|key| owned(function, key).is_some())
        {
            tool_calls.push(self.decode_call(&json!({"index": 0, "function": function})));
        }
        let mut delta = Delta {
            index,
            text: spoken.text.unwrap_or_default(),
            reasoning: spoken.reasoning,
            refusal: owned(said, "refusal").unwrap_or_default(),
            tool_calls,
            annotations: items(said, "annotations").to_vec(),
            logprobs: field(choice, "logprobs").cloned(),
            finish_reason: reason.as_deref().and_then(finish_reason),
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

    fn decode_call(&mut self, call: &Value) -> ToolCallDelta {
        let number = index(call);
        let id = owned(call, "id");
        let known = match number {
            Some(_) => self.calls.iter().rposition(|(known, _)| *known == number),
            None => self.calls.len().checked_sub(1).filter(|_| id.is_none()),
        };
        let continues = known.filter(|place| {
            let known = self.calls.get(*place).and_then(|(_, known)| known.as_ref());
            id.is_none() || known.is_none() || known == id.as_ref()
        });
        let place = continues.unwrap_or(self.calls.len());
        let function = call.get("function").map_or_else(FunctionCall::default, |function| FunctionCall {
            name: owned(function, "name").unwrap_or_default(),
            arguments: arguments(function).unwrap_or_default(),
        });
        let mut delta = ToolCallDelta {
            index: u32::try_from(place).unwrap_or(u32::MAX),
            arguments: function.arguments,
            extra_content: field(call, "extra_content").cloned(),
            ..ToolCallDelta::default()
        };
        if continues.is_none() {
            delta.id = Some(id.clone().unwrap_or_else(|| format!("call_{place}")));
            delta.name = Some(function.name);
            self.calls.push((number, id));
        }
        delta
    }

    /// Joins a piece of a reasoning block to what came before: texts grow, everything else is replaced.
    fn keep_detail(&mut self, detail: &Value) {
        let Some(fields) = detail.as_object() else { return };
        let next = self.details.keys().last().map_or(0, |last| last.saturating_add(1));
        let block = self.details.entry(index(detail).unwrap_or(next)).or_default();
        for (key, value) in fields {
            match (block.get_mut(key), value) {
                (Some(Value::String(known)), Value::String(more))
                    if matches!(key.as_str(), "text" | "summary" | "data") =>
                {
                    known.push_str(more);
                }
                (Some(_), Value::Null) => {}
                _ => {
                    block.insert(key.clone(), value.clone());
                }
            }
        }
    }
}
