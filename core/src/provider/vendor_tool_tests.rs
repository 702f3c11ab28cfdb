use serde_json::json;

use super::*;

fn asked(vendor: &'static str, format: WireFormat) -> Asked<'static> {
    Asked { vendor, format, model: "m" }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn a_tool_is_taken_by_those_that_have_it_and_by_no_other() {
    let claude = asked("anthropic", WireFormat::Anthropic);
    let gemini = asked("gemini", WireFormat::Gemini);
    let router = asked("openrouter", WireFormat::OpenAi);
    let openai = asked("openai", WireFormat::OpenAi);
    let zhipu = asked("zhipu", WireFormat::OpenAi);
    let house = asked("openai_compatible", WireFormat::OpenAi);
    for (tool, takers) in [
        (json!({"type": "computer_20250124", "name": "computer"}), vec![claude]),
        (json!({"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}), vec![claude]),
        (json!({"type": "memory_20250818", "name": "memory"}), vec![claude]),
        (json!({"type": "web_search_20260209", "name": "web_search", "max_uses": 2}), vec![claude]),
        (json!({"type": "unheard_20270101", "name": "unheard"}), vec![claude]),
        (json!({"type": "computer", "name": "computer"}), vec![]),
        (json!({"google_search": {}}), vec![gemini]),
        (json!({"googleSearch": {}, "urlContext": {}}), vec![gemini]),
        (json!({"google_search": {}, "levitate": {}}), vec![]),
        (json!({"type": "openrouter:web_search"}), vec![router, house]),
        (json!({"type": "openrouter:levitate"}), vec![router, house]),
        (json!({"type": "web_search", "web_search": {"enable": true}}), vec![zhipu, house]),
        (json!({"type": "builtin_function", "function": {"name": "$web_search"}}), vec![house]),
        (json!({"type": "web_search_preview"}), vec![]),
        (json!({"type": "custom", "custom": {"name": "c"}}), vec![]),
        (json!({}), vec![]),
    ] {
        let tool = object(&tool);
        for asked in [claude, gemini, router, openai, zhipu, house] {
            let takes = takers.iter().any(|taker| (taker.vendor, taker.format) == (asked.vendor, asked.format));
            assert_eq!(unknown_name(&asked, &tool).is_none(), takes, "{asked:?} {tool:?}");
        }
        assert_eq!(is_known(&tool), !takers.is_empty(), "{tool:?}");
    }
}

#[test]
fn the_maximum_of_a_tool_is_read_where_its_vendor_states_it() {
    let claude = asked("anthropic", WireFormat::Anthropic);
    let router = asked("openrouter", WireFormat::OpenAi);
    let gemini = |model| Asked { model, ..asked("gemini", WireFormat::Gemini) };
    for (asked, tool, meter, most) in [
        (claude, json!({"type": "web_search_20250305", "max_uses": 4}), Some(Meter::WebSearch), Some(4)),
        (claude, json!({"type": "web_search_20250305"}), Some(Meter::WebSearch), None),
        (claude, json!({"type": "web_search_20250305", "max_uses": "4"}), Some(Meter::WebSearch), None),
        (claude, json!({"type": "web_fetch_20250910", "max_uses": 2}), None, Some(2)),
        (claude, json!({"type": "code_execution_20250825"}), Some(Meter::CodeInterpreterSession), None),
        (
            router,
            json!({"type": "openrouter:web_search", "parameters": {"max_uses": 3}}),
            Some(Meter::WebSearch),
            Some(3),
        ),
        (
            router,
            json!({"type": "openrouter:web_search", "parameters": {"max_uses": 3, "max_total_results": 2}}),
            Some(Meter::WebSearch),
            Some(2),
        ),
        (gemini("gemini-2.5-flash"), json!({"google_search": {}}), Some(Meter::WebSearch), Some(1)),
        (gemini("models/gemini-2.0-flash"), json!({"google_search_retrieval": {}}), Some(Meter::WebSearch), Some(1)),
        (gemini("gemini-3-pro"), json!({"googleSearch": {}}), Some(Meter::WebSearch), None),
        (gemini("gemini-2.5-flash"), json!({"googleMaps": {}}), Some(Meter::MapsSearch), Some(1)),
    ] {
        let works = asked.work_of_tool(&object(&tool));
        let found: Vec<_> = works.iter().map(|work| (work.meter, work.most)).collect();
        assert_eq!(found, [(meter, most)], "{tool}");
    }
    for tool in
        [json!({"type": "bash_20250124", "name": "bash"}), json!({"type": "computer_20251124", "name": "computer"})]
    {
        assert_eq!(claude.work_of_tool(&object(&tool)), []);
    }
}

#[test]
fn fields_and_models_that_search_are_known() {
    let at = |vendor, model| Asked { vendor, format: WireFormat::OpenAi, model };
    let works = |asked: Asked<'_>, body: &Value| {
        let field = |name: &str| body.get(name);
        let works = asked.work_of_fields(&field).into_iter().chain(asked.work_of_model(&field));
        works.map(|work| (work.by, work.most)).collect::<Vec<_>>()
    };
    for (asked, body, found) in [
        (at("openai", "gpt-4o"), json!({"web_search_options": {}}), vec![(AskedBy::Field, Some(1))]),
        (at("openai_compatible", "x"), json!({"web_search_options": {}}), vec![(AskedBy::Field, None)]),
        (at("openai", "gpt-4o-search-preview"), json!({"web_search_options": {}}), vec![(AskedBy::Model, Some(1))]),
        (at("openai", "gpt-5-search-api"), json!({}), vec![(AskedBy::Model, Some(1))]),
        (at("xai", "grok"), json!({"search_parameters": {}}), vec![(AskedBy::Field, Some(20))]),
        (at("xai", "grok"), json!({"search_parameters": {"max_search_results": 7}}), vec![(AskedBy::Field, Some(7))]),
        (at("xai", "grok"), json!({"search_parameters": {"mode": "off"}}), vec![]),
        (
            at("openrouter", "a/b"),
            json!({"plugins": [{"id": "web", "max_results": 9}]}),
            vec![(AskedBy::Field, Some(9))],
        ),
        (at("openrouter", "a/b"), json!({"plugins": [{"id": "web", "enabled": false}]}), vec![]),
        (at("openrouter", "a/b"), json!({"plugins": [{"id": "response-healing"}]}), vec![]),
        (at("openrouter", "a/b:online"), json!({}), vec![(AskedBy::Model, Some(5))]),
        (at("openrouter", "perplexity/sonar-pro"), json!({}), vec![(AskedBy::Model, Some(1))]),
        (at("perplexity", "sonar-deep-research"), json!({}), vec![(AskedBy::Model, None)]),
        (at("perplexity", "r1-1776"), json!({}), vec![]),
        (at("openai", "sonar"), json!({}), vec![]),
        (at("openai", "gpt-4o"), json!({}), vec![]),
    ] {
        assert_eq!(works(asked, &body), found, "{asked:?} {body}");
    }
}
