use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use redb::{Database, ReadableTable, TableDefinition};
use serde_json::json;

use super::*;
use crate::client::Tollway;
use crate::client::testing::{Fixture, at, decimal, from_json};
use crate::environment::TestEnvironment;
use crate::settings::Settings;
use crate::store::{ModelConfigChange, Operation};
use crate::types::{LedgerHead, ModelTerms, ModelUpdate, UsageFilter, is_sealed};
use crate::vault::MasterKey;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

#[test]
fn an_origin_is_what_decides_who_gets_a_request() {
    for (url, expected) in [
        ("https://api.example.com/v1", "https://api.example.com"),
        ("HTTPS://API.Example.com:443/v2?x=1", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("http://127.0.0.1:80/", "http://127.0.0.1"),
        ("http://127.0.0.1:443/", "http://127.0.0.1:443"),
        ("http://[::1]:8000/v1", "http://[::1]:8000"),
        ("https://evil.example\\@api.example.com/v1", "https://evil.example"),
        ("https://api.example.com#@evil.example", "https://api.example.com"),
    ] {
        assert_eq!(origin(url), expected, "{url}");
    }
}

async fn added(fixture: &Fixture) -> ModelConfig {
    let input: ModelTerms = from_json(json!({
        "name": "house/m", "api_key": "sk-house", "base_url": "https://house.example/v1",
        "params": {"headers": {"X-Gateway-Token": "tk-house", "x-team": "red"}},
    }));
    fixture.tollway.add_model(input).await.unwrap().config
}

fn key(tollway: &Tollway, config: &ModelConfig) -> Result<String> {
    Ok(tollway.engine.api_key(config)?.unwrap().expose_secret().to_owned())
}

fn token(tollway: &Tollway, config: &ModelConfig) -> Result<String> {
    Ok(tollway.engine.params(config)?["headers"]["X-Gateway-Token"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn headers_that_are_secrets_are_sealed_and_shown_as_a_mask() {
    let fixture = Fixture::open().await;
    let config = added(&fixture).await;
    assert!(is_sealed(&config.params["headers"]["X-Gateway-Token"]));
    assert_eq!(config.params["headers"]["x-team"], "red");
    assert_eq!(token(&fixture.tollway, &config).unwrap(), "tk-house");
    let shown = serde_json::to_value(&config).unwrap();
    assert_eq!(shown["params"]["headers"], json!({"X-Gateway-Token": MASK, "x-team": "red"}));
    // What was shown can be given back.
    let update: ModelUpdate = from_json(json!({"model": "house/m", "params": shown["params"]}));
    let updated = fixture.tollway.update_model(update).await.unwrap();
    assert_eq!(updated.params, config.params);
    let update: ModelUpdate = from_json(json!({"model": "house/m", "params": {"headers": {"x-other-token": MASK}}}));
    let error = fixture.tollway.update_model(update).await.unwrap_err();
    assert!(error.detail().contains("never set"), "{error}");
}

#[tokio::test]
async fn a_secret_goes_only_to_the_host_that_it_was_given_for() {
    let fixture = Fixture::open().await;
    let tollway = &fixture.tollway;
    added(&fixture).await;
    let update = |mut fields: Value| {
        fields["model"] = json!("house/m");
        tollway.update_model(from_json(fields))
    };
    for fields in [
        json!({"base_url": "https://evil.example/v1"}),
        json!({"base_url": "http://house.example/v1", "params": {}, "allow_insecure": true}),
        json!({"base_url": "https://house.example:8443/v1", "params": {}}),
        json!({"base_url": "https://evil.example/v1", "api_key": "sk-new"}),
    ] {
        let error = update(fields.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{fields}");
        assert!(error.detail().contains("give `"), "{error}");
        assert!(!error.detail().contains("-house"), "{error}");
    }
    let moved = update(json!({"base_url": "https://HOUSE.example:443/v2"})).await.unwrap();
    assert_eq!(
        (key(tollway, &moved).unwrap(), token(tollway, &moved).unwrap()),
        ("sk-house".into(), "tk-house".into())
    );
    let params = json!({"headers": {"X-Gateway-Token": MASK}, "wire_format": "anthropic_messages"});
    let spoken = update(json!({"params": params})).await.unwrap();
    assert_eq!(
        (key(tollway, &spoken).unwrap(), token(tollway, &spoken).unwrap()),
        ("sk-house".into(), "tk-house".into())
    );
    let given = json!({"base_url": "https://other.example", "api_key": "sk-2", "params": {"headers": {"X-Gateway-Token": "t2"}}});
    let given = update(given).await.unwrap();
    assert_eq!((key(tollway, &given).unwrap(), token(tollway, &given).unwrap()), ("sk-2".into(), "t2".into()));
}

#[tokio::test]
async fn an_address_that_was_changed_in_the_file_gets_no_secret() {
    let fixture = Fixture::open().await;
    let config = added(&fixture).await;
    let change =
        ModelConfigChange { base_url: Some(Some("https://evil.example/v1".into())), ..ModelConfigChange::default() };
    let operation =
        Operation::UpdateModelConfig { id: config.id, change: Box::new(change), now: at("2026-11-22T12:00:00Z") };
    fixture.tollway.write(operation).await.unwrap();
    let edited = fixture.tollway.model_configs().await.unwrap().remove(0);
    for error in [key(&fixture.tollway, &edited).unwrap_err(), token(&fixture.tollway, &edited).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::CorruptedFile);
        assert!(error.detail().contains("https://evil.example") && error.detail().contains("models.update"), "{error}");
    }
}

async fn open(path: &Path) -> Result<Tollway> {
    let world = TestEnvironment::new(at("2026-11-27T12:00:00Z"));
    Tollway::open_in(path, MasterKey::Text("0f".repeat(32).into()), Settings::default(), Arc::new(world)).await
}

/// Writes the file that the first version of the schema left.
fn version_1(folder: &Path) -> std::path::PathBuf {
    written(folder, include_bytes!("../../../tests/files/ledger_version_1.gz"))
}

fn written(folder: &Path, compressed: &[u8]) -> std::path::PathBuf {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(compressed).read_to_end(&mut bytes).unwrap();
    let path = folder.join("app.tollway");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn schema(path: &Path, set: Option<u64>) -> u64 {
    let database = Database::open(path).unwrap();
    let transaction = database.begin_write().unwrap();
    let found = {
        let mut meta = transaction.open_table(META).unwrap();
        let found = meta.get("tollway_schema_version").unwrap().unwrap().value().try_into().unwrap();
        if let Some(set) = set {
            meta.insert("tollway_schema_version", set.to_le_bytes().as_slice()).unwrap();
        }
        u64::from_le_bytes(found)
    };
    transaction.commit().unwrap();
    found
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_signed_and_sealed_anew_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let wrong = Tollway::open(&path, MasterKey::Text("1f".repeat(32).into()), Settings::default()).await.err().unwrap();
    assert_eq!(wrong.kind(), ErrorKind::WrongMasterKey);
    assert_eq!(schema(&path, None), 1, "a wrong key must change nothing");
    for _ in 0..2 {
        let tollway = open(&path).await.unwrap();
        let configs = tollway.model_configs().await.unwrap();
        let keys: Vec<_> = configs.iter().map(|config| key(&tollway, config).unwrap()).collect();
        assert_eq!(keys, ["sk-version-1", "sk-default", "sk-served"]);
        assert!(is_sealed(&configs[0].params["headers"]["x-gateway-token"]));
        assert_eq!(tollway.engine.params(&configs[0]).unwrap()["headers"]["x-gateway-token"], "plain-token");
        let records = tollway.usage_records(UsageFilter::default(), None, 100).await.unwrap().records;
        assert_eq!(records.len(), 6);
        let budgets = tollway.budgets().await.unwrap();
        assert_eq!(budgets[0].balance.settled, decimal("0.0012"));
        assert!(tollway.shutdown(std::time::Duration::from_secs(5)).await);
    }
    assert_eq!(schema(&path, Some(1)), 3);
    for set in [1, 2] {
        schema(&path, Some(set));
        let error = open(&path).await.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::CorruptedFile);
        assert!(error.detail().contains("set back"), "{error}");
    }
}

#[tokio::test]
async fn a_file_of_the_second_schema_opens_with_its_balances_as_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let path = written(folder.path(), include_bytes!("../../../tests/files/ledger_version_2.gz"));
    let tollway = open(&path).await.unwrap();
    let configs = tollway.model_configs().await.unwrap();
    let keys: Vec<_> = configs.iter().map(|config| key(&tollway, config).unwrap()).collect();
    assert_eq!(keys, ["sk-bench", "sk-bench"]);
    let verified = tollway.verify(None).await.unwrap();
    assert_eq!((verified.records, verified.damage), (10, Vec::new()));
    let records = tollway.usage_records(UsageFilter::default(), None, 100).await.unwrap().records;
    // Two whole replies of 20 words, and eight streams of 100.
    let costs: Vec<_> = records.iter().filter_map(|record| record.cost_amount).collect();
    assert_eq!(costs, [[decimal("0.00001335"); 2].as_slice(), &[decimal("0.00006135"); 8]].concat());
    let balance = &tollway.budgets().await.unwrap()[0].balance;
    assert_eq!((balance.settled, balance.reserved), (decimal("0.0005175"), decimal("0")));
    // What is written next joins the same rows.
    let input: ModelTerms = from_json(json!({"name": "house/m", "base_url": "https://house.example/v1"}));
    assert_eq!(tollway.add_model(input).await.unwrap().config.id.get(), 3);
    assert!(tollway.shutdown(std::time::Duration::from_secs(5)).await);
    drop(tollway);
    assert_eq!(schema(&path, None), 3);
    assert_eq!(open(&path).await.unwrap().model_configs().await.unwrap().len(), 3);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_an_earlier_version_has_open_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    // An earlier version locks a byte of the same range.
    let held = crate::store::hold_session(&path);
    let error = open(&path).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.detail().contains("earlier version"), "{error}");
    drop(held);
    open(&path).await.unwrap();
}

#[tokio::test]
async fn a_file_that_lost_its_data_key_gets_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    assert!(open(&path).await.unwrap().shutdown(std::time::Duration::from_secs(5)).await);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.open_table(META).unwrap().remove("wrapped_data_key").unwrap();
    transaction.commit().unwrap();
    drop(database);
    let error = open(&path).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::CorruptedFile);
    assert!(error.detail().contains("lost its data key"), "{error}");
}

#[tokio::test]
async fn an_older_copy_of_the_file_is_known_by_a_head_that_was_kept_outside() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_1(folder.path());
    let closed = |tollway: Tollway| async move { assert!(tollway.shutdown(std::time::Duration::from_secs(5)).await) };
    let tollway = open(&path).await.unwrap();
    let config = tollway.model_configs().await.unwrap().remove(0);
    let old_head = tollway.head().await.unwrap();
    assert_eq!(old_head.record, 6);
    assert_eq!(tollway.verify(Some(old_head.clone())).await.unwrap().damage, []);
    closed(tollway).await;
    let copy = std::fs::read(&path).unwrap();
    let spend = |tollway: &Tollway| {
        let (engine, id) = (Arc::clone(&tollway.engine), config.id);
        async move { crate::client::testing::spent(&engine.store, engine.environment.as_ref(), id).await }
    };
    let tollway = open(&path).await.unwrap();
    spend(&tollway).await;
    let head: LedgerHead = tollway.head().await.unwrap().to_string().parse().unwrap();
    for known in [&old_head, &head] {
        assert_eq!(tollway.verify(Some(known.clone())).await.unwrap().damage, []);
    }
    closed(tollway).await;
    std::fs::write(&path, copy).unwrap();
    let tollway = open(&path).await.unwrap();
    let problem = |tollway: Tollway| {
        let head = head.clone();
        async move {
            let damage = tollway.verify(Some(head)).await.unwrap().damage;
            assert_eq!(damage.len(), 1, "{damage:?}");
            closed(tollway).await;
            damage[0].problem.clone()
        }
    };
    assert!(problem(tollway).await.contains("an older copy was put in its place"));
    // Nor does it help to go on from the copy.
    let tollway = open(&path).await.unwrap();
    spend(&tollway).await;
    spend(&tollway).await;
    assert!(problem(tollway).await.contains("used since"));
    let other = Fixture::open().await;
    let damage = other.tollway.verify(Some(head.clone())).await.unwrap().damage;
    assert!(damage[0].problem.contains("another ledger"));
}
