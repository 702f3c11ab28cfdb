//! Automatic replies: what is said, and which wire format renders it.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::Value;

use crate::prompt::{Format, Prompt};
use crate::{anthropic, gemini, openai, schema};

const FILLER: [&str; 12] =
    ["rivers", "carry", "water", "from", "the", "hills", "down", "to", "the", "sea", "every", "day"];

/// What the model says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Words, each with the space before it.
    Words(Vec<String>),
    /// A call of a tool with arguments as JSON text.
    ToolCall { name: String, arguments: Value },
}

/// Everything that a wire format needs to render a reply.
pub(crate) struct Draft<'reply> {
    pub(crate) id: String,
    pub(crate) prompt: &'reply Prompt,
    pub(crate) answer: Answer,
    /// Whether the limit cut the answer.
    pub(crate) cut: bool,
    pub(crate) output_tokens: u64,
    pub(crate) usage: Usage<'reply>,
}

/// The usage to report.
#[derive(Clone, Copy)]
pub(crate) enum Usage<'reply> {
    Counted,
    Omitted,
    Stated(&'reply Value),
}

impl Usage<'_> {
    /// Returns the usage object, given the one that the counts make.
    pub(crate) fn or_counted(self, counted: impl FnOnce() -> Value) -> Option<Value> {
        match self {
            Self::Counted => Some(counted()),
            Self::Omitted => None,
            Self::Stated(usage) => Some(usage.clone()),
        }
    }
}

/// What a script changes about an automatic reply.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Overrides {
    pub(crate) status: Option<u16>,
    pub(crate) text: Option<String>,
    pub(crate) usage: Option<Value>,
    pub(crate) omit_usage: bool,
    pub(crate) error_after_events: Option<usize>,
}

/// A reply that is ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    /// The body's pieces: one for a whole reply, one per event for a stream.
    pub(crate) pieces: Arc<[Bytes]>,
    pub(crate) stream: bool,
}

impl Rendered {
    pub(crate) fn json(body: &Value) -> Self {
        let pieces = [Bytes::from(body.to_string())].into();
        Self { status: 200, content_type: "application/json", pieces, stream: false }
    }

    pub(crate) fn events(events: Vec<Bytes>) -> Self {
        Self { status: 200, content_type: "text/event-stream", pieces: events.into(), stream: true }
    }
}

/// Replies that were rendered before, by request. A benchmark sends one request many times.
#[derive(Default)]
pub(crate) struct Automatic {
    rendered: Mutex<HashMap<(Format, String, Bytes), Rendered>>,
}

impl Automatic {
    const CAPACITY: usize = 256;

    /// Returns the reply to a request.
    pub(crate) fn reply(&self, format: Format, path: &str, body: &Bytes) -> Rendered {
        let key = (format, path.to_owned(), body.clone());
        if let Some(rendered) = self.rendered.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return rendered.clone();
        }
        let rendered = render(format, path, body, &Overrides::default());
        let mut cache = self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= Self::CAPACITY {
            cache.clear();
        }
        cache.insert(key, rendered.clone());
        rendered
    }
}

/// Renders the reply to a request with what a script changes about it.
pub(crate) fn render(format: Format, path: &str, body: &[u8], overrides: &Overrides) -> Rendered {
    if let Some(status) = overrides.status.filter(|status| *status >= 400) {
        return Rendered { status, ..Rendered::json(&error_body(format, status)) };
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else {
        return Rendered { status: 400, ..Rendered::json(&error_body(format, 400)) };
    };
    let prompt = Prompt::read(format, path, &body);
    let (answer, cut, output_tokens) = compose(&prompt, overrides.text.as_deref());
    let usage = match &overrides.usage {
        _ if overrides.omit_usage => Usage::Omitted,
        Some(usage) => Usage::Stated(usage),
        None => Usage::Counted,
    };
    let mut hasher = DefaultHasher::new();
    body.to_string().hash(&mut hasher);
    let draft = Draft { id: format!("{:016x}", hasher.finish()), prompt: &prompt, answer, cut, output_tokens, usage };
    let mut rendered = match format {
        Format::OpenAiChat => openai::render(&draft),
        Format::Anthropic => anthropic::render(&draft),
        Format::Gemini | Format::GeminiEvents | Format::GeminiArray => gemini::render(&draft, format),
    };
    if let Some(status) = overrides.status {
        rendered.status = status;
    }
    if let Some(count) = overrides.error_after_events.filter(|_| rendered.stream) {
        let error = error_event(format, &error_body(format, 529), count == 0);
        rendered.pieces = rendered.pieces.iter().take(count).cloned().chain([error]).collect();
    }
    rendered
}

fn compose(prompt: &Prompt, text: Option<&str>) -> (Answer, bool, u64) {
    if let Some(tool) = prompt.tool.as_ref().filter(|_| prompt.last_user_text.contains("use the tool")) {
        let arguments = schema::example(&tool.parameters);
        let tokens = 1 + arguments.to_string().split_whitespace().count();
        return (Answer::ToolCall { name: tool.name.clone(), arguments }, false, tokens as u64);
    }
    let mut words: Vec<String> = match (text, &prompt.json, word_count(&prompt.model)) {
        (Some(text), _, _) => spaced(text.split_whitespace()),
        (None, Some(schema), _) => vec![schema::example(schema).to_string()],
        (None, None, Some(count)) => spaced(FILLER.into_iter().cycle().take(count)),
        (None, None, None) if prompt.last_user_text.trim().is_empty() => spaced(["You", "said", "nothing."]),
        (None, None, None) => spaced(["You", "said:"].into_iter().chain(prompt.last_user_text.split_whitespace())),
    };
    let limit = prompt.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let cut = words.len() > limit;
    words.truncate(limit);
    let tokens = words.len() as u64;
    (Answer::Words(words), cut, tokens)
}

/// Returns the number in a model name such as `mock-words-50`.
fn word_count(model: &str) -> Option<usize> {
    const MOST: usize = 1_000_000;
    let (_, number) = model.split_once("mock-words-")?;
    let digits = number.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok().map(|count: usize| count.min(MOST))
}

fn spaced<'word>(words: impl IntoIterator<Item = &'word str>) -> Vec<String> {
    words
        .into_iter()
        .enumerate()
        .map(|(place, word)| if place == 0 { word.to_owned() } else { format!(" {word}") })
        .collect()
}

/// Returns the body of an error in a wire format.
pub(crate) fn error_body(format: Format, status: u16) -> Value {
    match format {
        Format::OpenAiChat => openai::error(status),
        Format::Anthropic => anthropic::error(status),
        Format::Gemini | Format::GeminiEvents | Format::GeminiArray => gemini::error(status),
    }
}

fn error_event(format: Format, data: &Value, first: bool) -> Bytes {
    match format {
        Format::Anthropic => Bytes::from(format!("event: error\ndata: {data}\n\n")),
        Format::GeminiEvents => Bytes::from(format!("data: {data}\r\n\r\n")),
        Format::GeminiArray => Bytes::from(format!("{}{data}]", if first { "[" } else { ",\r\n" })),
        Format::OpenAiChat | Format::Gemini => Bytes::from(format!("data: {data}\n\n")),
    }
}
