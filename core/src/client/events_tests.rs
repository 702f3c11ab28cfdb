use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

use super::super::Tollway;
use super::super::testing::{decimal, from_json, per_million};
use super::*;
use crate::environment::log::LEDGER;
use crate::settings::Settings;
use crate::store::{IN_MEMORY, Operation, Outcome, ReserveRequest};
use crate::types::{
    BudgetTerms, CallOptions, Capability, ChatReply, ChatRequest, Currency, Limit, Money, Result, Scope,
    UnpricedPolicy, Window,
};
use crate::vault::MasterKey;

const KEY: &str = "sk-house-0123456789abcdef";
const PROMPT: &str = "the merger is secret";

/// What is logged, each event as an object.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<Value>>>);

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Subscriber for Logged {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tollway")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        fields.0.insert("level".to_owned(), event.metadata().level().as_str().into());
        fields.0.insert("target".to_owned(), event.metadata().target().into());
        self.0.lock().unwrap().push(fields.0.into());
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Logged {
    /// Begins to listen on this thread, which runs all tasks of a test.
    fn here() -> (Self, DefaultGuard) {
        let logged = Self::default();
        let guard = tracing::subscriber::set_default(logged.clone());
        (logged, guard)
    }

    /// Takes the events since the last time.
    fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Asserts that an event has fields, and perhaps more.
#[track_caller]
fn assert_fields(event: &Value, expected: &Value) {
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&event[name], value, "{name} of {event}");
    }
}

/// Plays a provider that gives each answer once, in order, and returns its address.
fn provider(answers: Vec<(u16, Value)>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().unwrap();
            read_request(&mut stream);
            let body = body.to_string();
            let head =
                format!("HTTP/1.1 {status} Stated\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all((head + &body).as_bytes()).unwrap();
        }
    });
    url
}

fn read_request(stream: &mut TcpStream) {
    let mut asked = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        asked.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&asked).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()).unwrap();
        if body.len() >= length.parse::<usize>().unwrap() {
            return;
        }
    }
}

fn answered() -> (u16, Value) {
    let message = json!({"role": "assistant", "content": "Hello"});
    let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
    (200, json!({"choices": choices, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}))
}

fn failed(status: u16) -> (u16, Value) {
    // As a careless provider would say it.
    (status, json!({"error": {"message": format!("key {KEY} asked {PROMPT}"), "code": "broken"}}))
}

async fn opened(settings: Settings) -> Tollway {
    Tollway::open(IN_MEMORY, MasterKey::Text("0f".repeat(32).into()), settings).await.unwrap()
}

async fn add(tollway: &Tollway, name: &str, base_url: &str, prices: Value) -> ModelConfig {
    let model = json!({"name": name, "base_url": base_url, "api_key": KEY, "prices": prices});
    tollway.add_model(from_json(model)).await.unwrap().config
}

async fn ask(tollway: &Tollway, model: &str, options: CallOptions) -> Result<ChatReply> {
    let request = json!({"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 10});
    let request: ChatRequest = from_json(request);
    tollway.chat(request, options).await
}

#[tokio::test]
async fn a_retry_and_a_call_without_a_price_are_told_with_their_fields_and_no_word_of_the_provider() {
    let tollway = opened(Settings::default()).await;
    let config = add(&tollway, "house/llama", &provider(vec![failed(503), answered()]), json!({})).await;
    let (logged, _guard) = Logged::here();
    let reply = ask(&tollway, "house/llama", CallOptions::default()).await.unwrap();
    let events = logged.take();
    let [retry, unpriced] = events.as_slice() else { panic!("{events:?}") };
    let call =
        json!({"target": CALL, "level": "INFO", "request_id": reply.request_id, "provider": "house", "model": "llama"});
    assert_fields(retry, &call);
    assert_fields(retry, &json!({"attempt": 1, "code": "provider_unavailable", "status": 503}));
    let wait = retry["wait"].as_f64().unwrap();
    assert!((0.3..=0.5).contains(&wait), "{wait}");
    let message = retry["message"].as_str().unwrap();
    assert!(
        message.starts_with("house/llama failed (provider_unavailable, status 503); trying again in 0."),
        "{message}"
    );
    assert_fields(unpriced, &call);
    assert_fields(unpriced, &json!({"attempt": 2, "code": "unpriced", "record_uid": reply.attempts[1].record_uid}));
    assert_eq!(config.name(), "house/llama");
    let text = format!("{events:?}");
    assert!(!text.contains(KEY) && !text.contains("merger"), "{text}");
}

#[tokio::test]
async fn a_fallback_and_the_beginning_and_the_end_of_a_cooldown_are_told() {
    let settings = Settings { cooldown_failures: 1, cooldown: Duration::ZERO, max_retries: 0, ..Settings::default() };
    let tollway = opened(settings).await;
    let prices = json!({"input_token": per_million("1"), "output_token": per_million("1")});
    let first = add(&tollway, "house/first", &provider(vec![failed(500), answered()]), prices.clone()).await;
    add(&tollway, "spare/second", &provider(vec![answered()]), prices).await;
    let (logged, _guard) = Logged::here();
    let options = CallOptions { fallbacks: Some(vec!["spare/second".to_owned()]), ..CallOptions::default() };
    let reply = ask(&tollway, "house/first", options).await.unwrap();
    let events = logged.take();
    let [cooldown, fallback] = events.as_slice() else { panic!("{events:?}") };
    let failed = json!({
        "level": "WARN", "request_id": reply.request_id, "provider": "house", "model": "first",
        "code": "provider_unavailable", "status": 500,
    });
    assert_fields(cooldown, &failed);
    assert_fields(cooldown, &json!({"target": MODELS, "model_config_id": first.id, "failures": 1, "wait": 0.0}));
    assert_fields(fallback, &failed);
    assert_fields(
        fallback,
        &json!({"target": CALL, "attempt": 1, "next_provider": "spare", "next_model": "second",
            "message": "house/first failed (provider_unavailable, status 500); falling back to spare/second"}),
    );
    let reply = ask(&tollway, "house/first", CallOptions::default()).await.unwrap();
    let events = logged.take();
    let [end] = events.as_slice() else { panic!("{events:?}") };
    assert_fields(
        end,
        &json!({"target": MODELS, "level": "INFO", "request_id": reply.request_id, "model_config_id": first.id,
            "provider": "house", "model": "first", "message": "house/first answers again; its cooldown has ended"}),
    );
}

#[tokio::test]
async fn a_change_of_a_config_ends_its_cooldown_which_is_told() {
    let settings = Settings { cooldown_failures: 1, max_retries: 0, ..Settings::default() };
    let tollway = opened(settings).await;
    add(&tollway, "house/first", &provider(vec![failed(500)]), json!({})).await;
    ask(&tollway, "house/first", CallOptions::default()).await.unwrap_err();
    let (logged, _guard) = Logged::here();
    for expected in [vec!["house/first was changed; its cooldown has ended"], vec![]] {
        tollway.update_model(from_json(json!({"model": "house/first", "description": "repaired"}))).await.unwrap();
        let events = logged.take();
        assert_eq!(events.iter().map(|event| event["message"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn what_a_budget_or_the_policy_refuses_is_told() {
    let tollway = opened(Settings::default()).await;
    let prices = json!({"input_token": per_million("1"), "output_token": per_million("1")});
    add(&tollway, "house/priced", "http://127.0.0.1:9/v1", prices).await;
    add(&tollway, "house/unpriced", "http://127.0.0.1:9/v1", json!({})).await;
    let limit = Limit::Money(Money::new(decimal("0.000001"), "USD".parse::<Currency>().unwrap()));
    let terms = BudgetTerms::new(Scope::everyone(), limit, Window::Day);
    let budget = tollway.set_budget(terms).await.unwrap();
    for (model, code, budget_id) in [("priced", "budget_exceeded", Some(budget.get())), ("unpriced", "unpriced", None)]
    {
        let (logged, _guard) = Logged::here();
        let error = ask(&tollway, &format!("house/{model}"), CallOptions::default()).await.unwrap_err();
        assert_eq!(error.code(), code);
        let events = logged.take();
        let [refusal] = events.as_slice() else { panic!("{events:?}") };
        assert_fields(
            refusal,
            &json!({"target": CALL, "level": "INFO", "attempt": 1, "provider": "house", "model": model, "code": code,
                "budget_id": budget_id}),
        );
        assert!(refusal["request_id"].is_string());
    }
}

#[tokio::test]
async fn a_call_that_closes_its_budgets_is_a_warning() {
    let tollway = opened(Settings { on_unpriced: Some(UnpricedPolicy::Hold), ..Settings::default() }).await;
    add(&tollway, "house/unpriced", &provider(vec![answered()]), json!({})).await;
    let limit = Limit::Money(Money::new(decimal("5"), "USD".parse::<Currency>().unwrap()));
    let terms = BudgetTerms::new(Scope::everyone(), limit, Window::Day);
    tollway.set_budget(terms).await.unwrap();
    let (logged, _guard) = Logged::here();
    ask(&tollway, "house/unpriced", CallOptions::default()).await.unwrap();
    let events = logged.take();
    let [unpriced] = events.as_slice() else { panic!("{events:?}") };
    assert_fields(unpriced, &json!({"target": CALL, "level": "WARN", "attempt": 1, "code": "unpriced"}));
    assert!(unpriced["message"].as_str().unwrap().contains("until usage.price"), "{unpriced}");
}

#[tokio::test]
async fn a_field_that_a_host_refuses_is_told_when_it_is_learned() {
    let tollway = opened(Settings { max_retries: 0, ..Settings::default() }).await;
    let refused = (400, json!({"error": {"message": "Unrecognized request argument supplied: stream_options"}}));
    let config = add(&tollway, "house/learns", &provider(vec![refused, failed(400)]), json!({})).await;
    let (logged, _guard) = Logged::here();
    let request: ChatRequest =
        from_json(json!({"model": "house/learns", "messages": [{"role": "user", "content": "Hi"}]}));
    let mut stream = tollway.chat_stream(request, CallOptions::default()).await.unwrap();
    while stream.next_batch(1).await.into_iter().next().is_some_and(|event| event.is_ok()) {}
    let events = logged.take();
    let [omission] = events.as_slice() else { panic!("{events:?}") };
    assert_fields(
        omission,
        &json!({"target": MODELS, "level": "WARN", "model_config_id": config.id, "provider": "house", "model": "learns",
            "field": "stream_options"}),
    );
}

#[tokio::test]
async fn what_ended_processes_left_is_told_when_it_is_settled() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let key = MasterKey::Text("0f".repeat(32).into());
        Tollway::open(folder.path().join("app.tollway"), key, Settings::default())
    };
    let ended = open().await.unwrap();
    let config = add(&ended, "house/m", "http://127.0.0.1:9/v1", json!({})).await;
    let now = ended.engine.environment.now();
    let request = ReserveRequest {
        request_id: "r".into(),
        attempt: 1,
        record_uid: "u".into(),
        user: None,
        tags: std::collections::BTreeMap::new(),
        model_config_id: config.id,
        provider: "house".into(),
        model: "m".into(),
        capability: Capability::Text,
        worst_case: None,
        worst_case_tokens: None,
        worst_case_meters: None,
        on_unpriced: Some(UnpricedPolicy::Allow),
        planned_with: None,
        now,
        expires_at: now,
    };
    let outcome = ended.engine.store.apply(Operation::Reserve(Box::new(request))).await.unwrap();
    assert!(matches!(outcome, Outcome::Reserved(_)));
    // As the end of its process would.
    drop(ended);
    let (logged, _guard) = Logged::here();
    let engine = open().await.unwrap().engine;
    assert_eq!(engine.recover(Box::pin(std::future::pending())).await.unwrap(), 0);
    let events = logged.take();
    let [recovery] = events.as_slice() else { panic!("{events:?}") };
    assert_fields(
        recovery,
        &json!({"target": LEDGER, "level": "WARN", "count": 1, "policy": "bill_reserved",
            "message": "calls of processes that ended before their settlement: 1, billed as they were reserved"}),
    );
}

#[tokio::test]
async fn what_may_be_wrong_with_a_config_is_told() {
    let tollway = opened(Settings::default()).await;
    let (logged, _guard) = Logged::here();
    tollway.add_model(from_json(json!({"name": "openai/gpt-4o-minni", "api_key": KEY}))).await.unwrap();
    let events = logged.take();
    assert!(!events.is_empty());
    for event in &events {
        assert_fields(
            event,
            &json!({"target": MODELS, "level": "WARN", "provider": "openai", "model": "gpt-4o-minni"}),
        );
    }
    assert!(!format!("{events:?}").contains(KEY));
}

#[tokio::test]
async fn what_threads_of_the_engine_log_goes_to_the_subscriber_of_who_opened_the_file() {
    let (logged, _guard) = Logged::here();
    let work = crate::environment::log::logged_as_here(|| tracing::info!(target: LEDGER, "from afar"));
    std::thread::spawn(work).join().unwrap();
    assert_fields(&logged.take()[0], &json!({"target": LEDGER, "message": "from afar"}));
}

/// Returns the source files below a folder.
fn sources(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_event_names_its_target() {
    let mut events = 0;
    for path in sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let code = std::fs::read_to_string(&path).unwrap();
        for level in ["trace", "debug", "info", "warn", "error"] {
            for (place, found) in code.match_indices(&format!("tracing::{level}!(")) {
                let rest = code[place + found.len()..].trim_start();
                assert!(
                    rest.starts_with("target: "),
                    "{}: {}",
                    path.display(),
                    rest.lines().next().unwrap_or_default()
                );
                events += 1;
            }
        }
    }
    assert!(events > 10, "{events}");
}
