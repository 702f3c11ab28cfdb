//! What a model says, apart from the format in which it is said.

use serde_json::{Value, json};

use super::random::Random;
use super::spelling::{FIRST_HALF, SECOND_HALF, odd_text, read};
use super::usage::Usage;

/// A call of a tool.
#[derive(Clone, Debug)]
pub(crate) struct ToolCall {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: Value,
}

/// What is missing of an answer that has nothing to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gap {
    /// Nothing is missing.
    None,
    AnswersNull,
    AnswersAbsent,
    AnswersEmpty,
    ContentNull,
    ContentAbsent,
    ContentEmpty,
}

/// Where a stream says what it took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UsagePlace {
    /// After the reason for the end.
    Last,
    /// Beside the reason for the end.
    WithFinish,
    /// Before the first piece, whole.
    First,
    /// With every piece, growing.
    Everywhere,
    /// Whole beside the reason for the end, and less of it afterwards.
    ThenLess,
}

/// In which pieces a stream sends a call of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallPieces {
    Whole,
    Usual,
    NameLate,
    NameHalved,
    Repeated,
    NoIndex,
    ArgumentsFirst,
    /// Every call has the same number, and an id and a name of its own.
    SameIndex,
}

/// An answer, and how it is told.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) texts: Vec<String>,
    pub(crate) reasoning: Vec<String>,
    pub(crate) calls: Vec<ToolCall>,
    pub(crate) gap: Gap,
    pub(crate) usage: Usage,
    pub(crate) usage_place: UsagePlace,
    pub(crate) call_pieces: CallPieces,
    /// Whether a stream says why the answer ended.
    pub(crate) has_finish: bool,
    /// Whether a stream has its last mark, where its format has one.
    pub(crate) has_mark: bool,
    /// A word of some vendor for the end.
    pub(crate) finish: &'static str,
    /// A field that readers stumble over.
    pub(crate) odd_field: Option<Value>,
    /// An error after this many pieces, in a stream.
    pub(crate) fails_after: Option<usize>,
}

/// What a reader of a whole answer must have read.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) text: String,
    pub(crate) calls: Vec<(String, Value)>,
    pub(crate) usage: Option<(u64, u64)>,
}

const WORDS: [&str; 8] = ["The", " Rhine", " and", " the", " Elbe", " \u{4e09}\u{6761}", " run", "\nnorth."];
const ENDS: [&str; 6] = ["stop", "stop", "end_turn", "eos", "COMPLETE", "STOP"];
const CALL_ENDS: [&str; 4] = ["tool_calls", "tool_call", "stop", "tool_use"];
const PLACES: [UsagePlace; 5] =
    [UsagePlace::Last, UsagePlace::WithFinish, UsagePlace::First, UsagePlace::Everywhere, UsagePlace::ThenLess];
const GAPS: [Gap; 6] =
    [Gap::AnswersNull, Gap::AnswersAbsent, Gap::AnswersEmpty, Gap::ContentNull, Gap::ContentAbsent, Gap::ContentEmpty];
const ONE_CALL: [CallPieces; 7] = [
    CallPieces::Whole,
    CallPieces::Usual,
    CallPieces::NameLate,
    CallPieces::NameHalved,
    CallPieces::Repeated,
    CallPieces::NoIndex,
    CallPieces::ArgumentsFirst,
];

impl Answer {
    pub(crate) fn random(random: &mut Random) -> Self {
        let is_empty = random.chance(8);
        let mut texts: Vec<String> = (0..random.between(1, 8)).map(|_| (*random.pick(&WORDS)).to_owned()).collect();
        if random.chance(15) {
            let place = random.place(texts.len());
            texts[place] = odd_text(random, &texts[place]);
        }
        if random.chance(4) {
            // The halves of one character in two pieces.
            texts.push(format!(" so{FIRST_HALF}"));
            texts.push(format!("{SECOND_HALF} it"));
        }
        let calls = if is_empty || random.chance(70) { 0 } else { random.between(1, 2) };
        let calls: Vec<_> = (0..calls).map(|place| ToolCall::random(random, place)).collect();
        if is_empty || (!calls.is_empty() && random.chance(60)) {
            texts.clear();
        }
        let reasoning = if is_empty || random.chance(80) { 0 } else { random.between(1, 3) };
        Self {
            reasoning: (0..reasoning).map(|_| (*random.pick(&WORDS)).to_owned()).collect(),
            gap: if is_empty { *random.pick(&GAPS) } else { Gap::None },
            usage: Usage::random(random),
            usage_place: *random.pick(&PLACES),
            call_pieces: match calls.len() {
                2 => *random.pick(&[CallPieces::Whole, CallPieces::Usual, CallPieces::SameIndex]),
                _ => *random.pick(&ONE_CALL),
            },
            has_finish: !random.chance(8),
            has_mark: !random.chance(15),
            finish: if calls.is_empty() { *random.pick(&ENDS) } else { *random.pick(&CALL_ENDS) },
            odd_field: random.chance(8).then(|| odd_field(random)),
            fails_after: random.chance(4).then(|| random.place(texts.len() + 1)),
            texts,
            calls,
        }
    }

    /// Returns whether nothing was said.
    pub(crate) fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.reasoning.is_empty() && self.calls.is_empty()
    }

    pub(crate) fn text(&self) -> String {
        self.texts.concat()
    }

    /// Returns what must be read of it when it came whole.
    pub(crate) fn expected(&self) -> Expected {
        let calls = self.calls.iter().map(|call| (call.name.clone(), call.arguments.clone())).collect();
        Expected { text: read(&self.text()), calls, usage: self.usage.known() }
    }
}

impl ToolCall {
    fn random(random: &mut Random, place: u64) -> Self {
        let name = random.pick(&["weather", "look_up", "x"]);
        Self {
            id: format!("call_{place}{}", random.below(1_000)),
            name: format!("{name}{place}"),
            arguments: json!({"city": "Köln", "days": random.below(9)}),
        }
    }
}

fn odd_field(random: &mut Random) -> Value {
    if random.chance(60) {
        return json!({"content": [{"token": "a", "logprob": super::spelling::odd_number(random)}]});
    }
    if random.chance(20) {
        return json!([super::spelling::DEEP]);
    }
    let depth = random.between(60, 400);
    (0..depth).fold(json!(1), |inner, _| json!([inner]))
}
