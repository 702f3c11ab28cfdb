//! Files that were damaged.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use futures_executor::block_on;
use tollway_common::Engine;

/// The master key of all files: 32 bytes, so that none has to be derived.
pub(super) const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// What a file may be refused as.
pub(super) const REFUSALS: [&str; 5] =
    ["corrupted_file", "not_a_tollway_file", "newer_file", "wrong_master_key", "storage"];

/// What is read of a file.
const READS: [(&str, &str); 8] = [
    ("models.list", "{}"),
    ("models.used", "{}"),
    ("prices.list", "{}"),
    ("fx.list", "{}"),
    ("routes.list", "{}"),
    ("budgets.list", "{}"),
    ("usage.records", r#"{"limit": 100}"#),
    ("usage.summary", r#"{"by": ["model", "user"]}"#),
];

/// What the whole file holds.
const CONTENTS: &[(&str, &str)] = &[
    (
        "models.add",
        r#"{"name": "openai/duck", "api_key": "sk-duck", "base_url": "http://127.0.0.1:9/v1", "default": true, "prices": {
            "input_token": {"unit_price": "0.15", "unit": "per_1m_tokens"}, "output_token": {"unit_price": "0.60", "unit": "per_1m_tokens"}}}"#,
    ),
    (
        "models.add",
        r#"{"name": "anthropic/goose", "alias": "goose", "api_key": "sk-goose", "params": {"temperature": 0.5}}"#,
    ),
    ("budgets.set", r#"{"limit": "10", "currency": "USD", "window": "total"}"#),
    ("budgets.set", r#"{"user": "alice", "limit_tokens": 100000, "window": "total"}"#),
    ("routes.set", r#"{"name": "both", "strategy": "fallback", "models": ["openai/duck", "goose"]}"#),
    ("fx.set", r#"{"from": "USD", "to": "CNY", "rate": "7.1", "source": "a bank"}"#),
    ("chat", r#"{"request": {"messages": "Hi"}, "options": {"user": "alice", "tags": {"a": "b"}}}"#),
    ("chat", r#"{"request": {"messages": "Hi again"}, "options": {"user": "bob"}}"#),
];

/// A file as it was closed, with what its reading says.
pub(super) struct Template {
    pub(super) bytes: Vec<u8>,
    answers: Vec<String>,
}

/// A folder that is deleted with what is in it.
pub(super) struct Folder(Option<tempfile::TempDir>);

impl Folder {
    /// Makes a folder in memory if there is room for files there, and beside other temporary files otherwise.
    pub(super) fn make() -> Self {
        let in_memory = Path::new("/dev/shm");
        let made = if in_memory.is_dir() { tempfile::tempdir_in(in_memory) } else { tempfile::tempdir() };
        Self(made.ok())
    }

    pub(super) fn path(&self) -> PathBuf {
        self.0.as_ref().map(|folder| folder.path().to_owned()).unwrap_or_default()
    }
}

pub(super) fn options(key: &str) -> String {
    format!(r#"{{"master_key": "{key}", "settings": {{"max_retries": 0, "exclusive": true}}}}"#)
}

/// Returns a file with nothing in it.
pub(super) fn empty() -> &'static Template {
    static EMPTY: OnceLock<Template> = OnceLock::new();
    EMPTY.get_or_init(|| make(&[]))
}

/// Returns a file with something of everything.
pub(super) fn full() -> &'static Template {
    static FULL: OnceLock<Template> = OnceLock::new();
    FULL.get_or_init(|| make(CONTENTS))
}

fn make(contents: &[(&str, &str)]) -> Template {
    let folder = Folder::make();
    let path = folder.path().join("template.tollway");
    let engine = open(&path);
    if let Some(engine) = &engine {
        for (verb, arguments) in contents {
            // A call that no one answers is recorded too.
            let _ = block_on(engine.call(verb, arguments));
        }
    }
    let answers = engine.map(|engine| read(&engine).into_iter().filter_map(Result::ok).collect()).unwrap_or_default();
    Template { bytes: std::fs::read(&path).unwrap_or_default(), answers }
}

fn open(path: &Path) -> Option<Engine> {
    let engine = Engine::new(path, &options(KEY), None).ok()?;
    block_on(engine.call("open", "{}")).ok().map(|_| engine)
}

/// Reads everything, closes the file, and returns the answers, or the codes of errors.
fn read(engine: &Engine) -> Vec<Result<String, String>> {
    let answers =
        READS.map(|(verb, arguments)| block_on(engine.call(verb, arguments)).map_err(|error| error.code.to_string()));
    let _ = block_on(engine.call("close", r#"{"timeout": 5}"#));
    answers.into()
}

/// Opens and reads a file with changes: six bytes each, which are four of a place, one of a kind and one of a value.
///
/// What is read is what was written, or an error that says that the file is damaged.
pub fn damaged_files(bytes: &[u8]) {
    let template = full();
    assert_eq!(template.answers.len(), READS.len(), "the file without damage is read whole");
    let mut file = template.bytes.clone();
    for change in bytes.chunks_exact(6).take(64) {
        damage(&mut file, change);
    }
    if file.is_empty() {
        // Nothing is what a new file begins as.
        return;
    }
    let folder = Folder::make();
    let path = folder.path().join("damaged.tollway");
    if std::fs::write(&path, &file).is_err() {
        return;
    }
    let Ok(engine) = Engine::new(&path, &options(KEY), None) else { return };
    let opened = block_on(engine.call("open", "{}")).map_err(|error| error.code.to_string());
    let answers = match opened {
        Ok(_) => read(&engine),
        Err(code) => vec![Err(code)],
    };
    for ((answer, (verb, _)), expected) in answers.into_iter().zip(READS).zip(&template.answers) {
        match answer {
            Ok(answer) => assert_eq!(&answer, expected, "{verb} says another thing than was written"),
            Err(code) => assert!(REFUSALS.contains(&code.as_str()), "{verb} fails with {code}"),
        }
    }
}

pub(super) fn damage(file: &mut Vec<u8>, change: &[u8]) {
    let &[a, b, c, d, kind, value] = change else { return };
    if file.is_empty() {
        return;
    }
    let place = u32::from_le_bytes([a, b, c, d]) as usize % file.len();
    match kind % 6 {
        0 | 1 => file[place] ^= value.max(1),
        2 => file[place] = value,
        // Sectors that were never written, and pages that were written elsewhere.
        3 => file[place..].iter_mut().take(512).for_each(|byte| *byte = 0),
        4 => {
            let from = (place + usize::from(value) * 4096) % file.len();
            let page: Vec<u8> = file[from..].iter().take(4096).copied().collect();
            file[place..].iter_mut().zip(page).for_each(|(byte, other)| *byte = other);
        }
        _ => file.truncate(place),
    }
}
