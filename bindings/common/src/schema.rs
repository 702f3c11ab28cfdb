//! The schema of what crosses to other languages.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};
use tollway::types;

use crate::engine::{CloseArguments, OpenOptions, RotateArguments};
use crate::results::Shown;
use crate::verbs::{Description, NOUNS, PATH_VERBS};

/// Returns the schema of every verb, in JSON Schema's words.
///
/// `nouns` are the classes of verbs. `verbs` say what each takes and returns. `definitions` has the types that results are made of,
/// and `arguments` those that arguments are made of. `errors` has the kinds of errors, by their codes.
#[must_use]
pub fn schema() -> Value {
    let mut taken = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    let mut returned = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut nouns = Map::new();
    let mut verbs = Map::new();
    for noun in NOUNS {
        if let Some(class) = noun.class {
            nouns.insert(noun.name.to_owned(), json!({ "class": class, "description": noun.text.trim() }));
        }
        for verb in noun.verbs {
            let described = told(noun.name, &verb.description, &mut taken, &mut returned);
            verbs.insert(verb.name.to_owned(), described);
        }
    }
    for verb in PATH_VERBS {
        verbs.insert(verb.name.to_owned(), told("ledger", &verb.description, &mut taken, &mut returned));
    }
    verbs.extend(verbs_of_the_handle(&mut taken));
    verbs.insert(
        "chat.stream".to_owned(),
        json!({
            "noun": "chat",
            "description": "Starts a streamed call, and returns its events.",
            "positional": ["messages"],
            "shape": verbs["chat"]["shape"],
            "arguments": verbs["chat"]["arguments"],
            "result": returned.subschema_for::<<types::StreamEvent as Shown>::Form<'static>>(),
        }),
    );
    json!({
        "nouns": nouns,
        "verbs": verbs,
        "definitions": returned.take_definitions(true),
        "arguments": taken.take_definitions(true),
        "errors": types::ErrorKind::json_schema(&mut returned),
    })
}

fn told(noun: &str, told: &Description, taken: &mut SchemaGenerator, returned: &mut SchemaGenerator) -> Value {
    json!({
        "noun": noun,
        "description": told.text.trim(),
        "positional": told.positional,
        "shape": (told.shape)(),
        "arguments": (told.arguments)(taken),
        "result": (told.result)(returned),
    })
}

/// Describes the verbs that open, close and seal the file, which no table holds.
fn verbs_of_the_handle(taken: &mut SchemaGenerator) -> [(String, Value); 3] {
    [
        of_the_handle::<OpenOptions>(taken, "open", "null", "Opens a file, and makes it at first use."),
        of_the_handle::<CloseArguments>(
            taken,
            "close",
            "boolean",
            "Stops new calls and waits for settlements under way; returns whether all ended.",
        ),
        of_the_handle::<RotateArguments>(
            taken,
            "vault.rotate",
            "null",
            "Seals everything in the file with another master key, all or nothing.",
        ),
    ]
}

fn of_the_handle<T: JsonSchema>(taken: &mut SchemaGenerator, verb: &str, result: &str, text: &str) -> (String, Value) {
    let described = json!({
        "noun": "settings",
        "description": text,
        "positional": [],
        "shape": T::schema_name(),
        "arguments": T::json_schema(taken),
        "result": { "type": result },
    });
    (verb.to_owned(), described)
}
