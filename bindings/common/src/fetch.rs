//! An answer to a request of a vendor's own library, as bindings read it: its head, then its body as it comes.

use std::future::Future;

use serde::Deserialize;
use tollway::client::FetchResponse;
use tollway::types::{CallOptions, ErrorKind, FetchOptions, FetchRequest};

use crate::buffer::{Reader, Taken, Weighed};
use crate::error::ErrorInfo;
use crate::verbs;

/// What an answer has at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The head as JSON: `{"status": 200, "headers": [["content-type", "application/json"], ...]}`. It comes first, alone.
    Head(String),
    /// More of the body.
    Body(Vec<u8>),
}

impl Weighed for Part {
    fn bytes(&self) -> usize {
        match self {
            Self::Head(head) => head.len(),
            Self::Body(body) => body.len(),
        }
    }
}

/// What a reader of an answer gets without waiting.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A part.
    Part(Part),
    /// Nothing yet.
    Pending,
    /// The answer failed; nothing follows.
    Failed(ErrorInfo),
    /// The answer is over.
    End,
}

/// An answer with one reader. Dropping or closing it gives the call up; it is then settled by its abandon policy.
///
/// What was asked is JSON: `{"method": "POST", "url": "...", "headers": [[name, value], ...], "model": name or null,
/// "options": {...}}`, where `options` are those of the verb `chat`.
pub struct Fetch(Reader<Part>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    options: Option<CallOptions>,
}

/// Reads what was asked; the error names the argument that is wrong.
pub(crate) fn read(head: &str, body: Vec<u8>) -> Result<(FetchRequest, FetchOptions), ErrorInfo> {
    let Asked { method, url, headers, model, options } = verbs::parse("fetch", head)?;
    let options = FetchOptions { model, options: options.unwrap_or_default() };
    Ok((FetchRequest { method, url, headers, body }, options))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    #[serde(default, rename = "model")]
    _model: Option<String>,
    #[serde(default, rename = "options")]
    _options: Option<CallOptions>,
}

/// Checks what is chosen for all requests of a library, before there is one: the fields `model` and `options` of what is asked.
///
/// Fails with `invalid_request`, whose detail names what is wrong.
pub fn check(chosen: &str) -> Result<(), ErrorInfo> {
    verbs::parse::<Chosen>("fetch", chosen).map(drop)
}

impl Fetch {
    pub(crate) fn start(answer: impl Future<Output = Result<FetchResponse, ErrorInfo>> + Send + 'static) -> Self {
        Self(Reader::start(move |end| async move {
            let FetchResponse { head, mut body } = match answer.await {
                Ok(response) => response,
                Err(error) => return end.fail(error),
            };
            match serde_json::to_string(&head) {
                Ok(head) => end.push(vec![Part::Head(head)]).await,
                Err(error) => {
                    let detail = format!("a head cannot be written as JSON: {error}");
                    return end.fail(ErrorInfo::new(ErrorKind::Internal, detail));
                }
            }
            while let Some(piece) = body.next().await {
                match piece {
                    Ok(piece) => end.push(vec![Part::Body(piece)]).await,
                    Err(error) => return end.fail(error.into()),
                }
            }
            end.finish();
        }))
    }

    /// Takes the next part if it is ready, without waiting.
    #[must_use]
    pub fn try_next(&self) -> Answer {
        match self.0.take(1) {
            Taken::Items(parts) => parts.into_iter().next().map_or(Answer::Pending, Answer::Part),
            Taken::Pending => Answer::Pending,
            Taken::Failed(error) => Answer::Failed(error),
            Taken::End => Answer::End,
        }
    }

    /// Calls a function once there is something other than [`Answer::Pending`] to take: at once, or from a thread of the
    /// runtime. There is one reader: a function that was given before is dropped.
    pub fn when_ready(&self, ready: impl FnOnce() + Send + 'static) {
        self.0.when_ready(ready);
    }

    /// Waits for the next part; nothing at the end. Dropping the future loses no part.
    pub async fn next(&self) -> Result<Option<Part>, ErrorInfo> {
        match self.0.next(1).await {
            Taken::Items(parts) => Ok(parts.into_iter().next()),
            Taken::Failed(error) => Err(error),
            Taken::End | Taken::Pending => Ok(None),
        }
    }

    /// Gives the call up and ends the answer; parts that were not taken are dropped.
    pub fn close(&self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_of_a_fetch_are_read_strictly() {
        let head =
            r#"{"method": "POST", "url": "/v1/x", "headers": [["a", "b"]], "model": "text", "options": {"user": "u"}}"#;
        let (request, options) = read(head, vec![1, 2]).unwrap();
        assert_eq!((request.header("A"), request.body.len()), (Some("b"), 2));
        assert_eq!((options.model.as_deref(), options.options.user.as_deref()), (Some("text"), Some("u")));
        for (wrong, part) in [
            (r#"{"url": "/"}"#, "missing field `method`"),
            (r#"{"method": "GET", "url": "/", "usr": 1}"#, "usr"),
            (r#"{"method": "GET", "url": "/", "options": {"usr": "a"}}"#, "options"),
        ] {
            let error = read(wrong, Vec::new()).unwrap_err();
            assert!(error.code == "invalid_request" && error.detail.contains(part), "{}", error.detail);
        }
    }

    #[test]
    fn the_options_of_a_client_are_checked_before_its_first_request() {
        check(r#"{"model": "text", "options": {"user": "u", "timeout": 2.5, "on_abandon": "drain"}}"#).unwrap();
        check("{}").unwrap();
        for (wrong, part) in [
            (r#"{"model": 5}"#, "model"),
            (r#"{"options": {"user": 5}}"#, "user"),
            (r#"{"options": {"timeout": -1}}"#, "timeout must be a positive number"),
            (r#"{"options": {"on_abandon": "wait"}}"#, "cancel_and_estimate"),
            (r#"{"url": "/"}"#, "url"),
        ] {
            let error = check(wrong).unwrap_err();
            assert!(error.code == "invalid_request" && error.detail.contains(part), "{}", error.detail);
        }
    }
}
