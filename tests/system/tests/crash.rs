//! Law 4: what was acknowledged is in the file, after `kill -9` at any instant.
//!
//! `TOLLWAY_KILLS` says how often the processes are killed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::types::{BilledBy, BudgetTerms, CostStatus, Currency, Limit, Money, Scope, Window};
use tollway_system_tests::{add_house_model, all_records, no_silent_zero, number_from, open, openai_url, total};

/// How often processes are killed, where nothing else is asked for.
const ROUNDS: u64 = 60;

/// A sequence of instants that looks random and is the same in every run.
fn instant(round: u64) -> Duration {
    Duration::from_millis(5 + round.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 120)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_a_process_at_any_instant_loses_nothing_and_bills_nothing_twice() {
    kills(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_four_processes_at_any_instant_loses_nothing_and_bills_nothing_twice() {
    kills(4).await;
}

/// Kills so many processes under load again and again. A process that is alone opens the file exclusively every other time.
async fn kills(processes: usize) {
    let rounds = number_from("TOLLWAY_KILLS", ROUNDS);
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
    for round in 0..rounds {
        let (ready, replies) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut workers: Vec<_> = (0..processes)
            .map(|_| {
                let mut command = Command::new(env!("CARGO_BIN_EXE_worker"));
                let exclusive = processes == 1 && round % 2 == 1;
                command
                    .arg(&path)
                    .args(["8", "alice"])
                    .args(exclusive.then_some("exclusive"))
                    .stdout(Stdio::piped())
                    .spawn()
                    .unwrap()
            })
            .collect();
        let readers: Vec<_> = workers
            .iter_mut()
            .map(|worker| {
                let output = BufReader::new(worker.stdout.take().unwrap());
                let (ready, replies) = (Arc::clone(&ready), Arc::clone(&replies));
                let note = move |line: &String| {
                    ready.fetch_add(usize::from(line == "ready"), Ordering::Relaxed);
                    replies.fetch_add(usize::from(line.starts_with("reply ")), Ordering::Relaxed);
                };
                std::thread::spawn(move || output.lines().map_while(Result::ok).inspect(note).collect::<Vec<_>>())
            })
            .collect();
        // One round in four is killed while the processes still open the file, one while their first calls are under way, and two
        // after some of their calls were answered.
        let is_time = || match round % 4 {
            0 => true,
            1 => ready.load(Ordering::Relaxed) == processes,
            _ => replies.load(Ordering::Relaxed) > 0,
        };
        while !is_time() && workers.iter_mut().all(|worker| worker.try_wait().unwrap().is_none()) {
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
        assert_eq!(tollway.verify(None).await.unwrap().damage, [], "round {round}");
        if round % 20 == 19 || round + 1 == rounds {
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
    println!(
        "{rounds} kills of {processes}: {} replies acknowledged, {recovered} attempts recovered; lost 0, doubled 0, stuck 0",
        acknowledged.len()
    );
    let enough = usize::try_from(rounds).unwrap();
    assert!(acknowledged.len() > enough && recovered > enough, "the load was under way when it was killed");
}
