//! The drop-in: how answers end, and what is in the ledger by then.

use std::time::Duration;

use mock_provider::{MockProvider, Reply, Script};
use serde_json::{Value, json};
use tollway::client::{FetchResponse, Tollway};
use tollway::types::{
    BilledBy, BudgetTerms, CallOptions, CostStatus, ErrorKind, FetchOptions, FetchRequest, Limit, RecordStatus, Result,
    Scope, UnpricedPolicy, Window,
};
use tollway_system_tests::{all_records, billed_to, house_model, open};

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
    async fn fetch(&self, path: &str, body: Value, headers: &[(&str, &str)], options: CallOptions) -> FetchResponse {
        let request = FetchRequest {
            method: "POST".into(),
            url: format!("https://api.openai.com/v1{path}"),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.to_string().into_bytes(),
        };
        self.tollway.fetch(request, FetchOptions { model: None, options }).await.unwrap()
    }
}

async fn read(answer: &mut FetchResponse) -> (String, Result<()>) {
    let mut read = Vec::new();
    while let Some(piece) = answer.body.next().await {
        match piece {
            Ok(piece) => read.extend(piece),
            Err(error) => return (String::from_utf8(read).unwrap(), Err(error)),
        }
    }
    (String::from_utf8(read).unwrap(), Ok(()))
}

fn timeout(milliseconds: u64) -> CallOptions {
    CallOptions { timeout: Some(Duration::from_millis(milliseconds)), ..CallOptions::default() }
}

fn slow_events() -> Reply {
    Reply::events(vec![json!({"a": 1}); 200]).chunk_delay(Duration::from_millis(50))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_reply_in_the_place_of_a_stream_is_a_stream_and_is_billed() {
    let reply = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "mock-words-20", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Five rivers."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}});
    let given = given(Reply::json(reply)).await;
    let body = json!({"model": "mock-words-20", "max_tokens": 32, "stream": true,
        "messages": [{"role": "user", "content": "Hi"}]});
    let mut answer = given.fetch("/chat/completions", body, &[], billed_to("alice")).await;
    assert_eq!(answer.head.status, 200);
    let (text, end) = read(&mut answer).await;
    end.unwrap();
    assert!(text.contains("Five rivers.") && text.ends_with("data: [DONE]\n\n"), "{text}");
    let records = all_records(&given.tollway).await.unwrap();
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!((records[0].billed_by, records[0].cost_status), (BilledBy::ProviderUsage, CostStatus::Computed));
    assert_eq!(records[0].usage.output_tokens(), Some(3));
    assert_eq!(given.mock.requests(Some("house")).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_time_cuts_off_does_not_look_whole() {
    let given = given(slow_events()).await;
    let mut answer = given.fetch("/other", json!({}), &[], timeout(400)).await;
    assert_eq!(answer.head.status, 200);
    let (text, end) = read(&mut answer).await;
    assert!(text.starts_with("data: "), "{text}");
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(answer.body.next().await.is_none());
    // The end comes after the settlement, so that no wait is needed.
    let records = all_records(&given.tollway).await.unwrap();
    assert_eq!((records.len(), records[0].status), (1, RecordStatus::Timeout));
    assert_eq!(records[0].cost_status, CostStatus::Unpriced);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_the_closing_of_the_file_cuts_off_does_not_look_whole() {
    for (waits, reads_before) in [(0, 0), (0, 1), (600, 0)] {
        let given = given(Reply::events(vec![json!({"a": 1}); 2_000]).chunk_delay(Duration::from_millis(10))).await;
        let mut answer = given.fetch("/other", json!({}), &[], CallOptions::default()).await;
        for _ in 0..reads_before {
            answer.body.next().await.unwrap().unwrap();
        }
        // Of a caller who does not read, no more pieces are ahead than there is room for.
        tokio::time::sleep(Duration::from_millis(waits)).await;
        assert!(given.tollway.shutdown(Duration::from_secs(5)).await);
        let kind = read(&mut answer).await.1.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Closed | ErrorKind::Cancelled), "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_comes_after_its_record() {
    let given = given(Reply::automatic().delay(Duration::from_secs(20))).await;
    for known in 0..5 {
        let answer = given.fetch("/other", json!({}), &[], timeout(60)).await;
        assert_eq!(answer.head.status, 504);
        assert_eq!(all_records(&given.tollway).await.unwrap().len(), known + 1);
        assert!(given.tollway.reservations().await.unwrap().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_with_extreme_choices_break_nothing() {
    let given = given(Reply::json(json!({"a": 1}))).await;
    for seconds in ["18446744073709549000", "1e19"] {
        let mut answer =
            given.fetch("/other", json!({}), &[("x-tollway-timeout", seconds)], CallOptions::default()).await;
        assert_eq!((answer.head.status, read(&mut answer).await.0.as_str()), (200, "{\"a\":1}"), "{seconds}");
    }
    for (name, value) in
        [("x-tollway-user", ""), ("x-tollway-timeout", "NaN"), ("x-tollway-timeout", "-1"), ("x-tollway-tags", "[]")]
    {
        for path in ["/other", "/chat/completions"] {
            let body = json!({"model": "mock-words-20", "messages": [{"role": "user", "content": "Hi"}]});
            let answer = given.fetch(path, body, &[(name, value)], CallOptions::default()).await;
            assert_eq!(answer.head.status, 400, "{path} {name}: {value:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cap_of_tokens_lets_nothing_through_whose_tokens_nobody_counts() {
    let given = given(Reply::json(json!({"a": 1}))).await;
    let limit = Limit::Tokens(1_000_000);
    let terms = BudgetTerms::new(Scope::everyone(), limit, Window::Total);
    given.tollway.set_budget(terms).await.unwrap();
    let mut answer = given.fetch("/completions?key=AIza-secret", json!({}), &[], CallOptions::default()).await;
    assert_eq!(answer.head.status, 402);
    let (text, _) = read(&mut answer).await;
    assert!(text.contains("on_unpriced") && text.contains("/v1/completions") && !text.contains("secret"), "{text}");
    assert!(given.mock.requests(Some("house")).is_empty());
    let allowed = CallOptions { on_unpriced: Some(UnpricedPolicy::Allow), ..CallOptions::default() };
    assert_eq!(given.fetch("/completions", json!({}), &[], allowed).await.head.status, 200);
}
