//! The exchange with a provider: a request is sent, and its answer read until it ends, however the end is told.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use jiff::Timestamp;

use super::Engine;
use super::allowance::Allowance;
use super::call::Call;
use super::excess;
use super::reply::{Assembly, estimate_output};
use super::settle::Ended;
use super::stream::Answering;
use super::watch::Watch;
use crate::provider::{
    Adapter, EncodedRequest, Flaw, Framing, MOST_VALUES, Redactor, ResponseHead, StreamDecoder, Target, Work,
    compression, has_more_values, is_foreign, outline, says_pieces,
};
use crate::transport::{EventReader, HttpResponse, Progress, Stage, Step};
use crate::types::{AbandonPolicy, Completion, Delta, Error, ErrorKind, ReportedUsage, Result};

/// How long a stream is read on whose answer and usage are complete, in a format or at a host that marks no end.
const AFTERMATH: Duration = Duration::from_secs(1);

/// How long the usage of an answer that is complete otherwise is waited for.
const LATE_USAGE: Duration = Duration::from_secs(10);

/// The most bytes of a refusal that are read.
const LONGEST_FAILURE: u64 = 1 << 20;

/// How long what follows an answer is waited for, so that its connection can be used again. No caller waits for it.
const LINGERING: Duration = Duration::from_millis(500);

/// What came from the provider, as far as it came.
#[derive(Default)]
pub(super) struct Received {
    /// How far the request came, as the transport says.
    pub(super) progress: Progress,
    /// The status of the answer.
    status: Option<u16>,
    /// What is wrong with the answer, where it could tell whether a model worked.
    flaw: Option<Work>,
    pub(super) provider_request_id: Option<String>,
    /// When the first part of a streamed answer arrived.
    pub(super) first_token_at: Option<Timestamp>,
    whole: Option<Completion>,
    whole_usage: Option<ReportedUsage>,
    /// What must not be told of what the provider says.
    redactor: Option<Arc<Redactor>>,
    /// Whether that was taken from the whole answer already.
    is_redacted: bool,
    decoder: Option<Box<dyn StreamDecoder>>,
    assembly: Assembly,
    body_bytes: u64,
    /// How much may come.
    allowance: Allowance,
    /// What may follow the answer, once it is complete.
    pub(super) rest: Option<Rest>,
}

/// The reading of what follows an answer, so that its connection can be used again.
pub(super) type Rest = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Received {
    /// Begins to receive what an allowance lets come.
    pub(super) fn within(allowance: Allowance, redactor: Arc<Redactor>) -> Self {
        Self { allowance, redactor: Some(redactor), ..Self::default() }
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
        if let (Some(redactor), Some(usage)) = (&self.redactor, &mut usage) {
            redactor.redact_usage(usage);
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
        if let Some(redactor) = &self.redactor {
            redactor.redact_completion(&mut completion);
        }
        completion
    }

    /// Returns whether it is certain that no model worked: the request never left, or the provider said that it failed, or what
    /// answered is no model's provider; and nothing of an answer came.
    pub(super) fn did_no_work(&self) -> bool {
        let has_failed = self.status.is_some_and(|status| !(200..300).contains(&status));
        let has_usage = self.reported_so_far().is_some_and(|usage| usage.input.is_some_and(|input| input > 0));
        let brought_anything = self.whole.is_some() || !self.assembly.is_empty() || has_usage;
        match self.progress.stage() {
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
    fn note(&mut self, flaw: Flaw) -> Error {
        self.flaw = Some(flaw.work);
        if self.assembly.is_empty() {
            self.whole = flaw.answer.map(|answer| *answer);
        }
        self.whole_usage = flaw.usage.map(|usage| *usage).or(self.whole_usage.take());
        flaw.error
    }
}

impl Call {
    /// Sends and reads until the answer ends, the caller goes, the file closes, or time runs out.
    pub(super) async fn exchange_until_ended(
        &mut self,
        adapter: &dyn Adapter,
        target: &Target<'_>,
        encoded: EncodedRequest,
        received: &mut Received,
    ) -> Ended {
        let sink = self.sink.clone();
        let stopping = self.engine.stopping.clone();
        let late = self.engine.environment.sleep(self.time_left());
        let drains = self.on_abandon() == AbandonPolicy::Drain;
        let work = self.exchange(adapter, target, encoded, received);
        tokio::select! {
            biased;
            result = work => result.map_or_else(Ended::Failed, |()| Ended::Complete),
            () = sink.closed(), if !drains => Ended::GivenUp,
            () = stopping.cancelled(), if !drains => Ended::GivenUp,
            () = late => Ended::TimedOut,
        }
    }

    async fn exchange(
        &mut self,
        adapter: &dyn Adapter,
        target: &Target<'_>,
        encoded: EncodedRequest,
        received: &mut Received,
    ) -> Result<()> {
        let mut response = self.engine.http.send(encoded, &received.progress).await?;
        let head = response.head.clone();
        let redactor = received.redactor.as_ref();
        received.provider_request_id =
            redactor.and_then(|redactor| provider_request_id(&head).map(|id| redactor.word(id)));
        received.status = Some(head.status);
        if !(200..300).contains(&head.status) {
            let mut body = Vec::new();
            response.limit_body(LONGEST_FAILURE);
            // What came of a body that breaks off says more than that it did.
            let _ = read_failure(&mut response, &mut body).await;
            let outline = has_more_values(&body, MOST_VALUES).then(|| outline(&body)).flatten();
            return Err(adapter.decode_error(target, &head, &outline.unwrap_or(body)));
        }
        response.limit_body(received.allowance.bytes);
        if let Some(encoding) = compression(&head) {
            let mut body = Vec::new();
            let read = response.read_to(&mut body).await;
            received.body_bytes = (body.len() as u64).max(1);
            let problem = format!("its body is compressed ({encoding}), which was not asked for");
            return read.and(Err(received.note(Flaw::unreadable(target, &head, &problem))));
        }
        let says_events = says_pieces(&head);
        let idle = self.engine.settings.stream_idle_timeout;
        // A whole answer may take its time.
        let patience = (self.framing == Framing::EventStream).then_some(idle);
        let mut watch = Watch::new(&self.engine.environment, patience);
        while response.first_byte().is_none() {
            if !watch.unless_silent(response.read_ahead()).await.ok_or_else(silent)?? {
                break;
            }
        }
        watch.set_patience(idle);
        match response.first_byte() {
            Some(first) if is_foreign(&head, first) => Err(received.note(Flaw::foreign(target, &head, &[first]))),
            // Some servers answer a request for a stream with the whole reply.
            Some(b'{') if !says_events => self.read_document(adapter, target, response, watch, received).await,
            None if !says_events => Err(received.note(Flaw::unreadable(target, &head, "its body is empty"))),
            // And others a request for a whole reply with events.
            _ => {
                let decoder = adapter.decode_stream(target, &head);
                self.read_stream(target, decoder, response.events(), watch, received).await
            }
        }
    }

    /// Reads a whole answer.
    async fn read_document(
        &mut self,
        adapter: &dyn Adapter,
        target: &Target<'_>,
        mut response: HttpResponse,
        mut watch: Watch,
        received: &mut Received,
    ) -> Result<()> {
        let head = response.head.clone();
        let mut body = Vec::new();
        let read = response.read_object_to(&mut body).await;
        // A body that breaks off or cannot be read was still produced, and will be billed.
        received.body_bytes = (body.len() as u64).max(1);
        let is_whole = read?;
        let most_values = received.allowance.values;
        let decoded = excess::decode(adapter, target, &head, &body, most_values);
        if is_whole {
            // What cannot be read, or is too much to be read, may be a long answer.
            let is_excess = has_more_values(&body, most_values);
            if decoded.is_ok() || !is_excess && serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() {
                received.body_bytes = 0;
            }
            if let Ok(piece) = decoded.as_ref()
                && piece.is_piece
                && (piece.completion.choices.is_empty() || goes_on(&mut response, &mut watch).await)
            {
                response.unread(body);
                let pieces = adapter.decode_stream(target, &head);
                // What is rare lies apart, so that the state of every call is not greater for it.
                return Box::pin(self.read_stream(target, pieces, response.events(), watch, received)).await;
            }
            if !response.ends_at(body.len()) {
                received.rest = begun(response.events().discard());
            }
        }
        let mut decoded = decoded.map_err(|flaw| received.note(flaw))?;
        if let Some(problem) = super::reply::excess(&decoded.completion) {
            received.body_bytes = body.len() as u64;
            let flaw = Flaw::unreadable(target, &head, &problem);
            return Err(received.note(Flaw { usage: decoded.usage.map(Box::new), ..flaw }));
        }
        received.body_bytes = 0;
        if self.asks_for_one_call() {
            decoded.completion.choices.iter_mut().for_each(|choice| choice.message.tool_calls.truncate(1));
        }
        if let Some(redactor) = &received.redactor {
            redactor.redact_completion(&mut decoded.completion);
            received.is_redacted = true;
        }
        received.whole_usage = decoded.usage;
        let completion = received.whole.insert(decoded.completion);
        if self.framing == Framing::EventStream {
            received.first_token_at = Some(self.engine.environment.now());
            self.note_answering(target, completion.model.clone());
            Box::pin(self.deliver_whole(&completion.choices)).await;
        }
        Ok(())
    }

    /// Notes who answers, with the first piece of the answer.
    fn note_answering(&self, target: &Target<'_>, model: Option<String>) {
        let model = model.unwrap_or_else(|| target.model.to_owned());
        let _ = self.answering.set(Answering { target: format!("{}/{}", target.provider, target.model), model });
    }

    /// Reads a streamed answer to the end that its format marks; else to the end of the body, to silence or to a fault, each of
    /// which an answer that is complete may have.
    async fn read_stream(
        &mut self,
        target: &Target<'_>,
        decoder: Box<dyn StreamDecoder>,
        mut events: EventReader,
        mut watch: Watch,
        received: &mut Received,
    ) -> Result<()> {
        let mut deltas = Vec::new();
        let (most_values, status) = (received.allowance.values, received.status.unwrap_or_default());
        let mut has_usage = false;
        received.decoder = Some(decoder);
        let ended = loop {
            let event = match events.take_ready() {
                Some(event) => event,
                None => match watch.unless_silent(events.step()).await.unwrap_or_else(|| Some(Err(silent()))) {
                    None if received.decoder.as_ref().is_some_and(|decoder| decoder.is_complete()) => break Ok(()),
                    None => break Err(broken()),
                    Some(Ok(Step::Life)) if watch.is_over() => break Ok(()),
                    Some(Ok(Step::Life)) => continue,
                    Some(Err(error)) => break Err(error),
                    Some(Ok(Step::Event(event))) => event,
                },
            };
            let Some(decoder) = received.decoder.as_mut() else { break Err(broken()) };
            let outcome = excess::decode_event(&mut **decoder, target, status, &event, most_values, &mut deltas);
            let is_over = decoder.is_over();
            let excess = self.take(target, &mut deltas, received).await;
            let outcome = outcome.and_then(|()| match excess {
                Some(problem) => {
                    Err(Flaw::unreadable(target, &ResponseHead { status, ..ResponseHead::default() }, &problem))
                }
                None => Ok(()),
            });
            if !has_usage && self.has_all_answers(received) {
                has_usage = received.usage().is_some();
                watch.end_within(if has_usage { AFTERMATH } else { LATE_USAGE });
            }
            match outcome {
                Ok(()) if is_over || watch.is_over() => break Ok(()),
                Ok(()) => {}
                Err(flaw) if flaw.work == Work::None => break Err(received.note(flaw)),
                Err(flaw) => {
                    received.body_bytes += event.data.len() as u64;
                    break Err(received.note(flaw));
                }
            }
        };
        if let Some(decoder) = received.decoder.as_mut() {
            decoder.finish(&mut deltas);
        }
        let _ = self.take(target, &mut deltas, received).await;
        // What breaks or falls silent behind a whole answer takes nothing from it.
        if ended.is_ok() || self.has_all_answers(received) {
            received.rest = begun(events.discard());
            return Ok(());
        }
        ended
    }

    /// Returns whether every answer that was asked for came to its end.
    fn has_all_answers(&self, received: &Received) -> bool {
        let asked = usize::try_from(self.request.n.unwrap_or(1)).unwrap_or(usize::MAX);
        received.decoder.as_ref().is_some_and(|decoder| decoder.is_complete()) && received.assembly.len() >= asked
    }

    /// Keeps pieces of an answer and hands them to the caller of a stream. Returns what there is too much of.
    async fn take(&mut self, target: &Target<'_>, deltas: &mut Vec<Delta>, received: &mut Received) -> Option<String> {
        if received.first_token_at.is_none() && !deltas.is_empty() {
            received.first_token_at = Some(self.engine.environment.now());
            let model = received.decoder.as_ref().and_then(|decoder| decoder.summary().model);
            let model = model.map(|model| received.redactor.as_ref().map_or_else(String::new, |to| to.word(&model)));
            self.note_answering(target, model);
        }
        let one_call = self.asks_for_one_call();
        for mut delta in deltas.drain(..) {
            if one_call && is_further_call(&mut delta) {
                continue;
            }
            if let Some(redactor) = &received.redactor {
                redactor.redact_delta(&mut delta);
            }
            received.assembly.add(&delta);
            let excess = received.assembly.excess(received.allowance.values);
            if excess.is_some() {
                return excess;
            }
            if self.framing == Framing::EventStream {
                self.deliver(delta).await;
            }
        }
        None
    }

    /// Returns whether the answer may call one tool at most. Not every format can say so: then a model that calls several is
    /// heard as far as its first call, as one that was told would have stopped there.
    fn asks_for_one_call(&self) -> bool {
        self.request.parallel_tool_calls == Some(false)
    }
}

impl Engine {
    /// Lets the rest of an answer come for a moment, if it has not come while the attempt was settled. Nobody waits for it.
    pub(super) fn let_end(&self, rest: Option<Rest>) {
        let Some(rest) = rest.and_then(begun) else { return };
        let late = self.environment.sleep(LINGERING);
        let stopping = self.stopping.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                biased;
                () = rest => {}
                () = stopping.cancelled() => {}
                () = late => {}
            }
        });
    }
}

/// Begins to read the rest of an answer; nothing if that was all.
fn begun(rest: impl Future<Output = ()> + Send + 'static) -> Option<Rest> {
    let mut rest: Rest = Box::pin(rest);
    rest.as_mut().now_or_never().is_none().then_some(rest)
}

/// Returns whether another document follows the one that was read.
async fn goes_on(response: &mut HttpResponse, watch: &mut Watch) -> bool {
    while response.first_byte().is_none() {
        if !watch.unless_silent(response.read_ahead()).await.is_some_and(Result::unwrap_or_default) {
            return false;
        }
    }
    response.first_byte() == Some(b'{')
}

/// Reads the body of a failure: to the end of its object, where it is one.
async fn read_failure(response: &mut HttpResponse, body: &mut Vec<u8>) -> Result<()> {
    while response.first_byte().is_none() {
        if !response.read_ahead().await? {
            return Ok(());
        }
    }
    if response.first_byte() == Some(b'{') {
        response.read_object_to(body).await?;
        return Ok(());
    }
    response.read_to(body).await
}

fn silent() -> Error {
    Error::new(ErrorKind::Timeout, "the stream stayed silent for too long; allow more with `stream_idle_timeout`")
}

fn broken() -> Error {
    Error::new(ErrorKind::ProviderUnavailable, "the stream ended before the answer did; retry the call")
}

/// Takes all calls but the first out of a piece; returns whether nothing is left of it.
fn is_further_call(delta: &mut Delta) -> bool {
    let had_calls = !delta.tool_calls.is_empty();
    delta.tool_calls.retain(|call| call.index == 0);
    had_calls && *delta == Delta { index: delta.index, ..Delta::default() }
}

/// Returns the provider's id of a request, by the header that it is in.
pub(super) fn provider_request_id(head: &ResponseHead) -> Option<&str> {
    let names =
        ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id", "x-generation-id", "x-client-request-id"];
    names.into_iter().find_map(|name| head.header(name))
}
