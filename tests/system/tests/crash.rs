//! Law 4: what was acknowledged is in the file, after `kill -9` at any instant.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::types::{BilledBy, BudgetTerms, CostStatus, Currency, Limit, Money, Scope, Window};
use tollway_system_tests::{add_house_model, all_records, no_silent_zero, open, openai_url, total};

const ROUNDS: u64 = 200;
const PROCESSES: usize = 2;

/// A sequence of instants that looks random and is the same in every run.
fn instant(round: u64) -> Duration {
    Duration::from_millis(5 + round.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 120)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_instant_loses_nothing_and_bills_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&path).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let limit = Limit::Money(Money::new(Decimal::from(1_000_000), Currency::USD));
    let terms = BudgetTerms::new(Scope::everyone(), limit, Window::Total);
    tollway.set_budget(terms).await.unwrap();
    drop(tollway);
    let mut acknowledged = BTreeSet::new();
    let mut recovered = 0;
    for round in 0..ROUNDS {
        let ready = Arc::new(AtomicUsize::new(0));
        let mut workers: Vec<_> = (0..PROCESSES)
            .map(|_| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
                command.arg(&path).args(["8", "alice"]).stdout(Stdio::piped()).spawn().unwrap()
            })
            .collect();
        let readers: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                let output = BufReader::new(worker.stdout.take().unwrap());
                let ready = Arc::clone(&ready);
                let note = move |line: &String| {
                    ready.fetch_add(usize::from(line == "ready"), Ordering::Relaxed);
                };
                std::thread::spawn(move || output.lines().map_while(Result::ok).inspect(note).collect::<Vec<_>>())
            })
            .collect();
        // One round in four is killed while the processes still open the file, the others under load.
        while round % 4 != 0
            && ready.load(Ordering::Relaxed) < PROCESSES
            && workers.iter_mut().all(|worker| worker.try_wait().unwrap().is_none())
        {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(instant(round)).await;
        for worker in &mut workers {
            worker.kill().unwrap();
            worker.wait().unwrap();
        }
        for line in readers.into_iter().flat_map(|reader| reader.join().unwrap()) {
            assert!(!line.starts_with("failed"), "{line}");
            if let Some(reply) = line.strip_prefix("reply ") {
                assert!(acknowledged.insert(reply.to_owned()), "acknowledged twice: {reply}");
            }
        }
        let tollway = open(&path).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        let status = tollway.budgets().await.unwrap().remove(0);
        assert_eq!(status.balance.reserved, Decimal::ZERO, "round {round}: money stays held");
        if round % 20 == 19 || round + 1 == ROUNDS {
            let records = all_records(&tollway).await.unwrap();
            let requests: BTreeMap<_, _> = records.iter().map(|record| (&record.request_id, record)).collect();
            assert_eq!(requests.len(), records.len(), "a call is billed twice");
            for reply in &acknowledged {
                let parts: Vec<_> = reply.split(' ').collect();
                let record = requests.get(&parts[1].to_owned()).unwrap_or_else(|| panic!("lost: {reply}"));
                assert_eq!(record.uid, parts[0]);
                assert_eq!(record.cost_amount.unwrap(), parts[2].parse::<Decimal>().unwrap());
            }
            assert_eq!(status.balance.settled, total(&records).unwrap().get(Currency::USD).unwrap_or_default());
            assert!(no_silent_zero(&records));
            recovered = records.iter().filter(|record| record.billed_by == BilledBy::Recovery).count();
            assert!(
                records
                    .iter()
                    .filter(|record| record.billed_by == BilledBy::Recovery)
                    .all(|record| record.cost_status == CostStatus::Estimated)
            );
        }
    }
    println!("{ROUNDS} rounds, {} replies acknowledged, {recovered} attempts recovered", acknowledged.len());
    assert!(acknowledged.len() > 200 && recovered > 200, "the load was under way when it was killed");
}
