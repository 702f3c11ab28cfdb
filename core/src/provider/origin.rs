//! Where a stream comes from, kept for the errors that may stand in it.

use secrecy::SecretString;
use serde_json::{Map, Value};

use super::document::{Document, DocumentReader};
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

impl Origin {
    /// Keeps what errors need of a target.
    pub(super) fn new(target: &Target<'_>, head: &ResponseHead) -> Self {
        Self {
            vendor: target.vendor,
            provider: target.provider.to_owned(),
            model: target.model.to_owned(),
            api_key: target.api_key.cloned(),
            params: Map::new(),
            head: head.clone(),
        }
    }

    /// Returns the target; it has no address and no parameters.
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

    /// Reads the document of an event. One that is called an error is one even where it is no document.
    pub(super) fn read<'a>(
        &self,
        documents: &mut DocumentReader,
        event: &ServerEvent,
        data: &'a str,
    ) -> Result<Document<'a>, Flaw> {
        documents.read(data.as_bytes()).map_err(|problem| {
            let target = self.target();
            if event.event == "error" {
                let failure = failure::without_shape(data.as_bytes());
                return Flaw::stated(failure::error(&target, &self.head, failure), None);
            }
            let problem = format!("an event of the stream is no complete JSON ({problem})");
            Flaw::unreadable(&target, &self.head, &problem)
        })
    }
}
