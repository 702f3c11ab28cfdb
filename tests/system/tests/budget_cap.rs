//! Law 3: a cap holds, with many threads and with many processes.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::client::Tollway;
use tollway::types::{BudgetTerms, Currency, ErrorKind, Limit, Meter, Scope, Window};
use tollway_system_tests::{
    all_records, billed_to, by_uid, committed, five_dollars, house_model, no_silent_zero, open, openai_url, request,
    total,
};

async fn capped(path: &std::path::Path, mock: &MockProvider) -> Tollway {
    let tollway = open(path).await.unwrap();
    let mut model = house_model("openai/mock-words-8", &openai_url(mock));
    // With a cheap input, a reservation is little more than the cost, so that many calls hold money at once.
    if let Some(prices) = model.prices.as_mut().and_then(|prices| prices.get_mut(&Meter::InputToken.into())) {
        prices.0[0].unit_price = Decimal::new(1, 5);
    }
    tollway.add_model(model).await.unwrap();
    let scope = Scope::of_user("alice");
    let limit = Limit::Money(five_dollars());
    let terms = BudgetTerms::new(scope, limit, Window::Total);
    tollway.set_budget(terms).await.unwrap();
    tollway
}

/// Looks at the budget again and again; fails as soon as more than five dollars are committed.
async fn watch(tollway: Tollway, stop: Arc<AtomicBool>) -> (usize, Decimal) {
    let mut looks = 0;
    let mut most = Decimal::ZERO;
    while !stop.load(Ordering::Relaxed) {
        let status = &tollway.budgets().await.unwrap()[0];
        most = most.max(committed(status));
        assert!(committed(status) <= Decimal::from(5), "committed {}", committed(status));
        looks += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    (looks, most)
}

async fn check_ledger(tollway: &Tollway, acknowledged: usize) {
    let mut acknowledged = acknowledged;
    while tollway.chat(request("name some rivers", 8), billed_to("alice")).await.is_ok() {
        acknowledged += 1;
    }
    let status = tollway.budgets().await.unwrap().remove(0);
    let records = all_records(tollway).await.unwrap();
    assert_eq!(status.balance.reserved, Decimal::ZERO);
    assert_eq!(status.balance.settled, total(&records).unwrap().get(Currency::USD).unwrap());
    assert!(status.balance.settled <= Decimal::from(5));
    assert!(status.balance.settled > Decimal::new(49, 1), "the budget is used up: {}", status.balance.settled);
    println!("settled {} of 5.00 in {} records", status.balance.settled, records.len());
    assert_eq!(records.len(), acknowledged);
    assert!(by_uid(&records).values().all(|count| *count == 1));
    assert!(no_silent_zero(&records));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_calls_from_64_threads_stay_under_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let mock = MockProvider::start().await.unwrap();
    let tollway = capped(&folder.path().join("app.tollway"), &mock).await;
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn(watch(tollway.clone(), Arc::clone(&stop)));
    let runtime = tokio::runtime::Handle::current();
    let threads: Vec<_> = (0..64)
        .map(|thread| {
            let (tollway, runtime) = (tollway.clone(), runtime.clone());
            let calls = if thread < 40 { 16 } else { 15 };
            std::thread::spawn(move || {
                runtime.block_on(async {
                    let calls = (0..calls).map(|_| async {
                        match tollway.chat(request("name some rivers", 8), billed_to("alice")).await {
                            Ok(_) => true,
                            Err(error) => {
                                assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "{error}");
                                false
                            }
                        }
                    });
                    futures_util::future::join_all(calls).await
                })
            })
        })
        .collect();
    let outcomes = tokio::task::spawn_blocking(move || {
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    let outcomes = outcomes.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let (looks, most) = watcher.await.unwrap();
    let acknowledged = outcomes.iter().filter(|answered| **answered).count();
    println!("{} calls, {acknowledged} answered, {looks} looks, {most} committed at the most", outcomes.len());
    assert_eq!(outcomes.len(), 1_000);
    assert!(acknowledged < 1_000);
    check_ledger(&tollway, acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_processes_stay_under_the_cap() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = capped(&path, &mock).await;
    let stop = Arc::new(AtomicBool::new(false));
    let watcher = tokio::spawn(watch(tollway.clone(), Arc::clone(&stop)));
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
            command.arg(&path).args(["4", "alice"]).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let lines = tokio::task::spawn_blocking(move || {
        let readers: Vec<_> = workers
            .into_iter()
            .map(|mut worker| {
                std::thread::spawn(move || {
                    let lines = BufReader::new(worker.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
                    assert!(worker.wait().unwrap().success());
                    lines
                })
            })
            .collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect::<Vec<Vec<String>>>()
    });
    let lines = lines.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let (looks, most) = watcher.await.unwrap();
    let count = |lines: &[String]| lines.iter().filter(|line| line.starts_with("reply ")).count();
    let counts: Vec<_> = lines.iter().map(|lines| count(lines)).collect();
    println!("answered {counts:?}, {looks} looks, {most} committed at the most");
    for lines in &lines {
        assert_eq!(lines.last().map(String::as_str), Some("refused"), "{lines:?}");
        assert!(!lines.iter().any(|line| line.starts_with("failed")), "{lines:?}");
    }
    check_ledger(&tollway, counts.iter().sum()).await;
}
