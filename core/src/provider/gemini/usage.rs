//! Reading of usage.

use serde_json::Value;

use crate::provider::json::{count, field, items};
use crate::types::{ReportedModalities, ReportedUsage};

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
        input_modalities: ReportedModalities {
            audio: of_modality(usage, "promptTokensDetails", "AUDIO"),
            image: of_modality(usage, "promptTokensDetails", "IMAGE"),
            video: of_modality(usage, "promptTokensDetails", "VIDEO"),
            cached_audio: of_modality(usage, "cacheTokensDetails", "AUDIO"),
            cached_image: of_modality(usage, "cacheTokensDetails", "IMAGE"),
            cached_video: of_modality(usage, "cacheTokensDetails", "VIDEO"),
        },
        output_audio: of_modality(usage, "candidatesTokensDetails", "AUDIO"),
        output_image: of_modality(usage, "candidatesTokensDetails", "IMAGE"),
        output_video: of_modality(usage, "candidatesTokensDetails", "VIDEO"),
        ..ReportedUsage::default()
    };
    let known = [reported.input, reported.output, reported.reasoning, reported.total];
    known.iter().any(Option::is_some).then_some(reported)
}

/// Returns the tokens of one modality in a list of them.
fn of_modality(usage: &Value, list: &str, modality: &str) -> Option<u64> {
    let is_meant = |part: &&Value| part.get("modality").and_then(Value::as_str) == Some(modality);
    items(usage, list).iter().find(is_meant).and_then(|part| count(part, "tokenCount"))
}
