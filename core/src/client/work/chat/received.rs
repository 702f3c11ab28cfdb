//! What came of an answer, as far as it came.

use std::sync::Arc;

use jiff::Timestamp;

use super::allowance::Allowance;
use super::assembly::{Assembly, estimate_output};
use crate::client::work::line::Line;
use crate::client::work::rest::Rest;
use crate::provider::{Flaw, Redactor, StreamDecoder, Work};
use crate::transport::Stage;
use crate::types::{Completion, Error, ReportedUsage};

/// What came from the provider, as far as it came.
pub(in crate::client) struct Received {
    /// The status of the answer.
    pub(super) status: Option<u16>,
    /// What is wrong with the answer, where it could tell whether a model worked.
    flaw: Option<Work>,
    pub(super) provider_request_id: Option<String>,
    /// When the first part of a streamed answer arrived.
    pub(super) first_token_at: Option<Timestamp>,
    pub(super) whole: Option<Completion>,
    pub(super) whole_usage: Option<ReportedUsage>,
    /// What must not be told of what the provider says.
    pub(super) redactor: Arc<Redactor>,
    /// Whether that was taken from the whole answer already.
    pub(super) is_redacted: bool,
    pub(super) decoder: Option<Box<dyn StreamDecoder>>,
    pub(super) assembly: Assembly,
    pub(super) body_bytes: u64,
    /// How much may come.
    pub(super) allowance: Allowance,
    /// What may follow the answer, once it is complete.
    pub(super) rest: Option<Rest>,
}

impl Received {
    /// Begins to receive what an allowance lets come.
    pub(super) fn within(allowance: Allowance, line: &Line<'_>) -> Self {
        Self {
            status: None,
            flaw: None,
            provider_request_id: None,
            first_token_at: None,
            whole: None,
            whole_usage: None,
            redactor: Arc::clone(&line.redactor),
            is_redacted: false,
            decoder: None,
            assembly: Assembly::default(),
            body_bytes: 0,
            allowance,
            rest: None,
        }
    }

    /// Returns the usage that the provider reported, if it is final.
    pub(super) fn usage(&self) -> Option<ReportedUsage> {
        match &self.decoder {
            Some(decoder) => decoder.usage(),
            None => self.whole_usage.clone(),
        }
    }

    /// Returns the usage that the provider reported, if it is final, with nothing in it that must not be told.
    pub(super) fn told_usage(&self) -> Option<ReportedUsage> {
        let mut usage = self.usage();
        if let Some(usage) = &mut usage {
            self.redactor.redact_usage(usage);
        }
        usage
    }

    /// Returns what the provider reported before the answer ended: its input can be relied on, its output is a lower bound.
    pub(super) fn reported_so_far(&self) -> Option<ReportedUsage> {
        self.decoder.as_ref().and_then(|decoder| decoder.provisional_usage())
    }

    /// Takes the answer as far as it came, with nothing beside its content that must not be told.
    pub(super) fn take_completion(&mut self) -> Completion {
        let mut completion = match self.whole.take() {
            Some(completion) if self.is_redacted => return completion,
            Some(completion) => completion,
            None => Completion {
                choices: self.assembly.take_choices(),
                ..self.decoder.as_ref().map(|decoder| decoder.summary()).unwrap_or_default()
            },
        };
        self.redactor.redact_completion(&mut completion);
        completion
    }

    /// Returns whether it is certain that no model worked: the request never left, or the provider said that it failed, or what
    /// answered is no model's provider; and nothing of an answer came.
    pub(super) fn did_no_work(&self, stage: Stage) -> bool {
        let has_failed = self.status.is_some_and(|status| !(200..300).contains(&status));
        let has_usage = self.reported_so_far().is_some_and(|usage| usage.input.is_some_and(|input| input > 0));
        let brought_anything = self.whole.is_some() || !self.assembly.is_empty() || has_usage;
        match stage {
            Stage::NotSent => true,
            Stage::Sent => false,
            Stage::Answered => has_failed || (self.flaw == Some(Work::None) && !brought_anything),
        }
    }

    /// Estimates the output tokens of what came: of the answer that was made of it, and of what could not be read.
    pub(super) fn estimated_output(&self, completion: &Completion) -> u64 {
        estimate_output(&completion.choices).max(self.body_bytes.div_ceil(4))
    }

    /// Keeps what a flaw says of the work, and returns its error.
    pub(super) fn note(&mut self, flaw: Flaw) -> Error {
        self.flaw = Some(flaw.work);
        if self.assembly.is_empty() {
            self.whole = flaw.answer.map(|answer| *answer);
        }
        self.whole_usage = flaw.usage.map(|usage| *usage).or(self.whole_usage.take());
        flaw.error
    }
}
