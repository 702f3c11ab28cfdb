//! What is archived stands in its file, and what it adds up to in the ledger.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::*;
use crate::client::testing::{Fixture, at, decimal, per_million};
use crate::report::SummaryQuery;
use crate::types::*;

async fn months() -> (Fixture, ModelConfig) {
    let fixture = Fixture::open().await;
    let config = fixture.model("openai/m", json!({"input_token": per_million("2")})).await;
    let terms = BudgetTerms::new(Scope::of_user("alice"), Limit::Tokens(1_000_000), Window::Total);
    fixture.tollway.set_budget(terms).await.unwrap();
    for day in [
        "2026-09-30T23:59:59Z",
        "2026-10-01T00:00:00Z",
        "2026-10-31T23:59:59Z",
        "2026-11-01T00:00:00Z",
        "2026-11-22T12:00:00Z",
    ] {
        fixture.world.set_now(at(day));
        for tokens in [10, 20] {
            fixture.call(&config, tokens, Some(Money::new(decimal("0.1"), Currency::USD))).await;
        }
    }
    (fixture, config)
}

fn lines(path: &Path) -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

async fn told(fixture: &Fixture) -> (Value, Value, Vec<String>) {
    let query = SummaryQuery { by: vec!["month".into(), "user".into()], ..SummaryQuery::default() };
    let summary = fixture.tollway.usage_summary(query).await.unwrap();
    let budgets = fixture.tollway.budgets().await.unwrap();
    let verified = fixture.tollway.verify(None).await.unwrap();
    let damage = verified.damage.into_iter().map(|damage| format!("{}: {}", damage.table, damage.problem)).collect();
    (serde_json::to_value(summary).unwrap(), serde_json::to_value(budgets).unwrap(), damage)
}

#[tokio::test]
async fn whole_months_leave_the_ledger_and_sums_stay() {
    let (fixture, config) = months().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("past.jsonl.gz");
    let all = fixture.records().await;
    let before = told(&fixture).await;
    let head = fixture.tollway.head().await.unwrap();
    let archive = fixture.tollway.archive(at("2026-11-22T12:00:00Z"), &path).await.unwrap();
    assert_eq!((archive.records, archive.before), (6, at("2026-11-01T00:00:00Z")));
    assert_eq!(fixture.records().await, all[6..]);
    assert_eq!(told(&fixture).await, before);
    assert_eq!(before.2, Vec::<String>::new());
    assert_eq!(fixture.tollway.verify(Some(head)).await.unwrap().damage, []);

    let lines = lines(&path);
    assert_eq!(
        serde_json::from_str::<Value>(&lines[0]).unwrap(),
        json!({"format": FORMAT, "before": "2026-11-01T00:00:00Z"})
    );
    let records: Vec<UsageRecord> = lines[1..7].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records, all[..6]);
    let sum = hex::encode(Sha256::digest(lines[..7].join("\n") + "\n"));
    assert_eq!(serde_json::from_str::<Value>(&lines[7]).unwrap(), json!({"records": 6, "sha256": sum}));
    assert_eq!((archive.sha256, lines.len()), (sum, 8));

    // The ledger goes on, and a new budget still knows what was used.
    fixture.call(&config, 30, Some(Money::new(decimal("0.2"), Currency::USD))).await;
    let terms = BudgetTerms::new(Scope::everyone(), Limit::Tokens(1_000_000), Window::Total);
    let id = fixture.tollway.set_budget(terms).await.unwrap();
    assert_eq!(fixture.tollway.budget(id, None).await.unwrap().balance.settled, decimal("180"));
    assert_eq!(told(&fixture).await.2, Vec::<String>::new());
}

#[tokio::test]
async fn what_has_no_price_yet_stays_and_nothing_is_overwritten() {
    let (fixture, config) = months().await;
    fixture.world.set_now(at("2026-10-05T00:00:00Z"));
    let uid = fixture.call(&config, 7, None).await;
    fixture.world.set_now(at("2026-11-22T12:00:00Z"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("past.jsonl.gz");
    let error = fixture.tollway.archive(at("2026-12-01T00:00:00Z"), &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert_eq!(fixture.tollway.archive(at("2026-11-01T00:00:00Z"), &path).await.unwrap().records, 6);
    let left = fixture.records().await;
    assert!(left.len() == 5 && left.iter().any(|record| record.uid == uid));
    let error = fixture.tollway.archive(at("2026-11-01T00:00:00Z"), &path).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
    assert_eq!(lines(&path).len(), 8);
    // It is priced later, and follows then.
    fixture.tollway.price_record(&uid, Money::new(decimal("0.3"), Currency::USD)).await.unwrap();
    let second = folder.path().join("rest.jsonl.gz");
    assert_eq!(fixture.tollway.archive(at("2026-11-01T00:00:00Z"), &second).await.unwrap().records, 1);
    assert_eq!(told(&fixture).await.2, Vec::<String>::new());
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
}
