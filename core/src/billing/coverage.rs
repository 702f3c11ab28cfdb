//! What a request can ask for that the prices of its model do not cover: paid work beside the tokens, and other price lists.

use serde_json::{Map, Value};

use super::price::PriceSet;
use crate::types::{Attribute, ChatRequest};

/// Fields that make a provider search, run tools, or answer with another model, each of which it charges for.
const PAID_WORK: [&str; 11] = [
    "web_search_options",
    "web_search",
    "enable_search",
    "search_parameters",
    "plugins",
    "models",
    "fallbacks",
    "mcp_servers",
    "container",
    "speed",
    "inference_geo",
];

/// Tiers that providers sell at other prices than those of their list.
const OTHER_TIERS: [&str; 7] = ["flex", "priority", "scale", "fast", "ultrafast", "batch", "balanced"];

/// The name of the field that asks for a tier.
pub const SERVICE_TIER: &str = "service_tier";

/// Returns the field of a request that the prices do not cover.
///
/// What the parameters of the model config ask for themselves is covered: whoever set them set the prices too. So is what
/// the prices have a condition for.
#[must_use]
pub fn uncovered_field(request: &ChatRequest, params: &Map<String, Value>, prices: &PriceSet) -> Option<&'static str> {
    let tier = request.service_tier.as_deref();
    if tier.is_some_and(|tier| is_other_tier(tier, params) && !prices.looks_at(Attribute::ServiceTier, tier)) {
        return Some(SERVICE_TIER);
    }
    PAID_WORK.into_iter().find(|field| {
        request.extra.get(*field).is_some_and(|value| {
            !asks_nothing(value) && configured(params, field) != Some(value) && !has_condition(prices, field, value)
        })
    })
}

/// Tells whether a tier has other prices than the plain ones of the model config.
#[must_use]
pub fn is_other_tier(tier: &str, params: &Map<String, Value>) -> bool {
    OTHER_TIERS.iter().any(|other| tier.eq_ignore_ascii_case(other)) && configured_tier(params) != Some(tier)
}

/// Returns the tier that the parameters of a model config ask for.
#[must_use]
pub fn configured_tier(params: &Map<String, Value>) -> Option<&str> {
    configured(params, SERVICE_TIER).and_then(Value::as_str)
}

/// Tells whether the prices say what the value of a field costs.
fn has_condition(prices: &PriceSet, field: &str, value: &Value) -> bool {
    let attribute = match field {
        "speed" => Attribute::Speed,
        "inference_geo" => Attribute::Region,
        _ => return false,
    };
    value.as_str().is_some_and(|value| prices.looks_at(attribute, value))
}

fn configured<'a>(params: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    params.get("body")?.get(field)
}

fn asks_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => matches!(text.as_str(), "standard" | "global" | "off" | "none"),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::types::{Conditions, Currency, Decimal, Meter, PriceTerms, Unit};

    fn field(request: &Value, params: &Value) -> Option<&'static str> {
        let mut body = request.clone();
        body["messages"] = json!([]);
        uncovered_field(&serde_json::from_value(body).unwrap(), params.as_object().unwrap(), &prices())
    }

    /// Prices of a model whose flex tier and fast speed have prices of their own.
    fn prices() -> PriceSet {
        let now = Timestamp::UNIX_EPOCH;
        let price = |when: &str| PriceTerms {
            conditions: Conditions::from_canonical(when).unwrap(),
            ..PriceTerms::new(Meter::InputToken, Decimal::ONE, Unit::Per1mTokens, Currency::USD, now)
        };
        PriceSet::of_terms(["", r#"{"service_tier": "flex"}"#, r#"{"speed": "fast"}"#].map(price)).unwrap()
    }

    #[test]
    fn what_the_prices_have_a_condition_for_is_covered() {
        assert_eq!(field(&json!({"service_tier": "flex", "speed": "fast"}), &json!({})), None);
        assert_eq!(field(&json!({"speed": "ludicrous"}), &json!({})), Some("speed"));
    }

    #[test]
    fn paid_work_and_other_tiers_are_not_covered() {
        for (request, uncovered) in [
            (json!({"web_search_options": {}}), Some("web_search_options")),
            (json!({"enable_search": true}), Some("enable_search")),
            (json!({"enable_search": false}), None),
            (json!({"speed": "standard", "inference_geo": "global"}), None),
            (json!({"service_tier": "priority"}), Some(SERVICE_TIER)),
            (json!({"service_tier": "default"}), None),
            (json!({"top_k": 5}), None),
        ] {
            assert_eq!(field(&request, &json!({})), uncovered, "{request}");
        }
    }

    #[test]
    fn what_the_config_asks_for_itself_has_its_prices() {
        let params = json!({"body": {"service_tier": "priority", "enable_search": true}});
        assert_eq!(field(&json!({"service_tier": "priority", "enable_search": true}), &params), None);
        assert_eq!(field(&json!({"service_tier": "scale"}), &params), Some(SERVICE_TIER));
    }
}
