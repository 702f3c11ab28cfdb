//! Caps that can be used: calls wait for room, get by with less output, or go to a cheaper model; and no cap is passed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mock_provider::{MockProvider, Reply, Script};
use rust_decimal::Decimal;
use serde_json::json;
use tollway::client::Tollway;
use tollway::types::{
    BudgetRefusal, BudgetTerms, CallOptions, ChatRequest, Currency, ErrorKind, Limit, Meter, ModelTerms, Money,
    OnExceeded, Scope, Window,
};
use tollway_system_tests::{billed_to, committed, house_model, open, openai_url, request};

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn cap(amount: &str) -> BudgetTerms {
    let limit = Limit::Money(Money::new(decimal(amount), Currency::USD));
    BudgetTerms::new(Scope::of_user("alice"), limit, Window::Total)
}

/// Adds a model at a cent for each output token, whose input costs next to nothing, so that what is held is the output limit.
async fn add_model(tollway: &Tollway, url: &str) {
    let mut model = house_model("openai/mock-words-8", url);
    if let Some(prices) = model.prices.as_mut().and_then(|prices| prices.get_mut(&Meter::InputToken.into())) {
        prices.0[0].unit_price = Decimal::new(1, 5);
    }
    tollway.add_model(model).await.unwrap();
}

/// A request without an output limit of its own.
fn unlimited() -> ChatRequest {
    serde_json::from_value(json!({"messages": [{"role": "user", "content": "name some rivers"}]})).unwrap()
}

fn waiting(seconds: u64) -> CallOptions {
    CallOptions { budget_wait: Some(Duration::from_secs(seconds)), ..billed_to("alice") }
}

/// At 0.60 dollars for a million output tokens, a call of the default limit holds some 0.0025 and costs less than 0.00001.
async fn cheap_calls(tollway: &Tollway, mock: &MockProvider, limit: &str) {
    let input = json!({
        "name": "openai/mock-words-8",
        "api_key": "sk-house",
        "base_url": openai_url(mock),
        "default": true,
        "prices": {
            "input_token": {"unit_price": "0.15", "unit": "per_1m_tokens", "currency": "USD"},
            "output_token": {"unit_price": "0.60", "unit": "per_1m_tokens", "currency": "USD"},
        },
    });
    let input: ModelTerms = serde_json::from_value(input).unwrap();
    tollway.add_model(input).await.unwrap();
    tollway.set_budget(cap(limit)).await.unwrap();
}

/// Makes calls, so many at once; returns how many were answered, and how many failed with each code.
async fn calls(
    handles: &[Tollway],
    number: usize,
    at_once: usize,
    options: &CallOptions,
) -> (usize, BTreeMap<String, usize>) {
    let next = Arc::new(AtomicUsize::new(0));
    let workers = (0..at_once).map(|worker| {
        let (tollway, next, options) = (handles[worker % handles.len()].clone(), Arc::clone(&next), options.clone());
        tokio::spawn(async move {
            let (mut answered, mut refused) = (0, Vec::new());
            while next.fetch_add(1, Ordering::Relaxed) < number {
                match tollway.chat(unlimited(), options.clone()).await {
                    Ok(_) => answered += 1,
                    Err(error) => refused.push(error),
                }
            }
            (answered, refused)
        })
    });
    let (mut answered, mut refused) = (0, BTreeMap::new());
    for worker in futures_util::future::join_all(workers).await {
        let (own, errors) = worker.unwrap();
        answered += own;
        for error in errors {
            assert!(error.is_retryable() && error.retry_after() == Some(Duration::from_secs(1)), "{error}");
            assert!(error.detail().contains("calls under way hold the rest"), "{error}");
            assert!(error.budget().is_some_and(BudgetRefusal::is_held));
            *refused.entry(error.code().to_owned()).or_default() += 1;
        }
    }
    (answered, refused)
}

/// Fails as soon as more than the cap is committed.
fn watched(tollway: &Tollway, limit: &'static str) -> (Arc<AtomicBool>, tokio::task::JoinHandle<()>) {
    let (stop, tollway) = (Arc::new(AtomicBool::new(false)), tollway.clone());
    let stopping = Arc::clone(&stop);
    let watcher = tokio::spawn(async move {
        while !stopping.load(Ordering::Relaxed) {
            let status = &tollway.budgets().await.unwrap()[0];
            assert!(committed(status) <= decimal(limit), "committed {}", committed(status));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    });
    (stop, watcher)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_a_cap_has_room_for_one_after_another_are_all_answered_where_they_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let path = folder.path().join("app.tollway");
    let first = open(&path).await.unwrap();
    cheap_calls(&first, &mock, "0.02").await;
    let handles = [first, open(&path).await.unwrap()];
    let (stop, watcher) = watched(&handles[0], "0.02");
    let (answered, refused) = calls(&handles, 200, 16, &waiting(60)).await;
    stop.store(true, Ordering::Relaxed);
    watcher.await.unwrap();
    assert_eq!((answered, refused), (200, BTreeMap::new()));
    let status = handles[0].budgets().await.unwrap().remove(0);
    assert_eq!(status.balance.reserved, Decimal::ZERO);
    assert_eq!(handles[1].verify(None).await.unwrap().damage, []);
    // Without waiting, each refusal says that calls under way hold the rest, and when to try again.
    let (answered, refused) = calls(&handles, 200, 16, &billed_to("alice")).await;
    assert_eq!(answered + refused.get("budget_exceeded").copied().unwrap_or_default(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nearly_all_of_a_cap_can_be_spent_by_64_callers_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    add_model(&tollway, &openai_url(&mock)).await;
    tollway.set_budget(cap("5.00")).await.unwrap();
    let (stop, watcher) = watched(&tollway, "5.00");
    let workers = (0..64).map(|_| {
        let tollway = tollway.clone();
        tokio::spawn(async move {
            loop {
                match tollway.chat(request("name some rivers", 12), waiting(60)).await {
                    Ok(_) => {}
                    Err(error) => break error,
                }
            }
        })
    });
    for error in futures_util::future::join_all(workers).await {
        let error = error.unwrap();
        assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::BudgetExceeded, false), "{error}");
        assert!(error.detail().contains("wait for the next window"), "{error}");
    }
    stop.store(true, Ordering::Relaxed);
    watcher.await.unwrap();
    let status = tollway.budgets().await.unwrap().remove(0);
    println!("settled {} of 5.00", status.balance.settled);
    assert!(status.balance.settled >= decimal("4.75"), "{}", status.balance.settled);
}

#[tokio::test]
async fn who_waits_in_vain_is_told_so_and_one_that_leaves_the_queue_lets_the_next_in() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let path = folder.path().join("app.tollway");
    let tollway = open(&path).await.unwrap();
    let slow = || Reply::automatic().delay(Duration::from_millis(800));
    let url = mock.script("house", Script::new([slow(), slow()])).unwrap();
    add_model(&tollway, &format!("{url}/v1")).await;
    tollway.set_budget(cap("0.30")).await.unwrap();
    let own = tollway.clone();
    let first = tokio::spawn(async move { own.chat(request("name some rivers", 20), billed_to("alice")).await });
    while mock.script_counts("house").started < 1 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let own = tollway.clone();
    let gone = tokio::spawn(async move { own.chat(request("name some rivers", 20), waiting(60)).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let brief = CallOptions { budget_wait: Some(Duration::from_millis(100)), ..billed_to("alice") };
    let error = tollway.chat(request("name some rivers", 20), brief).await.unwrap_err();
    assert!(error.is_retryable() && error.detail().contains("0.1 seconds of waiting brought no room"), "{error}");
    gone.abort();
    first.abort();
    let _ = (gone.await, first.await);
    // The one that was given up is billed the whole of what it held, or less; what is left goes to who comes now.
    let last = tollway.chat(request("name some rivers", 1), waiting(60)).await;
    assert!(last.is_ok() || last.is_err_and(|error| !error.is_retryable()));
    assert!(mock.script_counts("house").started <= 2, "who left the queue was never sent");
}

#[tokio::test]
async fn a_budget_that_clamps_lowers_the_output_limit_to_what_fits_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    add_model(&tollway, &openai_url(&mock)).await;
    let terms = BudgetTerms { on_exceeded: OnExceeded::Clamp, ..cap("0.30") };
    tollway.set_budget(terms).await.unwrap();
    let reply = tollway.chat(unlimited(), billed_to("alice")).await.unwrap();
    let limit = reply.output_limit.unwrap();
    assert!((1..30).contains(&limit), "{limit}");
    let asked = tollway.chat(request("name some rivers", 500), billed_to("alice")).await.unwrap();
    assert!(asked.output_limit.is_some_and(|lower| lower < limit), "{:?}", asked.output_limit);
    assert!(asked.usage.output_tokens().unwrap_or_default() <= asked.output_limit.unwrap());
    let error = loop {
        match tollway.chat(unlimited(), billed_to("alice")).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
    let status = tollway.budgets().await.unwrap().remove(0);
    assert!(status.balance.settled <= decimal("0.30") && status.balance.reserved.is_zero());
}

#[tokio::test]
async fn a_budget_that_downgrades_sends_the_call_to_the_cheapest_model_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&folder.path().join("app.tollway")).await.unwrap();
    add_model(&tollway, &openai_url(&mock)).await;
    for (name, price) in [("openai/mock-words-4", "0.002"), ("openai/mock-words-2", "0.0001")] {
        let input = json!({
            "name": name, "api_key": "sk-house", "base_url": openai_url(&mock),
            "prices": {
                "input_token": {"unit_price": "0.00001", "unit": "per_token", "currency": "USD"},
                "output_token": {"unit_price": price, "unit": "per_token", "currency": "USD"},
            },
        });
        tollway.add_model(serde_json::from_value(input).unwrap()).await.unwrap();
    }
    let terms = BudgetTerms { on_exceeded: OnExceeded::Downgrade, ..cap("0.40") };
    tollway.set_budget(terms).await.unwrap();
    let ask = || tollway.chat(request("name some rivers", 20), billed_to("alice"));
    assert_eq!(ask().await.unwrap().model, "mock-words-8", "as long as it fits, the default answers");
    let mut models = Vec::new();
    for _ in 0..6 {
        models.push(ask().await.unwrap().model);
    }
    assert!(
        models.ends_with(&["mock-words-2".to_owned()]) && !models.contains(&"mock-words-4".to_owned()),
        "{models:?}"
    );
    let refuses = BudgetTerms { on_exceeded: OnExceeded::Refuse, ..cap("0.40") };
    tollway.set_budget(refuses).await.unwrap();
    let error = ask().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "it goes to no model that was not asked");
}
