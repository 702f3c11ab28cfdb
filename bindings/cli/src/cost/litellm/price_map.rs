//! The prices of an entry by their keys, and how one key is written for another.

use serde_json::{Map, Value};
use tollway::types::{Decimal, decimal_of};

pub(super) type Prices = Map<String, Value>;

pub(super) const INPUT: &str = "input_cost_per_token";
pub(super) const OUTPUT: &str = "output_cost_per_token";
pub(super) const CACHED: &str = "cache_read_input_token_cost";
pub(super) const CACHED_AUDIO: &str = "cache_read_input_audio_token_cost";
pub(super) const WRITE: &str = "cache_creation_input_token_cost";
pub(super) const LONG_WRITE: &str = "cache_creation_input_token_cost_above_1hr";
pub(super) const REASONING: &str = "output_cost_per_reasoning_token";
pub(super) const INPUT_MODALITIES: [&str; 3] =
    ["input_cost_per_audio_token", "input_cost_per_image_token", "input_cost_per_video_token"];
pub(super) const OUTPUT_IMAGE: &str = "output_cost_per_image_token";

/// Copies the prices of a key, with those above thresholds, to another key.
pub(super) fn copy(prices: &mut Prices, source: &str, key: &str, suffix: &str) {
    let places = thresholds_of(prices, source, suffix).into_iter().chain([String::new()]);
    for place in places.collect::<Vec<_>>() {
        if let Some(value) = text(prices, &format!("{source}{place}{suffix}")) {
            prices.insert(format!("{key}{place}{suffix}"), value.into());
        }
    }
}

/// Returns the parts of names such as `_above_200k_tokens` that a key has with a suffix.
pub(super) fn thresholds_of(prices: &Prices, base: &str, suffix: &str) -> Vec<String> {
    let place = |key: &String| {
        let place = key.strip_prefix(base)?.strip_suffix(suffix)?;
        (place.starts_with("_above_") && place.ends_with("_tokens")).then(|| place.to_owned())
    };
    prices.keys().filter_map(place).collect()
}

pub(super) fn half(price: Decimal) -> String {
    (price * Decimal::new(5, 1)).normalize().to_string()
}

pub(super) fn text(prices: &Prices, key: &str) -> Option<String> {
    prices.get(key)?.as_str().map(str::to_owned)
}

pub(super) fn price(prices: &Prices, key: &str) -> Option<Decimal> {
    decimal_of(prices.get(key)?.as_str()?)
}

pub(super) fn first(prices: &Prices, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| text(prices, key))
}

pub(super) fn put_if_free(prices: &mut Prices, key: &str, value: &str) {
    prices.entry(key.to_owned()).or_insert_with(|| value.into());
}
