//! Writing of streams.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::encode::{choices, encode_usage, head, put_blocks, put_finish, service_tier};
use super::{Form, error};
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::dialect::{AnswerStart, call_id, sse};
use crate::types::{ChatReply, Choice, Delta, Error, ToolCallDelta};

/// Writes the chunks of one stream.
pub(super) struct Encoder {
    form: Form,
    head: Map<String, Value>,
    /// The answers whose role was said.
    begun: BTreeSet<u32>,
}

impl Encoder {
    /// Starts a stream of a form.
    pub(super) fn new(form: Form) -> Self {
        Self { form, head: Map::new(), begun: BTreeSet::new() }
    }

    /// Takes what every chunk begins with.
    pub(super) fn start(&mut self, start: &AnswerStart) {
        self.head = head(start, "chat.completion.chunk");
        if self.form.is_strict {
            // It names a state of the vendor's machines, and the model is all that is known of them.
            self.head.insert("system_fingerprint".to_owned(), format!("fp_{}", start.model).into());
        }
    }

    /// Appends the chunk of a piece. A piece that only ends its answer has none: the end is written when all is settled.
    pub(super) fn encode_delta(&mut self, delta: &Delta, events: &mut Vec<u8>) {
        let mut written = self.role(delta.index);
        for (name, text) in
            [("content", &delta.text), ("reasoning_content", &delta.reasoning), ("refusal", &delta.refusal)]
        {
            if !text.is_empty() {
                written.insert(name.to_owned(), text.as_str().into());
            }
        }
        // In one piece, calls are written when the answer ends.
        if !self.form.is_strict {
            self.put_calls(&delta.tool_calls, &mut written);
        }
        if written.is_empty() && delta.logprobs.is_none() {
            return;
        }
        let choice = json!({
            "index": delta.index,
            "delta": written,
            "logprobs": delta.logprobs,
            "finish_reason": null,
        });
        sse::put_data(events, &self.chunk(choice).into());
    }

    /// Appends the chunk that ends each answer, that of usage if it was asked for, and the end. The last chunk has the cost.
    ///
    /// Reasoning blocks and annotations stand in the last chunk of their answer, together: libraries that join deltas do
    /// not know how to join lists of them.
    pub(super) fn encode_done(&mut self, reply: &ChatReply, events: &mut Vec<u8>) {
        let choices = choices(reply);
        for (place, choice) in choices.iter().enumerate() {
            let mut delta = self.role(choice.index);
            put_blocks(&choice.message, &mut delta);
            if self.form.is_strict {
                self.put_calls(&whole_calls(choice), &mut delta);
            }
            let mut written = Map::from_iter([
                ("index".to_owned(), choice.index.into()),
                ("delta".to_owned(), delta.into()),
                ("logprobs".to_owned(), Value::Null),
            ]);
            put_finish(self.form, choice, &mut written);
            let mut chunk = self.chunk(written.into());
            if place + 1 == choices.len() && !self.form.include_usage {
                put_last(reply, &mut chunk);
            }
            sse::put_data(events, &chunk.into());
        }
        if self.form.include_usage {
            let mut chunk = self.head.clone();
            chunk.insert("choices".to_owned(), json!([]));
            chunk.insert("usage".to_owned(), encode_usage(&reply.usage));
            put_last(reply, &mut chunk);
            sse::put_data(events, &chunk.into());
        }
        sse::put_text(events, "[DONE]");
    }

    /// Appends an error, on which libraries raise; no end follows.
    #[expect(clippy::unused_self, reason = "all pieces of a stream are written by its encoder")]
    pub(super) fn encode_failure(&self, error: &Error, events: &mut Vec<u8>) {
        sse::put_data(events, &json!({"error": error::body(error)}));
    }

    /// Returns the delta that a chunk begins with: the first one of an answer has its role.
    fn role(&mut self, index: u32) -> Map<String, Value> {
        if self.begun.insert(index) { Map::from_iter([("role".to_owned(), "assistant".into())]) } else { Map::new() }
    }

    /// Adds pieces of calls; in the old form the first call has a field of its own.
    fn put_calls(&self, pieces: &[ToolCallDelta], written: &mut Map<String, Value>) {
        let mut calls: Vec<Value> = Vec::new();
        for piece in pieces {
            let mut function = Map::new();
            if let Some(name) = &piece.name {
                function.insert("name".to_owned(), name.as_str().into());
            }
            function.insert("arguments".to_owned(), piece.arguments.as_str().into());
            let index = match (self.form.has_functions, piece.index.checked_sub(1)) {
                (true, None) => {
                    written.insert("function_call".to_owned(), function.into());
                    continue;
                }
                (true, Some(index)) => index,
                (false, _) => piece.index,
            };
            let mut call = json!({"index": index});
            if let Some(id) = &piece.id {
                call["id"] = call_id::encode(id, piece.extra_content.as_ref()).into();
                call["type"] = "function".into();
            }
            call["function"] = function.into();
            if let Some(extra) = &piece.extra_content {
                call["extra_content"] = extra.clone();
            }
            calls.push(call);
        }
        if !calls.is_empty() {
            written.insert("tool_calls".to_owned(), calls.into());
        }
    }

    fn chunk(&self, choice: Value) -> Map<String, Value> {
        let mut chunk = self.head.clone();
        chunk.insert("choices".to_owned(), Value::Array(vec![choice]));
        if self.form.include_usage {
            chunk.insert("usage".to_owned(), Value::Null);
        }
        chunk
    }
}

/// Returns the calls of an answer, each as one piece.
fn whole_calls(choice: &Choice) -> Vec<ToolCallDelta> {
    let calls = (0..).zip(&choice.message.tool_calls).map(|(index, call)| ToolCallDelta {
        index,
        id: Some(call.id.clone()),
        name: Some(call.function.name.clone()),
        arguments: call.function.arguments.clone(),
        extra_content: call.extra_content.clone(),
    });
    calls.collect()
}

fn put_last(reply: &ChatReply, chunk: &mut Map<String, Value>) {
    if let Some(tier) = service_tier(reply) {
        chunk.insert("service_tier".to_owned(), tier.into());
    }
    chunk.insert(FIELD.to_owned(), receipt_field(reply));
}
