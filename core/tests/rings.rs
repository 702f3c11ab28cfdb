//! No two files of a room need each other, and none of a crate of `bindings/`: whoever reads a file reads those below it, and no more.
#![expect(clippy::unwrap_used, reason = "this is a test; helpers fail it where they stand")]

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sources::{Source, Written, paths, sources};

/// What a folder's own file is called in a graph.
const OWN: &str = "mod";

/// Names of the files and folders of one folder, and of those that they need.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The modules of a crate, by their names from the crate on.
struct Modules(BTreeMap<Vec<String>, Module>);

/// What stands in a file.
#[derive(Default)]
struct Module {
    /// What it needs: its imports, and the paths in its code.
    needs: Vec<Written>,
    /// What others find in it that stands elsewhere: its imports, and what it hands on.
    known: Vec<Written>,
    /// The names of its own items.
    defined: BTreeSet<String>,
}

impl Modules {
    fn of(sources: &[Source]) -> Self {
        let mut modules: BTreeMap<Vec<String>, Module> = BTreeMap::new();
        for source in sources {
            for length in 0..source.modules.len() {
                modules.entry(source.modules[..length].to_vec()).or_default();
            }
            let [imports, handed_on, in_code] = paths(&source.code);
            // A crate can have two files of its own, `lib.rs` and `main.rs`.
            let module = modules.entry(source.modules.clone()).or_default();
            module.needs.extend([imports.clone(), in_code].concat());
            module.known.extend([imports, handed_on].concat());
            module.defined.extend(defined(&source.code));
        }
        Self(modules)
    }

    /// Returns a path from the crate on; nothing if it leads into another crate, or to something of the file itself.
    fn absolute(&self, place: &[String], segments: &[String]) -> Option<Vec<String>> {
        let ups = segments.iter().take_while(|name| *name == "super").count();
        let (base, rest) = match segments.first()?.as_str() {
            "crate" => (&[][..], &segments[1..]),
            "self" => (place, &segments[1..]),
            "super" => (&place[..place.len().checked_sub(ups)?], &segments[ups..]),
            name => {
                let is_child = self.0.contains_key(&[place, &[name.to_owned()]].concat());
                (is_child.then_some(place)?, segments)
            }
        };
        Some([base, rest].concat())
    }

    /// Finds the file in which the end of a path is defined, through whatever hands it on.
    fn file_of(&self, path: &[String], seen: &mut Vec<Vec<String>>) -> Vec<String> {
        if seen.iter().any(|known| known == path) {
            return path[..path.len().saturating_sub(1)].to_vec();
        }
        seen.push(path.to_vec());
        let mut place: Vec<String> = Vec::new();
        for (depth, name) in path.iter().enumerate() {
            let inner = [place.as_slice(), std::slice::from_ref(name)].concat();
            if self.0.contains_key(&inner) {
                place = inner;
                continue;
            }
            let module = &self.0[&place];
            if module.defined.contains(name) {
                return place;
            }
            let is_named = |known: &&Written| known.name == *name;
            let named = module.known.iter().find(is_named).and_then(|known| self.absolute(&place, &known.segments));
            if let Some(named) = named {
                return self.file_of(&[named.as_slice(), &path[depth + 1..]].concat(), seen);
            }
            let whole = module.known.iter().filter(|known| known.name == "*");
            let whole = whole.filter_map(|known| self.absolute(&place, &known.segments[..known.segments.len() - 1]));
            for folder in whole.collect::<Vec<_>>() {
                let file = self.file_of(&[folder.as_slice(), std::slice::from_ref(name)].concat(), seen);
                if self.0[&file].defined.contains(name) {
                    return file;
                }
            }
            return place;
        }
        place
    }

    /// Returns which files and folders of a folder need which others of it, the folder's own file among them.
    fn graph(&self, folder: &[&str]) -> Graph {
        let unit = |path: &[String]| {
            let is_inside = path.len() >= folder.len() && path.iter().zip(folder).all(|(name, other)| name == other);
            is_inside.then(|| path.get(folder.len()).map_or(OWN, String::as_str).to_owned())
        };
        let mut graph = Graph::new();
        for (place, module) in &self.0 {
            let Some(own) = unit(place) else { continue };
            let needed = module.needs.iter().filter_map(|path| self.absolute(place, &path.segments));
            let needed = needed.filter_map(|path| unit(&self.file_of(&path, &mut Vec::new())));
            let needed: Vec<_> = needed.filter(|other| *other != own).collect();
            graph.entry(own).or_default().extend(needed);
        }
        graph
    }
}

/// Returns the names of the items of a code.
fn defined(code: &str) -> BTreeSet<String> {
    const ITEMS: [&str; 8] = ["struct", "enum", "fn", "const", "static", "type", "trait", "macro_rules!"];
    let words: Vec<&str> = code.split(|letter: char| letter.is_whitespace() || "(<:;{".contains(letter)).collect();
    let pairs = words.windows(2).filter(|pair| ITEMS.contains(&pair[0]));
    pairs.map(|pair| pair[1].to_owned()).filter(|name| !name.is_empty()).collect()
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

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn no_two_files_of_a_room_need_each_other() {
    let modules = Modules::of(&sources(&folder("src")));
    let rooms: BTreeSet<&String> = modules.0.keys().filter_map(|path| path.first()).collect();
    assert!(rooms.len() > 10, "the rooms are not found: {rooms:?}");
    for room in rooms {
        assert_eq!(ring(&modules.graph(&[room])), None, "the files of {room} stand in a ring");
    }
}

#[test]
fn no_two_files_of_a_binding_need_each_other() {
    let crates = fs::read_dir(folder("../bindings")).unwrap().map(|entry| entry.unwrap().path().join("src"));
    let crates: Vec<_> =
        crates.filter(|root| root.join("lib.rs").is_file() || root.join("main.rs").is_file()).collect();
    assert!(crates.len() > 3, "the crates are not found: {crates:?}");
    for root in crates {
        let graph = Modules::of(&sources(&root)).graph(&[]);
        assert_eq!(ring(&graph), None, "the files of {} stand in a ring", root.display());
    }
}

fn modules(sources: &[(&str, &str)]) -> Modules {
    let source = |(path, code): &(&str, &str)| Source {
        modules: path.split('/').map(str::to_owned).collect(),
        code: (*code).to_owned(),
    };
    Modules::of(&sources.iter().map(source).collect::<Vec<_>>())
}

#[test]
fn a_ring_of_files_is_noticed() {
    let mut files = vec![
        ("store/a", "use super::b::{X, Y};"),
        ("store/b/inner", "use super::super::{\n    c::Z,\n    q,\n};\nuse super::own;"),
        ("store/c", "use crate::types::Result;"),
        ("types/a", "use super::c;"),
    ];
    assert_eq!(ring(&modules(&files).graph(&["store"])), None);
    files.push(("store/c/inner", "fn f() { crate::store::a::f() }"));
    assert_eq!(ring(&modules(&files).graph(&["store"])), Some(["a", "b", "c"].map(str::to_owned).into()));
}

#[test]
fn a_ring_through_the_folders_own_file_is_noticed() {
    let through = |own: &str| {
        let files = [
            ("store", own),
            ("store/a", "use super::Two;\npub struct One;"),
            ("store/b", "use super::One;\npub struct Two(One);\nfn f() -> crate::store::One {}"),
        ];
        ring(&modules(&files).graph(&["store"]))
    };
    let both = Some(["a", "b"].map(str::to_owned).into());
    assert_eq!(through("mod a;\npub use a::One;\npub(crate) use b::{self, Two};"), both);
    assert_eq!(through("pub use a::*;\nuse b::*;"), both);
    let shared = "use a::f;\npub struct Two;\npub struct One;";
    assert_eq!(through(shared), Some(["a", "mod"].map(str::to_owned).into()));
    assert_eq!(through("pub use a::f;\npub struct Two;\npub struct One;"), None);
}
