//! Law 7: a call that is given up is billed by a named policy, whenever it is given up.

use std::time::Duration;

use mock_provider::{Fault, MockProvider, Reply, Script};
use rust_decimal::Decimal;
use tollway::client::Tollway;
use tollway::types::{
    AbandonPolicy, BilledBy, BudgetTerms, CallOptions, CostStatus, Currency, ErrorKind, Limit, Money, RecordStatus,
    Scope, StreamEvent, UsageFilter, UsageRecord, Window,
};
use tollway_system_tests::{house_model, open, request};

const POLICIES: [AbandonPolicy; 3] =
    [AbandonPolicy::Drain, AbandonPolicy::CancelAndEstimate, AbandonPolicy::BillReserved];

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

async fn set_budget(tollway: &Tollway, limit: &str) {
    let scope = Scope::of_user("alice");
    let limit = Limit::Money(Money::new(limit.parse().unwrap(), Currency::USD));
    let terms = BudgetTerms::new(scope, limit, Window::Total);
    tollway.set_budget(terms).await.unwrap();
}

fn options(policy: AbandonPolicy) -> CallOptions {
    CallOptions { on_abandon: Some(policy), user: Some("alice".into()), ..CallOptions::default() }
}

/// Waits for the record of a call; a settlement is not waited for by a caller who has gone.
async fn record(tollway: &Tollway, request_id: &str) -> UsageRecord {
    let filter = UsageFilter { request_id: Some(request_id.to_owned()), ..UsageFilter::default() };
    for _ in 0..500 {
        let page = tollway.usage_records(filter.clone(), None, 10).await.unwrap();
        if !page.records.is_empty() {
            assert_eq!(page.records.len(), 1);
            return page.records.into_iter().next().unwrap();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("no record of {request_id}");
}

/// Waits until so many requests arrived.
async fn arrived(mock: &MockProvider, requests: u64) {
    while mock.script_counts("house").started < requests {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn cents(record: &UsageRecord) -> Decimal {
    record.cost_amount.unwrap()
}

/// Twenty words at a cent each and an input of two tokens at a tenth of a cent.
fn whole_answer() -> Decimal {
    "0.202".parse().unwrap()
}

/// The input's bound at a tenth of a cent, and 32 output tokens at a cent.
fn whole_reservation(record: &UsageRecord) -> Decimal {
    let lines: Vec<_> = record.receipt.iter().filter_map(|line| line.amount).collect();
    assert_eq!(record.receipt[0].note.as_deref(), Some("reservation"));
    assert!(lines[0] > "0.32".parse().unwrap());
    lines[0]
}

async fn nothing_stays_reserved(tollway: &Tollway) {
    let left = tollway.reservations().await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_abandoned_before_its_first_byte_is_billed_by_policy() {
    for policy in POLICIES {
        let given = given(Reply::automatic().delay(Duration::from_millis(400))).await;
        let stream = given.tollway.chat_stream(request("two words", 32), options(policy)).await.unwrap();
        let id = stream.request_id().to_owned();
        arrived(&given.mock, 1).await;
        drop(stream);
        let record = record(&given.tollway, &id).await;
        assert_eq!(record.status, RecordStatus::Cancelled, "{policy:?}");
        assert_eq!(record.billed_by, BilledBy::policy(policy));
        match policy {
            AbandonPolicy::Drain => assert_eq!(cents(&record), whole_answer()),
            AbandonPolicy::CancelAndEstimate => {
                assert_eq!(record.cost_status, CostStatus::Estimated);
                assert_eq!(record.usage.output_tokens(), Some(0));
                assert!(cents(&record) > Decimal::ZERO, "the input was sent");
            }
            AbandonPolicy::BillReserved => assert_eq!(cents(&record), whole_reservation(&record)),
        }
        nothing_stays_reserved(&given.tollway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_cap_giving_up_again_and_again_reaches_it() {
    let given = given(Reply::automatic().delay(Duration::from_mins(1))).await;
    set_budget(&given.tollway, "1.00").await;
    let mut given_up = 0;
    let mut billed = Decimal::ZERO;
    loop {
        let request = request("two words", 32);
        let mut stream = given.tollway.chat_stream(request, options(AbandonPolicy::default())).await.unwrap();
        let id = stream.request_id().to_owned();
        let arrived = async {
            arrived(&given.mock, given_up + 1).await;
            // A token for each millisecond is more than the request allows.
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        tokio::select! {
            () = arrived => drop(stream),
            refused = stream.next() => {
                assert_eq!(refused.unwrap().unwrap_err().kind(), ErrorKind::BudgetExceeded);
                break;
            }
        }
        let record = record(&given.tollway, &id).await;
        assert_eq!((record.status, record.billed_by), (RecordStatus::Cancelled, BilledBy::Estimate));
        assert_eq!(record.usage.output_tokens(), Some(32));
        billed += cents(&record);
        given_up += 1;
        assert!(given_up <= 3, "three times 32 tokens are 0.96");
    }
    assert!(given_up >= 1 && billed >= Decimal::from(given_up) * Decimal::new(32, 2), "{given_up}: {billed}");
    assert!(billed <= Decimal::ONE, "{billed}");
    nothing_stays_reserved(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_a_cap_a_stream_that_was_read_from_its_start_is_billed_for_what_came() {
    let given = given(Reply::automatic().chunk_delay(Duration::from_millis(40))).await;
    set_budget(&given.tollway, "1.00").await;
    let mut stream =
        given.tollway.chat_stream(request("two words", 32), options(AbandonPolicy::default())).await.unwrap();
    let id = stream.request_id().to_owned();
    let mut text = String::new();
    while text.split_whitespace().count() < 4 {
        match stream.next().await.unwrap().unwrap() {
            StreamEvent::Delta(delta) => text.push_str(&delta.text),
            StreamEvent::Done(_) => panic!("the stream ended too soon"),
        }
    }
    drop(stream);
    let record = record(&given.tollway, &id).await;
    assert_eq!(record.status, RecordStatus::Partial);
    assert!(cents(&record) < whole_answer(), "{record:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_abandoned_in_its_middle_is_billed_by_policy() {
    for policy in POLICIES {
        let given = given(Reply::automatic().chunk_delay(Duration::from_millis(40))).await;
        let mut stream = given.tollway.chat_stream(request("two words", 32), options(policy)).await.unwrap();
        let id = stream.request_id().to_owned();
        let mut text = String::new();
        while text.split_whitespace().count() < 4 {
            match stream.next().await.unwrap().unwrap() {
                StreamEvent::Delta(delta) => text.push_str(&delta.text),
                StreamEvent::Done(_) => panic!("the stream ended too soon"),
            }
        }
        drop(stream);
        let record = record(&given.tollway, &id).await;
        assert_eq!(record.status, RecordStatus::Partial, "{policy:?}");
        assert_eq!(record.billed_by, BilledBy::policy(policy));
        match policy {
            AbandonPolicy::Drain => assert_eq!(cents(&record), whole_answer()),
            AbandonPolicy::CancelAndEstimate => {
                assert_eq!(record.cost_status, CostStatus::Estimated);
                let output = record.usage.output_tokens().unwrap();
                assert!(output >= 1 && cents(&record) < whole_answer(), "{output}");
                let aborted = given.mock.script_counts("house").aborted;
                assert_eq!(aborted, 1, "the provider is told");
            }
            AbandonPolicy::BillReserved => assert_eq!(cents(&record), whole_reservation(&record)),
        }
        nothing_stays_reserved(&given.tollway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_abandoned_after_its_last_byte_is_billed_by_its_usage() {
    for policy in POLICIES {
        let given = given(Reply::automatic()).await;
        let stream = given.tollway.chat_stream(request("two words", 32), options(policy)).await.unwrap();
        let id = stream.request_id().to_owned();
        let record = record(&given.tollway, &id).await;
        drop(stream);
        assert_eq!(record.status, RecordStatus::Success, "{policy:?}");
        assert_eq!(record.billed_by, BilledBy::ProviderUsage);
        assert_eq!(record.cost_status, CostStatus::Computed);
        assert_eq!(cents(&record), whole_answer());
        nothing_stays_reserved(&given.tollway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_call_that_is_dropped_is_billed_too() {
    for policy in POLICIES {
        let given = given(Reply::automatic().delay(Duration::from_millis(400))).await;
        let call = given.tollway.chat(request("two words", 32), options(policy));
        tokio::select! {
            reply = call => panic!("the reply came too soon: {reply:?}"),
            () = arrived(&given.mock, 1) => {}
        }
        let mut records = Vec::new();
        for _ in 0..200 {
            records = tollway_system_tests::all_records(&given.tollway).await.unwrap();
            if !records.is_empty() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].billed_by, BilledBy::policy(policy));
        assert_eq!(records[0].status, RecordStatus::Cancelled);
        nothing_stays_reserved(&given.tollway).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_is_billed_for_what_came() {
    let given = given(Reply::automatic().fault(Fault::ResetAfterBytes(1_500))).await;
    let mut stream =
        given.tollway.chat_stream(request("two words", 32), options(AbandonPolicy::default())).await.unwrap();
    let id = stream.request_id().to_owned();
    let mut last = None;
    while let Some(event) = stream.next().await {
        last = Some(event);
    }
    assert_eq!(last.unwrap().unwrap_err().code(), "provider_unavailable");
    let record = record(&given.tollway, &id).await;
    assert_eq!(record.status, RecordStatus::Partial);
    assert_eq!(record.billed_by, BilledBy::Estimate);
    assert_eq!(record.cost_status, CostStatus::Estimated);
    nothing_stays_reserved(&given.tollway).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_usage_is_an_estimate_and_says_so() {
    let given = given(Reply::without_usage()).await;
    let reply = given.tollway.chat(request("two words", 32), options(AbandonPolicy::default())).await.unwrap();
    assert_eq!(reply.cost_status, CostStatus::Estimated);
    assert!(reply.cost.unwrap() > Decimal::ZERO);
    assert_eq!(reply.attempts[0].status, RecordStatus::Success);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reasoning_that_is_not_shown_is_in_the_estimate() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let piece = serde_json::json!({
        "candidates": [{"content": {"parts": [{"text": "Rivers"}], "role": "model"}, "index": 0}],
        "usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 1, "thoughtsTokenCount": 20, "totalTokenCount": 61},
    });
    let reply = Reply::events([piece.clone(), piece]).chunk_bytes(200).chunk_delay(Duration::from_millis(300));
    let url = mock.script("thinker", Script::new([reply])).unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    tollway.add_model(house_model("gemini/thinker", &url)).await.unwrap();
    let mut stream =
        tollway.chat_stream(request("two words", 64), options(AbandonPolicy::CancelAndEstimate)).await.unwrap();
    let id = stream.request_id().to_owned();
    assert!(matches!(stream.next().await, Some(Ok(StreamEvent::Delta(_)))));
    drop(stream);
    let record = record(&tollway, &id).await;
    assert_eq!(record.billed_by, BilledBy::Estimate);
    assert_eq!((record.usage.input_tokens(), record.usage.output_tokens()), (Some(40), Some(21)));
}
