//! The targets, by name.

#![expect(clippy::missing_panics_doc, reason = "a target panics where it finds something; that is what it is for")]

mod adapters;
mod command;
mod dialects;
mod exports;
mod files;
mod framing;
mod prices;
mod verbs;

pub use adapters::{anthropic, gemini, openai};
pub use command::cost_lines;
pub use dialects::{anthropic_messages, openai_chat, openai_responses};
pub use exports::damaged_exports;
pub use files::damaged_files;
pub use framing::framing;
pub use prices::price_lists;
pub use verbs::verbs;

/// A reader of bytes.
pub struct Target {
    /// The name, which is that of its corpus and of its binary for `cargo fuzz` too.
    pub name: &'static str,
    /// The reader.
    pub run: fn(&[u8]),
    /// What its inputs are made of, for mutations.
    pub words: &'static [&'static str],
}

/// What JSON of any form is made of.
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "1e-30",
    "18446744073709551616",
    "79228162514264337593543950335",
    "0.0000000000000000000000000001",
    "\"\"",
    "{}",
    "[]",
    "\\ud83d",
    "\\u0000",
    "\u{feff}",
    "9007199254740993",
    "NaN",
];

/// Every target.
pub const ALL: &[Target] = &[
    Target { name: "framing", run: framing, words: framing::WORDS },
    Target { name: "openai", run: openai, words: adapters::OPENAI },
    Target { name: "anthropic", run: anthropic, words: adapters::ANTHROPIC },
    Target { name: "gemini", run: gemini, words: adapters::GEMINI },
    Target { name: "openai_chat", run: openai_chat, words: dialects::WORDS },
    Target { name: "openai_responses", run: openai_responses, words: dialects::WORDS },
    Target { name: "anthropic_messages", run: anthropic_messages, words: dialects::WORDS },
    Target { name: "price_lists", run: price_lists, words: prices::WORDS },
    Target { name: "rows", run: rows, words: &[] },
    Target { name: "damaged_files", run: damaged_files, words: &[] },
    Target { name: "damaged_exports", run: damaged_exports, words: &[] },
    Target { name: "cost_lines", run: cost_lines, words: command::WORDS },
    Target { name: "verbs", run: verbs, words: verbs::WORDS },
];

/// Returns the target of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// Returns the words that mutations of a target use beside its own.
#[must_use]
pub fn common_words() -> &'static [&'static str] {
    JSON
}

/// Decodes bytes as each row that the file has held in any version, and what decodes is the same once it was written and read.
///
/// The first byte picks the row.
pub fn rows(bytes: &[u8]) {
    if let Some((kind, row)) = bytes.split_first() {
        tollway::store::fuzzing::row(usize::from(*kind), row);
    }
}

/// Splits the first line off, which says how the rest is read; bytes without a line end are all rest.
fn split_head(bytes: &[u8]) -> (String, &[u8]) {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (String::from_utf8_lossy(&bytes[..end]).into_owned(), &bytes[end + 1..]),
        None => (String::new(), bytes),
    }
}

/// Picks one of several by its name, or by the name's bytes if it is none of them, so that every mutation picks one.
fn pick<'a, T>(all: &'a [T], name: &str, name_of: impl Fn(&T) -> &str) -> &'a T {
    let sum: usize = name.bytes().map(usize::from).sum();
    all.iter().find(|each| name_of(each) == name).unwrap_or(&all[sum % all.len()])
}
