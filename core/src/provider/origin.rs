//! Where a stream comes from, kept for the errors that may stand in it.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::document::{Document, DocumentReader};
use super::size::{Holding, MOST_VALUES};
use super::vendor::Vendor;
use super::{Flaw, ResponseHead, ServerEvent, Target, failure};
use crate::types::Delta;

/// An owned [`Target`] with the head of its answer.
pub(super) struct Origin {
    vendor: &'static Vendor,
    provider: String,
    model: String,
    api_key: Option<SecretString>,
    params: Map<String, Value>,
    /// The head of the answer.
    pub(super) head: ResponseHead,
}

/// The most bytes of a word that stands where a document belongs and says only that the provider is alive.
const LONGEST_WORD: usize = 32;

/// Returns whether data is a word such as `ping`, and no part of a document.
fn is_sign_of_life(data: &str) -> bool {
    data.len() <= LONGEST_WORD && !data.contains(['{', '}', '"'])
}

impl Origin {
    /// Keeps what errors need of a target.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            vendor: target.vendor,
            provider: target.provider.to_owned(),
            model: target.model.to_owned(),
            api_key: target.api_key.cloned(),
            // Errors must not tell what they carry.
            params: target
                .params
                .get_key_value("headers")
                .map(|(key, value)| (key.clone(), value.clone()))
                .into_iter()
                .collect(),
            head: head.clone(),
        }
    }

    /// Returns the target; it has no address, and of its parameters the headers only.
    pub(super) fn target(&self) -> Target<'_> {
        Target {
            vendor: self.vendor,
            provider: &self.provider,
            model: &self.model,
            base_url: None,
            api_key: self.api_key.as_ref(),
            params: &self.params,
        }
    }

    /// Refuses a stream that holds too much: what came was produced, and is billed.
    pub(super) fn check(&self, holding: &Holding) -> Result<(), Flaw> {
        match holding.excess(MOST_VALUES) {
            Some(problem) => Err(Flaw::unreadable(&self.target(), &self.head, &problem)),
            None => Ok(()),
        }
    }

    /// Appends the mark of an unknown character to each text of a stream whose last character stayed a half.
    pub(super) fn finish(documents: &mut DocumentReader, deltas: &mut Vec<Delta>) {
        deltas.extend(documents.take_cut_texts().into_iter().map(|(index, is_reasoning)| {
            let mark = char::REPLACEMENT_CHARACTER.to_string();
            if is_reasoning {
                Delta { index, reasoning: mark, ..Delta::default() }
            } else {
                Delta { index, text: mark, ..Delta::default() }
            }
        }));
    }

    /// Reads the document of an event; `marks` are the fields by which one in an envelope is known. An event that is called an
    /// error is one even where it is no document.
    pub(super) fn read<'a>(
        &self,
        documents: &mut DocumentReader,
        event: &ServerEvent,
        data: &'a str,
        marks: &[&str],
    ) -> Result<Document<'a>, Flaw> {
        let problem = match documents.read(data.as_bytes()) {
            Ok(document) => return Ok(document.opened(marks)),
            Err(problem) => problem,
        };
        let target = self.target();
        if event.event == "error" {
            let failure = failure::without_shape(data.as_bytes());
            return Err(Flaw::stated(failure::error(&target, &self.head, failure), None));
        }
        if is_sign_of_life(data) {
            return Ok(Document { value: Value::Null, text: data.as_bytes().into() });
        }
        let problem = format!("an event of the stream is no complete JSON ({problem})");
        Err(Flaw::unreadable(&target, &self.head, &problem))
    }
}
