//! Copies hold what the file held, and replace nothing.

use serde_json::json;

use super::*;
use crate::client::testing::{Fixture, at, decimal, per_million};
use crate::settings::Settings;
use crate::types::*;
use crate::vault::MasterKey;

async fn opened(path: &Path) -> Tollway {
    Tollway::open(path, MasterKey::Text("00".repeat(32).into()), Settings::default()).await.unwrap()
}

#[tokio::test]
async fn a_backup_of_a_file_in_use_is_restored_where_nothing_is() {
    let fixture = Fixture::open().await;
    let config = fixture.model("openai/m", json!({"input_token": per_million("2")})).await;
    let cost = Some(Money::new(decimal("0.1"), Currency::USD));
    for _ in 0..9 {
        fixture.call(&config, 10, cost).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let (copy, place) = (folder.path().join("copy"), folder.path().join("app.tollway"));
    let backup = fixture.tollway.backup(&copy).await.unwrap();
    assert_eq!(backup.bytes, std::fs::metadata(&copy).unwrap().len());
    fixture.call(&config, 10, cost).await;
    let error = fixture.tollway.backup(&copy).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error}");

    restore(&copy, &place).await.unwrap();
    assert_eq!(restore(&copy, &place).await.unwrap_err().kind(), ErrorKind::Storage);
    let restored = opened(&place).await;
    let records = restored.usage_records(UsageFilter::default(), None, 100).await.unwrap().records;
    assert_eq!(records, fixture.records().await[..9]);
    assert_eq!(restored.verify(None).await.unwrap().damage, []);
    assert_eq!(restored.head().await.unwrap().record, 9);
    assert!(restored.model_configs().await.unwrap()[0].api_key.is_some());
    restored.shutdown(std::time::Duration::from_secs(5)).await;

    let missing = restore(&folder.path().join("nothing"), &folder.path().join("other")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    std::fs::write(folder.path().join("text"), "no ledger at all").unwrap();
    let other = restore(&folder.path().join("text"), &folder.path().join("other")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::NotATollwayFile, "{other}");
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle - 4_096..middle + 4_096].fill(0x5A);
    std::fs::write(folder.path().join("torn"), bytes).unwrap();
    let torn = restore(&folder.path().join("torn"), &folder.path().join("other")).await.unwrap_err();
    assert_eq!(torn.kind(), ErrorKind::CorruptedFile, "{torn}");
    assert!(!folder.path().join("other").exists());
}

/// What is no regular file is never waited for, and never read to its end.
#[cfg(unix)]
#[tokio::test]
async fn a_pipe_and_a_device_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (pipe, place) = (folder.path().join("pipe"), folder.path().join("app.tollway"));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRUSR | nix::sys::stat::Mode::S_IWUSR).unwrap();
    let key = || MasterKey::Text("00".repeat(32).into());
    let wait = std::time::Duration::from_secs(10);
    for source in [pipe.as_path(), Path::new("/dev/zero"), folder.path()] {
        let refused = tokio::time::timeout(wait, restore(source, &place)).await.unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotATollwayFile, "{refused}");
        let imported = crate::client::import_file(source, &place, key(), None);
        let refused = tokio::time::timeout(wait, imported).await.unwrap().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::NotATollwayFile, "{refused}");
    }
    let refused = tokio::time::timeout(wait, compact(&pipe)).await.unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotATollwayFile, "{refused}");
    assert!(!place.exists());
}

#[tokio::test]
async fn what_was_archived_is_given_back_and_a_file_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tollway");
    let fixture = Fixture::at_path(&path).await;
    let config = fixture.model("openai/m", json!({"input_token": per_million("2")})).await;
    fixture.world.set_now(at("2026-10-05T00:00:00Z"));
    for _ in 0..2_000 {
        fixture.call(&config, 10, Some(Money::new(decimal("0.1"), Currency::USD))).await;
    }
    fixture.world.set_now(at("2026-11-22T12:00:00Z"));
    fixture.tollway.archive(at("2026-11-01T00:00:00Z"), &folder.path().join("past")).await.unwrap();
    let error = compact(&path).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Storage | ErrorKind::StorageBusy), "{error}");
    fixture.tollway.shutdown(std::time::Duration::from_secs(5)).await;
    drop(fixture);
    let compacted = compact(&path).await.unwrap();
    assert!(compacted.bytes_after * 2 < compacted.bytes_before, "{compacted:?}");
    assert_eq!(compacted.bytes_after, std::fs::metadata(&path).unwrap().len());
    let again = opened(&path).await;
    assert_eq!(again.verify(None).await.unwrap().damage, []);
    let missing = compact(&folder.path().join("nothing")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
}
