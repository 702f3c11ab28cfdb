//! The verbs of the facade, on a fresh file and without a network.

use std::path::Path;

use futures_executor::block_on;
use serde_json::Value;
use tollway_common::Engine;

use super::files::{self, KEY};

pub(super) const WORDS: &[&str] = &[
    "models.add ",
    "models.update ",
    "models.list ",
    "models.delete ",
    "prices.set ",
    "prices.add ",
    "prices.list ",
    "prices.expire ",
    "prices.lint ",
    "prices.import_file ",
    "prices.export ",
    "prices.rerate ",
    "prices.update_from_catalog ",
    "fx.set ",
    "fx.list ",
    "routes.set ",
    "routes.list ",
    "routes.delete ",
    "budgets.set ",
    "budgets.list ",
    "budgets.delete ",
    "usage.records ",
    "usage.summary ",
    "usage.price ",
    "quote ",
    "fetch ",
    "\n",
    "\"name\"",
    "\"openai/m\"",
    "\"params\"",
    "\"api_key\"",
    "\"base_url\"",
    "\"http://127.0.0.1:9\"",
    "\"prices\"",
    "\"input_token\"",
    "\"unit_price\"",
    "\"0.15\"",
    "\"unit\"",
    "\"per_1m_tokens\"",
    "\"currency\"",
    "\"USD\"",
    "\"request\"",
    "\"messages\"",
    "\"options\"",
    "\"tags\"",
    "\"user\"",
    "\"limit\"",
    "\"limit_tokens\"",
    "\"window\"",
    "\"day\"",
    "\"time_zone\"",
    "\"since\"",
    "\"2026-11-01T00:00:00Z\"",
    "\"rate\"",
    "\"path\"",
    "\"format\"",
    "\"by\"",
    "\"models\"",
    "\"strategy\"",
    "\"model\"",
    "\"id\"",
    "\"conditions\"",
    "\"tools\"",
    "\"cursor\"",
];

/// Calls the verbs that lines name, each with the JSON behind its name, on one fresh file.
///
/// A verb answers with JSON, or with an error that has a kind and says something; none of them is a defect of ours. Chats are
/// asked for as quotes, so that nothing is sent, and paths lead into a folder of this run.
pub fn verbs(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let folder = files::Folder::make();
    let path = folder.path().join("fuzz.tollway");
    if std::fs::write(&path, &files::empty().bytes).is_err() {
        return;
    }
    let Ok(engine) = Engine::new(&path, &files::options(KEY), None) else { return };
    for line in text.lines().take(20) {
        let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
        if verb == "fetch" {
            // Of requests of vendors' libraries only the reading of the head is done.
            drop(tollway_common::fetch::check(arguments));
            continue;
        }
        let Some(arguments) = within(&folder.path(), verb, arguments) else { continue };
        let verb = if verb == "chat" { "quote" } else { verb };
        match block_on(engine.call(verb, &arguments)) {
            Ok(answer) => assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{verb} answers {answer}"),
            Err(error) => assert!(
                error.code != "internal" && error.code != "corrupted_file" && !error.detail.is_empty(),
                "{verb} {arguments}: {}: {}",
                error.code,
                error.detail
            ),
        }
    }
    let _ = block_on(engine.call("close", r#"{"timeout": 1}"#));
}

/// Leads the paths that a verb is given into a folder; nothing where that cannot be done and the verb would write.
fn within(folder: &Path, verb: &str, arguments: &str) -> Option<String> {
    if !arguments.contains("path") && !arguments.contains("\\u") {
        return Some(arguments.to_owned());
    }
    let Ok(mut value) = serde_json::from_str::<Value>(arguments) else {
        return (verb != "prices.export").then(|| arguments.to_owned());
    };
    if let Some(path) = value.get_mut("path") {
        let name = path.as_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())).unwrap_or("list");
        *path = folder.join(name).display().to_string().into();
    }
    Some(value.to_string())
}
