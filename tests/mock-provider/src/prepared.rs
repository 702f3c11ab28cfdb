//! Scripts that are checked and ready to be played: bodies are loaded and split once, at registration.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::automatic::Overrides;
use crate::script::{Fault, Framing, Reply, Script, Then};

/// A registered script and how far it was played.
pub(crate) struct Prepared {
    pub(crate) script: Script,
    replies: Vec<Arc<PreparedReply>>,
    played: AtomicUsize,
}

/// A reply that is ready to be played.
#[derive(Default)]
pub(crate) struct PreparedReply {
    pub(crate) status: Option<StatusCode>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) content: Content,
    pub(crate) chunk_bytes: Option<usize>,
    pub(crate) delay: Duration,
    pub(crate) chunk_delay: Duration,
    pub(crate) fault: Option<Fault>,
}

/// What a reply contains.
pub(crate) enum Content {
    /// What the request itself asks for.
    Automatic(Overrides),
    /// Fixed pieces.
    Fixed { pieces: Arc<[Bytes]>, content_type: Option<&'static str> },
}

impl Default for Content {
    fn default() -> Self {
        Self::Automatic(Overrides::default())
    }
}

impl Prepared {
    /// Checks a script and loads its bodies. The error says which reply is wrong and what to change.
    pub(crate) fn new(script: Script) -> Result<Self, String> {
        if script.replies.is_empty() && script.then != Then::Automatic {
            return Err("a script without replies plays nothing: add replies, or set `then` to `automatic`".to_owned());
        }
        let mut replies = Vec::with_capacity(script.replies.len());
        for (place, reply) in script.replies.iter().enumerate() {
            let prepared = prepare(reply).map_err(|detail| format!("reply {place}: {detail}"))?;
            replies.push(Arc::new(prepared));
        }
        Ok(Self { script, replies, played: AtomicUsize::new(0) })
    }

    /// Returns the next reply of the script.
    pub(crate) fn next(&self) -> Arc<PreparedReply> {
        let turn = self.played.fetch_add(1, Ordering::Relaxed);
        let reply = match (self.replies.get(turn), self.script.then) {
            (Some(reply), _) => Some(reply),
            (None, Then::RepeatLast) => self.replies.last(),
            (None, Then::Cycle) => self.replies.get(turn % self.replies.len().max(1)),
            (None, Then::Automatic) => None,
        };
        reply.map_or_else(Arc::default, Arc::clone)
    }

    /// Starts the script again from its first reply.
    pub(crate) fn rewind(&self) {
        self.played.store(0, Ordering::Relaxed);
    }
}

fn prepare(reply: &Reply) -> Result<PreparedReply, String> {
    let status = reply.status.map(status).transpose()?;
    let mut headers = Vec::with_capacity(reply.headers.len());
    for (name, value) in &reply.headers {
        let header = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("`{name}` is not a header name: use letters, digits and hyphens"))?;
        let value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of the header `{name}` has characters that a header cannot hold"))?;
        headers.push((header, value));
    }
    if reply.chunk_bytes == Some(0) {
        return Err("`chunk_bytes` is 0: use 1 or more".to_owned());
    }
    Ok(PreparedReply {
        status,
        headers,
        content: content(reply)?,
        chunk_bytes: reply.chunk_bytes,
        delay: Duration::from_millis(reply.delay_ms),
        chunk_delay: Duration::from_millis(reply.chunk_delay_ms),
        fault: reply.fault,
    })
}

/// Returns a final status.
fn status(code: u16) -> Result<StatusCode, String> {
    StatusCode::from_u16(code)
        .ok()
        .filter(|_| (200..=599).contains(&code))
        .ok_or_else(|| format!("{code} is not a final status: use 200 to 599"))
}

fn content(reply: &Reply) -> Result<Content, String> {
    let sources = [
        ("body", reply.body.is_some()),
        ("body_base64", reply.body_base64.is_some()),
        ("body_file", reply.body_file.is_some()),
        ("events", reply.events.is_some()),
        ("automatic", reply.automatic),
    ];
    let named: Vec<&str> = sources.iter().filter(|(_, present)| *present).map(|(name, _)| *name).collect();
    if named.len() > 1 {
        return Err(format!("`{}` are given together: keep one of them", named.join("`, `")));
    }
    let overrides = Overrides {
        status: reply.status,
        text: reply.text.clone(),
        usage: reply.usage.clone(),
        omit_usage: reply.omit_usage,
        error_after_events: reply.error_after_events,
    };
    if reply.automatic {
        if reply.omit_usage && reply.usage.is_some() {
            return Err("`usage` and `omit_usage` are given together: keep one of them".to_owned());
        }
        return Ok(Content::Automatic(overrides));
    }
    if (Overrides { status: reply.status, ..Overrides::default() }) != overrides {
        return Err("`text`, `usage`, `omit_usage` and `error_after_events` change automatic replies: \
                    set `automatic` to true"
            .to_owned());
    }
    let fixed = |body: Vec<u8>, content_type| {
        let pieces = if body.is_empty() { Arc::default() } else { [Bytes::from(body)].into() };
        Content::Fixed { pieces, content_type }
    };
    Ok(match reply {
        Reply { body: Some(Value::String(text)), .. } => fixed(text.clone().into_bytes(), None),
        Reply { body: Some(value), .. } => fixed(value.to_string().into_bytes(), Some("application/json")),
        Reply { body_base64: Some(text), .. } => {
            let body = STANDARD.decode(text).map_err(|_| "`body_base64` is not standard padded base64".to_owned())?;
            fixed(body, None)
        }
        Reply { body_file: Some(path), .. } => fixed(load(path)?, None),
        Reply { events: Some(events), .. } => Content::Fixed {
            pieces: events.iter().map(|event| frame(event, reply.framing)).collect(),
            content_type: Some("text/event-stream"),
        },
        _ => fixed(Vec::new(), None),
    })
}

fn load(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("`body_file` {} cannot be read: {error}", path.display()))
}

/// Frames one server-sent event.
fn frame(event: &Value, framing: Framing) -> Bytes {
    let end = match framing {
        Framing::Lf => "\n",
        Framing::Crlf => "\r\n",
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (name, data) = match event {
        Value::Object(fields) if fields.len() == 2 && fields.contains_key("event") && fields.contains_key("data") => {
            (Some(text(&event["event"])), text(&event["data"]))
        }
        _ => (None, text(event)),
    };
    let mut frame = String::new();
    if let Some(name) = name {
        frame.extend(["event: ", name.as_str(), end]);
    }
    for line in data.split('\n') {
        frame.extend(["data: ", line, end]);
    }
    frame.push_str(end);
    Bytes::from(frame)
}

/// Splits pieces again, into pieces of a size; the last one may be shorter.
pub(crate) fn split(pieces: &[Bytes], size: usize) -> Arc<[Bytes]> {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in pieces {
        whole.extend_from_slice(piece);
    }
    let whole = whole.freeze();
    (0..whole.len()).step_by(size.max(1)).map(|from| whole.slice(from..whole.len().min(from + size.max(1)))).collect()
}

/// Cuts pieces after so many bytes.
pub(crate) fn cut(pieces: &[Bytes], length: usize) -> Arc<[Bytes]> {
    let mut left = length;
    let mut kept = Vec::new();
    for piece in pieces {
        let part = piece.slice(..piece.len().min(left));
        left -= part.len();
        if !part.is_empty() {
            kept.push(part);
        }
    }
    kept.into()
}
