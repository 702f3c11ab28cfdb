//! The verbs: each takes JSON arguments, calls the client, and returns JSON text.
//!
//! Arguments are strict: an unknown one is refused with the known ones named. Money is a decimal text or an integer, never
//! a JSON number with a point, because that would pass through a float.

mod budgets;
mod chat;
mod embeddings;
mod exact;
mod fx;
mod ledger;
mod models;
mod price_lists;
mod prices;
mod quote;
mod rerank;
mod routes;
mod usage;
mod wording;

pub(crate) use chat::chat_arguments;

use wording::{invalid, invalid_at};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tollway::catalog::lint::Finding;
use tollway::client::{ConfiguredModel, ModelHealth, PriceExport, PriceImport, PriceUpdate, RerateReport, Tollway};
use tollway::report::SummaryRow;
use tollway::types::{
    BudgetStatus, ChatReply, EmbedReply, ErrorKind, FxRate, LedgerHead, Model, ModelConfig, Price, Quote, RerankReply,
    Route, UsagePage, Verification, check_levels,
};

use crate::Outcome;
use crate::error::ErrorInfo;
use crate::results::Shown;

macro_rules! verbs {
    ($($name:literal => $function:path => $result:ty,)+) => {
        /// The names of all verbs that this table holds.
        pub(crate) const NAMES: &[&str] = &[$($name),+];

        /// Runs a verb; fails with `invalid_request` if the verb or one of its arguments is not known.
        pub(crate) async fn dispatch(client: &Tollway, verb: &str, arguments: &str) -> Outcome {
            match verb {
                $($name => {
                    let result: $result = $function(client, parse_or_empty($name, arguments)?).await?;
                    text_of(&result.shown())
                })+
                _ => Err(ErrorInfo::new(
                    ErrorKind::InvalidRequest,
                    format!("there is no verb {verb:?}; the verbs are {}", NAMES.join(", ")),
                )),
            }
        }

        /// Returns the schema of what each verb returns.
        #[cfg(feature = "schema")]
        pub(crate) fn results(generator: &mut schemars::SchemaGenerator) -> serde_json::Map<String, serde_json::Value> {
            [$((
                $name.to_owned(),
                generator.subschema_for::<<$result as Shown>::Form<'static>>().into(),
            )),+].into_iter().collect()
        }
    };
}

verbs! {
    "chat" => chat::chat => ChatReply,
    "embed" => embeddings::embed => EmbedReply,
    "rerank" => rerank::rerank => RerankReply,
    "quote" => quote::quote => Quote,
    "models.add" => models::add => ConfiguredModel,
    "models.set" => models::set => ConfiguredModel,
    "models.update" => models::update => ModelConfig,
    "models.delete" => models::delete => (),
    "models.list" => models::list => Vec<ModelConfig>,
    "models.used" => models::used => Vec<Model>,
    "models.health" => models::health => Vec<ModelHealth>,
    "prices.set" => prices::set => Vec<Price>,
    "prices.list" => prices::list => Vec<Price>,
    "prices.expire" => prices::expire => (),
    "prices.add" => prices::add => Vec<Price>,
    "prices.lint" => price_lists::lint_prices => Vec<Finding>,
    "prices.import_file" => price_lists::import_file => PriceImport,
    "prices.export" => price_lists::export => PriceExport,
    "prices.update_from_catalog" => price_lists::update_from_catalog => PriceUpdate,
    "prices.rerate" => price_lists::rerate => RerateReport,
    "fx.set" => fx::set => FxRate,
    "fx.list" => fx::list => Vec<FxRate>,
    "routes.set" => routes::set => Route,
    "routes.list" => routes::list => Vec<Route>,
    "routes.delete" => routes::delete => (),
    "budgets.set" => budgets::set => BudgetStatus,
    "budgets.get" => budgets::get => BudgetStatus,
    "budgets.list" => budgets::list => Vec<BudgetStatus>,
    "budgets.delete" => budgets::delete => (),
    "usage.records" => usage::records => UsagePage,
    "usage.summary" => usage::summary => Vec<SummaryRow>,
    "usage.price" => usage::price => (),
    "ledger.head" => ledger::head => LedgerHead,
    "ledger.verify" => ledger::verify => Verification,
}

/// Adds the shapes of arguments whose types are generated in other languages.
#[cfg(feature = "schema")]
pub(crate) fn arguments(generator: &mut schemars::SchemaGenerator) {
    generator.subschema_for::<prices::PriceArguments>();
    generator.subschema_for::<chat::ChatParameters>();
    generator.subschema_for::<embeddings::EmbedParameters>();
    generator.subschema_for::<rerank::RerankParameters>();
    generator.subschema_for::<models::ConfigArguments>();
    generator.subschema_for::<models::UpdateArguments>();
}

/// Arguments that are JSON text of their own, which the verb reads itself.
pub(crate) trait Arguments: Sized {
    /// Reads the arguments of a verb.
    fn read(verb: &str, text: &str) -> Result<Self, ErrorInfo>;
}

impl<T: DeserializeOwned> Arguments for T {
    fn read(verb: &str, text: &str) -> Result<Self, ErrorInfo> {
        parse(verb, text)
    }
}

/// Reads the arguments of a verb; an empty text stands for no arguments.
pub(crate) fn parse_or_empty<T: Arguments>(verb: &str, text: &str) -> Result<T, ErrorInfo> {
    T::read(verb, if text.trim().is_empty() { "{}" } else { text })
}

/// Reads JSON text; the error names the verb and the path of the argument that is wrong.
pub(crate) fn parse<T: DeserializeOwned>(verb: &str, text: &str) -> Result<T, ErrorInfo> {
    check_levels(&format!("the JSON of {verb}"), text.as_bytes())?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| invalid_at(verb, &error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| invalid(verb, &error))?;
    Ok(value)
}

/// Writes what a verb returns.
pub(crate) fn text_of<T: Serialize + ?Sized>(value: &T) -> Outcome {
    serde_json::to_string(value)
        .map_err(|error| ErrorInfo::new(ErrorKind::Internal, format!("an answer cannot be written as JSON: {error}")))
}

/// Takes no arguments.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArguments {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only its reading is tested")]
        limit: u32,
    }

    #[test]
    fn an_unknown_argument_is_refused_with_the_known_ones() {
        let error = parse::<Sample>("sample", r#"{"limit": 1, "limt": 2}"#).unwrap_err();
        assert_eq!(error.code, "invalid_request");
        assert_eq!(&*error.detail, "sample: limt: unknown field `limt`, expected `limit`");
        assert_eq!(error.more.field.as_deref(), Some("limt"));
    }

    #[test]
    fn a_wrong_argument_is_named_by_its_path() {
        let error = parse::<Sample>("sample", r#"{"limit": "many"}"#).unwrap_err();
        assert_eq!(
            &*error.detail,
            r#"sample: limit: invalid type: string "many", expected an integer of zero or more"#
        );
        assert!(parse::<Sample>("sample", r#"{"limit": 1} trailing"#).is_err());
    }

    #[test]
    fn arguments_that_nest_too_deep_are_refused_whatever_the_verb_reads_of_them() {
        for levels in [97, 5_000, 200_000] {
            let deep = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
            for error in [
                parse::<Sample>("sample", &deep).unwrap_err(),
                chat_arguments(&format!(r#"{{"request": {{"messages": "Hi", "a": {deep}}}}}"#)).unwrap_err(),
                chat_arguments(&format!(r#"{{"request": {{"messages": {deep}}}, "options": {{}}}}"#)).unwrap_err(),
            ] {
                assert_eq!(error.code, "invalid_request");
                assert!(error.detail.contains("nests deeper than 96 levels"), "{}", error.detail);
            }
        }
    }

    #[test]
    fn every_verb_is_listed_once() {
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), NAMES.len());
    }
}
