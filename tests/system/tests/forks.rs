//! Law 10: one file and many processes, forked ones too: what a child inherits keeps nobody from the file.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::types::BilledBy;
use tollway_system_tests::{add_house_model, all_records, billed_to, by_uid, open, openai_url, request};

/// How often a process is killed while its child lives.
const ROUNDS: u64 = 8;
/// How long others may take to open the file and make a call then; opening waits ten seconds for a lock.
const SOON: Duration = Duration::from_secs(5);

/// A process that forked, and its child. Both are killed when it is dropped.
struct Forked {
    parent: Child,
    child: Option<String>,
}

impl Forked {
    fn start(path: &std::path::Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_forking"));
        let mut parent = command.arg(path).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(parent.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let child = line.trim().strip_prefix("child ").map(str::to_owned);
        assert!(child.is_some(), "{line}");
        Self { parent, child }
    }

    fn kill_parent(&mut self) {
        self.parent.kill().unwrap();
        self.parent.wait().unwrap();
    }

    fn child_lives(&self) -> bool {
        let child = self.child.as_deref().unwrap();
        Command::new("kill").args(["-0", child]).status().unwrap().success()
    }
}

impl Drop for Forked {
    fn drop(&mut self) {
        let _ = self.parent.kill().and_then(|()| self.parent.wait());
        if let Some(child) = &self.child {
            let _ = Command::new("kill").args(["-9", child]).status();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forked_child_that_outlives_its_killed_parent_keeps_nobody_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&path).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    drop(tollway);
    for round in 0..ROUNDS {
        let mut forked = Forked::start(&path);
        tokio::time::sleep(Duration::from_millis(20 + round * 37 % 100)).await;
        forked.kill_parent();
        assert!(forked.child_lives(), "round {round}");
        let began = Instant::now();
        let tollway = open(&path).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        tollway.chat(request("two words", 8), billed_to("alice")).await.unwrap();
        assert!(began.elapsed() < SOON, "round {round}: {:?}", began.elapsed());
        assert!(forked.child_lives(), "round {round}");
        // The session of the parent has ended too, so that what it held is settled.
        assert_eq!(tollway.reservations().await.unwrap(), [], "round {round}");
        let records = all_records(&tollway).await.unwrap();
        assert!(by_uid(&records).values().all(|count| *count == 1), "round {round}");
    }
    let tollway = open(&path).await.unwrap();
    let recovered = all_records(&tollway).await.unwrap();
    let recovered = recovered.iter().filter(|record| record.billed_by == BilledBy::Recovery).count();
    println!("{recovered} attempts of {ROUNDS} killed processes were recovered");
    assert!(recovered > 0, "calls were under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forked_child_frees_no_lock_of_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let mock = MockProvider::start().await.unwrap();
    let tollway = open(&path).await.unwrap();
    add_house_model(&tollway, &openai_url(&mock)).await.unwrap();
    let mut forked = Forked::start(&path);
    let child = forked.child.take().unwrap();
    assert!(Command::new("kill").args(["-9", &child]).status().unwrap().success());
    for _ in 0..20 {
        // What the parent holds is not taken for that of a process that ended.
        tollway.chat(request("two words", 8), billed_to("alice")).await.unwrap();
        let another = open(&path).await.unwrap();
        let records = all_records(&another).await.unwrap();
        assert!(records.iter().all(|record| record.billed_by != BilledBy::Recovery));
        assert!(records.iter().all(|record| record.cost_amount > Some(Decimal::ZERO)));
    }
}
