//! The exchange with a provider: a request is sent, and its answer read until it ends, however the end is told.

use std::time::Duration;

use super::conversation::{Chat, Prepared};
use super::received::Received;
use super::stream::Answering;
use super::{assembly, excess};
use crate::client::work::line::Line;
use crate::client::work::rest::Rest;
use crate::client::work::watch::Watch;
use crate::provider::{
    ChatAdapter, Flaw, Framing, MOST_VALUES, ResponseHead, StreamDecoder, Target, Work, compression, has_more_values,
    is_foreign, outline, says_pieces,
};
use crate::transport::{EventReader, HttpResponse, Step};
use crate::types::{Delta, Error, ErrorKind, Result};

/// How long a stream is read on whose answer and usage are complete, in a format or at a host that marks no end.
const AFTERMATH: Duration = Duration::from_secs(1);

/// How long the usage of an answer that is complete otherwise is waited for.
const LATE_USAGE: Duration = Duration::from_secs(10);

/// The most bytes of a refusal that are read.
const LONGEST_FAILURE: u64 = 1 << 20;

impl Chat {
    /// Sends the request and reads its answer.
    pub(super) async fn send_and_read(
        &mut self,
        line: &Line<'_>,
        prepared: Prepared,
        received: &mut Received,
    ) -> Result<()> {
        let Prepared { adapter, encoded } = prepared;
        let target = &line.target;
        let mut response = line.engine.http.send(encoded, &line.progress).await?;
        let head = response.head.clone();
        received.provider_request_id = provider_request_id(&head).map(|id| received.redactor.word(id));
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
        let idle = line.engine.settings.stream_idle_timeout;
        // A whole answer may take its time.
        let patience = (self.framing == Framing::EventStream).then_some(idle);
        let mut watch = Watch::new(&line.engine.environment, patience);
        while response.first_byte().is_none() {
            if !watch.unless_silent(response.read_ahead()).await.ok_or_else(silent)?? {
                break;
            }
        }
        watch.set_patience(idle);
        match response.first_byte() {
            Some(first) if is_foreign(&head, first) => Err(received.note(Flaw::foreign(target, &head, &[first]))),
            // Some servers answer a request for a stream with the whole reply.
            Some(b'{') if !says_events => self.read_document(line, adapter, response, watch, received).await,
            None if !says_events => Err(received.note(Flaw::unreadable(target, &head, "its body is empty"))),
            // And others a request for a whole reply with events.
            _ => {
                let decoder = adapter.decode_stream(target, &head);
                self.read_stream(line, decoder, response.events(), watch, received).await
            }
        }
    }

    /// Reads a whole answer.
    async fn read_document(
        &mut self,
        line: &Line<'_>,
        adapter: &dyn ChatAdapter,
        mut response: HttpResponse,
        mut watch: Watch,
        received: &mut Received,
    ) -> Result<()> {
        let target = &line.target;
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
                return Box::pin(self.read_stream(line, pieces, response.events(), watch, received)).await;
            }
            if !response.ends_at(body.len()) {
                received.rest = Rest::begun(response.events().discard());
            }
        }
        let mut decoded = decoded.map_err(|flaw| received.note(flaw))?;
        if let Some(problem) = assembly::excess(&decoded.completion) {
            received.body_bytes = body.len() as u64;
            let flaw = Flaw::unreadable(target, &head, &problem);
            return Err(received.note(Flaw { usage: decoded.usage.map(Box::new), ..flaw }));
        }
        received.body_bytes = 0;
        if self.asks_for_one_call() {
            decoded.completion.choices.iter_mut().for_each(|choice| choice.message.tool_calls.truncate(1));
        }
        received.redactor.redact_completion(&mut decoded.completion);
        received.is_redacted = true;
        received.whole_usage = decoded.usage;
        let completion = received.whole.insert(decoded.completion);
        if self.framing == Framing::EventStream {
            received.first_token_at = Some(line.engine.environment.now());
            self.note_answering(target, completion.model.clone());
            Box::pin(self.delivery.deliver_whole(&completion.choices)).await;
        }
        Ok(())
    }

    /// Notes who answers, with the first piece of the answer.
    fn note_answering(&self, target: &Target<'_>, model: Option<String>) {
        let model = model.unwrap_or_else(|| target.model.to_owned());
        self.delivery.note_answering(Answering { target: target.full_name().to_string(), model });
    }

    /// Reads a streamed answer to the end that its format marks; else to the end of the body, to silence or to a fault, each of
    /// which an answer that is complete may have.
    async fn read_stream(
        &mut self,
        line: &Line<'_>,
        decoder: Box<dyn StreamDecoder>,
        mut events: EventReader,
        mut watch: Watch,
        received: &mut Received,
    ) -> Result<()> {
        let target = &line.target;
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
            let excess = self.take(line, &mut deltas, received).await;
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
        let _ = self.take(line, &mut deltas, received).await;
        // What breaks or falls silent behind a whole answer takes nothing from it.
        if ended.is_ok() || self.has_all_answers(received) {
            received.rest = Rest::begun(events.discard());
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
    async fn take(&mut self, line: &Line<'_>, deltas: &mut Vec<Delta>, received: &mut Received) -> Option<String> {
        if received.first_token_at.is_none() && !deltas.is_empty() {
            received.first_token_at = Some(line.engine.environment.now());
            let model = received.decoder.as_ref().and_then(|decoder| decoder.summary().model);
            let model = model.map(|model| received.redactor.word(&model));
            self.note_answering(&line.target, model);
        }
        let one_call = self.asks_for_one_call();
        for mut delta in deltas.drain(..) {
            if one_call && is_further_call(&mut delta) {
                continue;
            }
            received.redactor.redact_delta(&mut delta);
            received.assembly.add(&delta);
            let excess = received.assembly.excess(received.allowance.values);
            if excess.is_some() {
                return excess;
            }
            if self.delivery.is_streamed() {
                self.delivery.deliver(delta).await;
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
pub(in crate::client) fn provider_request_id(head: &ResponseHead) -> Option<&str> {
    let names =
        ["x-request-id", "request-id", "apim-request-id", "x-ds-trace-id", "x-generation-id", "x-client-request-id"];
    names.into_iter().find_map(|name| head.header(name))
}
