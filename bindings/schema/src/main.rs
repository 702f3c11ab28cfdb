//! Writes the schema of what crosses to other languages to a file, or, with `--check`, says whether the file has it already.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::{env, fs, io};

use schemars::Schema;
use schemars::transform::{Transform, transform_subschemas};
use tollway_common::schema::schema;

/// Names what a schema of another crate says by a pattern, or by Rust's own types of numbers.
struct InWords;

impl Transform for InWords {
    fn transform(&mut self, schema: &mut Schema) {
        if schema.get("pattern").is_some_and(|pattern| pattern.as_str().is_some_and(|text| text.starts_with(r"^-?\d+")))
        {
            schema.remove("pattern");
            schema.insert("format".to_owned(), "decimal".into());
        }
        transform_subschemas(self, schema);
    }
}

fn main() -> io::Result<ExitCode> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    let mut value = schema();
    for group in ["arguments", "definitions", "results"] {
        let schemas = value.get_mut(group).and_then(|group| group.as_object_mut());
        for (_, schema) in schemas.into_iter().flatten() {
            if let Ok(schema) = <&mut Schema>::try_from(schema) {
                InWords.transform(schema);
            }
        }
    }
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
