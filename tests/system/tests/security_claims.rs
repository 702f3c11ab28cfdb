//! Each promise of SECURITY.md names the test that fails when it is broken: there is one of that name.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where tests stand.
const PLACES: [&str; 9] =
    ["core", "bindings", "tests", "python/tests", "node/test", "fuzz", "benches", "examples", "scripts"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            if !["node_modules", "target", "build", "__pycache__"].contains(&name.as_str()) {
                sources(&path, found);
            }
        } else if [".rs", ".py", ".ts", ".json"].iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
}

/// Returns the names between back quotes in the last column of each table.
fn named_tests(text: &str) -> BTreeSet<String> {
    let rows = text.lines().filter(|line| line.starts_with("| ") && line.ends_with(" |"));
    let last = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    last.flat_map(|column| column.split('`').skip(1).step_by(2).map(str::to_owned)).collect()
}

#[test]
fn every_promise_has_its_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let promised = named_tests(&fs::read_to_string(root.join("SECURITY.md")).unwrap());
    assert!(promised.len() > 30, "{promised:?}");
    let mut files = Vec::new();
    for place in PLACES {
        sources(&root.join(place), &mut files);
    }
    let mut missing = promised;
    for file in files {
        let text = fs::read_to_string(file).unwrap_or_default();
        missing.retain(|name| {
            let forms = [format!("fn {name}("), format!("def {name}("), format!("\"name\": \"{name}\"")];
            !forms.iter().any(|form| text.contains(form.as_str()))
        });
    }
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist: {missing:?}");
}
