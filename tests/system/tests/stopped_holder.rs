//! Law 10: one file and many processes, one of which stands still while it writes: nobody waits for it longer than their time.
//!
//! `TOLLWAY_STOPPED_SECONDS` says for how long it stands still at least.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mock_provider::{MockProvider, Reply, Script};
use rust_decimal::Decimal;
use tollway::client::Tollway;
use tollway::environment::SystemEnvironment;
use tollway::settings::Durability;
use tollway::store::Reservation;
use tollway::types::{
    BilledBy, BudgetTerms, CallOptions, Currency, Error, ErrorKind, Limit, Money, RecordStatus, Scope, Window,
};
use tollway_system_tests::{
    add_house_model, all_records, billed_to, by_uid, house_model, number_from, open, open_in, openai_url, request,
    settings, total,
};

/// The byte that whoever writes has locked, as the system tells it.
const WRITER: &str = "4611686018427387904 4611686018427387904";
/// What a wait may take beyond its time, on a machine that has much else to do.
const SLACK: Duration = Duration::from_millis(1_500);

/// A process that calls a model all the time. It is killed when it is dropped.
struct Worker(Child);

impl Worker {
    fn start(path: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
        let mut worker = command.arg(path).args(["8", "worker"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(worker.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "ready");
        // What it says is read, so that it is never kept from saying more.
        std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
        Self(worker)
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.0.id().to_string()]).status().unwrap().success());
    }

    fn holds_the_writers_lock(&self) -> bool {
        let files = std::fs::read_dir(format!("/proc/{}/fdinfo", self.0.id())).unwrap();
        files.flatten().filter_map(|file| std::fs::read_to_string(file.path()).ok()).any(|told| {
            told.lines().any(|line| line.starts_with("lock:") && line.contains(" WRITE ") && line.ends_with(WRITER))
        })
    }

    /// Stops it while it writes.
    fn stop(&self) {
        for _ in 0..10_000 {
            self.signal("-STOP");
            std::thread::sleep(Duration::from_millis(2));
            if self.holds_the_writers_lock() {
                return;
            }
            self.signal("-CONT");
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("it was never stopped while it wrote");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.signal("-CONT");
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn within(seconds: u64, user: &str) -> CallOptions {
    CallOptions { timeout: Some(Duration::from_secs(seconds)), ..billed_to(user) }
}

fn is_busy(error: &Error, worker: &Worker, waited: Duration, time: Duration) {
    assert_eq!(error.kind(), ErrorKind::StorageBusy, "{error}");
    assert!(error.detail().contains(&format!("process {}", worker.0.id())), "{error}");
    assert!(waited < time + SLACK, "{waited:?}: {error}");
}

async fn everything_adds_up(tollway: &Tollway) {
    assert_eq!(tollway.verify(None).await.unwrap().damage, []);
    let records = all_records(tollway).await.unwrap();
    assert!(by_uid(&records).values().all(|count| *count == 1));
    let status = tollway.budgets().await.unwrap().remove(0);
    assert_eq!(Some(status.balance.settled), total(&records).unwrap().get(Currency::USD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stands_still_while_it_writes_keeps_nobody_longer_than_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let slow = mock.script("slow", Script::new([Reply::automatic().delay(Duration::from_millis(700))])).unwrap();
    let mut patient = settings();
    patient.storage_timeout = Duration::from_secs(1);
    let tollway = open_in(&path, patient.clone(), Arc::new(SystemEnvironment)).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let mut other = house_model("openai/mock-words-9", &format!("{slow}/v1"));
    other.default = Some(false);
    tollway.add_model(other).await.unwrap();
    let everyone = Limit::Money(Money::new(Decimal::from(1_000_000), Currency::USD));
    tollway.set_budget(BudgetTerms::new(Scope::everyone(), everyone, Window::Total)).await.unwrap();
    let worker = Worker::start(&path);

    // One call is under way when it stops, and is answered then.
    let late = tollway.clone();
    let late = tokio::spawn(async move {
        let mut asked = request("two words", 8);
        asked.model = Some("openai/mock-words-9".into());
        late.chat(asked, within(3, "late")).await
    });
    let holds = |user| {
        let tollway = tollway.clone();
        async move { tollway.reservations().await.unwrap().iter().any(|held| held.request.user.as_deref() == Some(user)) }
    };
    while !holds("late").await {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    worker.stop();
    let stopped = Instant::now();

    let began = Instant::now();
    let error = tollway.chat(request("two words", 8), within(2, "alice")).await.unwrap_err();
    is_busy(&error, &worker, began.elapsed(), Duration::from_secs(2));
    assert!(error.is_retryable(), "{error}");

    let began = Instant::now();
    let error = tollway.set_budget(BudgetTerms::new(Scope::of_user("x"), Limit::Tokens(1), Window::Total)).await;
    is_busy(&error.unwrap_err(), &worker, began.elapsed(), Duration::from_secs(1));

    let began = Instant::now();
    let error = open_in(&path, patient, Arc::new(SystemEnvironment)).await.err().unwrap();
    is_busy(&error, &worker, began.elapsed(), Duration::from_secs(1));

    // Reading waits for the moments only in which a writer writes the header.
    let began = Instant::now();
    match tollway.budgets().await {
        Ok(budgets) => assert!(!budgets.is_empty()),
        Err(error) => is_busy(&error, &worker, began.elapsed(), Duration::from_secs(1)),
    }

    let error = late.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StorageBusy, "{error}");
    assert!(error.detail().contains("is billed as record") && !error.is_retryable(), "{error}");
    assert!(stopped.elapsed() < Duration::from_secs(12), "{:?}", stopped.elapsed());
    let uid = error.attempts()[0].record_uid.clone().unwrap();

    let stands_still = Duration::from_secs(number_from("TOLLWAY_STOPPED_SECONDS", 0));
    tokio::time::sleep(stands_still.saturating_sub(stopped.elapsed())).await;
    worker.signal("-CONT");
    tollway.chat(request("two words", 8), within(20, "bob")).await.unwrap();
    let record = loop {
        let records = all_records(&tollway).await.unwrap();
        match records.into_iter().find(|record| record.uid == uid) {
            Some(record) => break record,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert_eq!((record.status, record.billed_by), (RecordStatus::Success, BilledBy::ProviderUsage));
    drop(worker);
    drop(tollway);
    let tollway = open(&path).await.unwrap();
    everything_adds_up(&tollway).await;
    let records = all_records(&tollway).await.unwrap();
    assert!(records.iter().all(|record| record.user.as_deref() != Some("alice")), "what was refused left a record");
    assert_eq!(tollway.reservations().await.unwrap(), []);
    assert_eq!(tollway.budgets().await.unwrap().len(), 1, "what was refused was written");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handle_is_closed_while_another_process_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let mut patient = settings();
    patient.storage_timeout = Duration::from_secs(1);
    let tollway = open_in(&path, patient, Arc::new(SystemEnvironment)).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let worker = Worker::start(&path);
    worker.stop();
    let waiting = tollway.clone();
    let waiting = tokio::spawn(async move { waiting.chat(request("two words", 8), within(30, "alice")).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    let began = Instant::now();
    tollway.shutdown(Duration::from_secs(1)).await;
    waiting.abort();
    let _ = waiting.await;
    tokio::task::spawn_blocking(move || drop(tollway)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2) + SLACK, "{:?}", began.elapsed());
    drop(worker);
    everything_adds_up_without_budget(&path).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_relaxed_durability_a_reply_is_handed_over_while_another_process_stands_still() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let slow = mock.script("slow", Script::new([Reply::automatic().delay(Duration::from_millis(700))])).unwrap();
    let mut relaxed = settings();
    relaxed.durability = Durability::Relaxed;
    let tollway = open_in(&path, relaxed, Arc::new(SystemEnvironment)).await.unwrap();
    let mut model = house_model("openai/mock-words-8", &openai_url(&mock));
    tollway.add_model(model.clone()).await.unwrap();
    (model.name, model.base_url) = ("openai/mock-words-9".into(), Some(format!("{slow}/v1")));
    model.default = Some(false);
    tollway.add_model(model).await.unwrap();
    let worker = Worker::start(&path);
    let answered = tollway.clone();
    let answered = tokio::spawn(async move {
        let mut asked = request("two words", 8);
        asked.model = Some("openai/mock-words-9".into());
        answered.chat(asked, within(2, "alice")).await
    });
    let is_alices = |held: &Reservation| held.request.user.as_deref() == Some("alice");
    while !tollway.reservations().await.unwrap().iter().any(is_alices) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    worker.stop();
    let reply = answered.await.unwrap().unwrap();
    let uid = &reply.attempts[0].record_uid;
    worker.signal("-CONT");
    while !all_records(&tollway).await.unwrap().iter().any(|record| record.uid == *uid) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(worker);
    drop(tollway);
    everything_adds_up_without_budget(&path).await;
}

async fn everything_adds_up_without_budget(path: &Path) {
    let tollway = open(path).await.unwrap();
    assert_eq!(tollway.verify(None).await.unwrap().damage, []);
    assert_eq!(tollway.reservations().await.unwrap(), []);
}
