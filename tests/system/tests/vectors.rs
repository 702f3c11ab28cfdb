//! Embeddings and reranking, whatever the provider does: nothing is free that was made, nothing is made twice, no cap is passed.

use std::time::Duration;

use mock_provider::{Fault, MockProvider, Reply, Script};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tollway::client::Tollway;
use tollway::types::{
    BilledBy, BudgetTerms, CallOptions, CostStatus, Currency, EmbedRequest, ErrorKind, Limit, ModelTerms, Money,
    RecordStatus, RerankRequest, Scope, UsageFlag, UsageRecord, Window,
};
use tollway_system_tests::{all_records, billed_to, five_dollars, open};

struct Given {
    tollway: Tollway,
    mock: MockProvider,
    _folder: tempfile::TempDir,
}

/// Opens a file with a model of a capability whose provider plays replies, and with five dollars for alice.
async fn given(capability: &str, params: Value, prices: Value, replies: Vec<Reply>) -> Given {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let url = mock.script("house", Script::new(replies)).unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    let model = json!({
        "name": "house/vectors", "base_url": format!("{url}/v1"), "capability": capability, "params": params,
        "prices": prices,
    });
    tollway.add_model(serde_json::from_value::<ModelTerms>(model).unwrap()).await.unwrap();
    let scope = Scope::of_user("alice");
    let limit = Limit::Money(five_dollars());
    tollway.set_budget(BudgetTerms::new(scope, limit, Window::Total)).await.unwrap();
    Given { tollway, mock, _folder: folder }
}

/// A dollar for each input token, so that costs are counts; a text of one letter is bounded by nine.
fn a_dollar_a_token() -> Value {
    json!({"input_token": {"unit_price": "1", "unit": "per_token", "currency": "USD"}})
}

fn a_cent_a_million() -> Value {
    json!({"input_token": {"unit_price": "0.01", "unit": "per_1m_tokens", "currency": "USD"}})
}

async fn embedding(most_inputs: u64, replies: Vec<Reply>) -> Given {
    given("embedding", json!({"most_inputs": most_inputs}), a_cent_a_million(), replies).await
}

fn vectors(vectors: &Value, tokens: Option<u64>) -> Reply {
    let data: Vec<Value> = vectors.as_array().unwrap().iter().map(|vector| json!({"embedding": vector})).collect();
    let mut body = json!({"object": "list", "data": data});
    if let Some(tokens) = tokens {
        body["usage"] = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    }
    Reply { body: Some(body), ..Reply::default() }
}

fn refusal(status: u16) -> Reply {
    Reply { status: Some(status), body: Some(json!({"error": {"message": "no"}})), ..Reply::default() }
}

fn texts(input: &[&str]) -> EmbedRequest {
    serde_json::from_value(json!({"model": "house/vectors", "input": input})).unwrap()
}

impl Given {
    fn sent(&self) -> usize {
        self.mock.requests(Some("house")).len()
    }

    /// Waits for so many records; nothing is held then.
    async fn records(&self, count: usize) -> Vec<UsageRecord> {
        for _ in 0..500 {
            let records = all_records(&self.tollway).await.unwrap();
            if records.len() >= count && self.tollway.reservations().await.unwrap().is_empty() {
                assert_eq!(records.len(), count, "{records:?}");
                return records;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("there are no {count} records");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_used_is_an_error_and_is_billed_by_its_usage() {
    let two = json!([[1, 2], [3, 4]]);
    for (replies, problem) in [
        (vectors(&json!([[1, 2]]), Some(7)), "1 vectors for 2 inputs"),
        (vectors(&json!([[1, 2], [3]]), Some(7)), "one length"),
        (vectors(&json!([[], []]), Some(7)), "one length"),
        (vectors(&json!([[1, 2], "no base64!"]), Some(7)), "Base64"),
        (vectors(&json!([[1, 2], [null]]), Some(7)), "no vectors that can be read"),
    ] {
        let given = embedding(9, vec![replies]).await;
        let error = given.tollway.embed(texts(&["a", "b"]), billed_to("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ProviderUnavailable);
        assert!(error.detail().contains(problem), "{error}");
        let record = &given.records(1).await[0];
        assert_eq!((record.usage.input_tokens(), record.billed_by), (Some(7), BilledBy::ProviderUsage), "{problem}");
        assert_eq!(given.sent(), 1, "what was charged is not made again");
    }
    let given = embedding(9, vec![vectors(&two, Some(7))]).await;
    let reply = given.tollway.embed(texts(&["a", "b"]), billed_to("alice")).await.unwrap();
    assert_eq!((reply.embeddings.len(), reply.cost), (2, Some(Decimal::new(7, 8))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_did_no_work_costs_nothing() {
    let page = Reply { body: Some(json!("<html>login</html>")), ..Reply::default() };
    let stated = Reply { body: Some(json!({"error": {"message": "overloaded", "code": 503}})), ..Reply::default() };
    for reply in [refusal(401), refusal(400), page, stated] {
        let given = embedding(9, vec![reply]).await;
        let options = CallOptions { max_retries: Some(0), ..billed_to("alice") };
        given.tollway.embed(texts(&["a"]), options).await.unwrap_err();
        let record = &given.records(1).await[0];
        assert_eq!((record.billed_by, record.cost_amount), (BilledBy::NotBilled, Some(Decimal::ZERO)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_request_among_several_is_repeated_and_those_before_it_are_not() {
    let one = |number: u64| vectors(&json!([[number, 0]]), Some(number));
    let given = embedding(1, vec![one(1), refusal(503), one(2), one(3)]).await;
    let options = CallOptions { max_retries: Some(1), ..billed_to("alice") };
    let reply = given.tollway.embed(texts(&["a", "b", "c"]), options).await.unwrap();
    let firsts: Vec<f32> = reply.embeddings.iter().map(|vector| vector.0[0]).collect();
    assert_eq!(firsts, [1.0, 2.0, 3.0]);
    assert_eq!(given.sent(), 4);
    let records = given.records(2).await;
    let tokens: Vec<_> = records.iter().map(|record| record.usage.input_tokens()).collect();
    assert_eq!(tokens, [Some(1), Some(2 + 3)]);
    assert_eq!(reply.cost, Some(Decimal::new(6, 8)));
    assert_eq!(reply.attempts.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_have_been_charged_is_billed_and_not_repeated() {
    let broken = Reply { fault: Some(Fault::ResetAfterBytes(10)), ..vectors(&json!([[1, 2]]), Some(5)) };
    let given = embedding(1, vec![vectors(&json!([[1, 2]]), Some(5)), broken]).await;
    given.tollway.embed(texts(&["a", "b"]), billed_to("alice")).await.unwrap_err();
    let record = &given.records(1).await[0];
    assert_eq!((record.billed_by, record.cost_status), (BilledBy::Estimate, CostStatus::Estimated));
    assert!(record.usage.input_tokens().unwrap() > 5, "{:?}", record.usage);
    assert_eq!(given.sent(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_that_is_absent_zero_or_above_the_bound_is_not_believed() {
    for (tokens, expected) in [(None, true), (Some(0), true), (Some(1_000_000_000), false)] {
        let given = given("embedding", json!({}), a_dollar_a_token(), vec![vectors(&json!([[1]]), tokens)]).await;
        // Nine dollars are the bound of one letter, and five are left.
        let refused = given.tollway.embed(texts(&["a"]), billed_to("alice")).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::BudgetExceeded);
        assert_eq!(given.sent(), 0);
        let scope = Scope::of_user("bob");
        let limit = Limit::Money(Money::new(Decimal::TEN, Currency::USD));
        let terms = BudgetTerms::new(scope, limit, Window::Total);
        given.tollway.set_budget(terms).await.unwrap();
        let reply = given.tollway.embed(texts(&["a"]), billed_to("bob")).await.unwrap();
        let cost = reply.cost.unwrap();
        assert!(cost > Decimal::ZERO && cost <= Decimal::from(9), "{tokens:?} cost {cost}");
        assert_eq!(reply.usage.flags.contains(&UsageFlag::Estimated), expected);
        assert_eq!(reply.usage.flags.contains(&UsageFlag::UsageExceedsBound), !expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_is_billed_for_what_was_made() {
    let hanging = Reply { fault: Some(Fault::Hang), ..Reply::default() };
    let given = embedding(1, vec![vectors(&json!([[1, 2]]), Some(5)), hanging]).await;
    let call = given.tollway.embed(texts(&["a", "b"]), billed_to("alice"));
    tokio::time::timeout(Duration::from_millis(500), call).await.unwrap_err();
    let record = &given.records(1).await[0];
    assert_eq!((record.status, record.billed_by), (RecordStatus::Cancelled, BilledBy::Estimate));
    assert!(record.usage.input_tokens().unwrap() >= 6, "{:?}", record.usage);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_keeps_its_vectors() {
    let given = embedding(9, vec![vectors(&json!([[0.5, -0.25]]), Some(5))]).await;
    let options = CallOptions { idempotency_key: Some("once".into()), ..billed_to("alice") };
    let first = given.tollway.embed(texts(&["a"]), options.clone()).await.unwrap();
    let second = given.tollway.embed(texts(&["a"]), options.clone()).await.unwrap();
    assert!(second.replayed && !first.replayed);
    assert_eq!((&second.embeddings, second.cost), (&first.embeddings, first.cost));
    assert_eq!(given.sent(), 1);
    let other = given.tollway.embed(texts(&["b"]), options).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::IdempotencyConflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rankings_that_cannot_be_true_are_errors_and_are_billed() {
    let by_search = json!({"search_unit": {"unit_price": "0.002", "unit": "per_search", "currency": "USD"}});
    let request = || -> RerankRequest {
        serde_json::from_value(json!({"model": "house/vectors", "query": "q", "documents": ["a", "b"]})).unwrap()
    };
    let ranked = |results: Value| Reply { body: Some(json!({"results": results})), ..Reply::default() };
    for results in [
        json!([]),
        json!([{"index": 2, "relevance_score": 1}]),
        json!([{"index": 0, "relevance_score": 1}, {"index": 0, "relevance_score": 0.5}]),
        json!([{"index": -1, "relevance_score": 1}]),
        json!("none"),
    ] {
        let given = given("rerank", json!({}), by_search.clone(), vec![ranked(results.clone())]).await;
        given.tollway.rerank(request(), billed_to("alice")).await.unwrap_err();
        let record = &given.records(1).await[0];
        assert_eq!((record.billed_by, record.cost_amount), (BilledBy::Estimate, Some(Decimal::new(2, 3))), "{results}");
        assert_eq!(given.sent(), 1, "what was charged is not made again");
    }
    let fine = json!([{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.75}]);
    let given = given("rerank", json!({}), by_search, vec![ranked(fine)]).await;
    let reply = given.tollway.rerank(request(), billed_to("alice")).await.unwrap();
    let order: Vec<_> = reply.results.iter().map(|result| (result.index, result.document.as_str())).collect();
    assert_eq!(order, [(0, "a"), (1, "b")]);
    assert_eq!((reply.cost, reply.cost_status), (Some(Decimal::new(2, 3)), CostStatus::Estimated));
}
