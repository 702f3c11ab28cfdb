//! What a provider says that an answer took, in every shape that was seen.

use serde_json::{Map, Value, json};

use super::random::Random;

/// A shape of usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Texts,
    StatedCost,
    Absent,
    Null,
    Zeros,
    InputZero,
    OutputZero,
    InputAbsent,
    OutputAbsent,
    SidesNull,
    TotalMore,
    TotalLess,
    Huge,
    OutputHuge,
    AboveBound,
    Negative,
    Fractions,
    NoObject,
}

const ODD: [Shape; 18] = [
    Shape::Texts,
    Shape::StatedCost,
    Shape::Absent,
    Shape::Null,
    Shape::Zeros,
    Shape::InputZero,
    Shape::OutputZero,
    Shape::InputAbsent,
    Shape::OutputAbsent,
    Shape::SidesNull,
    Shape::TotalMore,
    Shape::TotalLess,
    Shape::Huge,
    Shape::OutputHuge,
    Shape::AboveBound,
    Shape::Negative,
    Shape::Fractions,
    Shape::NoObject,
];

/// The names of the counts in a format.
pub(crate) struct Names {
    pub(crate) input: &'static str,
    pub(crate) output: &'static str,
    /// Absent where the format has no total.
    pub(crate) total: Option<&'static str>,
}

/// What a provider says of the tokens of one answer.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pub(crate) shape: Shape,
    pub(crate) input: u64,
    pub(crate) output: u64,
}

impl Usage {
    pub(crate) fn random(random: &mut Random) -> Self {
        let shape = if random.chance(50) { Shape::Plain } else { *random.pick(&ODD) };
        Self { shape, input: random.between(2, 40), output: random.between(1, 12) }
    }

    /// Returns the counts that a record must have, where the shape leaves no doubt.
    pub(crate) fn known(&self) -> Option<(u64, u64)> {
        matches!(self.shape, Shape::Plain | Shape::StatedCost).then_some((self.input, self.output))
    }

    /// Returns whether it says that nothing was used.
    pub(crate) fn is_zeros(&self) -> bool {
        self.shape == Shape::Zeros
    }

    /// Writes the whole usage; nothing where the field is absent.
    pub(crate) fn whole(&self, names: &Names) -> Option<Value> {
        let (input, output, total) = match self.shape {
            Shape::Absent => return None,
            Shape::Null => return Some(Value::Null),
            Shape::NoObject => return Some(json!("12 tokens")),
            _ => self.sides(),
        };
        let mut usage = Map::new();
        let fields = [(Some(names.input), input), (Some(names.output), output), (names.total, total)];
        for (name, value) in fields {
            if let (Some(name), Some(value)) = (name, value) {
                usage.insert(name.to_owned(), value);
            }
        }
        if self.shape == Shape::StatedCost {
            usage.insert("cost".to_owned(), json!(0.0123));
        }
        Some(Value::Object(usage))
    }

    /// Returns a snapshot of the same shape at an earlier time, of which less is counted.
    pub(crate) fn earlier(&self) -> Self {
        Self { shape: self.shape, input: self.input, output: self.output.div_ceil(2) }
    }

    fn sides(&self) -> (Option<Value>, Option<Value>, Option<Value>) {
        let (input, output) = (self.input, self.output);
        let counts = |input: i64, output: i64| {
            let total = input.saturating_add(output);
            (Some(Value::from(input)), Some(Value::from(output)), Some(Value::from(total)))
        };
        let (signed_input, signed_output) = (i64::try_from(input).unwrap_or(0), i64::try_from(output).unwrap_or(0));
        let huge = 1_000_000_000_000_000_000;
        match self.shape {
            Shape::Texts => (Some(json!(input.to_string())), Some(json!(output.to_string())), None),
            Shape::Zeros => counts(0, 0),
            Shape::InputZero => counts(0, signed_output),
            Shape::OutputZero => counts(signed_input, 0),
            Shape::InputAbsent => (None, Some(json!(output)), None),
            Shape::OutputAbsent => (Some(json!(input)), None, None),
            Shape::SidesNull => (Some(Value::Null), Some(Value::Null), Some(Value::Null)),
            Shape::TotalMore => (Some(json!(input)), Some(json!(output)), Some(json!(input + output + 7))),
            Shape::TotalLess => (Some(json!(input)), Some(json!(output)), Some(json!(output))),
            Shape::Huge => counts(huge, huge),
            Shape::OutputHuge => counts(signed_input, huge),
            Shape::AboveBound => counts(5_000_000, 3_000_000),
            Shape::Negative => counts(-signed_input, signed_output),
            Shape::Fractions => (Some(json!(7.5)), Some(json!(3.0)), Some(json!(1e3))),
            _ => counts(signed_input, signed_output),
        }
    }
}
