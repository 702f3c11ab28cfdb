//! Exports that were damaged.

use std::path::Path;
use std::sync::{OnceLock, mpsc};

use futures_executor::block_on;
use serde_json::json;
use sha2::{Digest, Sha256};
use tollway_common::{Engine, Outcome, start_apart};

use super::files::{self, Folder, KEY, REFUSALS};

/// What stands before the check of a line.
const CHECK: &str = ",\"check\":\"";

/// Returns an export of a file with something of everything.
fn whole() -> &'static [u8] {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let folder = Folder::make();
        let (file, export) = (folder.path().join("template.tollway"), folder.path().join("all.jsonl"));
        let _ = std::fs::write(&file, &files::full().bytes);
        if let Ok(engine) = Engine::new(&file, &files::options(KEY), None) {
            let _ = block_on(engine.call("ledger.export", &json!({ "path": export }).to_string()));
            let _ = block_on(engine.call("close", r#"{"timeout": 5}"#));
        }
        std::fs::read(export).unwrap_or_default()
    })
}

/// Imports an export with changes: a byte that says whether each line gets a check that is right for it, and six bytes for each change.
///
/// What is imported is sound, or the import is refused with an error that says what is wrong.
pub fn damaged_exports(bytes: &[u8]) {
    assert!(!whole().is_empty(), "a whole file is exported");
    let Some((checks, changes)) = bytes.split_first() else { return };
    let mut export = whole().to_vec();
    for change in changes.chunks_exact(6).take(16) {
        files::damage(&mut export, change);
    }
    if checks % 2 == 1 {
        export = checked(&export);
    }
    let folder = Folder::make();
    let (file, path) = (folder.path().join("all.jsonl"), folder.path().join("again.tollway"));
    if std::fs::write(&file, &export).is_err() {
        return;
    }
    match import(&file, &path) {
        Ok(_) => assert!(path.exists(), "what was imported is there"),
        Err(error) => {
            assert!(REFUSALS.contains(&error.code), "the import fails with {error}");
            assert!(!path.exists(), "what was refused left a file");
        }
    }
}

fn import(file: &Path, path: &Path) -> Outcome {
    let (sender, outcome) = mpsc::channel();
    let arguments = json!({ "file": file, "path": path, "master_key": KEY }).to_string();
    let _call = start_apart("ledger.import_file", &arguments, move |outcome| {
        let _ = sender.send(outcome);
    });
    outcome.recv().unwrap_or_else(|_| Ok(String::new()))
}

/// Returns lines with checks that are theirs.
fn checked(export: &[u8]) -> Vec<u8> {
    let mut all = Vec::with_capacity(export.len());
    for line in String::from_utf8_lossy(export).lines() {
        let body = line.rsplit_once(CHECK).map_or(line, |(body, _)| body);
        let mut check = hex::encode(Sha256::digest(body));
        check.truncate(16);
        all.extend_from_slice(format!("{body}{CHECK}{check}\"}}\n").as_bytes());
    }
    all
}
