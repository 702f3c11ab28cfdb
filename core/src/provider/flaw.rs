//! What is wrong with an answer of a status of success, and whether it can have cost anything.

use super::document::{self, Document};
use super::failure::unreadable;
use super::{ResponseHead, Target};
use crate::types::{Completion, Error, ErrorKind, ReportedUsage};

/// Whether a model worked for what cannot be read as an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// It did not: the provider says that it failed, or what answered is no model's provider.
    None,
    /// It may have: something was produced.
    Possible,
}

/// What is wrong with an answer of a status of success.
#[derive(Clone, Debug)]
pub struct Flaw {
    /// The error that the caller gets.
    pub error: Error,
    /// Whether a model worked.
    pub work: Work,
    /// What the provider says was consumed all the same.
    pub usage: Option<Box<ReportedUsage>>,
    /// What a model made before it failed.
    pub answer: Option<Box<Completion>>,
}

impl Flaw {
    /// Makes the flaw of an answer in which the provider says that it failed.
    pub(super) fn stated(error: Error, usage: Option<ReportedUsage>) -> Self {
        Self { error, work: Work::None, usage: usage.map(Box::new), answer: None }
    }

    /// Adds what stands beside a failure, if a model made any of it.
    pub(super) fn with_answer(self, answer: Completion) -> Self {
        let has_content = answer.choices.iter().any(|choice| choice.message.has_content());
        Self { answer: has_content.then(|| Box::new(answer)), ..self }
    }

    /// Makes the flaw of an answer that cannot be read.
    #[must_use]
    pub fn unreadable(target: &Target<'_>, head: &ResponseHead, problem: &str) -> Self {
        Self { error: unreadable(target, head, problem), work: Work::Possible, usage: None, answer: None }
    }

    /// Reads the document that a whole answer is; `marks` are the fields by which one in an envelope is known.
    pub(super) fn read<'a>(
        target: &Target<'_>,
        head: &ResponseHead,
        body: &'a [u8],
        marks: &[&str],
    ) -> Result<Document<'a>, Self> {
        document::read(body).map(|document| document.opened(marks)).map_err(|problem| {
            let first = body.iter().find(|byte| !byte.is_ascii_whitespace() && byte.is_ascii());
            if first.is_some_and(|first| is_foreign(head, *first)) {
                return Self::foreign(target, head, body);
            }
            Self::unreadable(target, head, &format!("its body is no complete JSON ({problem})"))
        })
    }

    /// Makes the flaw of a document without an answer. One that has none of the fields of which every answer of its format has
    /// one was not written by a model's provider.
    pub(super) fn without_answer(
        target: &Target<'_>,
        head: &ResponseHead,
        document: &Document<'_>,
        fields: &[&str],
        problem: &str,
    ) -> Self {
        if fields.iter().any(|name| document.value.get(name).is_some()) {
            return Self::unreadable(target, head, problem);
        }
        Self::foreign(target, head, &document.text)
    }

    /// Makes the flaw of an answer that is none of the API's, such as a web page. The same request would be answered the
    /// same way.
    #[must_use]
    pub fn foreign(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Self {
        let what = if body.trim_ascii_start().starts_with(b"<") || says_page(head) {
            "a web page (HTML)"
        } else {
            "a body that is no answer of the API"
        };
        let detail = format!(
            "{} answered with {what} and status {}: check base_url, whose path may lack a version such as /v1",
            target.provider, head.status
        );
        let error = Error::new(ErrorKind::ProviderUnavailable, detail)
            .with_target(target.provider, target.model)
            .with_status(head.status)
            .with_retryable(Some(false));
        Self { error, work: Work::None, usage: None, answer: None }
    }
}

/// Returns whether a body that begins with a byte is none of the API's, whatever the format: those are JSON, or events, whose
/// lines begin with a field or a colon.
#[must_use]
pub fn is_foreign(head: &ResponseHead, first: u8) -> bool {
    let says_events = head.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"));
    match first {
        b'{' | b'[' => false,
        b'<' => true,
        b':' | b'd' | b'e' | b'i' | b'r' => says_page(head),
        _ => !says_events,
    }
}

/// Returns how a body is compressed, where it is in a way that nobody asked for.
#[must_use]
pub fn compression(head: &ResponseHead) -> Option<&str> {
    head.header("content-encoding").filter(|encoding| !matches!(encoding.trim(), "" | "identity"))
}

/// Returns whether an answer says that it comes in pieces: events, or a document on each line.
#[must_use]
pub fn says_pieces(head: &ResponseHead) -> bool {
    let kinds = ["text/event-stream", "ndjson", "jsonl", "jsonlines", "stream+json"];
    let is_document =
        |kind: &str| kind.strip_prefix("application/json").is_some_and(|rest| rest.is_empty() || rest.starts_with(';'));
    head.header("content-type").filter(|kind| !is_document(kind)).is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().to_ascii_lowercase();
        kinds.iter().any(|piece| kind.contains(piece))
    })
}

/// Returns whether an answer says that it is a web page, as no model's provider does.
#[must_use]
pub fn says_page(head: &ResponseHead) -> bool {
    head.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"))
}
