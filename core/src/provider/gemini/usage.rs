//! Reading of usage.

use serde_json::Value;

use crate::provider::json::{count, field, items, text};
use crate::provider::snapshots::Sum;
use crate::provider::usage_fields::Fate::{Ignored, Read};
use crate::provider::usage_fields::{ALL, Names, TOP, UsageField, has_unknown};
use crate::provider::vendor_tool::is_grounded_once;
use crate::types::{Meter, Place, ReportedModalities, ReportedUsage};

/// Every field of usage that hosts of this format are known to send.
const FIELDS: &[UsageField] = &[
    (
        TOP,
        &[
            "promptTokenCount",
            "cachedContentTokenCount",
            "toolUsePromptTokenCount",
            "candidatesTokenCount",
            "responseTokenCount",
            "thoughtsTokenCount",
            "totalTokenCount",
            "serviceTier",
            "trafficType",
        ],
        Read,
    ),
    (
        &["promptTokensDetails.[]", "cacheTokensDetails.[]", "candidatesTokensDetails.[]", "responseTokensDetails.[]"],
        MODALITY,
        Read,
    ),
    (&["toolUsePromptTokensDetails.[]"], MODALITY, Ignored("prompts of tools are billed as plain input")),
    (&["billablePromptUsage"], ALL, Ignored("characters, in which no model of this format is billed any more")),
];

/// The fields of a count by modality.
const MODALITY: Names = &["modality", "tokenCount"];

/// What the total is the sum of.
pub(super) const SUM: Sum = Sum {
    counts: &[
        "promptTokenCount",
        "toolUsePromptTokenCount",
        "candidatesTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
    ],
    whole: |usage| {
        let sum = |names: [&str; 2]| names.iter().filter_map(|name| count(usage, name)).reduce(u64::saturating_add);
        let input = sum(["promptTokenCount", "toolUsePromptTokenCount"]).filter(|input| *input > 0)?;
        let output = sum(["candidatesTokenCount", "thoughtsTokenCount"]).filter(|output| *output > 0)?;
        count(usage, "totalTokenCount").filter(|total| input.checked_add(output) == Some(*total))
    },
    // Tokens of the answer become thoughts, and back.
    moves: true,
};

/// Finds the usage object of an answer or a chunk.
pub(super) fn find(value: &Value) -> Option<&Value> {
    field(value, "usageMetadata")
}

/// Reads a usage object. Cached tokens are inside the prompt; thoughts and the prompts of tools stand outside.
pub(super) fn read(usage: &Value) -> Option<ReportedUsage> {
    let output = |modality: &str| {
        let lists = ["candidatesTokensDetails", "responseTokensDetails"];
        lists.iter().find_map(|list| of_modality(usage, list, modality))
    };
    let reported = ReportedUsage {
        input: count(usage, "promptTokenCount"),
        cached_input: count(usage, "cachedContentTokenCount"),
        cached_place: Place::Inside,
        input_outside: count(usage, "toolUsePromptTokenCount"),
        output: count(usage, "candidatesTokenCount").or_else(|| count(usage, "responseTokenCount")),
        reasoning: count(usage, "thoughtsTokenCount"),
        reasoning_place: Place::Outside,
        total: count(usage, "totalTokenCount"),
        input_modalities: ReportedModalities {
            audio: of_modality(usage, "promptTokensDetails", "AUDIO"),
            image: of_modality(usage, "promptTokensDetails", "IMAGE"),
            video: of_modality(usage, "promptTokensDetails", "VIDEO"),
            cached_audio: of_modality(usage, "cacheTokensDetails", "AUDIO"),
            cached_image: of_modality(usage, "cacheTokensDetails", "IMAGE"),
            cached_video: of_modality(usage, "cacheTokensDetails", "VIDEO"),
        },
        output_audio: output("AUDIO"),
        output_image: output("IMAGE"),
        output_video: output("VIDEO"),
        has_unknown_field: has_unknown("", usage, FIELDS),
        ..ReportedUsage::default()
    };
    let known = [reported.input, reported.output, reported.reasoning, reported.total];
    known.iter().any(Option::is_some).then_some(reported)
}

/// Returns how many queries the candidates of an answer or a chunk say that they searched the web with.
pub(super) fn queries(value: &Value) -> u64 {
    let of_candidate = |candidate: &Value| {
        let grounding = field(candidate, "groundingMetadata")?;
        let is_query = |query: &&Value| query.as_str().is_some_and(|query| !query.is_empty());
        Some(items(grounding, "webSearchQueries").iter().filter(is_query).count() as u64)
    };
    items(value, "candidates").iter().filter_map(of_candidate).sum()
}

/// Adds the searches that an answer was grounded in, as its model is billed for them.
pub(super) fn with_searches(mut reported: ReportedUsage, model: &str, queries: u64) -> ReportedUsage {
    if queries > 0 {
        let searches = if is_grounded_once(model) { 1 } else { queries };
        reported.counts.insert(Meter::WebSearch, searches.into());
    }
    reported
}

/// Returns the tokens of one modality in a list of them.
fn of_modality(usage: &Value, list: &str, modality: &str) -> Option<u64> {
    let is_meant = |part: &&Value| text(part, "modality") == Some(modality);
    items(usage, list).iter().find(is_meant).and_then(|part| count(part, "tokenCount"))
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
