//! The layers that ARCHITECTURE.md draws: arrows point down only, and no two files of a room need each other.
#![expect(clippy::unwrap_used, reason = "this is a test; helpers fail it where they stand")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

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

/// Rooms whose files need each other. `types`: an error says what a budget had, and sums of money fail with errors. `provider`: the
/// tables of formats name the adapters, which are made of the types beside those tables.
const ROOMS_WITH_RINGS: [&str; 2] = ["types", "provider"];

/// Names of modules, and of those that they need.
type Graph = BTreeMap<String, BTreeSet<String>>;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn row(room: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&room))
}

/// A file of the engine, without its tests.
struct Source {
    /// The names of its modules, from the room on.
    modules: Vec<String>,
    code: String,
}

/// Reads the files below a folder. Tests may use what they like, so they are left out.
fn sources(folder: &Path, modules: &[String]) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let is_test = ["tests", "testing", "fuzzing"].contains(&name.as_str()) || name.ends_with("_tests");
        if is_test || (modules.is_empty() && name == "lib") {
            continue;
        }
        let inner: Vec<String> = modules.iter().cloned().chain((name != "mod").then_some(name)).collect();
        if path.is_dir() {
            found.extend(sources(&path, &inner));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(Source { modules: inner, code: without_tests(&fs::read_to_string(&path).unwrap()) });
        }
    }
    found
}

/// Returns the code without its comments and its unit tests, which are the last item of their file.
fn without_tests(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// Returns the names that follow a prefix such as `crate::`, those in braces among them.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (place, _) in code.match_indices(prefix) {
        // `crate::` is also the end of `super::super::` where that is looked for.
        if code[..place].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let rest = &code[place + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(items(list).iter().map(|item| first_name(item))),
            None => _ = names.insert(first_name(rest)),
        }
    }
    names.remove("");
    names
}

/// Splits a list at its own commas, up to the brace that ends it.
fn items(list: &str) -> Vec<String> {
    let (mut items, mut depth) = (vec![String::new()], 0);
    for letter in list.chars() {
        match letter {
            '}' if depth == 0 => break,
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                items.last_mut().unwrap().push(letter);
            }
        }
    }
    items
}

fn first_name(path: &str) -> String {
    path.trim_start().chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// Returns the arrows of a file that do not point down, as `from -> to`.
fn wrong_arrows(room: &str, code: &str) -> Vec<String> {
    let own = row(room);
    let is_wrong = |other: &String| other != room && (own.is_none() || row(other).is_none() || row(other) >= own);
    names_after(code, "crate::").into_iter().filter(is_wrong).map(|other| format!("{room} -> {other}")).collect()
}

#[test]
fn every_import_points_to_a_row_below() {
    let sources = sources(&root(), &[]);
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
    let names_engine = |source: &&Source| !names_after(&source.code, "redb::").is_empty();
    let by_engine: Vec<String> =
        sources(&root(), &[]).iter().filter(names_engine).map(|source| source.modules.join("/")).collect();
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

/// Returns which files and folders of a room need which others of it. What all of them share is in the room's own file.
fn graph(room: &str, sources: &[Source]) -> Graph {
    let of_room = |source: &&Source| source.modules[0] == room && source.modules.len() > 1;
    let units: BTreeSet<&String> = sources.iter().filter(of_room).map(|source| &source.modules[1]).collect();
    let mut graph = Graph::new();
    for source in sources.iter().filter(of_room) {
        let own = &source.modules[1];
        let mut needed = names_after(&source.code, &format!("crate::{room}::"));
        needed.extend(names_after(&source.code, &"super::".repeat(source.modules.len() - 1)));
        needed.retain(|name| name != own && units.contains(name));
        graph.entry(own.clone()).or_default().extend(needed);
    }
    graph
}

/// Returns a module that needs itself by way of others, with those.
fn ring(graph: &Graph) -> Option<BTreeSet<String>> {
    let reach = |from: &String| {
        let (mut reached, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(module) = next.pop() {
            next.extend(graph.get(module).into_iter().flatten().filter(|needed| reached.insert((*needed).clone())));
        }
        reached
    };
    let module = graph.keys().find(|module| reach(module).contains(*module))?;
    Some(reach(module).into_iter().filter(|other| reach(other).contains(module)).collect())
}

#[test]
fn no_two_files_of_a_room_need_each_other() {
    let sources = sources(&root(), &[]);
    for room in ROWS.iter().flat_map(|row| row.iter()).filter(|room| !ROOMS_WITH_RINGS.contains(room)) {
        assert_eq!(ring(&graph(room, &sources)), None, "the files of {room} stand in a ring");
    }
}

#[test]
fn a_ring_of_files_is_noticed() {
    let source = |modules: &[&str], code: &str| Source {
        modules: modules.iter().map(|name| (*name).to_owned()).collect(),
        code: code.to_owned(),
    };
    let mut sources = vec![
        source(&["store", "a"], "use super::b::{X, Y};"),
        source(&["store", "b", "inner"], "use super::super::{\n    c::Z,\n    q,\n};\nuse super::own;"),
        source(&["store", "c"], "use crate::types::Result;"),
        source(&["types", "a"], "use super::c;"),
    ];
    assert_eq!(ring(&graph("store", &sources)), None);
    sources.push(source(&["store", "c", "inner"], "fn f() { crate::store::a::f() }"));
    assert_eq!(ring(&graph("store", &sources)), Some(["a", "b", "c"].map(str::to_owned).into()));
}
