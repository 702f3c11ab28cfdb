//! A job that goes on at its provider is billed once, whichever process learns how it ended, after `kill -9` at any instant.
//!
//! `TOLLWAY_JOB_KILLS` says how often the processes are killed.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rust_decimal::Decimal;
use tollway::environment::SystemEnvironment;
use tollway::store::{Operation, Outcome, RedbStore, RowKey, Store as _};
use tollway::types::{
    BilledBy, BudgetTerms, Currency, Limit, Money, RecordPlace, RecoveryPolicy, Scope, UsageFilter, Window,
};
use tollway_system_tests::number_from;

/// How often processes are killed, where nothing else is asked for.
const ROUNDS: u64 = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_billed_once_whoever_is_killed() {
    let rounds = number_from("TOLLWAY_JOB_KILLS", ROUNDS);
    let folder = tempfile::tempdir().unwrap();
    let (path, provider) = (folder.path().join("app.tollway"), folder.path().join("provider"));
    std::fs::create_dir(&provider).unwrap();
    let open = || RedbStore::open(&path, false, Arc::new(SystemEnvironment), RowKey::new(&[7; 16])).unwrap();
    let start = |mode: &str| -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_job_worker"));
        command.arg(&path).arg(&provider).arg(mode).stdout(Stdio::piped()).spawn().unwrap()
    };
    let limit = Limit::Money(Money::new(Decimal::from(1_000_000), Currency::USD));
    let terms = BudgetTerms::new(Scope::of_user("alice"), limit, Window::Total);
    let put = Operation::PutBudget { terms, now: jiff::Timestamp::now() };
    open().apply(put).await.unwrap();

    let mut submitted = Vec::new();
    for round in 0..rounds {
        let mut workers = [start("work"), start("work")];
        let outputs = workers.each_mut().map(|worker| BufReader::new(worker.stdout.take().unwrap()));
        let readers =
            outputs.map(|output| std::thread::spawn(move || output.lines().map_while(Result::ok).collect::<Vec<_>>()));
        tokio::time::sleep(Duration::from_millis(40 + round.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 160)).await;
        for worker in &mut workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        for line in readers.into_iter().flat_map(|reader| reader.join().unwrap()) {
            submitted.extend(line.strip_prefix("submitted ").map(str::to_owned));
        }
    }
    assert!(!submitted.is_empty(), "no process came to submit a job");
    assert!(start("end").wait().unwrap().success());

    let store = open();
    let recover = Operation::Recover { policy: RecoveryPolicy::BillReserved, now: jiff::Timestamp::now() };
    assert!(matches!(store.apply(recover).await.unwrap(), Outcome::Recovered(_)));
    assert_eq!(store.reservations().await.unwrap(), [], "something stays held");
    let mut records = Vec::new();
    let mut last = None;
    loop {
        let page = store.usage_records(UsageFilter::default(), last, 1000).await.unwrap();
        let Some(record) = page.last() else { break };
        last = Some(RecordPlace::of(record));
        records.extend(page);
    }
    let by_uid: BTreeMap<_, _> = records.iter().map(|record| (&record.uid, record)).collect();
    assert_eq!(by_uid.len(), records.len(), "a job is billed twice");
    for job in &submitted {
        let record = by_uid.get(job).unwrap_or_else(|| panic!("lost: {job}"));
        assert_eq!((record.billed_by, record.cost_amount), (BilledBy::ProviderUsage, Some(Decimal::new(25, 2))));
    }
    let total: Decimal = records.iter().filter_map(|record| record.cost_amount).sum();
    let status = store.budget_statuses(None, jiff::Timestamp::now()).await.unwrap().remove(0);
    assert_eq!((status.balance.settled, status.balance.reserved), (total, Decimal::ZERO));
    assert_eq!(store.verify().await.unwrap().damage, []);
    println!(
        "{rounds} rounds: {} jobs acknowledged, {} records, 0 lost, 0 doubled, 0 stuck",
        submitted.len(),
        records.len()
    );
}
