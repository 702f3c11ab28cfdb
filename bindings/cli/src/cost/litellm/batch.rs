//! What a batch bills.

use super::price_map::{
    CACHED, CACHED_AUDIO, INPUT, INPUT_MODALITIES, LONG_WRITE, OUTPUT, OUTPUT_IMAGE, Prices, REASONING, WRITE, copy,
    half, price,
};

/// In a batch, what has no price of its own there is billed as the batch's input or output.
pub(super) fn batches(prices: &mut Prices) {
    const BATCHES: &str = "_batches";
    let Some(input) = price(prices, &format!("{INPUT}{BATCHES}")) else { return };
    let is_free = |prices: &Prices, key: &str| !prices.contains_key(&format!("{key}{BATCHES}"));
    if is_free(prices, WRITE)
        && is_free(prices, LONG_WRITE)
        && let Some(long) = price(prices, LONG_WRITE)
    {
        // Long writes take the batch's own share.
        let share = price(prices, INPUT).filter(|price| !price.is_zero());
        let scaled = share.and_then(|standard| long.checked_mul(input)?.checked_div(standard));
        if let Some(scaled) = scaled {
            prices.insert(format!("{LONG_WRITE}{BATCHES}"), scaled.normalize().to_string().into());
        }
    }
    for key in [CACHED, WRITE] {
        if is_free(prices, key) {
            copy(prices, INPUT, key, BATCHES);
        }
    }
    for (key, source) in INPUT_MODALITIES.map(|key| (key, INPUT)).into_iter().chain([(CACHED_AUDIO, CACHED)]) {
        if prices.contains_key(key) && is_free(prices, key) {
            copy(prices, source, key, BATCHES);
        }
    }
    for (key, source) in [(OUTPUT, OUTPUT), (OUTPUT_IMAGE, OUTPUT_IMAGE)] {
        if is_free(prices, key)
            && let Some(half) = price(prices, source).map(half)
        {
            prices.insert(format!("{key}{BATCHES}"), half.into());
        }
    }
    for key in [REASONING, "output_cost_per_audio_token", "output_cost_per_video_token"] {
        if prices.contains_key(key) && is_free(prices, key) {
            copy(prices, OUTPUT, key, BATCHES);
        }
    }
}
