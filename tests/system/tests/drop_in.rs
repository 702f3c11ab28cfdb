//! The drop-in: whenever an app gives an answer up, it is billed; no key of the app's leaves the process.

use std::time::Duration;

use mock_provider::{Fault, MockProvider, Reply, Script};
use serde_json::{Value, json};
use tollway::client::{FetchResponse, Tollway};
use tollway::types::{
    BilledBy, CallOptions, CostStatus, ErrorKind, FetchOptions, FetchRequest, RecordStatus, UsageRecord,
};
use tollway_system_tests::{all_records, billed_to, house_model, open};

const APP_KEY: &str = "sk-of-the-app";

struct Given {
    tollway: Tollway,
    mock: MockProvider,
    _folder: tempfile::TempDir,
}

async fn given(reply: Reply) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", Script::new([reply])).unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    tollway.add_model(house_model("openai/mock-words-20", &format!("{url}/v1"))).await.unwrap();
    Given { tollway, mock, _folder: folder }
}

impl Given {
    async fn fetch(&self, path: &str, body: Value, options: CallOptions) -> FetchResponse {
        let pairs = [("content-type", "application/json"), ("authorization", APP_KEY), ("x-api-key", APP_KEY)];
        let request = FetchRequest {
            method: "POST".into(),
            url: format!("https://api.openai.com/v1{path}"),
            headers: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.to_string().into_bytes(),
        };
        self.tollway.fetch(request, FetchOptions { model: None, options }).await.unwrap()
    }

    /// Waits for the one record; a settlement is not waited for by a caller who has gone.
    async fn record(&self) -> UsageRecord {
        for _ in 0..500 {
            let mut records = all_records(&self.tollway).await.unwrap();
            if let Some(record) = records.pop() {
                assert!(records.is_empty(), "{records:?}");
                assert!(self.tollway.reservations().await.unwrap().is_empty());
                return record;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("there is no record");
    }
}

fn chat(stream: bool) -> Value {
    json!({"model": "mock-words-20", "max_tokens": 32, "stream": stream, "messages": [{"role": "user", "content": "Hi"}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_streamed_body_that_is_dropped_is_billed_by_policy() {
    let given = given(Reply::automatic().chunk_delay(Duration::from_millis(40))).await;
    let mut answer = given.fetch("/chat/completions", chat(true), billed_to("alice")).await;
    assert_eq!(answer.head.status, 200);
    let first = answer.body.next().await.unwrap().unwrap();
    assert!(first.starts_with(b"data: {"));
    answer.body.next().await.unwrap().unwrap();
    drop(answer);
    let record = given.record().await;
    assert_eq!((record.status, record.billed_by), (RecordStatus::Partial, BilledBy::Estimate));
    assert_eq!(record.user.as_deref(), Some("alice"));
    let output = record.usage.output_tokens().unwrap();
    assert!((1..20).contains(&output), "{output}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_dropped_before_its_answer_is_cancelled() {
    let given = given(Reply::automatic().delay(Duration::from_secs(20))).await;
    for path in ["/chat/completions", "/other"] {
        let before = all_records(&given.tollway).await.unwrap().len();
        let answer = given.fetch(path, chat(false), CallOptions::default());
        assert!(tokio::time::timeout(Duration::from_millis(300), answer).await.is_err());
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if all_records(&given.tollway).await.unwrap().len() > before {
                break;
            }
        }
        let record = all_records(&given.tollway).await.unwrap().pop().unwrap();
        assert_eq!(record.status, RecordStatus::Cancelled, "{path}");
    }
    assert!(given.tollway.reservations().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_passed_through_comes_as_it_is_sent() {
    let events = [json!({"a": 1}), json!({"a": 2}), json!({"a": 3})];
    let given = given(Reply::events(events).chunk_delay(Duration::from_millis(20))).await;
    let mut answer = given.fetch("/other", json!({"model": "mock-words-20"}), CallOptions::default()).await;
    let mut pieces = 0;
    let mut whole = Vec::new();
    while let Some(piece) = answer.body.next().await {
        whole.extend(piece.unwrap());
        pieces += 1;
    }
    assert!(pieces > 1, "the body came in one piece");
    assert_eq!(String::from_utf8(whole).unwrap(), "data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: {\"a\":3}\n\n");
    let record = given.record().await;
    assert_eq!((record.status, record.cost_status), (RecordStatus::Success, CostStatus::Unpriced));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_passed_through_and_given_up_is_recorded() {
    let given = given(Reply::events(vec![json!({"a": 1}); 20]).chunk_delay(Duration::from_millis(50))).await;
    let mut answer = given.fetch("/other", chat(true), CallOptions::default()).await;
    answer.body.next().await.unwrap().unwrap();
    drop(answer);
    let record = given.record().await;
    assert_eq!((record.status, record.cost_status), (RecordStatus::Partial, CostStatus::Unpriced));
    assert_eq!(record.cost_amount, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passed_through_call_that_breaks_off_or_times_out_is_an_error_and_recorded() {
    let broken = given(Reply::json(json!({"text": "a".repeat(5_000)})).fault(Fault::CloseAfterBytes(500))).await;
    let mut answer = broken.fetch("/other", json!({}), CallOptions::default()).await;
    let mut outcome = Ok(Vec::new());
    while let Some(piece) = answer.body.next().await {
        outcome = piece;
    }
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::ProviderUnavailable);
    assert_eq!(broken.record().await.status, RecordStatus::Partial);

    let slow = given(Reply::automatic().fault(Fault::Hang)).await;
    let options = CallOptions { timeout: Some(Duration::from_millis(200)), ..CallOptions::default() };
    let mut answer = slow.fetch("/other", json!({}), options).await;
    assert_eq!(answer.head.status, 504);
    let body: Value = serde_json::from_slice(&answer.body.next().await.unwrap().unwrap()).unwrap();
    assert_eq!(body["error"]["code"], "timeout");
    assert_eq!(slow.record().await.status, RecordStatus::Timeout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_apps_keys_never_leave_the_process() {
    let given = given(Reply::automatic()).await;
    given.fetch("/chat/completions", chat(false), CallOptions::default()).await;
    given.fetch("/other", chat(false), CallOptions::default()).await;
    let received = given.mock.requests(Some("house"));
    assert_eq!(received.len(), 2);
    let received = serde_json::to_string(&received).unwrap();
    assert!(!received.contains(APP_KEY) && received.contains("sk-house"), "{received}");
}
