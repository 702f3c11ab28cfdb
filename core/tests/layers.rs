//! The layers that ARCHITECTURE.md draws: arrows point down only.
#![expect(clippy::unwrap_used, reason = "this is a test; helpers fail it where they stand")]

mod sources;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sources::{Source, paths, sources, without_tests};

/// The rooms of `core/src`, from below. A room uses those of the rows below its own.
const ROWS: [&[&str]; 7] = [
    &["types"],
    &["environment", "settings"],
    &["budget"],
    &["catalog", "provider", "store", "vault"],
    &["billing", "transport"],
    &["dialect", "report", "routing"],
    &["client"],
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the files of the rooms.
fn engine() -> Vec<Source> {
    sources(&root()).into_iter().filter(|source| !source.modules.is_empty()).collect()
}

fn row(room: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&room))
}

/// Returns the names that follow a first one in the paths of a code.
fn names_after(code: &str, first: &str) -> BTreeSet<String> {
    let of_first = |path: sources::Written| match path.segments.as_slice() {
        [begin, name, ..] if begin == first => Some(name.clone()),
        _ => None,
    };
    paths(code).into_iter().flatten().filter_map(of_first).collect()
}

/// Returns the arrows of a file that do not point down, as `from -> to`.
fn wrong_arrows(room: &str, code: &str) -> Vec<String> {
    let own = row(room);
    let is_wrong = |other: &String| other != room && (own.is_none() || row(other).is_none() || row(other) >= own);
    names_after(code, "crate").into_iter().filter(is_wrong).map(|other| format!("{room} -> {other}")).collect()
}

#[test]
fn every_import_points_to_a_row_below() {
    let sources: Vec<Source> = engine();
    let rooms: BTreeSet<&str> = sources.iter().map(|source| source.modules[0].as_str()).collect();
    assert_eq!(rooms, ROWS.iter().flat_map(|row| row.iter().copied()).collect(), "a room stands in no row, or in two");
    let wrong = |source: &Source| {
        let arrows = wrong_arrows(&source.modules[0], &source.code);
        arrows.into_iter().map(|arrow| format!("{arrow} in {}", source.modules.join("/"))).collect::<Vec<_>>()
    };
    let wrong: Vec<String> = sources.iter().flat_map(wrong).collect();
    assert_eq!(wrong, Vec::<String>::new(), "an arrow points upwards or sideways");
}

#[test]
fn an_upward_and_a_sideways_import_are_noticed() {
    let upwards =
        "use crate::{\n    store::{Store, Operation},\n    types::Result,\n};\nlet client = crate::client::x();";
    assert_eq!(wrong_arrows("catalog", upwards), ["catalog -> client", "catalog -> store"]);
    assert_eq!(wrong_arrows("types", "use crate::environment::Environment;"), ["types -> environment"]);
    assert_eq!(wrong_arrows("billing", "use crate::nowhere::X;"), ["billing -> nowhere"]);
    let down = "use crate::types::Result;\n// use crate::client::Tollway;\n#[cfg(test)]\nmod tests {\n    use crate::client;\n}";
    assert_eq!(wrong_arrows("store", &without_tests(down)), Vec::<String>::new());
}

#[test]
fn only_the_storage_of_files_names_its_engine() {
    let names_engine = |source: &&Source| !names_after(&source.code, "redb").is_empty();
    let by_engine: Vec<String> = engine().iter().filter(names_engine).map(|source| source.modules.join("/")).collect();
    assert!(!by_engine.is_empty(), "the engine is not found at all");
    let elsewhere: Vec<_> = by_engine.iter().filter(|module| !module.starts_with("store/redb/")).collect();
    // The folder itself begins transactions.
    assert_eq!(elsewhere, ["store/redb"], "the rules of the store know what keeps its tables");
}

#[test]
fn architecture_draws_the_rows_in_their_order() {
    let text = fs::read_to_string(root().join("../../ARCHITECTURE.md")).unwrap();
    let drawing: Vec<&str> = text.split("```").nth(1).unwrap().lines().collect();
    let client = drawing.iter().position(|line| line.contains("core/src/client")).unwrap();
    let place = |room: &str| match room {
        "client" => Some(client),
        _ => (client + 1..drawing.len()).find(|line| drawing[*line].split_whitespace().any(|word| word == room)),
    };
    for (above, below) in ROWS.iter().skip(1).zip(ROWS) {
        for (above, below) in above.iter().flat_map(|above| below.iter().map(move |below| (above, below))) {
            let (upper, lower) = (place(above), place(below));
            assert!(upper.is_some() && lower.is_some() && upper < lower, "{above} is not drawn above {below}");
        }
    }
}
