//! Snapshots of usage: a stream states its usage as often as it likes, and the greatest of each count is meant.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::json::exact_decimal;
use super::size::MOST_COUNTS;

/// What a format's total is the sum of.
#[derive(Clone, Copy)]
pub(super) struct Sum {
    /// The counts on both sides of the sum, and the total itself.
    pub(super) counts: &'static [&'static str],
    /// Returns the total of a usage whose own counts on both sides make it.
    pub(super) whole: fn(&Value) -> Option<u64>,
    /// Whether tokens move between the counts while the total grows: each greater total then corrects what was before it.
    pub(super) moves: bool,
}

/// The usage objects of one stream, joined field by field. Counts are cumulative, so none of them ever shrinks, but for one
/// case: what is counted before the answer is a guess, and the first snapshot whose own counts make its own total corrects it; where
/// tokens move between the counts, so does each later one with no less a total.
#[derive(Clone)]
pub(super) struct UsageSnapshots {
    joined: Map<String, Value>,
    cost: Option<Decimal>,
    sum: Option<Sum>,
    /// The greatest total of a snapshot whose counts make it.
    total: Option<u64>,
    /// How many more fields and items are kept.
    room: usize,
}

impl UsageSnapshots {
    /// Starts a stream of a format without a total.
    pub(super) fn new() -> Self {
        Self { joined: Map::new(), cost: None, sum: None, total: None, room: MOST_COUNTS }
    }

    /// Starts a stream of a format whose total is the sum of counts.
    pub(super) fn of(sum: Sum) -> Self {
        Self { sum: Some(sum), ..Self::new() }
    }

    /// Joins one more usage object; anything else says nothing.
    pub(super) fn add(&mut self, usage: &Value) {
        let Some(later) = usage.as_object() else { return };
        if let Some((sum, total)) = self.sum.and_then(|sum| Some((sum, (sum.whole)(usage)?)))
            && self.total.is_none_or(|known| sum.moves && total >= known)
        {
            self.total = Some(total);
            sum.counts.iter().for_each(|count| self.forget(count));
        }
        join_objects(&mut self.joined, later, &mut self.room);
    }

    /// Keeps a cost that the provider stated, if it is the greatest so far.
    pub(super) fn add_cost(&mut self, cost: Option<Decimal>) {
        self.cost = self.cost.max(cost);
    }

    /// Forgets a field, whose value turned out to be a placeholder.
    pub(super) fn forget(&mut self, key: &str) {
        self.joined.remove(key);
    }

    /// Returns the joined usage; nothing if none came.
    pub(super) fn joined(&self) -> Option<Value> {
        (!self.joined.is_empty()).then(|| Value::Object(self.joined.clone()))
    }

    /// Returns the greatest cost that the provider stated.
    pub(super) const fn cost(&self) -> Option<Decimal> {
        self.cost
    }
}

fn join_objects(known: &mut Map<String, Value>, later: &Map<String, Value>, room: &mut usize) {
    for (key, value) in later.iter().filter(|(_, value)| !value.is_null()).take(MOST_COUNTS) {
        match known.get_mut(key) {
            Some(known) => join(known, value, room),
            None => {
                if let Some(value) = fitting(value, room) {
                    known.insert(key.clone(), value);
                }
            }
        }
    }
}

/// Copies a value as far as there is room for it and what is in it; nothing if there is none.
fn fitting(value: &Value, room: &mut usize) -> Option<Value> {
    *room = room.checked_sub(1)?;
    Some(match value {
        Value::Array(items) => items.iter().map_while(|item| fitting(item, room)).collect(),
        Value::Object(fields) => {
            let fitting = fields.iter().map_while(|(key, value)| Some((key.clone(), fitting(value, room)?)));
            Value::Object(fitting.collect())
        }
        value => value.clone(),
    })
}

/// Joins a later value to a known one. A value of another kind replaces only what counts nothing.
fn join(known: &mut Value, later: &Value, room: &mut usize) {
    match (&mut *known, later) {
        (Value::Object(known), Value::Object(later)) => join_objects(known, later, room),
        (Value::Array(known), Value::Array(later)) => join_arrays(known, later, room),
        (_, Value::Null) | (Value::Object(_) | Value::Array(_), _) => {}
        (_, Value::Object(_) | Value::Array(_)) => {
            if let Some(later) = fitting(later, room) {
                *known = later;
            }
        }
        _ => match (is_number(known), is_number(later)) {
            (true, true) => {
                if is_less(known, later) {
                    known.clone_from(later);
                }
            }
            (true, false) => {}
            (false, _) => known.clone_from(later),
        },
    }
}

/// Joins the items of arrays: those of one modality, or else those of one place.
fn join_arrays(known: &mut Vec<Value>, later: &[Value], room: &mut usize) {
    for (place, item) in later.iter().enumerate().take(MOST_COUNTS) {
        let modality = item.get("modality").filter(|modality| !modality.is_null());
        let matching = match modality {
            Some(_) => known.iter().position(|known| known.get("modality") == modality),
            None => Some(place).filter(|place| *place < known.len()),
        };
        match matching.and_then(|place| known.get_mut(place)) {
            Some(known) => join(known, item, room),
            None => known.extend(fitting(item, room)),
        }
    }
}

/// Returns whether a value is a number, or a text that holds one.
fn is_number(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| text.trim().parse::<f64>().is_ok_and(f64::is_finite))
}

fn is_less(known: &Value, later: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    let (known, later) = (text(known), text(later));
    match (exact_decimal(&known), exact_decimal(&later)) {
        (Some(known), Some(later)) => known < later,
        _ => known.parse::<f64>().ok().partial_cmp(&later.parse::<f64>().ok()) == Some(Ordering::Less),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn joined(snapshots: &[Value]) -> Value {
        let mut usage = UsageSnapshots::new();
        for snapshot in snapshots {
            usage.add(snapshot);
        }
        usage.joined().unwrap_or(Value::Null)
    }

    #[test]
    fn a_field_that_is_absent_null_or_smaller_later_keeps_its_greatest_value() {
        for later in [json!({}), json!({"a": null}), json!({"a": 0}), json!({"a": 4}), json!({"a": "3"}), json!("x")] {
            assert_eq!(joined(&[json!({"a": 5}), later.clone()]), json!({"a": 5}), "{later}");
        }
        assert_eq!(joined(&[json!({"a": 5}), json!({"a": 7})]), json!({"a": 7}));
        assert_eq!(joined(&[json!({"a": null}), json!({"a": 7})]), json!({"a": 7}));
    }

    #[test]
    fn strings_that_hold_numbers_count_as_numbers() {
        assert_eq!(joined(&[json!({"a": "9"}), json!({"a": "10"})]), json!({"a": "10"}));
        assert_eq!(joined(&[json!({"a": "12.0"}), json!({"a": 11})]), json!({"a": "12.0"}));
        assert_eq!(joined(&[json!({"a": "x"}), json!({"a": 11})]), json!({"a": 11}));
        assert_eq!(joined(&[json!({"a": 11}), json!({"a": "x"})]), json!({"a": 11}));
        assert_eq!(joined(&[json!({"tier": "a"}), json!({"tier": "b"})]), json!({"tier": "b"}));
    }

    #[test]
    fn objects_are_joined_within_and_arrays_by_modality_or_by_place() {
        let earlier = json!({"d": {"cached": 9, "audio": 1}, "m": [{"modality": "TEXT", "n": 5}], "i": [{"n": 1}]});
        let later = json!({
            "d": {"audio": 2},
            "m": [{"modality": "IMAGE", "n": 3}, {"modality": "TEXT", "n": 4}],
            "i": [{"n": 2}, {"n": 3}],
        });
        let all = json!({
            "d": {"cached": 9, "audio": 2},
            "m": [{"modality": "TEXT", "n": 5}, {"modality": "IMAGE", "n": 3}],
            "i": [{"n": 2}, {"n": 3}],
        });
        assert_eq!(joined(&[earlier, later]), all);
    }

    #[test]
    fn a_snapshot_that_makes_its_own_total_corrects_a_guess_and_never_a_greater_total() {
        let whole = |usage: &Value| {
            let count = |key: &str| usage[key].as_u64().filter(|count| *count > 0);
            count("t").filter(|total| count("i").zip(count("o")).is_some_and(|(i, o)| i + o == *total))
        };
        for (snapshots, all) in [
            (vec![json!({"i": 78, "t": 78}), json!({"i": 33, "o": 12, "t": 45})], json!({"i": 33, "o": 12, "t": 45})),
            (
                vec![json!({"i": 10, "o": 5, "t": 15, "c": 9}), json!({"i": 10, "o": 6, "t": 16})],
                json!({"i": 10, "o": 6, "t": 16, "c": 9}),
            ),
            (
                vec![json!({"i": 100, "o": 50, "t": 150}), json!({"i": 100, "o": 10, "t": 110})],
                json!({"i": 100, "o": 50, "t": 150}),
            ),
            (
                vec![json!({"i": 10, "o": 5, "t": 15}), json!({"i": 0, "o": 0, "t": 0})],
                json!({"i": 10, "o": 5, "t": 15}),
            ),
            (vec![json!({"i": 10, "o": 5, "t": 15}), json!({"i": 10, "t": 15})], json!({"i": 10, "o": 5, "t": 15})),
        ] {
            let mut usage = UsageSnapshots::of(Sum { counts: &["i", "o", "t"], whole, moves: false });
            for snapshot in &snapshots {
                usage.add(snapshot);
            }
            assert_eq!(usage.joined(), Some(all));
        }
        for (moves, input) in [(false, 100), (true, 50)] {
            let mut usage = UsageSnapshots::of(Sum { counts: &["i", "o", "t"], whole, moves });
            usage.add(&json!({"i": 100, "o": 5, "t": 105}));
            usage.add(&json!({"i": 50, "o": 60, "t": 110}));
            assert_eq!(usage.joined(), Some(json!({"i": input, "o": 60, "t": 110})));
        }
    }

    #[test]
    fn no_more_is_kept_than_a_usage_has() {
        let mut usage = UsageSnapshots::new();
        for number in 0..10_000 {
            usage.add(&json!({"n": number, format!("key {number}"): 1, "list": [{"modality": number.to_string(), "of": {"a": [0]}}]}));
        }
        let joined = usage.joined().unwrap();
        assert_eq!(joined["n"], 9_999);
        assert!(joined.as_object().unwrap().len() <= MOST_COUNTS);
        assert!(joined.to_string().len() < 100 * MOST_COUNTS);
        let mut usage = UsageSnapshots::new();
        usage.add(&json!({"n": 7, "list": vec![json!({"modality": "x"}); 100_000]}));
        assert_eq!(usage.joined().unwrap()["n"], 7);
        assert!(usage.joined().unwrap()["list"].as_array().unwrap().len() <= MOST_COUNTS);
    }

    #[test]
    fn a_forgotten_count_may_become_smaller() {
        let mut usage = UsageSnapshots::new();
        usage.add(&json!({"output": 8}));
        usage.forget("output");
        usage.add(&json!({"output": 4}));
        assert_eq!(usage.joined(), Some(json!({"output": 4})));
    }

    #[test]
    fn the_greatest_cost_is_kept() {
        let mut usage = UsageSnapshots::new();
        for cost in [None, Some(Decimal::TWO), Some(Decimal::ONE), None] {
            usage.add_cost(cost);
        }
        assert_eq!(usage.cost(), Some(Decimal::TWO));
    }

    proptest! {
        #[test]
        fn the_order_of_snapshots_changes_no_count(counts in prop::collection::vec(prop::option::of(0_u64..1_000), 1..8)) {
            let snapshots: Vec<Value> = counts.iter().map(|count| json!({"n": count})).collect();
            let greatest = counts.iter().flatten().max().copied();
            prop_assert_eq!(joined(&snapshots).get("n").and_then(Value::as_u64), greatest);
        }
    }
}
