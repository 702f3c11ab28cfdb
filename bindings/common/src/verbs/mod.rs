//! The verbs: each takes JSON arguments, calls the client, and returns JSON text.
//!
//! Arguments are strict: an unknown one is refused with the known ones named. Money is a decimal text or an integer, never
//! a JSON number with a point, because that would pass through a float.

mod budgets;
mod call;
mod chat;
mod embeddings;
mod exact;
mod fx;
mod ledger;
mod models;
mod packages;
mod paths;
mod pools;
mod price_lists;
mod prices;
mod quotas;
mod quote;
mod rerank;
mod routes;
mod sessions;
mod table;
mod usage;
mod wording;

pub(crate) use chat::chat_arguments;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tollway::client::Tollway;
use tollway::types::{ErrorKind, check_levels};

use crate::Outcome;
use crate::error::ErrorInfo;
#[cfg(feature = "schema")]
pub(crate) use table::Description;
use table::{Noun, PathVerb, Verb, nouns};
use wording::{invalid, invalid_at};

nouns! {
    chat;
    embeddings;
    rerank;
    quote;
    /// Configures models, and tells which were used and how healthy they are.
    ///
    /// Everywhere, `model` is an alias, `provider/model`, or a config id as text.
    models as Models;
    /// Sets, lists, imports and checks prices, and bills past calls anew.
    ///
    /// Everywhere, `model` is an alias, `provider/model`, or a config id as text.
    prices as Prices;
    price_lists;
    /// Sets dated exchange rates, by which budgets of one currency count calls that are priced in another.
    fx as FxRates;
    /// Sets which models serve what, and how one is chosen.
    routes as Routes;
    /// Caps what users, tags, providers, models or everyone may use, across threads and processes.
    budgets as Budgets;
    /// Opens runs that several calls are part of, and that are capped as a whole.
    sessions as Sessions;
    /// Grants users quantities: a monthly allowance, which is spent first, and what they keep.
    quotas as Quotas;
    /// Sells users quantities, each order once.
    packages as Packages;
    /// Keeps balances that are paid to providers in advance.
    pools as Pools;
    /// Reads the ledger: records and exact totals.
    ///
    /// A selection names fields of `UsageFilter`; `until` is exclusive.
    usage as UsageLedger;
    ledger;
}

/// Runs a verb; fails with `invalid_request` if the verb or one of its arguments is not known.
pub(crate) async fn dispatch(client: &Tollway, verb: &str, arguments: &str) -> Outcome {
    match all().find(|each| each.name == verb) {
        Some(found) => (found.run)(client, arguments).await,
        None => Err(ErrorInfo::new(
            ErrorKind::InvalidRequest,
            format!(
                "there is no verb {verb:?}; the verbs are {}",
                all().map(|each| each.name).collect::<Vec<_>>().join(", ")
            ),
        )),
    }
}

/// The verbs about files that nobody has open.
pub(crate) const PATH_VERBS: &[PathVerb] = paths::VERBS;

/// Returns a verb about files that nobody has open.
pub(crate) fn of_paths(verb: &str) -> Option<&'static PathVerb> {
    PATH_VERBS.iter().find(|each| each.name == verb)
}

fn all() -> impl Iterator<Item = &'static Verb> {
    NOUNS.iter().flat_map(|noun| noun.verbs)
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
        let mut names: Vec<_> = all().map(|verb| verb.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all().count());
    }
}
