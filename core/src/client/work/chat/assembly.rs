//! The assembly of an answer from its pieces.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::provider::Holding;
use crate::types::{AssistantMessage, Choice, Completion, Content, Delta, FunctionCall, ToolCall, ToolCallDelta};

/// Puts the pieces of a streamed answer together.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    choices: BTreeMap<u32, Choice>,
    calls: BTreeMap<(u32, u32), ToolCall>,
    /// What is held of the blocks and the values. Reasoning and words that come by turns are blocks too: formats that have
    /// blocks begin a new one with each turn.
    held: Holding,
    /// Whether reasoning came last.
    is_reasoning: bool,
}

impl Assembly {
    /// Adds a piece.
    pub(super) fn add(&mut self, delta: &Delta) {
        let choice = self.choices.entry(delta.index).or_default();
        choice.index = delta.index;
        let message = &mut choice.message;
        if !delta.text.is_empty() {
            self.held.blocks += usize::from(std::mem::take(&mut self.is_reasoning));
            append(message.content.get_or_insert_default(), &delta.text);
        }
        if !delta.reasoning.is_empty() {
            self.is_reasoning = true;
            message.reasoning_content.get_or_insert_default().push_str(&delta.reasoning);
        }
        if !delta.refusal.is_empty() {
            message.refusal.get_or_insert_default().push_str(&delta.refusal);
        }
        self.held.blocks += usize::from(delta.thinking_block.is_some());
        for kept in delta.thinking_block.iter().chain(&delta.annotations) {
            self.held.add_value(kept);
        }
        message.thinking_blocks.extend(delta.thinking_block.clone());
        message.annotations.extend(delta.annotations.iter().cloned());
        if let Some(logprobs) = &delta.logprobs {
            self.held.add_value(logprobs);
            add_logprobs(choice.logprobs.get_or_insert_default(), logprobs);
        }
        if delta.finish_reason.is_some() {
            choice.finish_reason = delta.finish_reason;
        }
        if delta.provider_finish_reason.is_some() {
            choice.provider_finish_reason.clone_from(&delta.provider_finish_reason);
        }
        for piece in &delta.tool_calls {
            self.add_call(delta.index, piece);
        }
    }

    /// Returns whether any piece of an answer came.
    pub(super) fn is_empty(&self) -> bool {
        self.choices.is_empty()
    }

    /// Returns how many answers began.
    pub(super) fn len(&self) -> usize {
        self.choices.len()
    }

    /// Returns what there is too much of, with so many JSON values at the most; nothing if all is as it may be.
    pub(super) fn excess(&self, most_values: usize) -> Option<String> {
        let (choices, calls) = (self.choices.len(), self.calls.len());
        Holding { choices, calls, ..self.held }.excess(most_values)
    }

    /// Takes the answers as far as they came.
    pub(super) fn take_choices(&mut self) -> Vec<Choice> {
        let mut choices = std::mem::take(&mut self.choices);
        for ((index, _), call) in std::mem::take(&mut self.calls) {
            if let Some(choice) = choices.get_mut(&index) {
                choice.message.tool_calls.push(call);
            }
        }
        choices.into_values().collect()
    }

    fn add_call(&mut self, choice: u32, piece: &ToolCallDelta) {
        let call = self.calls.entry((choice, piece.index)).or_insert_with(|| ToolCall {
            r#type: "function".to_owned(),
            function: FunctionCall::default(),
            ..ToolCall::default()
        });
        if let Some(id) = &piece.id {
            call.id.clone_from(id);
        }
        if let Some(name) = &piece.name {
            call.function.name.push_str(name);
        }
        call.function.arguments.push_str(&piece.arguments);
        if let Some(extra) = &piece.extra_content {
            self.held.add_value(extra);
            call.extra_content = Some(extra.clone());
        }
    }
}

/// Returns what a whole answer has too much of.
pub(super) fn excess(completion: &Completion) -> Option<String> {
    let messages = || completion.choices.iter().map(|choice| &choice.message);
    let held = Holding {
        choices: completion.choices.len(),
        calls: messages().map(|message| message.tool_calls.len()).sum(),
        blocks: messages().map(|message| message.thinking_blocks.len()).sum(),
        values: 0,
    };
    held.excess(usize::MAX)
}

/// Makes the pieces that a whole answer is: one, after those that finish its earlier blocks of reasoning. The text of the
/// reasoning comes with the first, as a block repeats it.
pub(super) fn whole_deltas(choice: &Choice) -> Vec<Delta> {
    let message = &choice.message;
    let reasoning = message.reasoning_content.clone().unwrap_or_default();
    let mut blocks = message.thinking_blocks.iter().cloned().map(Some);
    let mut deltas =
        vec![Delta { index: choice.index, reasoning, thinking_block: blocks.next().flatten(), ..Delta::default() }];
    deltas.extend(blocks.map(|thinking_block| Delta { index: choice.index, thinking_block, ..Delta::default() }));
    let last = Delta {
        text: message.content.as_ref().map(Content::text).unwrap_or_default(),
        refusal: message.refusal.clone().unwrap_or_default(),
        tool_calls: (0..)
            .zip(&message.tool_calls)
            .map(|(index, call)| ToolCallDelta {
                index,
                id: Some(call.id.clone()),
                name: Some(call.function.name.clone()),
                arguments: call.function.arguments.clone(),
                extra_content: call.extra_content.clone(),
            })
            .collect(),
        annotations: message.annotations.clone(),
        logprobs: choice.logprobs.clone(),
        finish_reason: choice.finish_reason,
        provider_finish_reason: choice.provider_finish_reason.clone(),
        ..deltas.pop().unwrap_or_default()
    };
    deltas.push(last);
    deltas
}

/// Estimates the tokens of the answers as far as they came.
pub(super) fn estimate_output(choices: &[Choice]) -> u64 {
    let of_message = |message: &AssistantMessage| {
        let calls = message.tool_calls.iter().map(|call| call.function.arguments.as_str());
        let texts = [message.reasoning_content.as_deref(), message.refusal.as_deref()];
        let text = match &message.content {
            Some(Content::Text(text)) => Cow::Borrowed(text.as_str()),
            content => Cow::Owned(content.as_ref().map(Content::text).unwrap_or_default()),
        };
        crate::billing::bound::estimate_tokens(&text)
            + texts.into_iter().flatten().chain(calls).map(crate::billing::bound::estimate_tokens).sum::<u64>()
    };
    choices.iter().map(|choice| of_message(&choice.message)).sum()
}

/// Joins the probabilities of a piece to those before it: lists grow, everything else is replaced.
fn add_logprobs(known: &mut Value, more: &Value) {
    let (Some(fields), Some(added)) = (known.as_object_mut(), more.as_object()) else {
        known.clone_from(more);
        return;
    };
    for (key, value) in added {
        match (fields.get_mut(key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.iter().cloned()),
            (Some(_), Value::Null) => {}
            _ => {
                fields.insert(key.clone(), value.clone());
            }
        }
    }
}

fn append(content: &mut Content, more: &str) {
    if let Content::Text(text) = content {
        text.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_pieces_made_of_a_whole_answer_join_to_the_same_answer() {
        let message = AssistantMessage {
            content: Some(Content::Text("a".into())),
            reasoning_content: Some("bc".into()),
            thinking_blocks: vec![
                json!({"type": "thinking", "thinking": "bc", "signature": "s"}),
                json!({"type": "redacted_thinking", "data": "d"}),
                json!({"type": "redacted_thinking", "data": "e"}),
            ],
            refusal: Some("f".into()),
            tool_calls: vec![ToolCall { id: "1".into(), r#type: "function".into(), ..ToolCall::default() }],
            ..AssistantMessage::default()
        };
        for blocks in 0..4 {
            let mut choice = Choice { index: 1, message: message.clone(), ..Choice::default() };
            choice.message.thinking_blocks.truncate(blocks);
            let mut assembly = Assembly::default();
            for delta in whole_deltas(&choice) {
                assembly.add(&delta);
            }
            assert_eq!(assembly.take_choices(), [choice]);
        }
    }
}
