//! What is exported is in the file that is made of it, to the last digit, and what was damaged on the way is told by its line.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::client::engine::secrets;
use crate::client::import_file;
use crate::client::testing::{Fixture, at, decimal, from_json, per_million};
use crate::report::SummaryQuery;
use crate::settings::Settings;
use crate::types::*;

const PASSPHRASE: &str = "a passphrase of the export";

fn key() -> MasterKey {
    MasterKey::Text("5a".repeat(32).into())
}

fn dollars(amount: &str) -> Money {
    Money::new(decimal(amount), Currency::USD)
}

/// Makes a file that has something of everything.
async fn filled(fixture: &Fixture) {
    let tollway = &fixture.tollway;
    fixture.world.set_now(at("2026-09-20T08:00:00Z"));
    let config = fixture.model("openai/m", json!({"input_token": per_million("2")})).await;
    let secret = json!({"name": "anthropic/other", "api_key": "k-2", "alias": "o",
        "params": {"headers": {"x-api-secret": "hidden", "x-team": "geo"}}});
    let other = tollway.add_model(from_json(secret)).await.unwrap().config;
    let gone = fixture.model("openai/gone", json!({"input_token": per_million("1")})).await;
    tollway.set_fx_rate(from_json(json!({"from": "CNY", "to": "USD", "rate": "0.1400"}))).await.unwrap();
    tollway.set_route(from_json(json!({"name": "cheap", "strategy": "fallback", "models": ["o"]}))).await.unwrap();
    let money = Limit::Money(Money::new(decimal("50.00"), Currency::USD));
    let mut budget = BudgetTerms::new(Scope::of_user("alice"), money, Window::Total);
    budget.on_exceeded = OnExceeded::Refuse;
    tollway.set_budget(budget).await.unwrap();
    let each = Scope { user: Some("*".into()), ..Scope::everyone() };
    tollway.set_budget(BudgetTerms::new(each, Limit::Tokens(1_000_000), "month".parse().unwrap())).await.unwrap();
    let pool = PoolTerms { provider: "openai".into(), currency: Currency::USD, low_water: Some(decimal("5")) };
    tollway.set_pool(pool).await.unwrap();
    let recharge = NewRecharge {
        provider: "openai".into(),
        currency: Currency::USD,
        amount: decimal("100.50"),
        operator: Some("eve".into()),
        remark: None,
        order_id: Some("order-1".into()),
    };
    tollway.recharge_pool(recharge).await.unwrap();
    let mut quota = QuotaTerms::new("alice", QuotaType::TextToken);
    (quota.monthly, quota.time_zone) = (decimal("15"), "Asia/Shanghai".into());
    tollway.set_quota(quota).await.unwrap();
    tollway.grant_quota("alice", QuotaType::TextToken, decimal("5000"), Some("welcome".into())).await.unwrap();
    for order in ["package-1", "package-2"] {
        let package = NewPackage {
            user: "alice".into(),
            quota_type: QuotaType::TextToken,
            quantity: decimal("1000"),
            order_id: order.into(),
            price: Some(dollars("9.90")),
            remark: None,
        };
        tollway.buy_package(package).await.unwrap();
    }
    tollway.refund_package("package-2").await.unwrap();
    for (day, calls) in [("2026-09-30T23:00:00Z", 5), ("2026-10-02T00:00:00Z", 5), ("2026-11-22T12:00:00Z", 6)] {
        fixture.world.set_now(at(day));
        for call in 0..calls {
            let config = if call == 3 { &gone } else { &config };
            fixture.call(config, 10, Some(dollars("0.123456789"))).await;
        }
        fixture.call(&other, 7, None).await;
        let prices = from_json(json!({"input_token": per_million("3.10")}));
        tollway.set_prices("openai/m", prices).await.unwrap();
    }
    tollway.delete_model("openai/gone").await.unwrap();
}

async fn archived(fixture: &Fixture, folder: &Path) {
    fixture.tollway.archive(at("2026-10-15T00:00:00Z"), &folder.join("past")).await.unwrap();
}

/// Returns all that a file tells of itself.
async fn told(tollway: &Tollway) -> Vec<(&'static str, Value)> {
    let summary =
        |by: &[&str]| SummaryQuery { by: by.iter().map(|by| (*by).to_owned()).collect(), ..SummaryQuery::default() };
    let alice = from_json::<Call>(json!({"user": "alice"}));
    let configs = tollway.model_configs().await.unwrap();
    vec![
        ("configs", json!(configs)),
        ("prices", json!(tollway.prices(None).await.unwrap())),
        ("rates", json!(tollway.fx_rates().await.unwrap())),
        ("routes", json!(tollway.routes().await.unwrap())),
        ("models", json!(tollway.used_models().await.unwrap())),
        ("budgets", json!(tollway.budgets().await.unwrap())),
        ("budgets of alice", json!(tollway.budgets_of(alice).await.unwrap())),
        ("pools", json!(tollway.pools(None).await.unwrap())),
        ("recharges", json!(tollway.pool_recharges(None).await.unwrap())),
        ("quotas", json!(tollway.quotas(None).await.unwrap())),
        ("packages", json!(tollway.packages(None).await.unwrap())),
        ("transactions", json!(tollway.quota_transactions(None, None).await.unwrap())),
        ("records", json!(tollway.usage_records(UsageFilter::default(), None, 1_000).await.unwrap())),
        ("days", json!(tollway.usage_summary(summary(&["day", "user", "model"])).await.unwrap())),
        ("months", json!(tollway.usage_summary(summary(&["month", "tag:feature"])).await.unwrap())),
        ("damage", json!(tollway.verify(None).await.unwrap().damage)),
        ("reservations", json!(tollway.reservations().await.unwrap().len())),
    ]
}

fn without_headers(mut told: Vec<(&'static str, Value)>) -> Vec<(&'static str, Value)> {
    for config in told[0].1.as_array_mut().unwrap() {
        if let Some(headers) = config["params"].get_mut("headers").and_then(Value::as_object_mut) {
            headers.remove("x-api-secret");
        }
    }
    told
}

async fn opened(fixture: &Fixture, path: &Path) -> Tollway {
    Tollway::open_in(path, key(), Settings::default(), Arc::new(fixture.world.clone())).await.unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_is_exported_is_imported_to_the_last_digit_and_goes_on() {
    for is_archived in [false, true] {
        let (fixture, folder) = (Fixture::open().await, tempfile::tempdir().unwrap());
        filled(&fixture).await;
        if is_archived {
            archived(&fixture, folder.path()).await;
        }
        let before = told(&fixture.tollway).await;
        let (export, path) = (folder.path().join("all.jsonl"), folder.path().join("again.tollway"));
        let exported = fixture.tollway.export(&export, None).await.unwrap();
        let records = fixture.records().await;
        assert_eq!(exported.records, records.len() as u64);
        assert_eq!(exported.without_secrets, ["openai/m", "anthropic/other"]);
        let text = fs::read_to_string(&export).unwrap();
        assert!(!text.contains("hidden") && !text.contains("k-2") && !text.contains("sealed"), "{text}");
        assert_eq!(text.lines().count() as u64, exported.rows + 2);
        let shown: Vec<UsageRecord> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|line| line["table"] == RECORDS)
            .map(|line| serde_json::from_value(line["shows"].clone()).unwrap())
            .collect();
        let mut by_id = records.clone();
        by_id.sort_by_key(|record| record.id);
        assert_eq!(shown, by_id);

        let imported = import_file(&export, &path, key(), None).await.unwrap();
        assert_eq!((imported.rows, imported.records), (exported.rows, exported.records));
        assert_eq!(imported.without_secrets, exported.without_secrets);
        let again = opened(&fixture, &path).await;
        for (own, other) in without_headers(before.clone()).into_iter().zip(told(&again).await) {
            assert_eq!(other, own, "archived: {is_archived}");
        }
        assert_eq!(before.iter().find(|(what, _)| *what == "damage").unwrap().1, json!([]));
        assert!(again.model_configs().await.unwrap().iter().all(|config| config.api_key.is_none()));

        // Both go on alike: ids, sums, balances, and what is archived later.
        let moved = Fixture::of(fixture.world.clone(), again);
        for fixture in [&fixture, &moved] {
            let config = fixture.tollway.model_configs().await.unwrap().remove(0);
            for _ in 0..6 {
                fixture.call(&config, 3, Some(dollars("0.000000001"))).await;
            }
            let added = fixture.model("openai/new", json!({"input_token": per_million("2")})).await;
            assert_eq!(added.id.get(), 4);
            let unpriced = fixture.records().await.into_iter().find(|record| record.cost_amount.is_none()).unwrap();
            fixture.tollway.price_record(&unpriced.uid, dollars("0.5")).await.unwrap();
        }
        let (one, other) = (without_headers(told(&fixture.tollway).await), told(&moved.tollway).await);
        let comparable = |told: Vec<(&'static str, Value)>| {
            told.into_iter().filter(|(what, _)| !["configs", "records", "prices"].contains(what)).collect::<Vec<_>>()
        };
        assert_eq!(comparable(one), comparable(other));
        let ids = |records: Vec<UsageRecord>| records.iter().map(|record| record.id).collect::<Vec<_>>();
        assert_eq!(ids(fixture.records().await), ids(moved.records().await));
        moved.tollway.archive(at("2026-11-15T00:00:00Z"), &folder.path().join("later")).await.unwrap();
        assert_eq!(moved.tollway.verify(None).await.unwrap().damage, []);
    }
}

#[tokio::test]
async fn secrets_go_under_a_passphrase_only_and_open_in_the_new_file() {
    let (fixture, folder) = (Fixture::open().await, tempfile::tempdir().unwrap());
    filled(&fixture).await;
    let export = folder.path().join("all.jsonl");
    let short = fixture.tollway.export(&export, Some("short".into())).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidRequest, "{short}");
    let exported = fixture.tollway.export(&export, Some(PASSPHRASE.into())).await.unwrap();
    assert_eq!(exported.without_secrets, Vec::<String>::new());
    let text = fs::read_to_string(&export).unwrap();
    assert!(!text.contains("hidden") && !text.contains("k-2"));

    let wrong = import_file(&export, &folder.path().join("a"), key(), Some("another passphrase".into())).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::WrongMasterKey);
    let left_out = import_file(&export, &folder.path().join("b"), key(), None).await.unwrap();
    assert_eq!(left_out.without_secrets, ["openai/m", "anthropic/other"]);
    let path = folder.path().join("c");
    let imported = import_file(&export, &path, key(), Some(PASSPHRASE.into())).await.unwrap();
    assert_eq!(imported.without_secrets, Vec::<String>::new());
    let again = opened(&fixture, &path).await;
    let configs = again.model_configs().await.unwrap();
    let opened = |config: &ModelConfig| {
        use secrecy::ExposeSecret as _;
        let key = secrets::unseal_key(&again.engine.vault, config).unwrap();
        let params = secrets::opened_params(&again.engine.vault, config).unwrap();
        (key.map(|key| key.expose_secret().to_owned()), params.get("headers").cloned())
    };
    assert_eq!(opened(&configs[0]), (Some("k".to_owned()), None));
    let headers = json!({"x-api-secret": "hidden", "x-team": "geo"});
    assert_eq!(opened(&configs[1]), (Some("k-2".to_owned()), Some(headers)));
    assert_eq!(names(folder.path()), ["all.jsonl", "b", "c"]);

    let plain = folder.path().join("plain.jsonl");
    fixture.tollway.export(&plain, None).await.unwrap();
    let none = import_file(&plain, &folder.path().join("d"), key(), Some(PASSPHRASE.into())).await.unwrap_err();
    assert_eq!(none.kind(), ErrorKind::InvalidRequest, "{none}");
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_is_left_of_what_failed() {
    let (fixture, folder) = (Fixture::open().await, tempfile::tempdir().unwrap());
    filled(&fixture).await;
    let (export, path) = (folder.path().join("all.jsonl"), folder.path().join("again.tollway"));
    fixture.tollway.export(&export, None).await.unwrap();
    let own = fs::read(&export).unwrap();
    assert_eq!(fixture.tollway.export(&export, None).await.unwrap_err().kind(), ErrorKind::Storage);
    let nowhere = fixture.tollway.export(&folder.path().join("missing/all"), None).await.unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::Storage, "{nowhere}");
    let short = fixture.tollway.export(&folder.path().join("short"), Some("short".into())).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidRequest, "{short}");
    assert!(short.detail().contains("passphrase of an export"), "{short}");
    assert_eq!(fs::read(&export).unwrap(), own);
    import_file(&export, &path, key(), None).await.unwrap();
    let made = fs::read(&path).unwrap();
    assert_eq!(import_file(&export, &path, key(), None).await.unwrap_err().kind(), ErrorKind::Storage);
    assert_eq!(fs::read(&path).unwrap(), made);
    let other = folder.path().join("other");
    let missing = import_file(&folder.path().join("missing"), &other, key(), None).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    let foreign = import_file(&path, &other, key(), None).await.unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::NotATollwayFile, "{foreign}");
    let short = import_file(&export, &other, MasterKey::Text("short".into()), None).await.unwrap_err();
    assert_eq!(short.kind(), ErrorKind::InvalidRequest, "{short}");
    assert_eq!(names(folder.path()), ["again.tollway", "all.jsonl"]);
    // The export has a file's rows, so that a file in memory has none to copy.
    let memory = Tollway::open(crate::store::IN_MEMORY, key(), Settings::default()).await.unwrap();
    assert_eq!(memory.export(&other, None).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert!(memory.shutdown(Duration::from_secs(5)).await);
    assert_eq!(names(folder.path()), ["again.tollway", "all.jsonl"]);
}

#[tokio::test]
async fn what_was_changed_or_cut_is_told_by_its_line() {
    let (fixture, folder) = (Fixture::open().await, tempfile::tempdir().unwrap());
    filled(&fixture).await;
    archived(&fixture, folder.path()).await;
    let export = folder.path().join("all.jsonl");
    fixture.tollway.export(&export, Some(PASSPHRASE.into())).await.unwrap();
    let text = fs::read_to_string(&export).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let bad = folder.path().join("bad.jsonl");
    let refused = async |contents: String, line: Option<usize>| {
        fs::write(&bad, contents).unwrap();
        let path = folder.path().join("new");
        let error = import_file(&bad, &path, key(), Some(PASSPHRASE.into())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptedFile, "{line:?}: {error}");
        if let Some(line) = line {
            assert!(error.detail().contains(&format!("line {line} ")), "{line}: {error}");
        }
        assert_eq!(names(folder.path()), ["all.jsonl", "bad.jsonl", "past"]);
    };
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    for (place, line) in lines.iter().enumerate().step_by(13).chain([(lines.len() - 1, &lines[lines.len() - 1])]) {
        let digit = line.rfind(|letter: char| letter.is_ascii_digit() && letter != '0').unwrap();
        let changed = format!("{}0{}", &line[..digit], &line[digit + 1..]);
        let mut all = lines.clone();
        all[place] = &changed;
        refused(joined(&all), Some(place + 1)).await;
        let cut: usize = lines[..place].iter().map(|line| line.len() + 1).sum();
        if place > 0 {
            refused(text[..cut].to_owned(), Some(place + 1)).await;
            let without: Vec<&str> = [&lines[..place], &lines[place + 1..]].concat();
            refused(joined(&without), (place + 1 < lines.len()).then_some(place + 1)).await;
            let twice: Vec<&str> = [&lines[..=place], &lines[place..]].concat();
            refused(joined(&twice), Some(place + 2)).await;
        }
        refused(text[..cut + line.len() / 2].to_owned(), Some(place + 1)).await;
        refused(text[..cut + line.len()].to_owned(), Some(place + 1)).await;
    }
    refused(format!("{text}{}\n", lines[1]), Some(lines.len() + 1)).await;

    fs::write(&bad, text.replacen("tollway-export-1", "tollway-export-2", 1)).unwrap();
    let newer = import_file(&bad, &folder.path().join("new"), key(), None).await.unwrap_err();
    assert_eq!(newer.kind(), ErrorKind::NewerFile, "{newer}");
    for foreign in ["", "{}\n", "[1]\n", "no JSON\n", "{\"format\":\"other-1\"}\n"] {
        fs::write(&bad, foreign).unwrap();
        let error = import_file(&bad, &folder.path().join("new"), key(), None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotATollwayFile, "{foreign}: {error}");
    }
}

/// Whoever changes what a line shows, and its check with it, is told that the row says something else.
#[tokio::test]
async fn what_is_shown_is_what_the_row_says() {
    let (fixture, folder) = (Fixture::open().await, tempfile::tempdir().unwrap());
    filled(&fixture).await;
    let (export, forged) = (folder.path().join("all.jsonl"), folder.path().join("forged.jsonl"));
    fixture.tollway.export(&export, None).await.unwrap();
    let text = fs::read_to_string(&export).unwrap();
    let place = text.lines().position(|line| line.contains("\"ai_usage_records\"") && line.contains("0.123456789"));
    let place = place.unwrap();
    let mut digest = sha2::Sha256::default();
    let mut lines = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let (body, _) = line.rsplit_once(",\"check\":").unwrap();
        let mut body = body.to_owned();
        if number == place {
            body = body.replace("0.123456789", "0.023456789");
        }
        if number + 1 == text.lines().count() {
            let sum = body.find("\"sha256\":\"").unwrap() + 10;
            body.replace_range(sum..sum + 64, &hex::encode(sha2::Digest::finalize(digest.clone())));
        }
        let check = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&body));
        let line = format!("{body},\"check\":\"{}\"}}\n", &check[..16]);
        sha2::Digest::update(&mut digest, &line);
        lines.push(line);
    }
    fs::write(&forged, lines.concat()).unwrap();
    let error = import_file(&forged, &folder.path().join("new"), key(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptedFile, "{error}");
    assert!(error.detail().contains(&format!("line {} ", place + 1)), "{error}");
    assert!(error.detail().contains("another than is shown"), "{error}");
}
