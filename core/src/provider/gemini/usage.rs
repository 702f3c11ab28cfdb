//! Reading of usage.

use serde_json::Value;

use crate::provider::json::{count, field};
use crate::types::ReportedUsage;

/// Finds the usage object of an answer or a chunk.
pub(super) fn find(value: &Value) -> Option<&Value> {
    field(value, "usageMetadata")
}

/// Reads a usage object. Cached tokens are inside the prompt; thoughts and the prompts of tools stand outside.
pub(super) fn read(usage: &Value) -> Option<ReportedUsage> {
    let reported = ReportedUsage {
        input: count(usage, "promptTokenCount"),
        cached_input: count(usage, "cachedContentTokenCount"),
        input_includes_cache: true,
        input_outside: count(usage, "toolUsePromptTokenCount"),
        output: count(usage, "candidatesTokenCount"),
        reasoning: count(usage, "thoughtsTokenCount"),
        output_includes_reasoning: false,
        total: count(usage, "totalTokenCount"),
        ..ReportedUsage::default()
    };
    let known = [reported.input, reported.output, reported.reasoning, reported.total];
    known.iter().any(Option::is_some).then_some(reported)
}
