//! The HTTP client that all calls of an open file share.

use std::collections::{HashMap, VecDeque};
use std::error::Error as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, Url, Version};
use secrecy::ExposeSecret;

use super::compression::Decompressor;
use super::connection::Connections;
use super::document::{BYTE_ORDER_MARK, DocumentScanner};
use super::intake::Intake;
use super::progress::{Progress, Stage, WatchedBody};
use super::proxy::Proxies;
use super::sse::EventReader;
use crate::environment::Environment;
use crate::provider::{EncodedRequest, ResponseHead, is_secret_header};
use crate::types::{Error, ErrorKind, Result};

/// The most bytes that are decompressed at once, each of which can become a thousand.
const MOST_DECOMPRESSED: usize = 1 << 10;

/// The most addresses that are kept.
const MOST_ADDRESSES: usize = 256;

/// An HTTP client with a pool of kept connections. Making one opens and reads nothing; the first call does.
pub struct HttpClient {
    environment: Arc<dyn Environment>,
    connect_timeout: Duration,
    proxies: Proxies,
    client: OnceLock<Client>,
    connections: Connections,
    /// The addresses that were read, by their text.
    addresses: Mutex<HashMap<String, Url>>,
}

impl HttpClient {
    /// Makes a client whose connections must be made within a time, through a proxy or not.
    #[must_use]
    pub fn new(environment: Arc<dyn Environment>, connect_timeout: Duration, proxies: Proxies) -> Self {
        let (connections, client) = (Connections::default(), OnceLock::new());
        Self { environment, connect_timeout, proxies, client, connections, addresses: Mutex::default() }
    }

    /// Sends a request and waits for the head of its answer, of whatever status.
    ///
    /// Fails with `provider_unavailable` if no answer came, with `timeout` if the connection broke off for its slowness, and
    /// with `invalid_request` if the address or a header is malformed. Dropping the future closes the connection. The error
    /// says neither key nor query. `progress` tells how far the request came, whatever becomes of the future.
    pub async fn send(&self, request: EncodedRequest, progress: &Progress) -> Result<HttpResponse> {
        let url = self.address(&request.url)?;
        let host = host(&url);
        let headers = headers(&request)?;
        let method = Method::from_bytes(request.method.as_bytes())
            .map_err(|_| Error::new(ErrorKind::InvalidRequest, format!("{:?} is no method", request.method)))?;
        if request.body.is_empty() && !method.is_safe() {
            // No connection asks for an empty body, so that it is not known which one took the request.
            progress.note_first();
        }
        let (connections, environment) = (self.connections.clone(), Arc::clone(&self.environment));
        let watched = WatchedBody::new(request.body.into(), progress.clone(), connections, environment);
        let request = self.client()?.request(method, url).headers(headers).body(reqwest::Body::wrap(watched));
        let response = request.send().await.map_err(|error| {
            if error.is_connect() || progress.met_closed_connection(self.environment.monotonic()) {
                progress.never_left();
            }
            let error = transport_error(error, &host);
            match self.proxies.shown() {
                Some(proxy) => error.with_detail_suffix(&format!(" (the setting `proxy` is {proxy})")),
                None => error,
            }
        })?;
        progress.reach(Stage::Answered);
        let encoding = response.headers().get(CONTENT_ENCODING).and_then(|encoding| encoding.to_str().ok());
        let decompressor = encoding.and_then(Decompressor::of);
        // What is decompressed has neither this encoding nor this length any more.
        let stays = |name: &HeaderName| decompressor.is_none() || ![CONTENT_ENCODING, CONTENT_LENGTH].contains(name);
        let named =
            response.headers().iter().filter(|(name, _)| stays(name)).map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
        let head = ResponseHead { status: response.status().as_u16(), headers: named.collect() };
        let (packed, ahead) = (Bytes::new(), VecDeque::new());
        Ok(HttpResponse { head, host, response, decompressor, packed, intake: Intake::default(), ahead, blanks: 0 })
    }

    /// Reads an address; those that come again and again are kept. One with a query is not, which may carry a key.
    fn address(&self, text: &str) -> Result<Url> {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = addresses.get(text) {
            return Ok(url.clone());
        }
        let url = Url::parse(text)
            .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("base_url is no address: {error}")))?;
        if url.query().is_none() {
            if addresses.len() >= MOST_ADDRESSES {
                addresses.clear();
            }
            addresses.insert(text.to_owned(), url.clone());
        }
        Ok(url)
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // Another library may have chosen a provider for the process already; that one then serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Nothing is read from the environment here: what is wanted of it was.
        let builder = Client::builder().no_proxy();
        let builder = match self.proxies.proxy()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        let built = builder
            .connect_timeout(self.connect_timeout)
            // A redirect could carry the key, and the content, to another host.
            .redirect(Policy::none())
            .referer(false)
            .tcp_keepalive(Duration::from_mins(1))
            .user_agent(concat!("tollway/", env!("CARGO_PKG_VERSION")))
            .build();
        let client = built.map_err(|error| {
            Error::new(ErrorKind::Internal, format!("the HTTP client could not be made: {}", causes(&error)))
        })?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// An answer whose head has come. Dropping it closes the connection.
pub struct HttpResponse {
    /// The status and the headers.
    pub head: ResponseHead,
    host: String,
    response: Response,
    /// What reads a body that is compressed.
    decompressor: Option<Decompressor>,
    /// What came compressed and was not read yet.
    packed: Bytes,
    /// How much of the body may come.
    intake: Intake,
    /// What was read of the body ahead of its reader; the first piece begins with a byte that says something.
    ahead: VecDeque<Bytes>,
    /// How many blanks were passed over before what was read.
    blanks: usize,
}

impl HttpResponse {
    /// Reads the whole body; fails with `provider_unavailable` if it breaks off.
    pub async fn body(mut self) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        self.read_to(&mut body).await?;
        Ok(body)
    }

    /// Reads the next piece of the body; nothing at its end. Fails with `provider_unavailable` if it breaks off.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        if let Some(chunk) = self.ahead.pop_front() {
            return Ok(Some(chunk));
        }
        self.receive().await
    }

    /// Sets how many bytes of the body may come from now on; more fail with `provider_unavailable`.
    pub fn limit_body(&mut self, most: u64) {
        self.intake = Intake::new(most);
    }

    async fn receive(&mut self) -> Result<Option<Bytes>> {
        self.intake.pause().await;
        if self.packed.is_empty() {
            let chunk = self.response.chunk().await.map_err(|error| transport_error(error, &self.host))?;
            let Some(chunk) = chunk else { return Ok(None) };
            if self.decompressor.is_none() {
                self.intake.take(chunk.len(), &self.host)?;
                return Ok(Some(chunk));
            }
            self.packed = chunk;
        }
        let packed = self.packed.split_to(self.packed.len().min(MOST_DECOMPRESSED));
        let Some(decompressor) = &mut self.decompressor else { return Ok(Some(packed)) };
        let piece = decompressor.take(&packed).map_err(|error| {
            let detail = format!("the answer of {} is not compressed as it says: {error}", self.host);
            Error::new(ErrorKind::ProviderUnavailable, detail)
        })?;
        // What brings nothing costs work all the same.
        self.intake.take(piece.len().max(packed.len()), &self.host)?;
        Ok(Some(piece))
    }

    /// Returns the first byte that came of the body and is neither blank nor of a mark of the byte order; it stays to be read.
    #[must_use]
    pub fn first_byte(&self) -> Option<u8> {
        self.ahead.front()?.first().copied()
    }

    /// Reads a piece of the body ahead of its reader and returns whether there was one. Blanks before anything else are passed
    /// over. Fails with `provider_unavailable` if the body breaks off.
    pub async fn read_ahead(&mut self) -> Result<bool> {
        let Some(chunk) = self.receive().await? else { return Ok(false) };
        if self.ahead.is_empty() {
            self.keep(chunk);
        } else {
            self.ahead.push_back(chunk);
        }
        Ok(true)
    }

    /// Keeps a piece to be read next, without what stands before its first byte that says anything. A mark of the byte order may
    /// be split over two pieces.
    fn keep(&mut self, mut chunk: Bytes) {
        let blanks = chunk.iter().position(|byte| is_said(*byte)).unwrap_or(chunk.len());
        self.blanks += blanks;
        let said = chunk.split_off(blanks);
        if !said.is_empty() {
            self.ahead.push_front(said);
        }
    }

    /// Returns whether so many bytes are the whole body, as its head says, so that nothing follows them. Over HTTP/2 the mark of the
    /// end may still come, and a stream that is dropped before it counts as one that was reset.
    #[must_use]
    pub fn ends_at(&self, length: usize) -> bool {
        let is_stated =
            self.head.header("content-length").is_some_and(|stated| stated.parse() == Ok(self.blanks + length));
        is_stated && self.ahead.is_empty() && self.response.version() < Version::HTTP_2
    }

    /// Puts back what was read of the body, to be read again before what follows it.
    pub fn unread(&mut self, bytes: Vec<u8>) {
        self.ahead.push_front(bytes.into());
    }

    /// Appends the body to a buffer, which has what came before if it breaks off; that fails with `provider_unavailable`.
    pub async fn read_to(&mut self, body: &mut Vec<u8>) -> Result<()> {
        while let Some(chunk) = self.chunk().await? {
            body.extend_from_slice(&chunk);
        }
        Ok(())
    }

    /// Appends one JSON object to a buffer, as [`Self::read_to`] does a body: it is at its end where its last brace is, though
    /// the stated length or the connection say that more comes, and what follows stays to be read. Returns whether that brace
    /// came.
    pub async fn read_object_to(&mut self, body: &mut Vec<u8>) -> Result<bool> {
        let mut scanner = DocumentScanner::default();
        while let Some(chunk) = self.chunk().await? {
            let Some(last) = scanner.take_to_end(&chunk) else {
                body.extend_from_slice(&chunk);
                continue;
            };
            body.extend_from_slice(&chunk[..=last]);
            self.keep(chunk.slice(last + 1..));
            return Ok(true);
        }
        Ok(false)
    }

    /// Reads the body as a stream of events.
    #[must_use]
    pub fn events(self) -> EventReader {
        // A box, because the state is moved with each piece.
        let chunks = futures_util::stream::unfold(Box::new(self), |mut response| async {
            let chunk = response.chunk().await.transpose()?;
            Some((chunk, response))
        });
        // What is over may be asked again.
        EventReader::new(chunks.fuse())
    }
}

/// Returns whether a byte is neither blank nor of a mark of the byte order.
fn is_said(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !BYTE_ORDER_MARK.contains(&byte)
}

fn headers(request: &EncodedRequest) -> Result<HeaderMap> {
    let malformed = |name: &str| Error::new(ErrorKind::InvalidRequest, format!("header {name:?} is malformed"));
    let mut headers = HeaderMap::with_capacity(request.headers.len() + 2);
    // What comes compressed all the same is read, but pieces of a stream come sooner without.
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    for (name, value) in &request.headers {
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| malformed(name))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| malformed(name))?;
        value.set_sensitive(is_secret_header(name));
        headers.insert(header, value);
    }
    if let Some((name, secret)) = &request.secret_header {
        let mut value = HeaderValue::from_str(secret.expose_secret()).map_err(|_| {
            Error::new(ErrorKind::InvalidRequest, "the API key has characters that no header can carry; set it again")
        })?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn transport_error(error: reqwest::Error, host: &str) -> Error {
    let error = error.without_url();
    let (kind, what) = if error.is_connect() {
        (ErrorKind::ProviderUnavailable, "could not be reached")
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "did not answer in time")
    } else if error.is_builder() {
        (ErrorKind::InvalidRequest, "cannot be asked with this request")
    } else if error.is_body() || error.is_decode() {
        (ErrorKind::ProviderUnavailable, "broke its answer off")
    } else {
        (ErrorKind::ProviderUnavailable, "gave no answer")
    };
    Error::new(kind, format!("{host} {what}: {}", causes(&error)))
}

/// Joins an error and its causes, which say more than it does.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.ends_with(&said) {
            text = format!("{text}: {said}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
