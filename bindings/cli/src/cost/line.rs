//! One line of `tollway cost --jsonl`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use tollway::types::{Decimal, Error, ErrorKind, Quantity, Result, decimal_of};

/// The form of a line's prices, and the reading of its usage that goes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub(super) enum Format {
    #[serde(rename = "litellm")]
    Litellm,
    #[serde(rename = "genai-prices")]
    GenaiPrices,
    #[serde(rename = "tollway")]
    Tollway,
}

/// One usage and its prices. Fields that say nothing of either are left alone.
#[derive(Debug, Deserialize)]
pub(super) struct Line<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(alias = "peer")]
    pub(super) format: Format,
    #[serde(borrow, default)]
    pub(super) provider: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) model: Cow<'a, str>,
    /// The prices, in the form that `format` names.
    #[serde(borrow)]
    pub(super) prices: &'a RawValue,
    /// All dated rules, of which `prices` is the one that its maker would pick.
    #[serde(borrow, default)]
    pub(super) price_rules: Option<&'a RawValue>,
    /// What picks a variant of the prices.
    #[serde(borrow, default)]
    pub(super) price_context: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: &'a RawValue,
}

impl Line<'_> {
    /// Reads the usage as inclusive totals.
    pub(super) fn totals(&self) -> Result<Totals> {
        serde_json::from_str(self.usage.get()).map_err(|error| {
            Error::new(
                ErrorKind::InvalidRequest,
                format!("the usage is not valid: {error}; give inclusive totals by name"),
            )
        })
    }
}

/// A usage as inclusive totals. What is absent or null is not known.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Totals {
    pub(super) input_tokens_total: Option<u64>,
    pub(super) cached_input_tokens: Option<u64>,
    pub(super) cache_write_5m_tokens: Option<u64>,
    pub(super) cache_write_1h_tokens: Option<u64>,
    pub(super) input_audio_tokens: Option<u64>,
    pub(super) input_image_tokens: Option<u64>,
    pub(super) input_video_tokens: Option<u64>,
    pub(super) cached_audio_tokens: Option<u64>,
    pub(super) cached_image_tokens: Option<u64>,
    pub(super) cached_video_tokens: Option<u64>,
    pub(super) output_tokens_total: Option<u64>,
    pub(super) reasoning_tokens: Option<u64>,
    pub(super) output_audio_tokens: Option<u64>,
    pub(super) output_image_tokens: Option<u64>,
    pub(super) output_video_tokens: Option<u64>,
    pub(super) citation_tokens: Option<u64>,
    pub(super) images: Option<Number>,
    pub(super) image_size: Option<String>,
    pub(super) image_quality: Option<String>,
    pub(super) seconds: Option<Number>,
    pub(super) wall_clock_ms: Option<Number>,
    pub(super) resolution: Option<String>,
    pub(super) characters: Option<Number>,
    pub(super) pages: Option<Number>,
    pub(super) annotated_pages: Option<Number>,
    pub(super) rerank_search_units: Option<Number>,
    pub(super) web_searches: Option<Number>,
    pub(super) file_searches: Option<Number>,
    pub(super) max_results: Option<Number>,
    pub(super) text_messages: Option<Number>,
    pub(super) requests: Option<Number>,
    pub(super) service_tier: Option<String>,
    pub(super) speed: Option<String>,
    pub(super) inference_geo: Option<String>,
    pub(super) data_residency: Option<String>,
    pub(super) vertex_location: Option<String>,
    pub(super) timestamp: Option<Timestamp>,
}

/// A number of any form that JSON has, by its digits: it never goes through a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number(pub(super) Quantity);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        let digits = raw.get().trim_matches('"');
        let number: Option<Decimal> = decimal_of(digits);
        number
            .and_then(Quantity::new)
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom(format!("{} is no number of zero or more", raw.get())))
    }
}
