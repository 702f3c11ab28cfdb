//! Laws 3 and 10 over languages: a Python process, a Node cluster of four workers and a Rust process share one file and
//! one budget, which their load would pass several times over.
//!
//! Python and Node are those that `TOLLWAY_TEST_PYTHON` and `TOLLWAY_TEST_NODE` name; without them the test is skipped,
//! which is not allowed in CI.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use mock_provider::MockProvider;
use rust_decimal::Decimal;
use tollway::client::Tollway;
use tollway::report::SummaryQuery;
use tollway::types::{BudgetTerms, Currency, Limit, Meter, Money, Scope, Window};
use tollway_system_tests::{
    MASTER_KEY, all_records, by_uid, committed, house_model, no_silent_zero, open, openai_url, total,
};

const LIMIT: Decimal = Decimal::from_parts(24, 0, 0, false, 0);
const CALLS: usize = 300;
const TASKS: usize = 4;
const PROCESSES: [&str; 6] = ["rust", "python", "node-1", "node-2", "node-3", "node-4"];
const PATIENCE: Duration = Duration::from_secs(50);

/// A program that ends with the test, however that ends.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a process says of its calls.
#[derive(Default)]
struct Seen {
    replies: BTreeMap<String, Decimal>,
    refusals: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_holds_over_python_a_node_cluster_and_rust() {
    let (Some(python), Some(node)) = (interpreter("TOLLWAY_TEST_PYTHON"), interpreter("TOLLWAY_TEST_NODE")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, go) = (folder.path().join("app.tollway"), folder.path().join("go"));
    let mock = MockProvider::start().await.unwrap();
    let tollway = capped(&path, &mock).await;
    let load = Path::new(env!("CARGO_MANIFEST_DIR")).join("load");
    let (sender, lines) = channel();
    let mut programs: Vec<Program> = [
        ("rust", PathBuf::from(env!("CARGO_BIN_EXE_load")), None),
        ("python", python, Some(load.join("load.py"))),
        ("node", node, Some(load.join("load.mjs"))),
    ]
    .into_iter()
    .map(|(name, program, script)| {
        let mut command = Command::new(program);
        command.args(script).arg(&path).arg(&go).args([name, &CALLS.to_string(), &TASKS.to_string()]);
        let mut program = Program(command.env("TOLLWAY_TEST_KEY", MASTER_KEY).stdout(Stdio::piped()).spawn().unwrap());
        let (output, sender) = (program.0.stdout.take().unwrap(), sender.clone());
        std::thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| sender.send(line.unwrap())));
        program
    })
    .collect();
    drop(sender);

    let (seen, looks, most) = follow(&tollway, &lines, &go).await;
    for program in &mut programs {
        assert!(program.0.wait().unwrap().success());
    }
    let counts: Vec<_> = seen.iter().map(|(name, seen)| (name, seen.replies.len(), seen.refusals)).collect();
    println!("process, replies, refusals: {counts:?}; {looks} looks, {most} of {LIMIT} committed at the most");
    assert!(looks > 20, "the budget was looked at {looks} times only");
    for (name, seen) in &seen {
        assert_eq!(seen.replies.len() + seen.refusals, CALLS, "{name} says what became of each call");
        assert!(!seen.replies.is_empty() && seen.refusals > 0, "{name} had a share of the budget, and met its end");
    }
    check_sums(&tollway, &seen).await;
}

/// Opens a file for everyone's calls of a cheap input, so that a call costs half of what it holds.
async fn capped(path: &Path, mock: &MockProvider) -> Tollway {
    let tollway = open(path).await.unwrap();
    let mut model = house_model("openai/mock-words-8", &openai_url(mock));
    if let Some(prices) = model.prices.as_mut().and_then(|prices| prices.get_mut(&Meter::InputToken.into())) {
        prices.0[0].unit_price = Decimal::new(1, 5);
    }
    tollway.add_model(model).await.unwrap();
    let limit = Limit::Money(Money::new(LIMIT, Currency::USD));
    let terms = BudgetTerms::new(Scope::everyone(), limit, Window::Total);
    tollway.set_budget(terms).await.unwrap();
    tollway
}

/// Lets the processes begin together, and reads what they say until all have ended; looks at the budget all the while.
async fn follow(tollway: &Tollway, lines: &Receiver<String>, go: &Path) -> (BTreeMap<String, Seen>, usize, Decimal) {
    let start = Instant::now();
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    let (mut looks, mut most) = (0, Decimal::ZERO);
    loop {
        assert!(start.elapsed() < PATIENCE, "the processes do not end; ready were {:?}", seen.keys());
        match lines.recv_timeout(Duration::from_millis(1)) {
            Ok(line) => note(&mut seen, &line),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        for line in lines.try_iter() {
            note(&mut seen, &line);
        }
        if seen.len() == PROCESSES.len() && !go.exists() {
            std::fs::write(go, "").unwrap();
        }
        let status = tollway.budgets().await.unwrap().remove(0);
        assert!(committed(&status) <= LIMIT, "{} of {LIMIT} are committed", committed(&status));
        most = most.max(committed(&status));
        looks += 1;
    }
    (seen, looks, most)
}

fn note(seen: &mut BTreeMap<String, Seen>, line: &str) {
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        [name, "ready"] if PROCESSES.contains(name) => {
            assert!(seen.insert((*name).to_owned(), Seen::default()).is_none(), "{name} is there twice");
        }
        [name, "reply", uid, cost] => {
            let replies = &mut seen.get_mut(*name).unwrap().replies;
            assert!(replies.insert((*uid).to_owned(), cost.parse().unwrap()).is_none(), "{uid} is there twice");
        }
        [name, "refused", "budget_exceeded"] => seen.get_mut(*name).unwrap().refusals += 1,
        _ => panic!("a process says {line:?}"),
    }
}

/// What the budget, the records, the summary and the processes say adds up to the same.
async fn check_sums(tollway: &Tollway, seen: &BTreeMap<String, Seen>) {
    let status = tollway.budgets().await.unwrap().remove(0);
    let records = all_records(tollway).await.unwrap();
    let sum = |seen: &Seen| seen.replies.values().sum::<Decimal>();
    assert_eq!(status.balance.reserved, Decimal::ZERO);
    assert_eq!(status.balance.settled, total(&records).unwrap().get(Currency::USD).unwrap());
    assert_eq!(status.balance.settled, seen.values().map(sum).sum::<Decimal>());
    assert!(status.balance.settled <= LIMIT);
    assert!(status.balance.settled > LIMIT * Decimal::new(9, 1), "the budget is used up: {}", status.balance.settled);
    assert!(by_uid(&records).values().all(|count| *count == 1), "no record is there twice");
    assert!(no_silent_zero(&records));
    let recorded: BTreeSet<_> = records.iter().map(|record| (record.uid.as_str(), record.cost_amount)).collect();
    let replies = seen.values().flat_map(|seen| &seen.replies).map(|(uid, cost)| (uid.as_str(), Some(*cost)));
    assert_eq!(recorded, replies.collect());
    let by = vec!["user".to_owned()];
    let rows = tollway.usage_summary(SummaryQuery { by, ..SummaryQuery::default() }).await.unwrap();
    assert_eq!(rows.len(), PROCESSES.len());
    for row in rows {
        let name = row.group["user"].as_deref().unwrap();
        assert_eq!(row.totals.get(Currency::USD), Some(sum(&seen[name])), "the bill of {name}");
    }
}

fn interpreter(variable: &str) -> Option<PathBuf> {
    let interpreter = std::env::var_os(variable).map(PathBuf::from);
    if interpreter.is_none() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{variable} is not set, and CI must set it");
        eprintln!("skipped: {variable} names no interpreter; run `make test-system`");
    }
    interpreter
}
