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
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use secrecy::SecretString;

    use super::*;

    fn request(url: String) -> EncodedRequest {
        EncodedRequest {
            method: "POST".to_owned(),
            url,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            secret_header: Some(("x-api-key", SecretString::from("sk-secret"))),
            body: b"{}".to_vec(),
        }
    }

    /// Answers one connection with fixed bytes and returns what was asked.
    fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1?key=query-secret", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !asked.ends_with(b"{}") {
                let read = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, thread)
    }

    fn client() -> HttpClient {
        HttpClient::new(Arc::new(crate::environment::SystemEnvironment), Duration::from_secs(5), Proxies::default())
    }

    #[tokio::test]
    async fn an_answer_of_any_status_comes_with_its_head_and_body() {
        let (url, asked) = serve("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\ncontent-length: 2\r\n\r\nno");
        let response = client().send(request(url), &Progress::default()).await.unwrap();
        assert_eq!(response.head.status, 429);
        assert_eq!(response.head.header("retry-after"), Some("7"));
        assert_eq!(response.body().await.unwrap(), b"no");
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /v1?key=query-secret HTTP/1.1\r\n"), "{asked}");
        assert!(asked.contains("x-api-key: sk-secret\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn how_far_a_request_came_is_known_whenever_its_caller_goes() {
        // The answer's head never ends.
        let (url, asked) = serve("HTTP/1.1 200 OK\r\n");
        let progress = Progress::default();
        let (client, request) = (client(), request(url));
        let sent = client.send(request, &progress);
        assert_eq!(progress.stage(), Stage::NotSent);
        assert!(tokio::time::timeout(Duration::from_secs(30), sent).await.unwrap().is_err());
        assert_eq!(progress.stage(), Stage::Sent);
        asked.join().unwrap();
        let (url, asked) = serve("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n");
        client.send(self::request(url), &progress).await.unwrap();
        assert_eq!(progress.stage(), Stage::Answered);
        assert!(asked.join().unwrap().contains("content-length: 2\r\n"));
    }

    #[tokio::test]
    async fn a_request_that_meets_a_closed_connection_was_not_sent() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").unwrap();
            // The next request comes over the same connection, which nobody reads any more.
            stream.peek(&mut buffer).unwrap();
        });
        let client = client();
        let first = client.send(request(url.clone()), &Progress::default()).await.unwrap();
        assert_eq!(first.body().await.unwrap(), b"{}");
        let progress = Progress::default();
        assert!(client.send(request(url), &progress).await.is_err());
        assert_eq!(progress.stage(), Stage::NotSent);
        server.join().unwrap();
    }

    #[tokio::test]
    async fn an_object_ends_at_its_last_brace_whatever_the_length_says() {
        for (answer, body, is_whole) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n\n{\"a\": 1} more", "{\"a\": 1}", true),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n", "{}", true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{\"a\": 1}", "{\"", false),
        ] {
            let (url, asked) = serve(answer);
            let mut response = client().send(request(url), &Progress::default()).await.unwrap();
            assert_eq!(response.first_byte(), None);
            assert!(response.read_ahead().await.unwrap());
            assert_eq!(response.first_byte(), Some(b'{'));
            let mut read = Vec::new();
            assert_eq!(response.read_object_to(&mut read).await.unwrap(), is_whole, "{answer}");
            assert_eq!(String::from_utf8(read).unwrap(), body);
            asked.join().unwrap();
        }
    }

    #[tokio::test]
    async fn what_stands_before_an_answer_is_passed_over_wherever_it_is_split() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut buffer = [0; 4096];
            assert!(stream.read(&mut buffer).unwrap() > 0);
            let pieces: [&[u8]; 5] = [b" \n", b"\xef\xbb", b"\xbf\n", b" ", b"\t{\"a\": 1}"];
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
            for piece in pieces {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).unwrap();
                stream.write_all(piece).unwrap();
                stream.write_all(b"\r\n").unwrap();
            }
        });
        let mut response = client().send(request(url), &Progress::default()).await.unwrap();
        while response.first_byte().is_none() {
            assert!(response.read_ahead().await.unwrap());
        }
        let mut read = Vec::new();
        assert!(response.read_object_to(&mut read).await.unwrap());
        assert_eq!(read, b"{\"a\": 1}");
        server.join().unwrap();
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let (url, asked) = serve("HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(client().send(request(url), &Progress::default()).await.unwrap().head.status, 307);
        asked.join().unwrap();
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_an_error_and_what_came_before_is_read() {
        let (url, asked) = serve("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\ndata: 1\n\ndata: 2");
        let mut events = client().send(request(url), &Progress::default()).await.unwrap().events();
        assert_eq!(events.next().await.unwrap().unwrap().data, "1");
        let error = events.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        assert!(events.next().await.is_none());
        asked.join().unwrap();
    }

    #[tokio::test]
    async fn trouble_names_the_host_and_no_secret() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let progress = Progress::default();
        let Err(error) = client().send(request(format!("http://{address}/?key=query-secret")), &progress).await else {
            panic!("nobody listens there")
        };
        assert_eq!(progress.stage(), Stage::NotSent);
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        assert!(error.is_retryable());
        assert!(error.detail().starts_with(&format!("{address} could not be reached")), "{error}");
        assert!(!error.detail().contains("secret"), "{error}");
        for url in ["not an address", "http://"] {
            let Err(error) = client().send(request(url.to_owned()), &progress).await else {
                panic!("{url} is no address")
            };
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        }
    }
}
