//! What stands behind a head of success: an answer, an error, a page, or something that is none of these.

use serde_json::json;

use super::answer::{Answer, Expected, Gap, UsagePlace};
use super::dress::Dress;
use super::format::Format;
use super::random::Random;
use super::spelling::spelled;
use super::usage::{Shape, Usage};

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An answer of the API, or the beginning of one.
    Answer,
    /// The provider says that it failed, and nothing of an answer.
    Error,
    /// A page for people.
    Page,
    /// No byte.
    Nothing,
    /// What no rule tells: it may be billed, or not.
    Strange,
}

/// A body, and what its writer knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) words: String,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Kind,
    /// Whether it has nothing to bill: an empty answer whose usage is zeros.
    pub(crate) may_be_free: bool,
    /// The byte behind which some of the answer was told.
    pub(crate) produced_at: Option<usize>,
    /// The byte behind which the provider has said that it failed.
    pub(crate) failed_at: Option<usize>,
    /// The byte behind which a reader has the whole answer, whatever comes then.
    pub(crate) complete_at: Option<usize>,
    /// Whether it is made of events.
    pub(crate) is_events: bool,
    /// What a reader of the whole body must have read, if that is beyond doubt.
    pub(crate) expected: Option<Expected>,
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body>It works.</body></html>\n";

impl Body {
    pub(crate) fn random(random: &mut Random, format: Format, is_streamed: bool) -> Self {
        match random.below(100) {
            0..=3 => Self::error(random, format, is_streamed),
            4..=7 => Self::page(random),
            8..=9 => Self::plain("an empty body", Some("application/json"), Vec::new(), Kind::Nothing),
            10..=12 => Self::strange(random),
            _ => Self::answer(random, format, is_streamed),
        }
    }

    fn plain(words: impl Into<String>, content_type: Option<&'static str>, bytes: Vec<u8>, kind: Kind) -> Self {
        Self {
            words: words.into(),
            content_type,
            bytes,
            kind,
            may_be_free: false,
            produced_at: None,
            failed_at: None,
            complete_at: None,
            is_events: false,
            expected: None,
        }
    }

    fn answer(random: &mut Random, format: Format, is_streamed: bool) -> Self {
        let answer = Answer::random(random);
        // Some servers answer a request for a document with events, and one for events with a document.
        if is_streamed == random.chance(92) {
            Self::events(random, format, &answer, is_streamed)
        } else {
            Self::document(random, format, &answer, is_streamed)
        }
    }

    fn document(random: &mut Random, format: Format, answer: &Answer, is_streamed: bool) -> Self {
        let mut bytes = Vec::new();
        let has_byte_order_mark = random.chance(5);
        if has_byte_order_mark {
            bytes.extend_from_slice("\u{FEFF}".as_bytes());
        }
        let document = format.whole(answer);
        bytes.extend(spelled(&if random.chance(20) { format!("{document:#}") } else { document.to_string() }));
        let complete_at = Some(bytes.len());
        if random.chance(20) {
            bytes.extend_from_slice(b"\r\n \n");
        }
        let words = format!("a document{}", if is_streamed { " where events were asked for" } else { "" });
        let mut body = Self::plain(words, Some("application/json"), bytes, Kind::Answer);
        body.complete_at = complete_at;
        body.describe(answer);
        body.expected = Some(answer.expected()).filter(|_| is_readable(answer));
        body
    }

    fn events(random: &mut Random, format: Format, answer: &Answer, is_streamed: bool) -> Self {
        let dress = Dress::random(random);
        let events = format.events(answer);
        let written = dress.write(&events, random);
        let content_type = match random.below(20) {
            0 => None,
            1 => Some("text/event-stream; charset=utf-8"),
            2 if !is_streamed => Some("application/json"),
            _ => Some("text/event-stream"),
        };
        let words = format!("{}{}", dress.words(), if is_streamed { "" } else { " where a document was asked for" });
        let mut body = Self::plain(words, content_type, written.bytes, Kind::Answer);
        body.describe(answer);
        body.is_events = true;
        body.produced_at = written.produced_at;
        body.failed_at = written.failed_at;
        if written.failed_at.is_some() {
            if written.produced_at.is_none() {
                body.kind = Kind::Error;
                // What a provider says that it used before it failed is billed.
                body.may_be_free = true;
            }
            return body;
        }
        let is_marked = format.has_mark() && answer.has_mark;
        body.complete_at = is_marked.then_some(written.last_at);
        let is_complete = format.is_complete(answer.has_finish, answer.has_mark);
        body.expected = Some(answer.expected()).filter(|_| is_complete && is_readable(answer));
        // What stands beside the reason for the end is missing with it; what Anthropic's first event counts is no last word.
        let is_counted = answer.has_finish && (format != Format::Anthropic || answer.usage_place != UsagePlace::First);
        if let Some(expected) = body.expected.as_mut().filter(|_| !is_counted) {
            expected.usage = None;
        }
        body
    }

    fn describe(&mut self, answer: &Answer) {
        let Answer { gap, usage, usage_place, call_pieces, has_finish, has_mark, finish, fails_after, .. } = answer;
        let mut parts = vec![format!("usage {:?} ({}, {}) {usage_place:?}", usage.shape, usage.input, usage.output)];
        parts.extend((*gap != Gap::None).then(|| format!("gap {gap:?}")));
        parts.extend((!answer.calls.is_empty()).then(|| format!("{} calls {call_pieces:?}", answer.calls.len())));
        parts.extend((!has_finish).then(|| "no finish".to_owned()));
        parts.extend((!has_mark).then(|| "no mark".to_owned()));
        parts.extend(answer.odd_field.is_some().then(|| "an odd field".to_owned()));
        parts.extend(fails_after.map(|count| format!("fails after {count}")));
        self.words = format!("{}: {}; finish {finish:?}", self.words, parts.join(", "));
        self.may_be_free = answer.is_empty() && usage.is_zeros();
    }

    fn error(random: &mut Random, format: Format, is_streamed: bool) -> Self {
        let status = *random.pick(&[400, 404, 429, 500, 503, 529]);
        let document = format.error(status).to_string();
        let (content_type, bytes) = if is_streamed && random.chance(60) {
            let name = if random.chance(50) { "event: error\n" } else { "" };
            (Some("text/event-stream"), format!("{name}data: {document}\n\n").into_bytes())
        } else {
            (Some("application/json"), document.into_bytes())
        };
        let mut body = Self::plain(format!("an error of {status} inside 200"), content_type, bytes, Kind::Error);
        body.failed_at = Some(body.bytes.len());
        body
    }

    fn page(random: &mut Random) -> Self {
        let content_type = *random.pick(&[Some("text/html"), Some("text/html; charset=utf-8"), None]);
        let start = *random.pick(&["", "\n  ", "\u{FEFF}", "<!-- hello -->", "<?xml version=\"1.0\"?>"]);
        Self::plain("a page", content_type, format!("{start}{PAGE}").into_bytes(), Kind::Page)
    }

    fn strange(random: &mut Random) -> Self {
        let bytes = *random.pick(&[
            &b"OK"[..],
            b"null",
            b"[]",
            b"{}",
            b"\"fine\"",
            b"{\"status\": \"ok\"}",
            b": \n\n",
            b"\xff\xfe",
        ]);
        let content_type =
            *random.pick(&[Some("application/json"), Some("text/plain"), Some("text/event-stream"), None]);
        let words = format!("something strange: {:?}", String::from_utf8_lossy(bytes));
        Self::plain(words, content_type, bytes.to_vec(), Kind::Strange)
    }

    /// Makes the plainest answer that says something and leaves no doubt.
    pub(crate) fn plainest(random: &mut Random, format: Format, is_streamed: bool) -> Self {
        let mut answer = Answer::random(random);
        answer.texts = vec!["The".to_owned(), " Rhine.".to_owned()];
        answer.reasoning.clear();
        answer.calls.clear();
        answer.usage = Usage { shape: Shape::Plain, input: 12, output: 3 };
        answer.gap = Gap::None;
        (answer.has_finish, answer.has_mark) = (true, true);
        (answer.odd_field, answer.fails_after) = (None, None);
        if is_streamed {
            Self::events(random, format, &answer, true)
        } else {
            Self::document(random, format, &answer, false)
        }
    }

    /// Makes an answer of an end point that is no chat.
    pub(crate) fn of_another_kind(random: &mut Random) -> Self {
        let document = json!({"object": "list", "data": [{"index": 0, "embedding": [0.1, 0.2]}], "model": "served",
            "usage": {"prompt_tokens": random.between(1, 9), "total_tokens": 9}});
        let bytes = document.to_string().into_bytes();
        let mut body = Self::plain("vectors", Some("application/json"), bytes, Kind::Answer);
        body.complete_at = Some(body.bytes.len());
        body
    }
}

/// Returns whether there is no doubt how an answer reads.
fn is_readable(answer: &Answer) -> bool {
    let is_deep = answer.odd_field.as_ref().is_some_and(serde_json::Value::is_array);
    answer.gap == Gap::None && !is_deep && !answer.is_empty()
}
