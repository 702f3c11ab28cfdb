//! The events that wait for a slow reader, by their weight: a few great ones fill the memory as well as many small ones.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::Notify;

use crate::types::{Delta, Result, StreamEvent};

/// The most bytes that wait, unless one event alone has more.
const MOST_BYTES: usize = 1 << 20;

/// The bytes of a JSON value beside its text.
const VALUE: usize = 64;

/// The weight of what one writer handed over and its reader has not taken.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    bytes: AtomicUsize,
    room: Notify,
}

impl Waiting {
    /// Returns whether an event of a weight may be handed over: nothing waits, or little.
    pub(super) fn has_room(&self, weight: usize) -> bool {
        let waiting = self.bytes.load(Ordering::Acquire);
        waiting == 0 || waiting.saturating_add(weight) <= MOST_BYTES
    }

    /// Waits until an event of a weight may be handed over.
    pub(super) async fn room(&self, weight: usize) {
        while !self.has_room(weight) {
            self.room.notified().await;
        }
    }

    /// Notes an event that is handed over.
    pub(super) fn add(&self, weight: usize) {
        self.bytes.fetch_add(weight, Ordering::AcqRel);
    }

    /// Notes an event that its reader took.
    pub(super) fn take(&self, event: &Result<StreamEvent>) {
        if let Ok(StreamEvent::Delta(delta)) = event {
            self.bytes.fetch_sub(weight(delta), Ordering::AcqRel);
            self.room.notify_one();
        }
    }
}

/// Returns about how many bytes a piece of an answer has.
pub(super) fn weight(delta: &Delta) -> usize {
    let calls = delta.tool_calls.iter().map(|call| {
        let word = |word: &Option<String>| word.as_ref().map_or(0, String::len);
        VALUE + word(&call.id) + word(&call.name) + call.arguments.len() + weight_of(call.extra_content.iter())
    });
    let kept = delta.thinking_block.iter().chain(&delta.annotations).chain(&delta.logprobs);
    let texts = [&delta.text, &delta.reasoning, &delta.refusal].map(String::len);
    texts.into_iter().chain(calls).sum::<usize>() + weight_of(kept)
}

fn weight_of<'a>(values: impl Iterator<Item = &'a Value>) -> usize {
    let of = |value: &'a Value| match value {
        Value::String(text) => text.len(),
        Value::Array(items) => weight_of(items.iter()),
        Value::Object(fields) => fields.keys().map(String::len).sum::<usize>() + weight_of(fields.values()),
        _ => 0,
    };
    values.map(|value| VALUE + of(value)).sum()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn at_most_a_megabyte_or_one_event_waits_for_the_reader() {
        let waiting = Waiting::default();
        let great = Delta { text: "x".repeat(4 * MOST_BYTES), ..Delta::default() };
        assert!(waiting.has_room(weight(&great)), "one event goes, however great");
        waiting.add(weight(&great));
        assert!(!waiting.has_room(1));
        let mut room = Box::pin(waiting.room(1));
        assert!(room.as_mut().now_or_never().is_none());
        waiting.take(&Ok(StreamEvent::Delta(great)));
        assert!(room.now_or_never().is_some());
        let small = Delta { text: "x".repeat(1 << 10), ..Delta::default() };
        let mut count = 0;
        while waiting.has_room(weight(&small)) {
            waiting.add(weight(&small));
            count += 1;
        }
        assert_eq!(count, 1 << 10);
    }

    #[test]
    fn every_field_of_a_piece_counts_in_its_weight() {
        let piece = |delta: Value| weight(&serde_json::from_value(delta).unwrap());
        let text = "x".repeat(1_000);
        for fields in [
            json!({"text": text}),
            json!({"reasoning": text}),
            json!({"refusal": text}),
            json!({"thinking_block": {"data": text}}),
            json!({"annotations": [{"t": [text]}]}),
            json!({"logprobs": {"content": [0.5, text]}}),
            json!({"tool_calls": [{"index": 0, "arguments": text}]}),
            json!({"tool_calls": [{"index": 0, "extra_content": {(text): 1}}]}),
        ] {
            let mut delta = fields;
            delta["index"] = 0.into();
            assert!((1_000..1_400).contains(&piece(delta.clone())), "{delta}");
        }
    }
}
