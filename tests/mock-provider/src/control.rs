//! The control interface under `/_mock/`.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::body::ReplyBody;
use crate::prepared::Prepared;
use crate::script::Script;
use crate::server::{State, own_reply, refusal};

const ROUTES: &str = "GET counts, GET requests, POST reset, PUT recording, GET scripts, PUT or DELETE scripts/NAME";

/// Answers a request to the control interface. `path` is what follows `/_mock/`.
pub(crate) fn answer(
    method: &Method,
    path: &str,
    query: Option<&str>,
    body: &Bytes,
    state: &Arc<State>,
) -> Response<ReplyBody> {
    match (method.as_str(), path) {
        ("GET", "counts") => reply(json!(state.board.report())),
        ("GET", "requests") => requests(query, state),
        ("POST", "reset") => {
            state.reset();
            reply(json!({}))
        }
        ("PUT", "recording") => match serde_json::from_slice::<bool>(body) {
            Ok(on) => {
                state.record_all.store(on, Ordering::Relaxed);
                reply(json!({"recording": on}))
            }
            Err(_) => refusal(StatusCode::BAD_REQUEST, "the body must be true or false"),
        },
        ("GET", "scripts") => {
            let scripts = state.scripts.read().unwrap_or_else(PoisonError::into_inner);
            let entries = scripts.iter().map(|(name, prepared)| (name.clone(), json!(prepared.script)));
            reply(Value::Object(entries.collect()))
        }
        ("PUT" | "DELETE", path) if path.starts_with("scripts/") => {
            script(method, path.trim_start_matches("scripts/"), body, state)
        }
        _ => refusal(StatusCode::NOT_FOUND, &format!("the control interface has {ROUTES}")),
    }
}

fn reply(body: impl Into<Value>) -> Response<ReplyBody> {
    own_reply(StatusCode::OK, &body.into())
}

fn requests(query: Option<&str>, state: &State) -> Response<ReplyBody> {
    let mut script = None;
    let mut last = usize::MAX;
    for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("script", name)) => script = Some(name),
            Some(("last", number)) => match number.parse() {
                Ok(number) => last = number,
                Err(_) => return refusal(StatusCode::BAD_REQUEST, "`last` must be a whole number"),
            },
            _ => return refusal(StatusCode::BAD_REQUEST, "the query may have `script=NAME` and `last=NUMBER`"),
        }
    }
    reply(json!(state.recording.list(script, last)))
}

fn script(method: &Method, name: &str, body: &Bytes, state: &State) -> Response<ReplyBody> {
    if method == Method::DELETE {
        let removed = state.scripts.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some();
        return if removed {
            reply(json!({}))
        } else {
            refusal(StatusCode::NOT_FOUND, &format!("there is no script `{name}`"))
        };
    }
    let registered = serde_json::from_slice::<Script>(body)
        .map_err(|error| format!("the script does not read: {error}"))
        .and_then(|script| register(name, script, state));
    match registered {
        Ok(()) => reply(json!({})),
        Err(detail) => refusal(StatusCode::BAD_REQUEST, &detail),
    }
}

/// Registers a script, in place of one of the same name. The error says what to change.
pub(crate) fn register(name: &str, script: Script, state: &State) -> Result<(), String> {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!("`{name}` is not a script name: use letters, digits, hyphens, underscores and dots"));
    }
    let prepared = Arc::new(Prepared::new(script)?);
    state.scripts.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), prepared);
    Ok(())
}
