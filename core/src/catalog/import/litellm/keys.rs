//! Keys: what the name of a price says, taken apart.
//!
//! A name is a meter, then perhaps a resolution, a number of input tokens above which it holds, and a service tier.

use crate::types::{Meter, Unit};

/// The suffixes of service tiers, and the tiers.
const TIERS: [(&str, &str); 6] = [
    ("_ultrafast", "ultrafast"),
    ("_priority", "priority"),
    ("_balanced", "balanced"),
    ("_decisions", "decisions"),
    ("_batches", "batch"),
    ("_flex", "flex"),
];
/// The tier whose prices hold whatever the length of the input, unless they say so themselves.
pub(super) const BATCH: &str = "batch";

/// What the name of a price says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    pub(super) base: &'a str,
    pub(super) resolution: Option<String>,
    /// The input tokens above which it holds; zero where it always does.
    pub(super) above: u64,
    pub(super) tier: Option<&'static str>,
}

impl<'a> Key<'a> {
    /// Takes a name apart.
    pub(super) fn of(name: &'a str) -> Self {
        let (rest, last) = split_tier(name);
        let (rest, above) = split_threshold(rest);
        let (rest, first) = split_tier(rest);
        let (base, resolution) = split_resolution(rest);
        Self { base, resolution, above, tier: last.or(first) }
    }
}

fn split_tier(name: &str) -> (&str, Option<&'static str>) {
    let found = TIERS.iter().find_map(|(suffix, tier)| name.strip_suffix(suffix).map(|rest| (rest, Some(*tier))));
    found.unwrap_or((name, None))
}

fn split_threshold(name: &str) -> (&str, u64) {
    let parts = name.strip_suffix("_tokens").and_then(|rest| rest.rsplit_once("_above_"));
    let number = parts.and_then(|(rest, digits)| {
        let (digits, factor) = digits.strip_suffix('k').map_or((digits, 1), |thousands| (thousands, 1_000));
        Some((rest, digits.parse::<u64>().ok()?.checked_mul(factor)?))
    });
    number.unwrap_or((name, 0))
}

/// Splits a resolution off, such as `720p`, `4k`, `0.5K` or `1024`.
fn split_resolution(name: &str) -> (&str, Option<String>) {
    for base in ["output_cost_per_second", "output_cost_per_image"] {
        let suffix = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('_'));
        if let Some(suffix) = suffix.filter(|suffix| suffix.starts_with(|first: char| first.is_ascii_digit())) {
            return (base, Some(suffix.to_ascii_lowercase()));
        }
    }
    (name, None)
}

/// What else of an entry decides what a key of it counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Entry<'a> {
    /// What the model is for, as the list names it.
    pub(super) mode: Option<&'a str>,
    /// Whether images that are made have a price of their own.
    pub(super) prices_made_images: bool,
    /// Whether tokens have a price.
    pub(super) prices_tokens: bool,
}

impl Entry<'_> {
    fn is(&self, modes: &[&str]) -> bool {
        self.mode.is_some_and(|mode| modes.contains(&mode))
    }

    /// Returns whether what is named input counts the images that are made: the list's older way to say it.
    fn makes_images_of_input(&self) -> bool {
        self.is(&["image_generation", "image_edit"]) && !self.prices_made_images && !self.prices_tokens
    }
}

/// Returns the meter that a key without suffixes prices, with its unit.
pub(super) fn meter_of(base: &str, entry: Entry<'_>) -> Option<(Meter, Unit)> {
    let meter = match base {
        "input_cost_per_token" => Meter::InputToken,
        "output_cost_per_token" => Meter::OutputToken,
        "cache_read_input_token_cost" | "input_cost_per_token_cache_hit" => Meter::CachedInputToken,
        "explicit_cache_read_input_token_cost" => Meter::ExplicitCachedInputToken,
        "cache_read_input_audio_token_cost" => Meter::CachedInputAudioToken,
        "cache_read_input_image_token_cost" => Meter::CachedInputImageToken,
        "cache_creation_input_token_cost" => Meter::CacheWrite5mToken,
        "cache_creation_input_token_cost_above_1hr" => Meter::CacheWrite1hToken,
        "cache_creation_input_audio_token_cost" => Meter::CacheWriteAudioToken,
        "input_cost_per_audio_token" => Meter::InputAudioToken,
        "input_cost_per_image_token" => Meter::InputImageToken,
        "input_cost_per_video_token" => Meter::InputVideoToken,
        "output_cost_per_reasoning_token" => Meter::ReasoningToken,
        "citation_cost_per_token" => Meter::CitationToken,
        "output_cost_per_audio_token" => Meter::OutputAudioToken,
        "output_cost_per_image_token" => Meter::OutputImageToken,
        "output_cost_per_video_token" => Meter::OutputVideoToken,
        "input_cost_per_character" if entry.is(&["audio_speech"]) => Meter::TtsCharacter,
        "input_cost_per_character" => Meter::InputCharacter,
        "output_cost_per_character" => Meter::OutputCharacter,
        "input_cost_per_audio_per_second" | "input_cost_per_second" => Meter::InputAudioSecond,
        "input_cost_per_video_per_second" => Meter::InputVideoSecond,
        "output_cost_per_second" if entry.is(&["audio_transcription"]) => Meter::InputAudioSecond,
        "output_cost_per_second" if entry.is(&["audio_speech", "realtime"]) => Meter::OutputAudioSecond,
        "output_cost_per_second" | "output_cost_per_video_per_second" => Meter::VideoSecond,
        "cost_per_second" => Meter::ComputeSecond,
        "input_cost_per_image" if entry.makes_images_of_input() => Meter::Image,
        "input_cost_per_image" => Meter::InputImage,
        "output_cost_per_image" => Meter::Image,
        "input_cost_per_pixel" if entry.makes_images_of_input() => Meter::Pixel,
        "input_cost_per_pixel" => Meter::InputPixel,
        "output_cost_per_pixel" => Meter::Pixel,
        "ocr_cost_per_page" => Meter::Page,
        "annotation_cost_per_page" => Meter::AnnotatedPage,
        "ocr_cost_per_credit" => Meter::Credit,
        "input_cost_per_query" if entry.is(&["search"]) => Meter::WebSearch,
        "input_cost_per_query" if entry.is(&["vector_store"]) => Meter::FileSearch,
        "input_cost_per_query" => Meter::SearchUnit,
        "google_maps_grounding_cost_per_query" => Meter::MapsSearch,
        "input_cost_per_request" => Meter::Request,
        "input_cost_per_text_message" => Meter::TextMessage,
        "code_interpreter_cost_per_session" => Meter::CodeInterpreterSession,
        _ => return None,
    };
    let unit = Unit::ALL.iter().copied().find(|unit| unit.size() == 1 && unit.fits(meter))?;
    Some((meter, unit))
}

/// Returns whether a key may say something of a price.
pub(super) fn speaks_of_prices(key: &str) -> bool {
    const WORDS: [&str; 11] = [
        "cost",
        "price",
        "pricing",
        "rate",
        "fee",
        "multiplier",
        "uplift",
        "discount",
        "surcharge",
        "free_requests",
        "billing",
    ];
    key == "provider_specific_entry"
        || key.split('_').any(|word| WORDS.contains(&word))
        || key.contains("free_requests")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_split_into_its_meter_resolution_threshold_and_tier() {
        for (name, base, resolution, above, tier) in [
            ("input_cost_per_token", "input_cost_per_token", None, 0, None),
            (
                "input_cost_per_token_above_272k_tokens_priority",
                "input_cost_per_token",
                None,
                272_000,
                Some("priority"),
            ),
            (
                "input_cost_per_token_priority_above_200k_tokens",
                "input_cost_per_token",
                None,
                200_000,
                Some("priority"),
            ),
            ("output_cost_per_token_above_128_tokens", "output_cost_per_token", None, 128, None),
            ("output_cost_per_second_1080p", "output_cost_per_second", Some("1080p"), 0, None),
            ("output_cost_per_image_0.5K", "output_cost_per_image", Some("0.5k"), 0, None),
            ("output_cost_per_image_token_batches", "output_cost_per_image_token", None, 0, Some("batch")),
            (
                "cache_creation_input_token_cost_above_1hr_above_200k_tokens",
                "cache_creation_input_token_cost_above_1hr",
                None,
                200_000,
                None,
            ),
        ] {
            let expected = Key { base, resolution: resolution.map(str::to_owned), above, tier };
            assert_eq!(Key::of(name), expected, "{name}");
        }
    }

    #[test]
    fn the_mode_decides_what_a_bare_name_counts() {
        let meter = |base, mode| meter_of(base, Entry { mode: Some(mode), ..Entry::default() }).unwrap().0;
        assert_eq!(meter("input_cost_per_query", "search"), Meter::WebSearch);
        assert_eq!(meter("input_cost_per_query", "rerank"), Meter::SearchUnit);
        assert_eq!(meter("output_cost_per_second", "video_generation"), Meter::VideoSecond);
        assert_eq!(meter("output_cost_per_second", "audio_transcription"), Meter::InputAudioSecond);
        assert_eq!(meter("input_cost_per_image", "image_generation"), Meter::Image);
        assert_eq!(meter("input_cost_per_image", "embedding"), Meter::InputImage);
        assert!(meter_of("max_tokens", Entry::default()).is_none());
    }

    #[test]
    fn limits_and_abilities_say_nothing_of_prices() {
        for key in
            ["max_tokens", "supports_vision", "mode", "rpm", "source", "supported_regions", "prompt_cache_min_tokens"]
        {
            assert!(!speaks_of_prices(key), "{key}");
        }
        for key in ["search_free_requests", "web_search_billing_unit", "tiered_pricing", "cost_per_second", "new_fee"] {
            assert!(speaks_of_prices(key), "{key}");
        }
    }
}
