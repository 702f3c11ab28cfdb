//! Reading of usage.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::provider::json::{count, items, owned};
use crate::types::{Meter, Quantity, ReportedIteration, ReportedUsage};

/// Finds the usage object of an answer or an event.
pub(super) fn find(value: &Value) -> Option<&Map<String, Value>> {
    value.get("usage").and_then(Value::as_object)
}

/// Reads a usage object. The input count is what no cache took part in, and reasoning is inside the output.
pub(super) fn read(usage: &Value) -> Option<ReportedUsage> {
    let nothing = Value::Null;
    let split = usage.get("cache_creation").unwrap_or(&nothing);
    let reported = ReportedUsage {
        input: count(usage, "input_tokens"),
        cached_input: count(usage, "cache_read_input_tokens"),
        cache_write: count(usage, "cache_creation_input_tokens"),
        cache_write_5m: count(split, "ephemeral_5m_input_tokens"),
        cache_write_1h: count(split, "ephemeral_1h_input_tokens"),
        input_includes_cache: false,
        output: count(usage, "output_tokens"),
        reasoning: usage.get("output_tokens_details").and_then(|details| count(details, "thinking_tokens")),
        output_includes_reasoning: true,
        iterations: iterations(usage),
        counts: searches(usage),
        ..ReportedUsage::default()
    };
    (reported.input.is_some() || reported.output.is_some()).then_some(reported)
}

/// Reads the searches of the web that the provider made, which it bills one by one.
fn searches(usage: &Value) -> BTreeMap<Meter, Quantity> {
    let made = usage.get("server_tool_use").and_then(|work| count(work, "web_search_requests"));
    made.filter(|made| *made > 0).map(|made| (Meter::WebSearch, made.into())).into_iter().collect()
}

/// Reads the work that the top-level counts leave out; they are the sum of the iterations of type `message`.
fn iterations(usage: &Value) -> Vec<ReportedIteration> {
    let left_out = items(usage, "iterations").iter().filter_map(|iteration| {
        let kind = owned(iteration, "type").filter(|kind| kind != "message")?;
        let usage = ReportedUsage { iterations: Vec::new(), ..read(iteration)? };
        Some(ReportedIteration { kind, model: owned(iteration, "model"), usage })
    });
    left_out.collect()
}

/// Puts a later usage over an earlier one, key by key: counts are cumulative, and an absent or null one is unchanged.
pub(super) fn merge(known: &mut Map<String, Value>, later: &Map<String, Value>) {
    for (key, value) in later.iter().filter(|(_, value)| !value.is_null()) {
        known.insert(key.clone(), value.clone());
    }
}
