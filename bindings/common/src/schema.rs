//! The schema of what crosses to other languages.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use tollway::catalog::import::SourceFormat;
use tollway::settings::Settings;
use tollway::types::{self, Strategy, UsageFilter, Window};

use crate::results::Shown;
use crate::verbs;

/// Returns the schema of every verb, in JSON Schema's words, with the definitions that they share.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut results = verbs::results(&mut generator);
    results.extend(verbs_of_the_handle());
    results.insert("chat.stream".to_owned(), event(&mut generator));
    json!({ "results": results, "definitions": generator.take_definitions(true), "arguments": arguments() })
}

/// Returns the shapes of arguments, by their names.
fn arguments() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    verbs::arguments(&mut generator);
    generator.subschema_for::<UsageFilter>();
    generator.subschema_for::<Settings>();
    generator.subschema_for::<Strategy>();
    generator.subschema_for::<Window>();
    generator.subschema_for::<SourceFormat>();
    generator.take_definitions(true).into()
}

/// Returns what the verbs return that open, close and seal the file, which no table holds.
fn verbs_of_the_handle() -> [(String, Value); 3] {
    [("open", "null"), ("close", "boolean"), ("vault.rotate", "null")]
        .map(|(verb, kind)| (verb.to_owned(), json!({ "type": kind })))
}

fn event(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<<types::StreamEvent as Shown>::Form<'static>>().into()
}
