//! Reading of usage.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::provider::json::{count, items, owned};
use crate::provider::usage_fields::Fate::{Ignored, Read};
use crate::provider::usage_fields::{ALL, Names, TOP, UsageField, has_unknown};
use crate::types::{Meter, Place, Quantity, ReportedIteration, ReportedUsage};

/// The output count, which is a placeholder at the start of a stream.
pub(super) const OUTPUT: &str = "output_tokens";

/// The counts of a message, and of each iteration within it.
const COUNTS: Names = &["input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", OUTPUT];

/// Every field of usage that hosts of this format are known to send.
const FIELDS: &[UsageField] = &[
    (TOP, COUNTS, Read),
    (TOP, &["service_tier"], Read),
    (
        &["cache_creation", "iterations.[].cache_creation"],
        &["ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"],
        Read,
    ),
    (&["output_tokens_details", "iterations.[].output_tokens_details"], &["thinking_tokens"], Read),
    (&["server_tool_use"], &["web_search_requests", "web_fetch_requests"], Read),
    (
        &["server_tool_use"],
        &["code_execution_requests"],
        Ignored("code is billed by the hours of its container, beside any answer"),
    ),
    (
        &["server_tool_use"],
        &["tool_search_requests"],
        Ignored("a search of the request's own tools costs nothing beside its tokens"),
    ),
    (&["iterations.[]"], COUNTS, Read),
    (&["iterations.[]"], &["type", "model"], Read),
    (&["iterations.[].server_tool_use"], ALL, Ignored("the tools are counted at the top")),
    (&["iterations.[]"], &["service_tier"], Ignored("the answer's own tier is read")),
    (TOP, &["inference_geo", "iterations.[].inference_geo"], Ignored("the request fixes the region")),
    (TOP, &["speed"], Ignored("the request fixes the speed")),
    // Hosts of other models that speak this format, and gateways.
    (TOP, &["total_tokens"], Read),
    (TOP, &["cost"], Ignored("its currency and its meaning are the gateway's own")),
    (
        TOP,
        &["claude_cache_creation_5_m_tokens", "claude_cache_creation_1_h_tokens"],
        Ignored("it repeats a count that is read"),
    ),
];

/// Finds the usage object of an answer or an event.
pub(super) fn find(value: &Value) -> Option<&Value> {
    value.get("usage").filter(|usage| usage.is_object())
}

/// Reads a usage object. The input count is what no cache took part in, and reasoning is inside the output.
pub(super) fn read(usage: &Value) -> Option<ReportedUsage> {
    let nothing = Value::Null;
    let split = usage.get("cache_creation").unwrap_or(&nothing);
    let reported = ReportedUsage {
        input: count(usage, "input_tokens"),
        cached_input: count(usage, "cache_read_input_tokens"),
        cached_place: Place::Outside,
        cache_write: count(usage, "cache_creation_input_tokens"),
        cache_write_5m: count(split, "ephemeral_5m_input_tokens"),
        cache_write_1h: count(split, "ephemeral_1h_input_tokens"),
        cache_write_place: Place::Outside,
        output: count(usage, OUTPUT),
        reasoning: usage.get("output_tokens_details").and_then(|details| count(details, "thinking_tokens")),
        reasoning_place: Place::Inside,
        total: count(usage, "total_tokens"),
        iterations: iterations(usage),
        counts: counts(usage),
        has_unknown_field: has_unknown("", usage, FIELDS),
        ..ReportedUsage::default()
    };
    (reported.input.is_some() || reported.output.is_some()).then_some(reported)
}

/// Reads what the provider's own tools did, which it bills one by one.
fn counts(usage: &Value) -> BTreeMap<Meter, Quantity> {
    let made = |key: &str| usage.get("server_tool_use").and_then(|work| count(work, key)).filter(|made| *made > 0);
    [(Meter::WebSearch, "web_search_requests"), (Meter::WebFetch, "web_fetch_requests")]
        .into_iter()
        .filter_map(|(meter, key)| Some((meter, made(key)?.into())))
        .collect()
}

/// Reads the work that the top-level counts leave out; they are the sum of the iterations of type `message`.
fn iterations(usage: &Value) -> Vec<ReportedIteration> {
    let left_out = items(usage, "iterations").iter().filter_map(|iteration| {
        let kind = owned(iteration, "type").filter(|kind| kind != "message")?;
        let usage = ReportedUsage { iterations: Vec::new(), has_unknown_field: false, ..read(iteration)? };
        Some(ReportedIteration { kind, model: owned(iteration, "model"), usage })
    });
    left_out.collect()
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
