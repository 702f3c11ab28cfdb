//! Scripts: replies that are played in order. Plain data; the same shape in Rust and in JSON.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A named list of replies, played in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The replies; at least one, unless `then` is `automatic`.
    pub replies: Vec<Reply>,
    /// What comes after the last reply.
    #[serde(default)]
    pub then: Then,
}

/// What a script plays after its last reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The last reply again.
    #[default]
    RepeatLast,
    /// All replies again, from the first.
    Cycle,
    /// Automatic replies.
    Automatic,
}

/// One reply. At most one of `body`, `body_base64`, `body_file`, `events` and `automatic` says what it contains; with none
/// of them the body is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    /// The status; 200 where absent. An automatic reply with 400 or more is an error body of the path's wire format.
    pub status: Option<u16>,
    /// Headers to add; they replace the reply's own of the same name.
    pub headers: BTreeMap<String, String>,
    /// The body: a JSON string is sent as text, every other value as JSON.
    pub body: Option<Value>,
    /// The body, in base64.
    pub body_base64: Option<String>,
    /// The file that holds the body; it is read when the script is registered.
    pub body_file: Option<PathBuf>,
    /// Server-sent events: a string is sent as the event's data as it is, an object with `event` and `data` as a named
    /// event, every other value as JSON data.
    pub events: Option<Vec<Value>>,
    /// How lines of `events` end.
    pub framing: Framing,
    /// Makes the reply from the request, as a path without a script does.
    pub automatic: bool,
    /// Automatic replies only: the text to say.
    pub text: Option<String>,
    /// Automatic replies only: the usage object to report, in the wire format's own words.
    pub usage: Option<Value>,
    /// Automatic replies only: report no usage at all.
    pub omit_usage: bool,
    /// Automatic streams only: send an error event of the wire format after this many events, and end.
    pub error_after_events: Option<usize>,
    /// Splits the body into pieces of this many bytes, each sent as an HTTP chunk.
    pub chunk_bytes: Option<usize>,
    /// The wait before the head, in milliseconds.
    pub delay_ms: u64,
    /// The wait between two pieces of the body, in milliseconds.
    pub chunk_delay_ms: u64,
    /// How the reply goes wrong.
    pub fault: Option<Fault>,
}

/// How the lines of server-sent events end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Framing {
    /// A line feed.
    #[default]
    Lf,
    /// A carriage return and a line feed.
    Crlf,
}

/// How a reply goes wrong. In JSON the first three are strings, the others objects such as `{"reset_after_bytes": 10}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The head never comes.
    Hang,
    /// The head comes, and then nothing.
    HangAfterHead,
    /// The connection is reset before the head.
    Reset,
    /// The body falls silent after so many bytes.
    HangAfterBytes(usize),
    /// The connection is reset after so many bytes of the body.
    ResetAfterBytes(usize),
    /// The body ends after so many bytes, as if that were all: HTTP itself reports no error.
    TruncateAfterBytes(usize),
    /// The connection is closed after so many bytes of the body, so that HTTP sees an incomplete message.
    CloseAfterBytes(usize),
}

impl Script {
    /// Makes a script that plays the replies and then repeats the last one.
    #[must_use]
    pub fn new(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self { replies: replies.into_iter().collect(), then: Then::RepeatLast }
    }

    /// Sets what comes after the last reply.
    #[must_use]
    pub fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }
}

impl From<Reply> for Script {
    fn from(reply: Reply) -> Self {
        Self::new([reply])
    }
}

impl Reply {
    /// Makes a reply from the request, as a path without a script does.
    #[must_use]
    pub fn automatic() -> Self {
        Self { automatic: true, ..Self::default() }
    }

    /// Makes an automatic reply that says a text.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::automatic() }
    }

    /// Makes a reply with a JSON body.
    #[must_use]
    pub fn json(body: Value) -> Self {
        // A bare string would be sent as text, so it is quoted here.
        let body = if body.is_string() { Value::String(body.to_string()) } else { body };
        Self { body: Some(body), ..Self::default() }.header("content-type", "application/json")
    }

    /// Makes a reply that streams events.
    #[must_use]
    pub fn events(events: impl IntoIterator<Item = Value>) -> Self {
        Self { events: Some(events.into_iter().collect()), ..Self::default() }
    }

    /// Makes an error reply in the path's wire format.
    #[must_use]
    pub fn error(status: u16) -> Self {
        Self { status: Some(status), ..Self::automatic() }
    }

    /// Makes a 429 reply that asks to wait so many seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u64) -> Self {
        Self::error(429).header("retry-after", retry_after.to_string())
    }

    /// Makes the reply of a provider that is overloaded, with Anthropic's status 529.
    #[must_use]
    pub fn overloaded_529() -> Self {
        Self::error(529)
    }

    /// Makes a 500 reply.
    #[must_use]
    pub fn server_error() -> Self {
        Self::error(500)
    }

    /// Makes the reply to a wrong API key.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::error(401)
    }

    /// Makes the 429 reply of an account without money, in OpenAI's words: waiting does not help.
    #[must_use]
    pub fn insufficient_quota() -> Self {
        Self {
            status: Some(429),
            ..Self::json(json!({"error": {
                "message": "The account has no credit left.",
                "type": "insufficient_quota", "param": null, "code": "insufficient_quota",
            }}))
        }
    }

    /// Makes the reply to a prompt that is too long, in OpenAI's words.
    #[must_use]
    pub fn context_length_exceeded() -> Self {
        Self {
            status: Some(400),
            ..Self::json(json!({"error": {
                "message": "The messages are longer than the context of the model.",
                "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
            }}))
        }
    }

    /// Makes a reply with status 200 whose JSON breaks off.
    #[must_use]
    pub fn malformed_json() -> Self {
        Self { body: Some(Value::from(r#"{"id": "mock-1", "choices": [{"index": 0, "#)), ..Self::default() }
            .header("content-type", "application/json")
    }

    /// Makes an automatic reply that reports no usage.
    #[must_use]
    pub fn without_usage() -> Self {
        Self { omit_usage: true, ..Self::automatic() }
    }

    /// Sets the status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Adds a header, or replaces one.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// Sets the usage object that an automatic reply reports, in the wire format's own words.
    #[must_use]
    pub fn usage(self, usage: Value) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Makes an automatic stream end with an error event after so many events.
    #[must_use]
    pub fn error_after_events(self, count: usize) -> Self {
        Self { error_after_events: Some(count), ..self }
    }

    /// Sets how the reply goes wrong.
    #[must_use]
    pub fn fault(self, fault: Fault) -> Self {
        Self { fault: Some(fault), ..self }
    }

    /// Sets the wait before the head; parts of a millisecond are dropped.
    #[must_use]
    pub fn delay(self, delay: Duration) -> Self {
        Self { delay_ms: milliseconds(delay), ..self }
    }

    /// Sets the wait between two pieces of the body; parts of a millisecond are dropped.
    #[must_use]
    pub fn chunk_delay(self, delay: Duration) -> Self {
        Self { chunk_delay_ms: milliseconds(delay), ..self }
    }

    /// Splits the body into pieces of so many bytes.
    #[must_use]
    pub fn chunk_bytes(self, size: usize) -> Self {
        Self { chunk_bytes: Some(size), ..self }
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
