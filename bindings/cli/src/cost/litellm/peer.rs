//! The readings of `LiteLLM`'s calculator that its price map does not say by itself.
//!
//! They are written into the map before the importer reads it, so that the importer stays true to the list. Where the
//! calculator is plainly wrong, the line is priced right instead; `docs/price-cases.md` names those.

use serde_json::Value;
use tollway::types::Meter;

use super::Reading;
use super::batch::batches;
use super::price_map::{
    CACHED, CACHED_AUDIO, INPUT, OUTPUT, OUTPUT_IMAGE, Prices, REASONING, copy, first, half, price, put_if_free, text,
    thresholds_of,
};

/// Keys that the calculator never sees, because it copies the ones it knows.
const UNSEEN: [&str; 10] = [
    "cache_read_input_image_token_cost",
    "cache_creation_input_audio_token_cost",
    "explicit_cache_read_input_token_cost",
    "input_cost_per_request",
    "input_cost_per_text_message",
    "input_cost_per_token_cache_hit",
    "input_cost_per_video_per_second_above_8s_interval",
    "input_cost_per_video_per_second_above_15s_interval",
    "input_dbu_cost_per_token",
    "output_dbu_cost_per_token",
];

/// Providers whose calculator knows no service tiers.
const WITHOUT_TIERS: [&str; 9] = [
    "dashscope",
    "deepseek",
    "fireworks_ai",
    "lemonade",
    "perplexity",
    "qwen_ai_platform",
    "qwencloud",
    "tencent",
    "xai",
];
const DASHSCOPE: [&str; 3] = ["dashscope", "qwen_ai_platform", "qwencloud"];
/// Providers at which a price per prompt counts all searches of it as one.
const BY_PROMPT: [&str; 2] = ["gemini", "vertex_ai"];
const TIERS: [&str; 4] = ["priority", "flex", "balanced", "ultrafast"];

/// Returns the tier that the calculator prices a call at; nothing for the standard one.
pub(super) fn tier<'a>(provider: &str, tier: &'a str) -> Option<&'a str> {
    match tier {
        "batch" => Some(tier),
        _ if WITHOUT_TIERS.contains(&provider) => None,
        "fast" => Some("priority"),
        _ => Some(tier),
    }
}

/// Writes the calculator's readings into the prices of an entry, and returns what counts mean under them.
pub(super) fn rewrite(provider: &str, model: &str, prices: &mut Prices) -> Reading {
    prices.retain(|key, value| !value.is_null() && !UNSEEN.contains(&key.as_str()) && !key.ends_with("_decisions"));
    let mut reading = Reading::default();
    seconds(prices, &mut reading);
    images(prices, &mut reading);
    searches(provider, model, prices, &mut reading);
    by_provider(provider, prices);
    cached_sound(prices);
    outputs(prices);
    reasoning(prices);
    batches(prices);
    reading.prices_citations = prices.contains_key("citation_cost_per_token");
    if !sells_tokens(prices) && !prices.is_empty() {
        // What is sold by something else than tokens does not bill them.
        put_if_free(prices, INPUT, "0");
        put_if_free(prices, OUTPUT, "0");
    }
    reading
}

fn sells_tokens(prices: &Prices) -> bool {
    let is_positive = |key: &&str| price(prices, key).is_some_and(|price| !price.is_zero());
    prices.contains_key("tiered_pricing") || [INPUT, OUTPUT].iter().any(is_positive)
}

/// Seconds go by the output's price, unless that is nothing; a price of video goes by its resolution.
fn seconds(prices: &mut Prices, reading: &mut Reading) {
    let is_video =
        |key: &String| key.starts_with("output_cost_per_second_") || key == "output_cost_per_video_per_second";
    if prices.contains_key("output_cost_per_video_per_second") {
        prices.retain(|key, _| !key.starts_with("output_cost_per_second"));
    }
    let output = price(prices, "output_cost_per_second");
    if prices.keys().any(is_video) || (output.is_some() && !prices.contains_key("input_cost_per_second")) {
        reading.seconds = Meter::VideoSecond;
    } else if output.is_some_and(|output| !output.is_zero()) {
        prices.remove("input_cost_per_second");
        prices.insert("mode".to_owned(), "audio_transcription".into());
    } else {
        prices.remove("output_cost_per_second");
    }
    let is_listed = prices.contains_key("cost_per_second");
    reading.wall_clock =
        (!sells_tokens(prices)).then_some(if is_listed { Meter::ComputeSecond } else { reading.seconds });
}

/// Images go by the first price there is: the input's, the output's, or that of a pixel.
fn images(prices: &mut Prices, reading: &mut Reading) {
    reading.images = if prices.contains_key("input_cost_per_image") {
        Meter::InputImage
    } else if prices.contains_key("output_cost_per_image") {
        Meter::Image
    } else if prices.contains_key("input_cost_per_pixel") {
        prices.remove("output_cost_per_pixel");
        Meter::InputPixel
    } else {
        Meter::Image
    };
}

/// Gemini bills all searches of a prompt as one unless its prices say otherwise; Claude bills each wherever it is sold.
fn searches(provider: &str, model: &str, prices: &mut Prices, reading: &mut Reading) {
    let by_prompt = prices.remove("web_search_billing_unit").is_none_or(|unit| unit == "per_prompt");
    reading.searches_by_prompt = by_prompt && BY_PROMPT.contains(&provider) && !model.contains("claude");
    let rows = prices.get("tiered_pricing").and_then(Value::as_array).into_iter().flatten();
    reading.prices_results = rows.into_iter().any(|row| row.get("max_results_range").is_some());
    let has_size = prices.contains_key("search_context_cost_per_query");
    if !has_size && (prices.contains_key("input_cost_per_query") || reading.prices_results) {
        reading.searches = Meter::SearchUnit;
    }
}

/// The calculators of some providers know less than the common one.
fn by_provider(provider: &str, prices: &mut Prices) {
    match provider {
        "perplexity" => {
            let known = |key: &str| !key.contains("cache") && !key.contains("_above_") && !key.contains("_audio_");
            prices.retain(|key, _| known(key));
        }
        "xai" => {
            prices.remove(REASONING);
        }
        // What is not listed is half of the input.
        "fireworks_ai" => {
            let half = price(prices, INPUT).map(half);
            if let Some(half) = half {
                put_if_free(prices, CACHED, &half);
            }
        }
        _ if DASHSCOPE.contains(&provider) => prices.retain(|key, _| {
            let is_of_other_modality =
                key.contains("_audio_") || key.contains("_image_") || key.contains("_video_token");
            let is_long = key.contains("_above_") && !key.ends_with("_batches");
            !is_of_other_modality && !is_long
        }),
        _ => {}
    }
}

/// Cached sound is billed as cached text, and where that has no price as text, not as sound.
fn cached_sound(prices: &mut Prices) {
    if prices.contains_key(CACHED) || prices.contains_key(CACHED_AUDIO) {
        return;
    }
    copy(prices, INPUT, CACHED_AUDIO, "");
    for tier in TIERS {
        copy(prices, INPUT, CACHED_AUDIO, &format!("_{tier}"));
    }
}

/// Output that has no price is billed as output of images.
fn outputs(prices: &mut Prices) {
    let is_free = price(prices, OUTPUT).is_none_or(|price| price.is_zero());
    if is_free && let Some(image) = text(prices, OUTPUT_IMAGE) {
        prices.insert(OUTPUT.to_owned(), image.into());
    }
}

/// Reasoning keeps its price however long the input is, and is output in a tier that prices output but not reasoning.
fn reasoning(prices: &mut Prices) {
    let Some(standard) = text(prices, REASONING) else { return };
    let thresholds = thresholds_of(prices, OUTPUT, "");
    for tier in TIERS {
        let suffix = format!("_{tier}");
        if prices.contains_key(&format!("{REASONING}{suffix}")) {
            continue;
        }
        let Some(output) = text(prices, &format!("{OUTPUT}{suffix}")) else { continue };
        prices.insert(format!("{REASONING}{suffix}"), output.into());
        let of_tier = thresholds_of(prices, OUTPUT, &suffix);
        for threshold in thresholds.iter().chain(&of_tier) {
            let long = [format!("{OUTPUT}{threshold}{suffix}"), format!("{OUTPUT}{threshold}")];
            if let Some(long) = first(prices, &[&long[0], &long[1]]) {
                prices.insert(format!("{REASONING}{threshold}{suffix}"), long.into());
            }
        }
    }
    for threshold in thresholds {
        put_if_free(prices, &format!("{REASONING}{threshold}"), &standard);
    }
}
