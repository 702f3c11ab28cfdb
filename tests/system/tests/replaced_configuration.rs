//! What a call is made at: a price or a config that was replaced before the call began is not used any more, by anyone.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use mock_provider::{MockProvider, Reply, Script};
use serde_json::{Value, json};
use tollway::client::Tollway;
use tollway::types::{
    CallOptions, EmbedRequest, Error, ErrorKind, FetchOptions, FetchRequest, ModelTerms, PriceId, RerankRequest,
    UsageRecord,
};
use tollway_system_tests::{all_records, billed_to, open, request};

/// How many calls of a kind begin at once.
const AT_ONCE: usize = 32;
const KINDS: [&str; 3] = ["text", "embedding", "rerank"];

struct Given {
    admin: Tollway,
    worker: Tollway,
    mock: MockProvider,
    folder: tempfile::TempDir,
}

/// Two handles of one file. The worker has made a call of each kind, so that it knows the configuration.
async fn given() -> Given {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let admin = open(&path).await.unwrap();
    for kind in KINDS {
        let url = mock.script(kind, Script::new([reply(kind)])).unwrap();
        let model = json!({
            "name": format!("house/{kind}"), "base_url": format!("{url}/v1"), "capability": kind, "prices": prices("1"),
        });
        admin.add_model(serde_json::from_value::<ModelTerms>(model).unwrap()).await.unwrap();
    }
    let given = Given { worker: open(&path).await.unwrap(), admin, mock, folder };
    for kind in KINDS {
        call(&given.worker, kind).await.unwrap();
    }
    given
}

fn prices(amount: &str) -> Value {
    json!({"request": {"unit_price": amount, "unit": "per_request", "currency": "USD"}})
}

fn reply(kind: &str) -> Reply {
    match kind {
        "embedding" => {
            Reply::json(json!({"data": [{"embedding": [1, 2]}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}))
        }
        "rerank" => {
            Reply::json(json!({"results": [{"index": 0, "relevance_score": 0.5}], "usage": {"total_tokens": 3}}))
        }
        _ => Reply::automatic(),
    }
}

/// Makes a call of a kind.
async fn call(tollway: &Tollway, kind: &str) -> Result<(), Error> {
    let model = format!("house/{kind}");
    let options = billed_to("alice");
    match kind {
        "embedding" => {
            let request = json!({"model": model, "input": ["a"]});
            tollway.embed(serde_json::from_value::<EmbedRequest>(request).unwrap(), options).await.map(drop)
        }
        "rerank" => {
            let request = json!({"model": model, "query": "a", "documents": ["b"]});
            tollway.rerank(serde_json::from_value::<RerankRequest>(request).unwrap(), options).await.map(drop)
        }
        _ => {
            let mut request = request("two words", 8);
            request.model = Some(model);
            tollway.chat(request, options).await.map(drop)
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_another_handle_added_a_moment_ago_is_found() {
    let given = given().await;
    for place in 0..2 {
        call(&given.worker, "text").await.unwrap();
        let name = format!("house/new-{place}");
        let url = given.mock.script("text", Script::new([Reply::automatic()])).unwrap();
        let model = json!({"name": name, "base_url": format!("{url}/v1"), "prices": prices("1")});
        given.admin.add_model(serde_json::from_value::<ModelTerms>(model).unwrap()).await.unwrap();
        let mut asked = request("two words", 8);
        asked.model = Some(name.clone());
        // Whichever comes first must look for itself.
        if place == 0 {
            assert_eq!(given.worker.quote(asked, billed_to("alice")).await.unwrap().route, [name]);
        } else {
            given.worker.chat(asked, billed_to("alice")).await.unwrap();
        }
    }
    let mut unknown = request("two words", 8);
    unknown.model = Some("house/none".into());
    assert_eq!(given.worker.chat(unknown, billed_to("alice")).await.unwrap_err().kind(), ErrorKind::NoRoute);
}

/// Hands a request on as it is, and reads the answer to its end. Returns its status.
async fn pass_on(tollway: &Tollway, method: &str, path: &str) -> u16 {
    let request = FetchRequest {
        method: method.into(),
        url: format!("https://api.openai.com/v1{path}"),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: if method == "GET" { Vec::new() } else { b"{}".to_vec() },
    };
    let options = FetchOptions { model: Some("house/text".into()), options: CallOptions::default() };
    let mut answer = tollway.fetch(request, options).await.unwrap();
    while answer.body.next().await.is_some() {}
    answer.head.status
}

fn sent(mock: &MockProvider) -> usize {
    KINDS.iter().map(|kind| mock.requests(Some(kind)).len()).sum()
}

/// Returns the price that each record was billed at.
fn billed_at(records: &[UsageRecord]) -> BTreeSet<PriceId> {
    records.iter().flat_map(|record| record.price_ids.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_made_at_a_price_that_was_replaced_before_it_began() {
    let given = given().await;
    let before = all_records(&given.admin).await.unwrap().len();
    let mut new = BTreeSet::new();
    for kind in KINDS {
        let prices = serde_json::from_value(prices("2")).unwrap();
        let set = given.admin.set_prices(&format!("house/{kind}"), prices).await.unwrap();
        new.extend(set);
    }
    let calls = KINDS.iter().flat_map(|kind| (0..AT_ONCE).map(|_| call(&given.worker, kind)));
    assert_eq!(join_all(calls).await.into_iter().filter(Result::is_err).count(), 0);
    let records = all_records(&given.admin).await.unwrap().split_off(before);
    assert_eq!(records.len(), KINDS.len() * AT_ONCE);
    assert_eq!(billed_at(&records), new);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_is_made_by_a_config_that_was_deleted_before_it_began() {
    let given = given().await;
    assert_eq!(pass_on(&given.worker, "POST", "/other").await, 404);
    assert_eq!(pass_on(&given.worker, "GET", "/files").await, 404);
    let before = sent(&given.mock);
    assert_eq!(before, KINDS.len() + 2, "the script answers what it does not know with a refusal");
    for kind in KINDS {
        given.admin.delete_model(&format!("house/{kind}")).await.unwrap();
    }
    let calls = KINDS.iter().flat_map(|kind| (0..AT_ONCE).map(|_| call(&given.worker, kind)));
    let passed = (0..AT_ONCE).map(|_| pass_on(&given.worker, "POST", "/other"));
    let free = (0..AT_ONCE).map(|_| pass_on(&given.worker, "GET", "/files"));
    let (calls, passed, free) = tokio::join!(join_all(calls), join_all(passed), join_all(free));
    assert_eq!(calls.into_iter().flatten().count(), 0);
    assert_eq!((passed, free), (vec![404; AT_ONCE], vec![404; AT_ONCE]));
    assert_eq!(sent(&given.mock), before, "nothing was sent");
    assert_eq!(given.admin.reservations().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_are_made_while_the_configuration_changes_all_the_time() {
    let given = given().await;
    let stop = Arc::new(AtomicBool::new(false));
    let changing = tokio::spawn(change_prices(given.folder.path().join("app.tollway"), Arc::clone(&stop)));
    for _ in 0..20 {
        let calls = (0..4).map(|_| call(&given.worker, "text"));
        assert_eq!(
            join_all(calls).await.into_iter().filter_map(Result::err).map(|error| error.to_string()).next(),
            None
        );
    }
    stop.store(true, Ordering::Relaxed);
    let changes = changing.await.unwrap();
    println!("{changes} changes while 80 calls were made");
    assert!(changes > 5);
}

/// Sets another price again and again, until it is told to stop. Returns how often.
async fn change_prices(path: impl AsRef<Path>, stop: Arc<AtomicBool>) -> u32 {
    let admin = open(path.as_ref()).await.unwrap();
    let mut changes = 0;
    while !stop.load(Ordering::Relaxed) {
        changes += 1;
        let prices = serde_json::from_value(prices(&changes.to_string())).unwrap();
        admin.set_prices("house/text", prices).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    changes
}
