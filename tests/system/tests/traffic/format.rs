//! The wire formats, as siblings: each writes an answer whole, as events, and an error.

use serde_json::Value;

use super::answer::Answer;
use super::{anthropic, gemini, openai};

/// A wire format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Format {
    OpenAi,
    Anthropic,
    Gemini,
}

/// One event of a stream, with stand-ins for odd spellings.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) name: Option<&'static str>,
    pub(crate) data: String,
    /// Whether a piece of the answer is in it.
    pub(crate) is_content: bool,
    /// Whether it says that the provider failed.
    pub(crate) is_error: bool,
}

impl Event {
    pub(crate) fn new(name: Option<&'static str>, data: &Value) -> Self {
        Self { name, data: data.to_string(), is_content: false, is_error: false }
    }

    /// Makes the mark that ends a stream of OpenAI's.
    pub(crate) fn done() -> Self {
        Self { name: None, data: "[DONE]".to_owned(), is_content: false, is_error: false }
    }

    pub(crate) fn failed(mut self) -> Self {
        self.is_error = true;
        self
    }

    pub(crate) fn content(mut self) -> Self {
        self.is_content = true;
        self
    }
}

impl Format {
    pub(crate) const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// Returns the name of the provider whose own format it is.
    pub(crate) const fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// Returns the format of a provider.
    pub(crate) fn of(provider: &str) -> Self {
        Self::ALL.into_iter().find(|format| format.provider() == provider).unwrap_or(Self::OpenAi)
    }

    /// Returns the version that addresses of the format have.
    pub(crate) const fn version(self) -> &'static str {
        if matches!(self, Self::Gemini) { "v1beta" } else { "v1" }
    }

    pub(crate) fn whole(self, answer: &Answer) -> Value {
        match self {
            Self::OpenAi => openai::whole(answer),
            Self::Anthropic => anthropic::whole(answer),
            Self::Gemini => gemini::whole(answer),
        }
    }

    pub(crate) fn events(self, answer: &Answer) -> Vec<Event> {
        match self {
            Self::OpenAi => openai::events(answer),
            Self::Anthropic => anthropic::events(answer),
            Self::Gemini => gemini::events(answer),
        }
    }

    /// Writes an error as the format's vendor does, for a status.
    pub(crate) fn error(self, status: u16) -> Value {
        match self {
            Self::OpenAi => openai::error(status),
            Self::Anthropic => anthropic::error(status),
            Self::Gemini => gemini::error(status),
        }
    }

    /// Returns whether a stream of the format that ends in order after its last event is complete.
    pub(crate) const fn is_complete(self, has_finish: bool, has_mark: bool) -> bool {
        match self {
            Self::OpenAi => has_finish || has_mark,
            Self::Anthropic => has_finish && has_mark,
            Self::Gemini => has_finish,
        }
    }

    /// Returns whether readers know by the stream itself that nothing more comes.
    pub(crate) const fn has_mark(self) -> bool {
        !matches!(self, Self::Gemini)
    }
}
