//! Several processes on one file. Each child is this test binary again, running one test that acts a part.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test; helpers fail it where they stand")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::{Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store};
use tollway::types::*;

/// The variable that holds the part of a child and the path of the file.
const PART: &str = "TOLLWAY_TEST_PART";

fn usd(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::USD)
}

fn row_key() -> RowKey {
    RowKey::new(&[7; 16])
}

fn open(path: &Path) -> Arc<RedbStore> {
    RedbStore::open(path, false, Arc::new(SystemEnvironment), row_key()).unwrap()
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn cap(store: &RedbStore) -> BudgetStatus {
    run(store.budget_statuses(None, SystemEnvironment.now())).unwrap().remove(0)
}

fn put_cap(store: &RedbStore, limit: &str) {
    let terms = BudgetTerms::new(Scope::everyone(), Limit::Money(usd(limit)), Window::Total);
    run(store.apply(Operation::PutBudget { terms, now: SystemEnvironment.now() })).unwrap();
}

fn request(worst_case: &str) -> Operation {
    let now = SystemEnvironment.now();
    Operation::Reserve(Box::new(ReserveRequest {
        request_id: SystemEnvironment.unique_id(),
        attempt: 1,
        record_uid: SystemEnvironment.unique_id(),
        user: None,
        tags: BTreeMap::new(),
        model_config_id: ModelConfigId::new(1),
        provider: "openai".into(),
        model: "gpt-test".into(),
        capability: Capability::Text,
        worst_case: Some(usd(worst_case)),
        worst_case_tokens: Some(10),
        worst_case_meters: None,
        on_unpriced: None,
        planned_with: None,
        now,
        expires_at: now + Duration::from_hours(1),
    }))
}

fn settlement(id: ReservationId, cost: &str, now: Timestamp) -> Operation {
    Operation::Settle(Box::new(Settlement {
        reservation_id: id,
        usage: Usage { meters: [(Meter::OutputToken, 1.into())].into(), ..Usage::default() },
        facts: Facts::at(now),
        cost: Some(usd(cost)),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: None,
        served_model: None,
        error_code: None,
        error_message: None,
        latency_ms: 1,
        completes_key: None,
        now,
    }))
}

/// Starts a child that acts a part.
fn child(part: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "act", "--nocapture", "--test-threads=1"])
        .env(PART, format!("{part}:{}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until a child has said a line with a word, and returns what follows the word.
fn heard(child: &mut Child, word: &str) -> String {
    let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    for line in lines {
        if let Some((_, rest)) = line.unwrap().split_once(word) {
            return rest.trim().to_owned();
        }
    }
    panic!("the child ended without a word");
}

/// Not a test of its own: what a child does. Without a part it does nothing.
#[test]
#[expect(clippy::disallowed_methods, reason = "a child learns its part from its environment")]
fn act() {
    let Ok(part) = std::env::var(PART) else { return };
    let (part, path) = part.split_once(':').unwrap();
    let store = open(Path::new(path));
    match part {
        // Reserves 0.01 as often as it may, settling every other one for less.
        "spend" => {
            let mut granted = 0;
            loop {
                match run(store.apply(request("0.01"))) {
                    Ok(Outcome::Reserved(reserved)) => {
                        granted += 1;
                        if granted % 2 == 0 {
                            run(store.apply(settlement(reserved.id, "0.005", SystemEnvironment.now()))).unwrap();
                        }
                    }
                    Ok(other) => panic!("{other:?}"),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::BudgetExceeded, "{error}");
                        break;
                    }
                }
                let status = cap(&store);
                assert!(status.balance.settled + status.balance.reserved <= usd("2.00").amount, "{status:?}");
            }
            println!("granted {granted}");
            // It lives on, so that what it holds is not stale, until it is killed.
            std::thread::sleep(Duration::from_mins(1));
        }
        // Says each reservation that was acknowledged, until it is killed.
        "write" => loop {
            let Outcome::Reserved(reserved) = run(store.apply(request("0.01"))).unwrap() else {
                panic!("not reserved")
            };
            println!("acknowledged {}", reserved.id);
        },
        "hold" => {
            run(store.apply(request("1"))).unwrap();
            println!("holding");
            std::thread::sleep(Duration::from_mins(1));
        }
        other => panic!("no part {other}"),
    }
}

#[test]
fn a_cap_holds_across_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let store = open(&path);
    put_cap(&store, "2.00");
    let mut children: Vec<_> = (0..3).map(|_| child("spend", &path)).collect();
    let granted: Vec<u64> = children.iter_mut().map(|child| heard(child, "granted").parse().unwrap()).collect();
    for child in &mut children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(granted.iter().all(|granted| *granted > 0), "a process was starved: {granted:?}");
    let balance = cap(&store).balance;
    let records = run(store.usage_records(UsageFilter::default(), None, usize::MAX)).unwrap();
    let reservations = run(store.reservations()).unwrap();
    assert_eq!(records.len() + reservations.len(), usize::try_from(granted.iter().sum::<u64>()).unwrap());
    assert_eq!(balance.settled, records.iter().map(|record| record.cost_amount.unwrap()).sum::<Decimal>());
    assert_eq!(balance.reserved, reservations.iter().map(|held| held.holds[0].amount).sum::<Decimal>());
    let used = balance.settled + balance.reserved;
    assert!(used <= usd("2.00").amount && used > usd("1.98").amount, "{used}");
}

#[test]
fn a_killed_process_is_recovered_and_a_living_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    let store = open(&path);
    put_cap(&store, "5.00");
    let (mut killed, mut living) = (child("hold", &path), child("hold", &path));
    heard(&mut killed, "holding");
    heard(&mut living, "holding");
    let recover = || {
        let operation = Operation::Recover { policy: RecoveryPolicy::BillReserved, now: SystemEnvironment.now() };
        run(store.apply(operation)).unwrap()
    };
    assert_eq!(recover(), Outcome::Recovered(0));
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(recover(), Outcome::Recovered(1));
    let balance = cap(&store).balance;
    assert_eq!((balance.settled, balance.reserved), (usd("1").amount, usd("1").amount));
    living.kill().unwrap();
    living.wait().unwrap();
    assert_eq!(recover(), Outcome::Recovered(1));
    assert_eq!(cap(&store).balance.reserved, usd("0").amount);
}

#[test]
fn what_was_acknowledged_is_there_after_a_kill_for_all_who_open_the_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    put_cap(&open(&path), "1000000");
    let mut last = 0;
    for round in 1..=6 {
        let mut writer = child("write", &path);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut said = || -> Option<u64> {
            let line = lines.find_map(|line| line.unwrap().split_once("acknowledged ").map(|(_, id)| id.to_owned()));
            line.and_then(|id| id.parse().ok())
        };
        for _ in 0..round * 5 {
            last = said().unwrap();
        }
        writer.kill().unwrap();
        while let Some(id) = said() {
            last = id;
        }
        writer.wait().unwrap();
        let held: Vec<usize> = std::thread::scope(|scope| {
            let opens: Vec<_> =
                (0..4).map(|_| scope.spawn(|| run(open(&path).reservations()).unwrap().len())).collect();
            opens.into_iter().map(|open| open.join().unwrap()).collect()
        });
        let count = held[0] as u64;
        assert!(held.iter().all(|other| *other == held[0]), "{held:?}");
        // At most one more was written than was said: the one that was under way.
        assert!(count == last || count == last + 1, "{count} are there, {last} were acknowledged");
        let store = open(&path);
        let balance = cap(&store).balance;
        assert_eq!(balance.reserved, Decimal::new(i64::try_from(count).unwrap(), 2));
    }
}
