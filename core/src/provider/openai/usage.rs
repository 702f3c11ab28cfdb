//! Reading of usage.

use std::collections::HashMap;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::provider::json::{count, exact_decimal, field};
use crate::provider::vendor::{CostReport, Quirks, Vendor};
use crate::types::{ReportedModalities, ReportedUsage, exact_add};

/// The decimal places of a dollar that ticks count in.
const TICK_PLACES: u32 = 10;

/// Finds the usage object of an answer or a chunk: its own, Groq's, or Moonshot's on the choice.
pub(super) fn find(value: &Value) -> Option<&Value> {
    let own = field(value, "usage");
    let groq = || value.get("x_groq").and_then(|groq| field(groq, "usage"));
    let choice = || value.get("choices")?.as_array()?.iter().find_map(|choice| field(choice, "usage"));
    own.or_else(groq).or_else(choice).filter(|usage| usage.is_object())
}

/// Reads a usage object. `document` is the JSON text that it stands in, from which money is read exactly.
pub(super) fn read(vendor: &Vendor, usage: &Value, document: &[u8]) -> Option<ReportedUsage> {
    let quirks = &vendor.quirks;
    let nothing = Value::Null;
    let details = |keys: &[&str]| keys.iter().find_map(|key| field(usage, key)).unwrap_or(&nothing);
    let input_details = details(&["prompt_tokens_details", "prompt_token_details"]);
    let cached_details = field(input_details, "cached_tokens_details").unwrap_or(&nothing);
    let output_details = details(&["completion_tokens_details"]);
    let cached = count(input_details, "cached_tokens").or_else(|| {
        ["cached_tokens", "prompt_cache_hit_tokens", "num_cached_tokens"].iter().find_map(|key| count(usage, key))
    });
    let written = ["cache_write_tokens", "cache_creation_input_tokens", "cache_creation_tokens"];
    let cache_write = [input_details, usage].iter().find_map(|place| written.iter().find_map(|key| count(place, key)));
    let split = [input_details, usage].iter().find_map(|place| field(place, "cache_creation")).unwrap_or(&nothing);
    let mut reported = ReportedUsage {
        input: count(usage, "prompt_tokens"),
        cached_input: cached,
        cache_write,
        cache_write_5m: count(split, "ephemeral_5m_input_tokens"),
        cache_write_1h: count(split, "ephemeral_1h_input_tokens"),
        input_includes_cache: true,
        input_outside: quirks.audio_outside_input.then(|| count(input_details, "audio_tokens")).flatten(),
        output: count(usage, "completion_tokens"),
        reasoning: count(output_details, "reasoning_tokens"),
        output_includes_reasoning: !quirks.reasoning_outside_output,
        total: count(usage, "total_tokens"),
        cost: cost(quirks, document),
        input_modalities: ReportedModalities {
            audio: count(input_details, "audio_tokens"),
            image: count(input_details, "image_tokens"),
            video: count(input_details, "video_tokens"),
            cached_audio: count(cached_details, "audio_tokens"),
            cached_image: count(cached_details, "image_tokens"),
            cached_video: None,
        },
        output_audio: count(output_details, "audio_tokens"),
        output_image: count(output_details, "image_tokens"),
        rejected_prediction: count(output_details, "rejected_prediction_tokens"),
        ..ReportedUsage::default()
    };
    if quirks.cache_write_outside_input {
        reported.input = reported.input.map(|input| input.saturating_add(reported.cache_write.unwrap_or_default()));
    }
    let known = [reported.input, reported.output, reported.total];
    (known.iter().any(Option::is_some) || reported.cost.is_some()).then_some(reported)
}

/// The money fields, with their digits as they stand on the wire.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    usage: Option<HashMap<&'a str, &'a RawValue>>,
}

fn cost(quirks: &Quirks, document: &[u8]) -> Option<Decimal> {
    if quirks.cost == CostReport::None {
        return None;
    }
    let usage = serde_json::from_slice::<Envelope<'_>>(document).ok()?.usage?;
    let number = |fields: &HashMap<&str, &RawValue>, key: &str| exact_decimal(fields.get(key)?.get());
    let inner = |key: &str| serde_json::from_str::<HashMap<&str, &RawValue>>(usage.get(key)?.get()).ok();
    let cost = match quirks.cost {
        CostReport::None => None,
        CostReport::UsdTicks => {
            let ticks = usage.get("cost_in_usd_ticks")?.get().parse::<i64>().ok()?;
            Some(Decimal::from_i128_with_scale(i128::from(ticks), TICK_PLACES).normalize())
        }
        CostReport::CostTotal => number(&inner("cost")?, "total_cost"),
        CostReport::Cost => {
            let charged = number(&usage, "cost")?;
            if usage.get("is_byok").is_none_or(|raw| raw.get() != "true") {
                return Some(charged).filter(|charged| !charged.is_sign_negative());
            }
            // With a key of one's own the charge is only the fee: without the upstream part the cost is not known.
            exact_add(charged, number(&inner("cost_details")?, "upstream_inference_cost")?).ok()
        }
    };
    cost.filter(|cost| !cost.is_sign_negative())
}
