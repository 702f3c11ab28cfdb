use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::billing::meter::disjoint;
use crate::provider::testing::Subject;
use crate::provider::vendor;
use crate::types::{Usage, UsageFlag};

fn read_as(provider: &str, usage: &Value) -> ReportedUsage {
    read(vendor(provider), usage, None).unwrap()
}

/// The meters of a host of one's own, without those that are zero.
fn meters(usage: &Value) -> Vec<(Meter, u64)> {
    non_zero(&disjoint(&read_as("house", usage)))
}

fn non_zero(usage: &Usage) -> Vec<(Meter, u64)> {
    usage.meters.iter().map(|(meter, quantity)| (*meter, quantity.whole())).filter(|(_, tokens)| *tokens > 0).collect()
}

#[test]
fn the_words_of_other_formats_are_read_on_every_host() {
    use Meter::{CacheWrite1hToken, CacheWrite5mToken, CachedInputToken, InputToken, OutputToken, ReasoningToken};
    for (usage, read) in [
        (json!({"input_tokens": 100, "output_tokens": 50}), vec![(InputToken, 100), (OutputToken, 50)]),
        (json!({"promptTokens": 100, "completionTokens": 50}), vec![(InputToken, 100), (OutputToken, 50)]),
        (json!({"prompt_tokens": "100", "completion_tokens": "50.0"}), vec![(InputToken, 100), (OutputToken, 50)]),
        // Some hosts fill the names that they do not use with zeros.
        (
            json!({"prompt_tokens": 100, "completion_tokens": 50, "input_tokens": 0, "output_tokens": 0}),
            vec![(InputToken, 100), (OutputToken, 50)],
        ),
        (
            json!({"input_tokens": 100, "input_tokens_details": {"cached_tokens": 60}, "output_tokens": 50,
                "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 150}),
            vec![(InputToken, 40), (CachedInputToken, 60), (OutputToken, 30), (ReasoningToken, 20)],
        ),
        (
            json!({"prompt_tokens": 100, "completion_tokens": 50, "prompt_cache_hit_tokens": 60}),
            vec![(InputToken, 40), (CachedInputToken, 60), (OutputToken, 50)],
        ),
        (
            json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "cache_read_input_tokens": 60,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20}}),
            vec![
                (InputToken, 10),
                (CachedInputToken, 60),
                (CacheWrite5mToken, 10),
                (CacheWrite1hToken, 20),
                (OutputToken, 50),
            ],
        ),
        // The parts of the input, and no sum of them.
        (
            json!({"prompt_cache_hit_tokens": 20, "prompt_cache_miss_tokens": 80, "completion_tokens": 50}),
            vec![(InputToken, 80), (CachedInputToken, 20), (OutputToken, 50)],
        ),
        // The same counts beside the input, by the total.
        (
            json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 8_150, "cache_read_input_tokens": 8_000}),
            vec![(InputToken, 100), (CachedInputToken, 8_000), (OutputToken, 50)],
        ),
    ] {
        assert_eq!(meters(&usage), read, "{usage}");
    }
}

#[test]
fn where_only_anthropics_names_stand_its_rule_holds_unless_the_total_says_otherwise() {
    let usage = json!({"input_tokens": 100, "output_tokens": 50, "cache_read_input_tokens": 60});
    let outside = vec![(Meter::InputToken, 100), (Meter::CachedInputToken, 60), (Meter::OutputToken, 50)];
    assert_eq!(meters(&usage), outside);
    for (total, input) in [(210, 100), (150, 40)] {
        let mut usage = usage.clone();
        usage["total_tokens"] = total.into();
        assert_eq!(meters(&usage)[0], (Meter::InputToken, input), "{total}");
    }
}

#[test]
fn searches_and_other_work_beside_tokens_become_meters() {
    let deep = json!({"prompt_tokens": 33, "completion_tokens": 100, "total_tokens": 133, "citation_tokens": 20,
        "num_search_queries": 18, "reasoning_tokens": 700, "search_context_size": "high", "cost": {"total_cost": 1}});
    let reported = read_as("perplexity", &deep);
    assert_eq!(reported.search_size.as_deref(), Some("high"));
    let usage = disjoint(&reported);
    assert_eq!(
        non_zero(&usage),
        [
            (Meter::InputToken, 33),
            (Meter::OutputToken, 100),
            (Meter::ReasoningToken, 700),
            (Meter::CitationToken, 20),
            (Meter::WebSearch, 18)
        ]
    );
    assert_eq!(usage.flags, []);
    let plain = json!({"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10, "search_context_size": "low"});
    assert_eq!(read_as("perplexity", &plain).counts, [(Meter::WebSearch, Quantity::ONE)].into());
    let used = |tools: Value| {
        let mut usage = json!({"prompt_tokens": 8, "completion_tokens": 2});
        usage.as_object_mut().unwrap().extend(tools.as_object().unwrap().clone());
        read_as("openrouter", &usage).counts
    };
    let details = json!({"server_tool_use_details": {"web_search_requests": 2, "web_fetch_requests": 1}});
    assert_eq!(used(details), [(Meter::WebSearch, 2.into()), (Meter::WebFetch, 1.into())].into());
    let details = json!({"server_side_tool_usage_details": {"web_search_calls": 2, "x_search_calls": 3,
        "code_interpreter_calls": 4}, "num_sources_used": 5});
    assert_eq!(
        used(details),
        [(Meter::WebSearch, 5.into()), (Meter::SearchSource, 5.into()), (Meter::ServerToolCall, 4.into())].into()
    );
}

#[test]
fn the_citations_of_an_answer_tell_of_its_search_where_nothing_counts_it() {
    let cited = json!([{"type": "url_citation", "url_citation": {"url": "https://a.test"}}]);
    let searches = |provider: &'static str, annotations: &Value| {
        let usage = json!({"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10});
        let subject = Subject::new(provider, "gpt-4o-search-preview").at("https://r.test/v1");
        let whole = json!({"choices": [{"message": {"content": "a", "annotations": annotations}}], "usage": usage});
        let whole = subject.decode(&whole.to_string()).unwrap().usage.unwrap();
        let (_, decoder) = subject.decode_stream(&[
            json!({"choices": [{"delta": {"content": "a", "annotations": annotations}}]}),
            json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}),
            json!({"choices": [], "usage": usage}),
        ]);
        assert_eq!(decoder.usage().as_ref(), Some(&whole));
        whole.counts.get(&Meter::WebSearch).copied()
    };
    assert_eq!(searches("openai", &cited), Some(Quantity::ONE));
    assert_eq!(searches("openai", &json!([])), None);
    assert_eq!(searches("openai", &json!([{"type": "file_citation"}])), None);
    assert_eq!(searches("openrouter", &cited), None);
}

#[test]
fn an_unknown_field_is_flagged_in_any_part_of_the_usage() {
    for (more, is_unknown) in [
        (json!({}), false),
        (json!({"holograms": 3}), true),
        (json!({"holograms": 0, "auras": null}), false),
        (json!({"prompt_tokens_details": {"smell_tokens": 3}}), true),
        (json!({"output_tokens_details": {"smell_tokens": 3}}), true),
        (json!({"server_tool_use_details": {"time_travel_requests": 1}}), true),
        (json!({"latency_checkpoint": {"any": 1}, "queue_time": 0.1}), false),
    ] {
        let mut usage = json!({"prompt_tokens": 8, "completion_tokens": 2, "total_tokens": 10});
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let usage = disjoint(&read_as("house", &usage));
        assert_eq!(usage.flags.contains(&UsageFlag::UnknownUsageField), is_unknown, "{more}");
    }
}

#[test]
fn a_cost_is_read_of_a_document_that_is_no_strict_json_too() {
    let usage = json!({"prompt_tokens": 8, "cost": 0.00501});
    let openrouter = vendor("openrouter");
    assert_eq!(stated_cost(openrouter, &usage, b"{\"x\": NaN}"), Some("0.00501".parse().unwrap()));
    assert_eq!(stated_cost(openrouter, &json!({}), b"{\"usage\": {\"cost\": \"0.10\"}}"), Some("0.1".parse().unwrap()));
    assert_eq!(stated_cost(vendor("house"), &usage, b"{\"usage\": {\"cost\": 1}}"), None);
}

proptest! {
    #[test]
    fn the_counts_of_a_stream_are_the_greatest_of_its_snapshots(
        snapshots in prop::collection::vec((prop::option::of(0_u64..500), prop::option::of(0_u64..500)), 1..6),
    ) {
        let subject = Subject::new("house", "m").at("https://r.test/v1");
        let chunks: Vec<Value> = snapshots
            .iter()
            .map(|(input, output)| {
                let details = json!({"cached_tokens": input.map(|input| input / 2)});
                let usage = json!({"prompt_tokens": input, "completion_tokens": output, "prompt_tokens_details": details});
                json!({"choices": [{"delta": {"content": "a"}, "finish_reason": "stop"}], "usage": usage})
            })
            .collect();
        let (_, decoder) = subject.decode_stream(&chunks);
        let reported = decoder.usage().unwrap_or_default();
        prop_assert_eq!(reported.input, snapshots.iter().filter_map(|(input, _)| *input).max());
        prop_assert_eq!(reported.output, snapshots.iter().filter_map(|(_, output)| *output).max());
    }
}
