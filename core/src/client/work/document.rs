//! One document for one request: how the kinds of work are exchanged whose answers come whole.

use crate::client::work::line::Line;
use crate::client::work::rest::Rest;
use crate::client::work::watch::Watch;
use crate::provider::{EncodedRequest, Flaw, ResponseHead, Work, compression, is_foreign};
use crate::transport::Progress;
use crate::types::Error;

use super::chat::provider_request_id;

/// The most bytes of a refusal that are read.
const LONGEST_FAILURE: u64 = 1 << 20;

/// A document that answers a request.
pub(super) struct Document {
    pub(super) head: ResponseHead,
    pub(super) body: Vec<u8>,
    pub(super) provider_request_id: Option<String>,
    /// What may follow it.
    pub(super) rest: Option<Rest>,
}

/// Sends a request and reads the document that answers it. `progress` tells how far the request came.
///
/// Whatever fails is a flaw that says whether a model may have worked: an answer that was refused, or that is none of the API's,
/// cost nothing.
pub(super) async fn fetch(
    line: &Line<'_>,
    encoded: EncodedRequest,
    progress: &Progress,
    most_bytes: u64,
    decode_error: impl Fn(&ResponseHead, &[u8]) -> Error,
) -> Result<Document, Flaw> {
    let broken = |error: Error| Flaw { error, work: Work::Possible, usage: None, answer: None };
    let mut response = line.engine.http.send(encoded, progress).await.map_err(broken)?;
    let head = response.head.clone();
    let provider_request_id = provider_request_id(&head).map(|id| line.redactor.word(id));
    let mut body = Vec::new();
    if !(200..300).contains(&head.status) {
        response.limit_body(LONGEST_FAILURE);
        // What came of a body that breaks off says more than that it did.
        let _ = response.read_to(&mut body).await;
        let error = decode_error(&head, &body);
        return Err(Flaw { error, work: Work::None, usage: None, answer: None });
    }
    response.limit_body(most_bytes);
    if let Some(encoding) = compression(&head) {
        let problem = format!("its body is compressed ({encoding}), which was not asked for");
        return Err(Flaw::unreadable(&line.target, &head, &problem));
    }
    // A whole answer may take its time until it begins.
    let mut watch = Watch::new(&line.engine.environment, None);
    while response.first_byte().is_none() {
        let has_more = watch.unless_silent(response.read_ahead()).await;
        if !has_more.unwrap_or(Ok(false)).map_err(broken)? {
            return Err(Flaw::unreadable(&line.target, &head, "its body is empty"));
        }
    }
    if let Some(first) = response.first_byte().filter(|first| is_foreign(&head, *first)) {
        return Err(Flaw::foreign(&line.target, &head, &[first]));
    }
    response.read_object_to(&mut body).await.map_err(broken)?;
    let rest = if response.ends_at(body.len()) { None } else { Rest::begun(response.events().discard()) };
    Ok(Document { head, body, provider_request_id, rest })
}
