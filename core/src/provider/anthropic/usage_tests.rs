use serde_json::json;

use super::*;
use crate::billing::meter::disjoint;
use crate::provider::testing::Subject;
use crate::types::UsageFlag;

/// The usage of a stream: what its start says, and what its deltas say.
fn streamed(start: &Value, deltas: &[Value]) -> Option<ReportedUsage> {
    let mut events = vec![json!({"type": "message_start", "message": {"usage": start}})];
    events.extend(deltas.iter().map(|usage| json!({"type": "message_delta", "delta": {}, "usage": usage})));
    events.push(json!({"type": "message_stop"}));
    Subject::new("anthropic", "m").decode_stream(&events).1.usage()
}

#[test]
fn the_counts_of_a_stream_never_shrink_and_the_output_at_its_start_alone_is_a_placeholder() {
    let full = json!({"input_tokens": 1_500, "cache_read_input_tokens": 8_000, "cache_creation_input_tokens": 200,
        "output_tokens": 8});
    for (start, deltas, counts) in [
        (&full, vec![json!({"input_tokens": 0, "output_tokens": 40})], [1_500, 8_000, 200, 40]),
        (&full, vec![json!({"cache_read_input_tokens": null, "output_tokens": 4})], [1_500, 8_000, 200, 8]),
        (&full, vec![json!({"output_tokens": 40}), json!({"output_tokens": 30})], [1_500, 8_000, 200, 40]),
        (&full, vec![json!({"input_tokens": 2_000, "output_tokens": 40})], [2_000, 8_000, 200, 40]),
        (&full, vec![json!({"output_tokens": 0})], [1_500, 8_000, 200, 0]),
        (&full, vec![json!({"cache_read_input_tokens": 0, "output_tokens": "40"})], [1_500, 8_000, 200, 40]),
        (&json!({"input_tokens": 0}), vec![json!({"input_tokens": 900, "output_tokens": 40})], [900, 0, 0, 40]),
    ] {
        let reported = streamed(start, &deltas).unwrap();
        let count = |count: Option<u64>| count.unwrap_or_default();
        let found = [reported.input, reported.cached_input, reported.cache_write, reported.output].map(count);
        assert_eq!(found, counts, "{deltas:?}");
    }
}

#[test]
fn uses_of_the_providers_tools_become_meters() {
    let used = |tools: Value| read(&json!({"input_tokens": 1, "output_tokens": 1, "server_tool_use": tools})).unwrap();
    let counts = used(json!({"web_search_requests": 2, "web_fetch_requests": 1})).counts;
    assert_eq!(counts, [(Meter::WebSearch, 2.into()), (Meter::WebFetch, 1.into())].into());
    assert_eq!(used(json!({"web_search_requests": 0})).counts, BTreeMap::new());
}

#[test]
fn an_unknown_field_of_the_usage_is_flagged() {
    for (more, is_unknown) in [
        (json!({"holograms": 1}), true),
        (json!({"holograms": 0}), false),
        (json!({"server_tool_use": {"time_travel_requests": 1}}), true),
        (json!({"iterations": [{"type": "message", "input_tokens": 1, "smell_tokens": 1}]}), true),
        (json!({"speed": "fast", "inference_geo": "us", "service_tier": "standard"}), false),
    ] {
        let mut usage = json!({"input_tokens": 8, "output_tokens": 2});
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let usage = disjoint(&read(&usage).unwrap());
        assert_eq!(usage.flags.contains(&UsageFlag::UnknownUsageField), is_unknown, "{more}");
    }
}

#[test]
fn a_gateways_total_decides_where_the_cache_stands() {
    let usage = json!({"input_tokens": 100, "cache_read_input_tokens": 60, "output_tokens": 50, "total_tokens": 150});
    let usage = disjoint(&read(&usage).unwrap());
    assert_eq!((usage.tokens(Meter::InputToken), usage.tokens(Meter::CachedInputToken)), (Some(40), Some(60)));
    assert_eq!(usage.flags, [UsageFlag::PlacedByTotal]);
}
