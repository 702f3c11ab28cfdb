//! Fees: work beside the tokens that a call asks for, and whose count not every reply has.

use std::collections::BTreeMap;

use super::coverage::AskedWork;
use crate::provider::WireFormat;
use crate::provider::vendor_tool::AskedBy;
use crate::types::{Meter, Quantity};

/// Returns the meters of asked work that a reply may leave uncounted, and how much of each is done at the least: a model may
/// leave a tool alone, and does what a field asks for, or what it does unasked. In formats whose answers always tell of such
/// work, its absence says that there was none, so that nothing is returned.
#[must_use]
pub fn uncounted(format: WireFormat, works: &[AskedWork]) -> BTreeMap<Meter, Quantity> {
    let mut least = BTreeMap::new();
    if format != WireFormat::OpenAi {
        return least;
    }
    for work in works.iter().map(|asked| &asked.work).filter(|work| work.is_known) {
        let Some(meter) = work.meter else { continue };
        let done = least.entry(meter).or_insert(Quantity::ZERO);
        if work.by != AskedBy::Tool {
            *done = Quantity::ONE;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::billing::coverage::asked_work;
    use crate::provider::vendor_tool::Asked;
    use crate::types::ChatRequest;

    fn asked(vendor: &str, format: WireFormat, model: &str, fields: &Value) -> Vec<(Meter, bool)> {
        let mut body = fields.clone();
        body["messages"] = json!([]);
        let request: ChatRequest = serde_json::from_value(body).unwrap();
        let works = asked_work(&Asked { vendor, format, model }, &request, &serde_json::Map::new());
        uncounted(format, &works).into_iter().map(|(meter, least)| (meter, least == Quantity::ONE)).collect()
    }

    #[test]
    fn a_search_is_asked_for_by_a_field_a_tool_or_the_model_itself() {
        let sure = vec![(Meter::WebSearch, true)];
        for (vendor, model, fields, found) in [
            ("openai", "duck", json!({"web_search_options": {}}), sure.clone()),
            ("dashscope", "duck", json!({"enable_search": true}), sure.clone()),
            ("dashscope", "duck", json!({"enable_search": false}), vec![]),
            ("xai", "duck", json!({"search_parameters": {}}), vec![(Meter::SearchSource, true)]),
            ("xai", "duck", json!({"search_parameters": {"mode": "off"}}), vec![]),
            ("openrouter", "duck", json!({"plugins": [{"id": "web"}]}), sure.clone()),
            ("openrouter", "duck:online", json!({}), sure.clone()),
            ("openai", "gpt-4o-search-preview", json!({}), sure.clone()),
            ("perplexity", "sonar", json!({}), sure),
            ("groq", "duck", json!({"tools": [{"type": "browser_search"}]}), vec![(Meter::WebSearch, false)]),
            ("openai", "duck", json!({"top_k": 1}), vec![]),
        ] {
            assert_eq!(asked(vendor, WireFormat::OpenAi, model, &fields), found, "{vendor} {model} {fields}");
        }
        let tool = json!({"tools": [{"type": "web_search_20250305", "name": "web_search"}]});
        assert_eq!(asked("anthropic", WireFormat::Anthropic, "duck", &tool), []);
    }
}
