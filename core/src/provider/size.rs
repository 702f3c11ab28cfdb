//! How much one answer may hold: far more than any that a model gives, and little enough that a hostile one harms nobody.

use serde_json::Value;

/// The most answers of one reply. The most that a vendor lets a request ask for is 128.
const MOST_CHOICES: usize = 256;

/// The most tool calls of one reply. Vendors let a request offer 128 tools.
const MOST_CALLS: usize = 4_096;

/// The most blocks of reasoning, and of the provider's own work, of one reply.
const MOST_BLOCKS: usize = 4_096;

/// The most fields of one block whose parts are joined. The greatest that is known has 8.
pub(super) const MOST_BLOCK_FIELDS: usize = 64;

/// The most JSON values of an answer beside its logprobs.
pub const MOST_VALUES: usize = 200_000;

/// The most JSON values of a request. Its texts are few values, however long they are.
pub const MOST_REQUEST_VALUES: usize = 500_000;

/// The most fields and items of a usage object, all levels together. The greatest that is known has 40.
pub(super) const MOST_COUNTS: usize = 256;

/// What is held of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// The answers.
    pub choices: usize,
    /// The tool calls.
    pub calls: usize,
    /// The blocks of reasoning and of the provider's own work.
    pub blocks: usize,
    /// The JSON values that are kept as they are.
    pub values: usize,
}

impl Holding {
    /// Adds what a value holds that is kept as it is.
    pub fn add_value(&mut self, value: &Value) {
        self.values = self.values.saturating_add(count(value));
    }

    /// Returns what is too much, with so many values at the most; nothing if all is as it may be.
    #[must_use]
    pub fn excess(&self, most_values: usize) -> Option<String> {
        let limits = [
            (self.choices, MOST_CHOICES, "choices"),
            (self.calls, MOST_CALLS, "tool calls"),
            (self.blocks, MOST_BLOCKS, "blocks"),
            (self.values, most_values, "JSON values"),
        ];
        let (_, most, what) = limits.into_iter().find(|(held, most, _)| held > most)?;
        Some(format!("it has more than {most} {what}, and was read no further"))
    }
}

/// Counts the values that a value is made of, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_error_names_which_part_of_an_answer_is_too_much() {
        let mut holding = Holding { choices: MOST_CHOICES, calls: MOST_CALLS, blocks: MOST_BLOCKS, values: 0 };
        holding.add_value(&json!({"a": [1, {"b": null}]}));
        assert_eq!(holding.values, 5);
        assert_eq!(holding.excess(5), None);
        assert!(holding.excess(4).unwrap().contains("more than 4 JSON values"));
        holding.calls += 1;
        assert!(holding.excess(5).unwrap().contains("more than 4096 tool calls"));
    }
}
