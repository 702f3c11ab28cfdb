//! The server: connections, and the way from a request to its reply.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::automatic::{self, Automatic, Rendered};
use crate::body::{Broken, End, Paced, ReplyBody, ResetFlag, sleep};
use crate::control;
use crate::counts::{Board, Counted, Guard};
use crate::prepared::{Content, Prepared, PreparedReply, cut, split};
use crate::prompt::Format;
use crate::recording::{RecordedRequest, Recording, header_list, readable_body};
use crate::script::Fault;

const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// What all connections share.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) scripts: RwLock<BTreeMap<String, Arc<Prepared>>>,
    pub(crate) board: Board,
    pub(crate) recording: Recording,
    /// Whether requests without a script are recorded too.
    pub(crate) record_all: AtomicBool,
    automatic: Automatic,
    request_number: AtomicU64,
}

impl State {
    pub(crate) fn script(&self, name: &str) -> Option<Arc<Prepared>> {
        self.scripts.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Forgets counts and recordings, and rewinds every script.
    pub(crate) fn reset(&self) {
        self.board.reset();
        self.recording.clear();
        self.scripts.read().unwrap_or_else(PoisonError::into_inner).values().for_each(|script| script.rewind());
    }
}

/// Accepts connections for ever.
pub(crate) async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        // Accepting fails when a client is gone already, or when descriptors run out; both pass.
        let Ok((stream, _)) = listener.accept().await else {
            sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        state.board.count_connection();
        spawn(connection(stream, Arc::clone(&state)));
    }
}

async fn connection(stream: TcpStream, state: Arc<State>) {
    // Without it replies still arrive, only later.
    let _ = stream.set_nodelay(true);
    let reset = ResetFlag::default();
    let socket = Socket { stream, reset: Arc::clone(&reset) };
    let service = service_fn(|request| answer(request, &state, &reset));
    // An error here is a client that hung up, or a fault that was asked for; both are in the counts.
    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
}

async fn answer(
    request: Request<Incoming>,
    state: &Arc<State>,
    reset: &ResetFlag,
) -> Result<Response<ReplyBody>, Broken> {
    let (head, body) = request.into_parts();
    // A client that breaks off its own request is not answered.
    let body = match Limited::new(body, LARGEST_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 256 MiB"));
        }
        Err(_) => return Err(Broken),
    };
    let path = head.uri.path();
    if let Some(rest) = path.strip_prefix("/_mock/") {
        return Ok(control::answer(&head.method, rest, head.uri.query(), &body, state));
    }
    let (name, path) = split_script(path);
    let script = name.map(|name| state.script(name));
    if let (Some(name), Some(None)) = (name, &script) {
        let detail = format!("there is no script `{name}`: register it with PUT /_mock/scripts/{name}");
        return Ok(refusal(StatusCode::NOT_FOUND, &detail));
    }
    let script = script.flatten();
    let counted = name.map_or_else(|| Counted::Path(path.to_owned()), |name| Counted::Script(name.to_owned()));
    let guard = state.board.start(counted, body.len());
    if script.is_some() || state.record_all.load(Ordering::Relaxed) {
        state.recording.add(RecordedRequest {
            script: name.map(str::to_owned),
            method: head.method.to_string(),
            path: head.uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
            headers: header_list(&head.headers),
            body: readable_body(&body),
        });
    }
    let format = Format::of(path, head.uri.query());
    let mut response = match script {
        Some(script) => play(&script.next(), format, path, &body, guard, reset).await?,
        None => match format {
            Some(format) => immediate(&state.automatic.reply(format, path, &body), guard, reset),
            None => immediate(&unknown_path(path), guard, reset),
        },
    };
    let number = state.request_number.fetch_add(1, Ordering::Relaxed) + 1;
    if let Ok(id) = HeaderValue::from_str(&format!("req_mock_{number}")) {
        let name = if format == Some(Format::Anthropic) { "request-id" } else { "x-request-id" };
        response.headers_mut().entry(name).or_insert(id);
    }
    Ok(response)
}

/// Splits `/s/NAME/path` into its script and the path below it.
fn split_script(path: &str) -> (Option<&str>, &str) {
    let Some(rest) = path.strip_prefix("/s/") else { return (None, path) };
    match rest.find('/') {
        Some(end) => (Some(&rest[..end]), &rest[end..]),
        None => (Some(rest), ""),
    }
}

fn unknown_path(path: &str) -> Rendered {
    let detail = format!(
        "no wire format has the path `{path}`: it must end in /chat/completions, /messages, :generateContent or \
         :streamGenerateContent, or start with /s/NAME of a script"
    );
    Rendered { status: 404, ..Rendered::json(&json!({"error": {"message": detail, "code": "unknown_path"}})) }
}

fn immediate(rendered: &Rendered, guard: Guard, reset: &ResetFlag) -> Response<ReplyBody> {
    let body = deliver(rendered, &PreparedReply::default(), guard, reset);
    with_head(body, StatusCode::from_u16(rendered.status).unwrap_or_default(), Some(rendered.content_type))
}

async fn play(
    reply: &PreparedReply,
    format: Option<Format>,
    path: &str,
    body: &Bytes,
    mut guard: Guard,
    reset: &ResetFlag,
) -> Result<Response<ReplyBody>, Broken> {
    if !reply.delay.is_zero() {
        sleep(reply.delay).await;
    }
    match reply.fault {
        Some(Fault::Hang) => std::future::pending::<()>().await,
        Some(Fault::Reset) => {
            reset.store(true, Ordering::Release);
            guard.faulted();
            return Err(Broken);
        }
        _ => {}
    }
    let (rendered, content_type) = match (&reply.content, format) {
        (Content::Automatic(overrides), Some(format)) => {
            let rendered = automatic::render(format, path, body, overrides);
            let content_type = Some(rendered.content_type);
            (rendered, content_type)
        }
        (Content::Automatic(_), None) => {
            return Ok(immediate(&unknown_path(path), guard, reset));
        }
        (Content::Fixed { pieces, content_type }, _) => {
            let stream = *content_type == Some("text/event-stream");
            let status = reply.status.map_or(200, |status| status.as_u16());
            (Rendered { status, content_type: "", pieces: Arc::clone(pieces), stream }, *content_type)
        }
    };
    let status = StatusCode::from_u16(rendered.status).unwrap_or_default();
    let mut response = with_head(deliver(&rendered, reply, guard, reset), status, content_type);
    for (name, value) in &reply.headers {
        response.headers_mut().insert(name, value.clone());
    }
    Ok(response)
}

/// Turns a rendered reply into a body that is paced and broken as the script says.
fn deliver(rendered: &Rendered, reply: &PreparedReply, mut guard: Guard, reset: &ResetFlag) -> ReplyBody {
    let plain = reply.fault.is_none() && reply.chunk_bytes.is_none() && !rendered.stream;
    if plain && rendered.pieces.len() <= 1 {
        let body = rendered.pieces.first().cloned();
        guard.sent(body.as_ref().map_or(0, Bytes::len));
        guard.completed();
        return ReplyBody::Whole(body);
    }
    let pieces = reply.chunk_bytes.map_or_else(|| Arc::clone(&rendered.pieces), |size| split(&rendered.pieces, size));
    let whole_length = pieces.iter().map(|piece| piece.len() as u64).sum::<u64>();
    let (pieces, end) = match reply.fault {
        None => (pieces, End::Complete),
        Some(Fault::Hang | Fault::HangAfterHead) => (Arc::default(), End::Hang),
        Some(Fault::Reset) => (Arc::default(), End::Reset),
        Some(Fault::HangAfterBytes(length)) => (cut(&pieces, length), End::Hang),
        Some(Fault::ResetAfterBytes(length)) => (cut(&pieces, length), End::Reset),
        Some(Fault::TruncateAfterBytes(length)) => (cut(&pieces, length), End::Complete),
        Some(Fault::CloseAfterBytes(length)) => (cut(&pieces, length), End::Close),
    };
    // A body that is not a stream keeps its promised length, unless it is to look whole where it is cut.
    let promised = !rendered.stream && reply.chunk_bytes.is_none() && end != End::Complete;
    ReplyBody::Paced(Box::new(Paced {
        pieces,
        next: 0,
        delay: reply.chunk_delay,
        end,
        length: promised.then_some(whole_length),
        guard,
        reset: Arc::clone(reset),
        pause: None,
        flushed: false,
    }))
}

fn with_head(body: ReplyBody, status: StatusCode, content_type: Option<&'static str>) -> Response<ReplyBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    response
}

/// Makes a reply of the server's own: the request is not counted.
pub(crate) fn refusal(status: StatusCode, detail: &str) -> Response<ReplyBody> {
    own_reply(status, &json!({"error": {"message": detail}}))
}

pub(crate) fn own_reply(status: StatusCode, body: &serde_json::Value) -> Response<ReplyBody> {
    with_head(ReplyBody::Whole(Some(Bytes::from(body.to_string()))), status, Some("application/json"))
}

#[expect(clippy::disallowed_methods, reason = "the server owns its runtime: its end is the end of every connection")]
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(task);
}

/// A connection's socket, which is reset on drop if a fault asked for it.
struct Socket {
    stream: TcpStream,
    reset: ResetFlag,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Acquire) {
            // If it fails, the socket is closed in order, which the client's test then sees.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.reset.load(Ordering::Acquire) {
            // An orderly end would go out before the reset.
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
