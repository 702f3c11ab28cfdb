//! The facts of a chat call that prices can depend on: what its request fixes, and what its answer adds.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::types::{Attribute, ChatRequest, Facts, Meter, STANDARD_TIER, Tool, Usage};

/// The parameter of a model config that states facts which no request shows, such as the region of an account.
pub const FACTS: &str = "facts";

/// Returns what a request fixes before it is sent. What it leaves open is absent, except the tier: without a word it is the
/// standard one, which an account that is served another by default must state in the config's `facts`.
#[must_use]
pub fn fixed_facts(request: &ChatRequest, params: &Map<String, Value>, at: Timestamp) -> Facts {
    let mut facts = Facts::at(at);
    facts.set(Attribute::ServiceTier, STANDARD_TIER);
    for (name, value) in params.get(FACTS).and_then(Value::as_object).into_iter().flatten() {
        if let (Some(attribute), Some(word)) = (Attribute::from_name(name), word(value)) {
            facts.set(attribute, &word);
        }
    }
    let body = params.get("body").and_then(Value::as_object);
    let own = |name: &str| request.extra.get(name);
    let configured = |name: &str| body?.get(name);
    let field = |name: &str| own(name).or_else(|| configured(name));
    for (name, attribute) in [("speed", Attribute::Speed), ("inference_geo", Attribute::Region)] {
        if let Some(word) = field(name).and_then(Value::as_str) {
            facts.set(attribute, word);
        }
    }
    let tools = request.tools.iter().filter_map(|tool| match tool {
        Tool::Vendor(fields) => fields.get("parameters"),
        Tool::Function { .. } => None,
    });
    let searches = field("web_search_options").into_iter().chain(tools);
    for (name, attribute) in [("search_context_size", Attribute::SearchSize), ("search_type", Attribute::SearchType)] {
        if let Some(word) = searches.clone().find_map(|options| options.get(name)?.as_str()) {
            facts.set(attribute, word);
        }
    }
    let tier = request.service_tier.as_deref().or_else(|| body?.get("service_tier")?.as_str());
    if let Some(tier) = tier {
        facts.set(Attribute::ServiceTier, tier);
    }
    let effort = request.reasoning_effort.as_deref();
    let thinking = asks_to_think(effort, &own)
        .or_else(|| asks_to_think(configured("reasoning_effort").and_then(Value::as_str), &configured));
    if let Some(thinking) = thinking {
        facts.set(Attribute::Thinking, if thinking { "true" } else { "false" });
    }
    facts
}

/// Adds what the answer showed: the tier that was served, whether the model thought, and when it was complete.
pub fn add_served_facts(facts: &mut Facts, usage: &Usage, served_tier: Option<&str>, completed_at: Timestamp) {
    if let Some(tier) = served_tier {
        facts.set(Attribute::ServiceTier, tier);
    }
    let thought = usage.get(Meter::ReasoningToken).is_some_and(|tokens| !tokens.is_zero());
    if thought {
        facts.set(Attribute::Thinking, "true");
    } else if facts.get(Attribute::Thinking).is_none() {
        facts.set(Attribute::Thinking, "false");
    }
    facts.completed_at = Some(completed_at);
}

/// Returns whether a request asks the model to think first, or not to; nothing if it leaves that to the model.
fn asks_to_think<'a>(effort: Option<&str>, field: &impl Fn(&str) -> Option<&'a Value>) -> Option<bool> {
    if let Some(enabled) = field("enable_thinking").and_then(Value::as_bool) {
        return Some(enabled);
    }
    match field("thinking").and_then(|thinking| thinking.get("type")).and_then(Value::as_str) {
        Some("enabled") => return Some(true),
        Some("disabled") => return Some(false),
        _ => {}
    }
    effort.map(|effort| effort != "none")
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(word) => Some(word.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(request: &Value, params: &Value) -> Vec<(Attribute, String)> {
        let mut body = request.clone();
        body["messages"] = json!([]);
        let request = serde_json::from_value(body).unwrap();
        let facts = fixed_facts(&request, params.as_object().unwrap(), Timestamp::UNIX_EPOCH);
        facts.attributes.into_iter().filter(|(_, value)| value != STANDARD_TIER).collect()
    }

    #[test]
    fn facts_come_from_the_request_or_else_from_its_config() {
        for (request, params, known) in [
            (json!({}), json!({}), vec![]),
            (json!({"reasoning_effort": "none"}), json!({}), vec![(Attribute::Thinking, "false")]),
            (json!({"reasoning_effort": "low"}), json!({}), vec![(Attribute::Thinking, "true")]),
            (json!({"thinking": {"type": "disabled"}}), json!({}), vec![(Attribute::Thinking, "false")]),
            (
                json!({"enable_thinking": false, "reasoning_effort": "high"}),
                json!({"body": {"enable_thinking": true}}),
                vec![(Attribute::Thinking, "false")],
            ),
            (
                json!({"thinking": {"type": "disabled"}}),
                json!({"body": {"enable_thinking": true}}),
                vec![(Attribute::Thinking, "false")],
            ),
            (json!({}), json!({"body": {"service_tier": "Flex"}}), vec![(Attribute::ServiceTier, "flex")]),
            (json!({"service_tier": "auto"}), json!({"body": {"service_tier": "flex"}}), vec![]),
            (
                json!({"web_search_options": {"search_context_size": "high", "search_type": "pro"}}),
                json!({}),
                vec![(Attribute::SearchSize, "high"), (Attribute::SearchType, "pro")],
            ),
            (json!({"inference_geo": "us"}), json!({"facts": {"region": "eu"}}), vec![(Attribute::Region, "us")]),
            (
                json!({"speed": "fast"}),
                json!({"facts": {"region": "eu", "plan": "pro"}}),
                vec![(Attribute::Speed, "fast"), (Attribute::Region, "eu"), (Attribute::Plan, "pro")],
            ),
        ] {
            let known: Vec<_> = known.into_iter().map(|(attribute, value)| (attribute, value.to_owned())).collect();
            assert_eq!(facts(&request, &params), known, "{request} {params}");
        }
    }

    #[test]
    fn the_served_tier_and_the_thinking_that_was_billed_are_facts() {
        let mut known = Facts::at(Timestamp::UNIX_EPOCH);
        known.set(Attribute::ServiceTier, "priority");
        let mut usage = Usage::default();
        usage.meters.insert(Meter::ReasoningToken, 5.into());
        add_served_facts(&mut known, &usage, Some("default"), Timestamp::MAX);
        assert_eq!(known.get(Attribute::ServiceTier), Some("standard"));
        assert_eq!(known.get(Attribute::Thinking), Some("true"));
    }
}
