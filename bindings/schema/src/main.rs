//! Writes the schema of what crosses to other languages to a file, or, with `--check`, says whether the file has it already.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use serde_json::Value;
use tollway_common::schema::schema;

/// Names what a schema of another crate says by a pattern.
fn in_words(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("pattern").and_then(Value::as_str).is_some_and(|text| text.starts_with(r"^-?\d+")) {
                fields.remove("pattern");
                fields.insert("format".to_owned(), "decimal".into());
            }
            fields.values_mut().for_each(in_words);
        }
        Value::Array(items) => items.iter_mut().for_each(in_words),
        _ => {}
    }
}

fn main() -> io::Result<ExitCode> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let mut value = schema();
    in_words(&mut value);
    let text = serde_json::to_string_pretty(&value)? + "\n";
    if env::args().nth(1).is_none_or(|argument| argument != "--check") {
        fs::write(&path, text)?;
        return Ok(ExitCode::SUCCESS);
    }
    if fs::read_to_string(&path)? == text {
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(io::stderr(), "bindings/schema/schema.json is not fresh; run make shells")?;
    Ok(ExitCode::FAILURE)
}
