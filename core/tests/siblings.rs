//! Siblings have the same functions in the same order: whoever has read one wire format, dialect or kind of work has read all.
#![expect(clippy::unwrap_used, reason = "this is a test; helpers fail it where they stand")]

mod sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sources::{paths, sources};

/// What siblings implement.
const TRAITS: [&str; 7] =
    ["ChatAdapter", "StreamDecoder", "EmbeddingAdapter", "RerankAdapter", "Dialect", "ReplyEncoder", "Work"];

/// Returns the names of the functions of a code, in its order.
fn functions(code: &str) -> Vec<String> {
    let named = |line: &str| {
        let after = line.split_once("fn ").filter(|(before, _)| before.is_empty() || before.ends_with([' ', ')']))?.1;
        Some(after.split(|letter: char| !(letter.is_alphanumeric() || letter == '_')).next()?.to_owned())
    };
    code.lines().map(str::trim).filter_map(named).collect()
}

/// Returns the functions of the block that begins with some words.
fn block(code: &str, begins: &str) -> Option<Vec<String>> {
    let start = code.find(begins)?;
    let end = code[start..].find("\n}")?;
    Some(functions(&code[start..start + end]))
}

/// Returns the first function that stands in one list behind another one, and in the other list before it.
fn out_of_order(one: &[String], other: &[String]) -> Option<String> {
    let common = |list: &[String], of: &[String]| -> Vec<String> {
        let mut seen = BTreeSet::new();
        list.iter().filter(|name| of.contains(name) && seen.insert((*name).clone())).cloned().collect()
    };
    let (one, other) = (common(one, other), common(other, one));
    one.into_iter().zip(other).find(|(name, same)| name != same).map(|(name, _)| name)
}

#[test]
fn what_siblings_implement_stands_in_the_order_of_its_trait() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    for name in TRAITS {
        let declared = sources.iter().find_map(|source| block(&source.code, &format!("trait {name}: "))).unwrap();
        let of = format!("impl {name} for ");
        let siblings: Vec<_> =
            sources.iter().filter_map(|source| Some((source.modules.join("/"), block(&source.code, &of)?))).collect();
        assert!(siblings.len() > 1, "{name} has no siblings: {siblings:?}");
        for (place, functions) in siblings {
            assert_eq!(out_of_order(&declared, &functions), None, "{name} in {place} is in another order");
        }
    }
}

#[test]
fn parts_of_one_name_have_their_functions_in_one_order() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let mut parts: BTreeMap<String, Vec<(&str, Vec<String>)>> = BTreeMap::new();
    for source in &sources {
        // A part of a wire format: `provider/openai/embeddings`, `dialect/anthropic/chat/encode`.
        if let [room @ ("provider" | "dialect"), format, part @ ..] =
            &*source.modules.iter().map(String::as_str).collect::<Vec<_>>()
            && !part.is_empty()
        {
            parts.entry(format!("{room}/*/{}", part.join("/"))).or_default().push((format, functions(&source.code)));
        }
    }
    assert!(parts.len() > 10, "the parts of formats are not found: {:?}", parts.keys());
    for (part, siblings) in parts {
        for (place, (format, functions)) in siblings.iter().enumerate() {
            for (other, others) in &siblings[..place] {
                assert_eq!(out_of_order(functions, others), None, "{part} of {format} and of {other} differ in order");
            }
        }
    }
}

#[test]
fn every_part_of_a_wire_format_is_in_the_table() {
    let sources = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let table = sources.iter().find(|source| source.modules == ["provider", "adapters"]).unwrap();
    let [_, _, in_code] = paths(&table.code);
    let listed: BTreeSet<Vec<String>> = in_code.into_iter().map(|path| path.segments).collect();
    let is_adapter =
        |code: &str| TRAITS.iter().any(|name| name.ends_with("Adapter") && code.contains(&format!("impl {name} for ")));
    let adapters: Vec<_> = sources.iter().filter(|source| is_adapter(&source.code)).collect();
    assert!(adapters.len() > 10, "the adapters are not found");
    for adapter in adapters {
        let [_, format, kind] = adapter.modules.as_slice() else {
            panic!("{:?} is no part of a format", adapter.modules)
        };
        let is_listed = listed.iter().any(|path| path.starts_with(&[format.clone(), kind.clone()]));
        assert!(is_listed, "{format}/{kind} has no row in provider/adapters.rs");
    }
}

#[test]
fn another_order_is_noticed() {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let code = "impl Work for X {\n    async fn exchange(&self) {\n        x.fn_of();\n    }\n\n    pub(super) const fn used() {}\n}\nfn after() {}";
    assert_eq!(block(code, "impl Work for "), Some(list(&["exchange", "used"])));
    assert_eq!(out_of_order(&list(&["a", "b", "c"]), &list(&["x", "a", "c"])), None);
    assert_eq!(out_of_order(&list(&["a", "b", "c"]), &list(&["c", "a"])), Some("a".to_owned()));
}
