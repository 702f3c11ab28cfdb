//! Fees: work beside the tokens that a request asks for, and whose count not every reply has.

use serde_json::{Map, Value};

use crate::provider::{SearchReport, Target, WireFormat, vendor, wire_format};
use crate::types::{ChatRequest, Meter, ModelConfig};

/// The fields of a request that make a provider search the web.
const SEARCHES: [&str; 4] = ["web_search_options", "web_search", "enable_search", "search_parameters"];

/// The parts of the names of models that search at every call.
const SEARCHING_MODELS: [&str; 2] = ["-search-preview", "-search-api"];

/// Returns the meters of work with a fee that a request asks for, or that its model always does. In formats whose answers
/// always tell of such work, its absence says that there was none, so they are left out.
#[must_use]
pub fn asked_fees(request: &ChatRequest, config: &ModelConfig) -> Vec<Meter> {
    if !matches!(wire_format(&Target::of(config, None)), Ok(WireFormat::OpenAiChat)) {
        return Vec::new();
    }
    let body = config.model_params.get("body").and_then(Value::as_object);
    let searches = asks_search(&request.extra)
        || body.is_some_and(asks_search)
        || vendor(&config.provider).quirks.searches == SearchReport::EveryCall
        || SEARCHING_MODELS.iter().any(|part| config.model_name.contains(part));
    searches.then_some(Meter::WebSearch).into_iter().collect()
}

/// Returns how much context the searches of a request are to bring, where it says so.
#[must_use]
pub fn asked_search_size(request: &ChatRequest) -> Option<String> {
    let size = request.extra.get("web_search_options")?.get("search_context_size")?.as_str()?;
    Some(size.to_owned())
}

fn asks_search(fields: &Map<String, Value>) -> bool {
    let asks = |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && *value != "off";
    SEARCHES.iter().any(|field| fields.get(*field).is_some_and(asks))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_search_is_asked_for_by_a_field_or_by_the_model_itself() {
        for (extra, asks) in [
            (json!({"web_search_options": {}}), true),
            (json!({"enable_search": true}), true),
            (json!({"enable_search": false}), false),
            (json!({"web_search": "off"}), false),
            (json!({"top_k": 1}), false),
        ] {
            assert_eq!(asks_search(extra.as_object().unwrap()), asks, "{extra}");
        }
    }
}
