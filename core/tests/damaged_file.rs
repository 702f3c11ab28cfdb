//! A file with a flipped bit, or one that was cut: what is read of it is right, or a clear error; never a crash, and never other
//! money. The files are read in children, so that a crash is seen. `TOLLWAY_DAMAGE=2000` makes as many flips in a file of 10,000
//! records, and a tenth as many cuts.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test; helpers fail it where they stand")]
#![expect(clippy::print_stdout, reason = "children tell their parent what they read, and it tells the figures")]

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use tollway::environment::Environment;
use tollway::environment::SystemEnvironment;
use tollway::store::{
    ModelConfigNames, NewModelConfig, Operation, Outcome, RedbStore, ReserveRequest, RowKey, Settlement, Store,
};
use tollway::types::*;

/// The variable that makes this program read files: the path of the whole file, and the first and the last case.
const PART: &str = "TOLLWAY_TEST_DAMAGE_PART";

fn row_key() -> RowKey {
    RowKey::new(&[7; 16])
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn usd(amount: &str) -> Money {
    Money::new(amount.parse().unwrap(), Currency::USD)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn open(path: &Path) -> Result<Arc<RedbStore>> {
    RedbStore::open(path, false, Arc::new(SystemEnvironment), row_key())
}

async fn call(store: &RedbStore, number: usize) {
    let request = ReserveRequest {
        request_id: format!("request-{number}"),
        attempt: 1,
        record_uid: SystemEnvironment.unique_id(),
        user: Some(format!("user-{}", number % 7)),
        tags: [("feature".to_owned(), "geo".to_owned())].into(),
        model_config_id: ModelConfigId::new(1),
        provider: "openai".into(),
        model: "gpt-test".into(),
        capability: Capability::Text,
        worst_case: Some(usd("0.01")),
        worst_case_tokens: Some(100),
        worst_case_meters: None,
        on_unpriced: None,
        planned_with: None,
        now: noon(),
        expires_at: noon() + std::time::Duration::from_mins(10),
    };
    let reserved = store.apply(Operation::Reserve(Box::new(request))).await.unwrap();
    let Outcome::Reserved(reserved) = reserved else { panic!("not reserved") };
    let settlement = Settlement {
        reservation_id: reserved.id,
        usage: Usage { meters: [(Meter::InputToken, 30.into())].into(), ..Usage::default() },
        facts: Facts::at(noon()),
        cost: Some(usd("0.0031")),
        cost_status: CostStatus::Computed,
        billed_by: BilledBy::ProviderUsage,
        receipt: Vec::new(),
        price_ids: Vec::new(),
        status: RecordStatus::Success,
        provider_request_id: Some(format!("provider-{number}")),
        served_model: None,
        error_code: None,
        error_message: None,
        latency_ms: 5,
        completes_key: None,
        now: noon(),
    };
    store.apply(Operation::Settle(Box::new(settlement))).await.unwrap();
}

/// Makes a file with configs, budgets and so many records.
fn write(path: &Path, records: usize) {
    let runtime = runtime();
    let store = open(path).unwrap();
    runtime.block_on(async {
        for name in ["gpt-test", "gpt-other"] {
            let names = ModelConfigNames { provider: "openai".into(), model_name: name.into(), alias: None };
            let taken = store.apply(Operation::TakeModelConfigId { names: names.clone() }).await.unwrap();
            let Outcome::ModelConfigIdTaken(id) = taken else { panic!("{taken:?}") };
            let config = Box::new(NewModelConfig { names, ..NewModelConfig::default() });
            store.apply(Operation::AddModelConfig { id, config, prices: Vec::new(), now: noon() }).await.unwrap();
        }
        for user in 0..7 {
            let terms =
                BudgetTerms::new(Scope::of_user(format!("user-{user}")), Limit::Money(usd("1000")), Window::Month);
            store.apply(Operation::PutBudget { terms, now: noon() }).await.unwrap();
        }
        for first in (0..records).step_by(200) {
            futures_util::future::join_all((first..records.min(first + 200)).map(|number| call(&store, number))).await;
        }
    });
}

/// Reads everything that a file says of money, as one number.
fn read(path: &Path) -> Result<u64> {
    let store = open(path)?;
    let runtime = runtime();
    let mut hasher = DefaultHasher::new();
    runtime.block_on(async {
        let configuration = store.configuration().await?;
        format!("{:?}", (configuration.model_configs, configuration.budgets, configuration.prices)).hash(&mut hasher);
        format!("{:?}", store.budget_statuses(None, noon()).await?).hash(&mut hasher);
        format!("{:?}", store.models().await?).hash(&mut hasher);
        let day = jiff::civil::date(2026, 11, 22);
        format!("{:?}", store.daily_costs(day, day).await?).hash(&mut hasher);
        for user in [None, Some("user-3".to_owned())] {
            let filter = UsageFilter { user, ..UsageFilter::default() };
            format!("{:?}", store.usage_records(filter, None, usize::MAX).await?).hash(&mut hasher);
        }
        Ok(hasher.finish())
    })
}

/// Damages a copy of the file in the way of a case: a bit in what holds data, a bit anywhere, or a cut.
fn damage(whole: &[u8], case: usize) -> Vec<u8> {
    let mut seed = (case as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).unwrap()
    };
    let mut bytes = whole.to_vec();
    if case % 11 == 10 {
        bytes.truncate(next(whole.len()));
        return bytes;
    }
    let mut place = next(whole.len());
    while case.is_multiple_of(2) && bytes[place] == 0 {
        place = next(whole.len());
    }
    bytes[place] ^= 1 << next(8);
    bytes
}

/// Reads damaged files, and says of each what came of it.
fn read_cases(part: &str) {
    let parts: Vec<&str> = part.split('|').collect();
    let [path, first, last, expected] = parts.as_slice() else { panic!("{part}") };
    let (whole, expected) = (fs::read(path).unwrap(), expected.parse::<u64>().unwrap());
    let damaged = format!("{path}.damaged-{first}");
    for case in first.parse::<usize>().unwrap()..last.parse().unwrap() {
        fs::write(&damaged, damage(&whole, case)).unwrap();
        println!("begin {case}");
        match read(Path::new(&damaged)) {
            Ok(found) if found == expected => println!("same {case}"),
            Ok(_) => println!("other {case}"),
            Err(error) => println!("error {case} {}", error.code()),
        }
    }
    fs::remove_file(&damaged).unwrap();
}

#[test]
fn a_damaged_file_is_read_rightly_or_with_a_clear_error() {
    if let Some(part) = SystemEnvironment.variable(PART) {
        return read_cases(&part);
    }
    let asked = SystemEnvironment.variable("TOLLWAY_DAMAGE").map(|count| count.parse::<usize>().unwrap());
    let (records, cases) = asked.map_or((400, 220), |flips| (10_000, flips + flips / 10));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger");
    write(&path, records);
    let expected = read(&path).unwrap();
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    let (mut first, mut problems) = (0, Vec::new());
    while first < cases {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["a_damaged_file_is_read_rightly_or_with_a_clear_error", "--exact", "--nocapture"])
            .env(PART, format!("{}|{first}|{cases}|{expected}", path.display()))
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout).into_owned();
        for line in said.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let outcome = match words.as_slice() {
                ["begin", case] => {
                    first = case.parse::<usize>().unwrap() + 1;
                    continue;
                }
                ["same", _] => "same".to_owned(),
                ["error", _, code] => format!("error {code}"),
                ["other", case] => {
                    problems.push(format!("case {case} reads other data"));
                    "other".to_owned()
                }
                _ => continue,
            };
            *counts.entry(outcome).or_default() += 1;
        }
        if !child.status.success() {
            let last = String::from_utf8_lossy(&child.stderr).lines().rev().take(3).collect::<Vec<_>>().join(" | ");
            problems.push(format!("case {} ended the process: {} {last}", first - 1, child.status));
            *counts.entry("crash".to_owned()).or_default() += 1;
        }
    }
    println!("{records} records, {cases} damaged files: {counts:?}");
    assert!(problems.is_empty(), "{problems:#?}");
    let known = ["same", "error corrupted_file", "error not_a_tollway_file", "error newer_file", "error storage"];
    assert!(counts.keys().all(|outcome| known.contains(&outcome.as_str())), "{counts:?}");
}
