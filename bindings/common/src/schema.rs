//! The schema of what crosses to other languages.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tollway::catalog::import::SourceFormat;
use tollway::settings::Settings;
use tollway::types::{self, CallOptions, ChatRequest, EmbedRequest, RerankRequest, Strategy, UsageFilter, Window};

use crate::results::Shown;
use crate::verbs;
use crate::verbs::shapes::{ConfigArguments, PriceArguments, UpdateArguments};

/// Returns the schema of every verb, in JSON Schema's words, with the definitions that they share.
#[must_use]
pub fn schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let mut results = verbs::results(&mut generator);
    results.extend(verbs_of_the_handle());
    results.insert("chat.stream".to_owned(), event(&mut generator));
    json!({ "results": results, "definitions": generator.take_definitions(true), "arguments": arguments() })
}

/// What a chat call takes beside its messages: what the model is asked, and what Tollway does with the call.
///
/// A tool is a function of yours, or one that a vendor defines, as its own documentation writes it:
/// `{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}`, `{"google_search": {}}`. The format that has it takes it as
/// it is; a model of another one refuses it by name. Work that the provider charges for needs a price and a stated maximum where money
/// is capped.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
struct ChatParameters {
    #[serde(flatten)]
    request: ChatRequest,
    /// Fields that only some providers know, by their own names. Where money is capped, one that Tollway does not know has no price.
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

/// What embedding takes beside its input: what the model is asked, and what Tollway does with it.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
struct EmbedParameters {
    #[serde(flatten)]
    request: EmbedRequest,
    /// Fields that only some providers know, by their own names.
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

/// What reranking takes beside its query and documents: what the model is asked, and what Tollway does with it.
#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
struct RerankParameters {
    #[serde(flatten)]
    request: RerankRequest,
    /// Fields that only some providers know, by their own names.
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

/// Returns the shapes of arguments, by their names.
fn arguments() -> Value {
    let mut generator = SchemaSettings::draft2020_12().for_deserialize().into_generator();
    generator.subschema_for::<PriceArguments>();
    generator.subschema_for::<ChatParameters>();
    generator.subschema_for::<EmbedParameters>();
    generator.subschema_for::<RerankParameters>();
    generator.subschema_for::<ConfigArguments>();
    generator.subschema_for::<UpdateArguments>();
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
