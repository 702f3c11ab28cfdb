use serde_json::json;

use super::*;
use crate::billing::meter::disjoint;
use crate::provider::testing::Subject;
use crate::types::{Quantity, UsageFlag};

fn chunk(text: &str, usage: &Value) -> Value {
    json!({"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}], "usageMetadata": usage})
}

#[test]
fn a_field_that_a_later_chunk_leaves_out_keeps_its_value() {
    for (snapshots, meters) in [
        (
            vec![
                json!({"promptTokenCount": 10_000, "cachedContentTokenCount": 9_000, "candidatesTokenCount": 2, "totalTokenCount": 10_002}),
                json!({"promptTokenCount": 10_000, "candidatesTokenCount": 5, "totalTokenCount": 10_005}),
            ],
            [1_000, 9_000, 5, 0],
        ),
        (
            vec![
                json!({"promptTokenCount": 100, "candidatesTokenCount": 2, "thoughtsTokenCount": 400, "totalTokenCount": 502}),
                json!({"promptTokenCount": 100, "candidatesTokenCount": 5, "totalTokenCount": 505}),
            ],
            [100, 0, 5, 400],
        ),
        (
            vec![
                json!({"promptTokenCount": 100, "candidatesTokenCount": 40, "totalTokenCount": 140}),
                json!({"promptTokenCount": 100, "totalTokenCount": 140}),
            ],
            [100, 0, 40, 0],
        ),
        (
            vec![
                json!({"promptTokenCount": 100, "candidatesTokenCount": 40, "totalTokenCount": 140}),
                json!({"promptTokenCount": 0, "candidatesTokenCount": 0, "totalTokenCount": 0}),
            ],
            [100, 0, 40, 0],
        ),
        // What was guessed before the answer is corrected by what makes its own total.
        (
            vec![
                json!({"promptTokenCount": 78, "totalTokenCount": 78}),
                json!({"promptTokenCount": 33, "candidatesTokenCount": 12, "totalTokenCount": 45}),
            ],
            [33, 0, 12, 0],
        ),
    ] {
        let chunks: Vec<Value> = snapshots.iter().map(|usage| chunk("a", usage)).collect();
        let (_, decoder) = Subject::new("gemini", "m").decode_stream(&chunks);
        let usage = disjoint(&decoder.usage().unwrap());
        let of = |meter| usage.tokens(meter).unwrap_or_default();
        let found =
            [of(Meter::InputToken), of(Meter::CachedInputToken), of(Meter::OutputToken), of(Meter::ReasoningToken)];
        assert_eq!((found, usage.flags.as_slice()), (meters, [].as_slice()), "{snapshots:?}");
    }
}

#[test]
fn the_parts_of_a_modality_are_joined_by_it() {
    let details = |parts: Value| json!({"promptTokenCount": 100, "candidatesTokenCount": 5, "totalTokenCount": 105, "promptTokensDetails": parts});
    let chunks = [
        chunk("a", &details(json!([{"modality": "TEXT", "tokenCount": 40}, {"modality": "AUDIO", "tokenCount": 60}]))),
        chunk("b", &details(json!([{"modality": "AUDIO", "tokenCount": 50}]))),
    ];
    let (_, decoder) = Subject::new("gemini", "m").decode_stream(&chunks);
    assert_eq!(decoder.usage().unwrap().input_modalities.audio, Some(60));
}

#[test]
fn grounded_queries_are_searches_one_for_each_prompt_or_for_each_query() {
    let usage = json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15});
    let mut grounded = chunk("a", &usage);
    grounded["candidates"][0]["groundingMetadata"] = json!({"webSearchQueries": ["one", "two", ""]});
    for (model, searches) in [("gemini-2.5-flash", 1), ("gemini-3-pro", 2)] {
        let subject = Subject::new("gemini", model);
        let whole = subject.decode(&grounded.to_string()).unwrap().usage.unwrap();
        assert_eq!(whole.counts, [(Meter::WebSearch, Quantity::from(searches))].into());
        let (_, decoder) = subject.decode_stream(&[grounded.clone(), chunk("b", &usage)]);
        assert_eq!(decoder.usage(), Some(whole));
    }
    let plain = Subject::new("gemini", "gemini-3-pro").decode(&chunk("a", &usage).to_string()).unwrap();
    assert!(plain.usage.unwrap().counts.is_empty());
}

#[test]
fn an_unknown_field_of_the_usage_is_flagged() {
    for (more, is_unknown) in [
        (json!({"holograms": 1}), true),
        (json!({"holograms": 0}), false),
        (json!({"promptTokensDetails": [{"modality": "SMELL", "tokenCount": 1}]}), false),
        (json!({"promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1, "seconds": 4}]}), true),
        (json!({"trafficType": "ON_DEMAND"}), false),
    ] {
        let mut usage = json!({"promptTokenCount": 8, "candidatesTokenCount": 2, "totalTokenCount": 10});
        usage.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let usage = disjoint(&read(&usage).unwrap());
        assert_eq!(usage.flags.contains(&UsageFlag::UnknownUsageField), is_unknown, "{more}");
    }
}
