//! The drop-in: requests of vendors' own libraries, answered in process, in their words.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::call::passed;
use super::engine::{Tollway, broken_off};
use super::work::chat::{Answering, ChatStream};
use super::work::passed::PassedEvent;
use crate::dialect::{
    AnswerStart, Dialect, Endpoint, ErrorShape, ListedModel, ReplyEncoder, call_headers, dialect, encode_model,
    encode_models, recognize, reply_headers, status,
};
use crate::provider::Framing;
use crate::types::{
    CallOptions, Error, ErrorKind, FetchHead, FetchOptions, FetchRequest, ModelName, Result, StreamEvent,
};

/// How many events of a stream are written at once.
const BATCH: usize = 64;

/// An answer: its head, and its body as it comes.
pub struct FetchResponse {
    /// The status and the headers.
    pub head: FetchHead,
    /// The body. Dropping it gives the call up: it is billed by its abandon policy.
    pub body: FetchBody,
}

/// The body of an answer.
pub struct FetchBody(Body);

enum Body {
    Whole(Vec<u8>),
    Chat(Box<StreamedChat>),
    Passed(PassedBody),
}

struct PassedBody {
    events: mpsc::Receiver<Result<PassedEvent>>,
    /// Whether the last piece was handed out.
    is_ended: bool,
}

struct StreamedChat {
    stream: ChatStream,
    encoder: Box<dyn ReplyEncoder>,
    start: AnswerStart,
    /// The event that had to come before the head could be sent.
    first: Option<Result<StreamEvent>>,
}

impl Tollway {
    /// Answers a request as the vendor would whose library made it: a chat by whatever config serves it, in the format that
    /// was asked in; the list of models; anything else by handing it to a config's provider as it is.
    ///
    /// What goes wrong is an answer too, with the status and the body that make the library raise its own error; the
    /// stable code is in it. It fails only with `closed` and `forked`. An answer that is streamed comes once its first piece
    /// is there. Dropping the future or the body gives the call up: it is billed by its abandon policy.
    pub async fn fetch(&self, request: FetchRequest, options: FetchOptions) -> Result<FetchResponse> {
        self.engine.check()?;
        let endpoint = recognize(&request.method, &request.url);
        let is_anthropic = request.header("anthropic-version").is_some();
        let shape = ErrorShape::of(&endpoint, &request.method, &request.url, is_anthropic);
        if let Err(error) = check_headers(&request) {
            return Ok(refusal(&shape, &error.into()));
        }
        let answer = match (dialect(&endpoint), &endpoint) {
            (Some(dialect), _) => self.answer_chat(dialect, &request, options).await,
            (None, Endpoint::Whole(endpoint)) => self.answer_whole_at(endpoint, &request, options).await,
            (None, Endpoint::Models) => self.answer_models(None, is_anthropic).await,
            (None, Endpoint::Model(name)) => self.answer_models(Some(name), is_anthropic).await,
            (None, Endpoint::Warming) => Ok(json(200, Vec::new(), b"{}".to_vec())),
            (None, _) => self.pass_through(request, options).await,
        };
        Ok(answer.unwrap_or_else(|refused| refusal(&shape, &refused)))
    }

    async fn answer_chat(
        &self,
        dialect: &dyn Dialect,
        request: &FetchRequest,
        options: FetchOptions,
    ) -> std::result::Result<FetchResponse, Refused> {
        let call_options = call_options(request, options.options)?;
        let items = self.engine.recent_items.of(call_options.user.as_deref());
        let mut decoded = dialect.decode_request(&request.body, &items)?;
        if options.model.is_some() {
            decoded.request.model = options.model;
        }
        let created = self.engine.environment.now().as_second();
        let mut stream = self.start_chat(decoded.request, call_options, decoded.framing)?;
        let request_id = stream.request_id().to_owned();
        let refused = Refused::of_call(&request_id);
        let mut encoder = decoded.encoder;
        if decoded.framing == Framing::Json {
            let reply = stream.reply().await.map_err(&refused)?;
            let start = AnswerStart { request_id, created, model: Answering::of(&reply).model };
            let body = encoder.encode_reply(&start, &reply).map_err(&refused)?;
            return Ok(json(200, reply_headers(&reply), body));
        }
        let first = stream.next().await.ok_or_else(|| Error::new(ErrorKind::Internal, "the call ended without a word"));
        let first = first.and_then(|event| event).map_err(&refused)?;
        let answering = match (&first, stream.answering()) {
            (_, Some(answering)) => answering.clone(),
            (StreamEvent::Done(reply), None) => Answering::of(reply),
            (StreamEvent::Delta(_), None) => {
                let defect = "a piece came of nobody's answer; report this defect";
                return Err(refused(Error::new(ErrorKind::Internal, defect)));
            }
        };
        let mut headers = call_headers(&request_id, Some(&answering.target));
        headers.push(("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned()));
        headers.push(("cache-control".to_owned(), "no-cache".to_owned()));
        let start = AnswerStart { request_id, created, model: answering.model };
        let body = Body::Chat(Box::new(StreamedChat { stream, encoder, start, first: Some(Ok(first)) }));
        Ok(FetchResponse { head: FetchHead { status: 200, headers }, body: FetchBody(body) })
    }

    async fn answer_whole_at(
        &self,
        endpoint: &str,
        request: &FetchRequest,
        options: FetchOptions,
    ) -> std::result::Result<FetchResponse, Refused> {
        let call_options = call_options(request, options.options)?;
        let answered = self.answer_whole(endpoint, &request.body, options.model, call_options).await;
        let unknown = || Error::new(ErrorKind::Internal, "an endpoint is of no kind of work; report this defect");
        let (headers, body) = answered.unwrap_or_else(|| Err(unknown()))?;
        Ok(json(200, headers, body))
    }

    async fn pass_through(
        &self,
        request: FetchRequest,
        options: FetchOptions,
    ) -> std::result::Result<FetchResponse, Refused> {
        let call_options = call_options(&request, options.options)?;
        let (request_id, mut events) = passed::start(&self.engine, request, options.model, call_options)?;
        let refused = Refused::of_call(&request_id);
        let head = match events.recv().await.unwrap_or_else(|| Err(broken_off())).map_err(&refused)? {
            PassedEvent::Head(head) => head,
            PassedEvent::Piece(_) | PassedEvent::Done => return Err(refused(broken_off())),
        };
        Ok(FetchResponse { head, body: FetchBody(Body::Passed(PassedBody { events, is_ended: false })) })
    }

    async fn answer_models(
        &self,
        wanted: Option<&str>,
        is_anthropic: bool,
    ) -> std::result::Result<FetchResponse, Refused> {
        let models = self.listed_models().await?;
        let Some(wanted) = wanted else { return Ok(json(200, Vec::new(), encode_models(&models, is_anthropic))) };
        let named = models.iter().find(|model| model.name == wanted);
        let bare =
            || models.iter().find(|model| ModelName::parse(&model.name).is_some_and(|name| name.model == wanted));
        let model = named.or_else(bare).ok_or_else(|| {
            let known: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
            let detail = format!("no model or route is named {wanted:?}; there are: {}", known.join(", "));
            Error::new(ErrorKind::NotFound, detail)
        })?;
        Ok(json(200, Vec::new(), encode_model(model, is_anthropic)))
    }

    /// Returns what a request for text may name, each name once: routes, aliases, then models by their names.
    async fn listed_models(&self) -> Result<Vec<ListedModel>> {
        let snapshot = self.engine.snapshot().await?;
        let mut listed: Vec<ListedModel> = Vec::new();
        let mut add = |name: String, owner: &str, created: i64| {
            if !listed.iter().any(|known| known.name == name) {
                listed.push(ListedModel { name, owner: owner.to_owned(), created });
            }
        };
        for route in snapshot.routes() {
            add(route.terms.name.clone(), "tollway", route.updated_at.as_second());
        }
        let active = || snapshot.configs().iter().filter(|config| config.is_active);
        for config in active() {
            if let Some(alias) = &config.alias {
                add(alias.clone(), &config.provider, config.created_at.as_second());
            }
        }
        for config in active() {
            add(config.name(), &config.provider, config.created_at.as_second());
        }
        Ok(listed)
    }
}

impl FetchBody {
    /// Waits for the next piece of the body; nothing at its end, which comes once the settlement is in the file. It fails
    /// only where the answer to a request that was passed on is broken off: a chat tells its failure in its own events.
    ///
    /// Cancel safe: no piece is lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>>> {
        match &mut self.0 {
            Body::Whole(body) if body.is_empty() => None,
            Body::Whole(body) => Some(Ok(std::mem::take(body))),
            Body::Chat(chat) => chat.next().await.map(Ok),
            Body::Passed(passed) => passed.next().await,
        }
    }
}

impl PassedBody {
    async fn next(&mut self) -> Option<Result<Vec<u8>>> {
        if self.is_ended {
            return None;
        }
        // A body that was cut off must not look whole.
        match self.events.recv().await.unwrap_or_else(|| Err(broken_off())) {
            Ok(PassedEvent::Piece(piece)) => return Some(Ok(piece.to_vec())),
            Ok(PassedEvent::Head(_) | PassedEvent::Done) => self.is_ended = true,
            // The provider's own refusal was handed over with its head and its body.
            Err(error) if error.status().is_some() => self.is_ended = true,
            Err(error) => {
                self.is_ended = true;
                return Some(Err(error));
            }
        }
        None
    }
}

impl StreamedChat {
    async fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let mut written = Vec::new();
            let batch = match self.first.take() {
                Some(first) => {
                    self.encoder.encode_start(&self.start, &mut written);
                    vec![first]
                }
                None => self.stream.next_batch(BATCH).await,
            };
            if batch.is_empty() {
                return None;
            }
            for event in batch {
                match event {
                    Ok(StreamEvent::Delta(delta)) => self.encoder.encode_delta(&delta, &mut written),
                    Ok(StreamEvent::Done(reply)) => self.encoder.encode_done(&reply, &mut written),
                    Err(error) => self.encoder.encode_failure(&error, &mut written),
                }
            }
            if !written.is_empty() {
                return Some(written);
            }
        }
    }
}

/// Why a request has no answer but an error, and the id of its call if it had one already.
struct Refused {
    error: Error,
    request_id: Option<String>,
}

impl Refused {
    fn of_call(request_id: &str) -> impl Fn(Error) -> Self + use<> {
        let request_id = request_id.to_owned();
        move |error| Self { error, request_id: Some(request_id.clone()) }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self { error, request_id: None }
    }
}

/// The headers of a request that choose for its call what its client left open.
const CHOOSING: [&str; 3] = ["x-tollway-user", "x-tollway-tags", "x-tollway-timeout"];

/// Refuses a header for the engine that it does not know: a choice that was misspelt would be none.
fn check_headers(request: &FetchRequest) -> Result<()> {
    let names = request.headers.iter().map(|(name, _)| name.to_ascii_lowercase());
    let mut unknown = names.filter(|name| name.starts_with("x-tollway-") && !CHOOSING.contains(&name.as_str()));
    unknown.next().map_or(Ok(()), |name| {
        let detail = format!("header {name} is not known; the known ones are {}", CHOOSING.join(", "));
        Err(Error::new(ErrorKind::InvalidRequest, detail))
    })
}

/// Reads the choices that a request's headers make. What its client chose is final: they only fill what it left open.
fn call_options(request: &FetchRequest, mut options: CallOptions) -> Result<CallOptions> {
    let invalid = |name: &str, wanted: &str| {
        Error::new(ErrorKind::InvalidRequest, format!("header {name} must be {wanted}; change it, or leave it out"))
    };
    if options.user.is_none() {
        options.user = request.header("x-tollway-user").map(str::to_owned);
    }
    if let Some(tags) = request.header("x-tollway-tags") {
        let tags: BTreeMap<String, String> = serde_json::from_str(tags)
            .map_err(|_| invalid("x-tollway-tags", "a JSON object of texts, such as {\"feature\": \"search\"}"))?;
        for (name, value) in tags {
            options.tags.entry(name).or_insert(value);
        }
    }
    if let Some(seconds) = request.header("x-tollway-timeout") {
        let timeout = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let timeout = timeout.ok_or_else(|| invalid("x-tollway-timeout", "a positive number of seconds"))?;
        options.timeout.get_or_insert(timeout);
    }
    if options.idempotency_key.is_none() {
        options.idempotency_key = request.header("idempotency-key").filter(|key| !key.is_empty()).map(str::to_owned);
    }
    Ok(options)
}

fn json(status: u16, mut headers: Vec<(String, String)>, body: Vec<u8>) -> FetchResponse {
    headers.push(("content-type".to_owned(), "application/json".to_owned()));
    FetchResponse { head: FetchHead { status, headers }, body: FetchBody(Body::Whole(body)) }
}

fn refusal(shape: &ErrorShape, Refused { error, request_id }: &Refused) -> FetchResponse {
    let mut headers = request_id.as_deref().map(|id| call_headers(id, None)).unwrap_or_default();
    headers.push(("x-tollway-error-code".to_owned(), error.code().to_owned()));
    // What a retry can do, the engine has done.
    headers.push(("x-should-retry".to_owned(), "false".to_owned()));
    if let Some(wait) = error.retry_after() {
        headers.push(("retry-after".to_owned(), wait.as_secs_f64().ceil().to_string()));
    }
    json(status(error.kind()), headers, shape.encode(error))
}
