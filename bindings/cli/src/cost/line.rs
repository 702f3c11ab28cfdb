//! One line of `tollway cost --jsonl`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tollway::types::{Decimal, Error, ErrorKind, Quantity, ReportedModalities, ReportedUsage, Result, decimal_of};

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

/// Returns whether a text begins as an object does. An array would be read as the fields in their order.
fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Returns the `id` of a line that is an object, whatever else is wrong with it.
pub(super) fn id(text: &str) -> Option<&RawValue> {
    #[derive(Deserialize)]
    struct Head<'a> {
        #[serde(borrow)]
        id: Option<&'a RawValue>,
    }
    is_object(text).then(|| serde_json::from_str::<Head<'_>>(text).ok())??.id
}

impl<'a> Line<'a> {
    /// Reads a line.
    pub(super) fn read(text: &'a str) -> Result<Self> {
        let invalid = |detail| Error::new(ErrorKind::InvalidRequest, detail);
        if !is_object(text) {
            return Err(invalid("the line is no JSON object; give one of `format`, `prices` and `usage`".to_owned()));
        }
        serde_json::from_str(text)
            .map_err(|error| invalid(format!("the line is not valid: {error}; give `format`, `prices` and `usage`")))
    }

    /// Reads the usage as inclusive totals.
    pub(super) fn totals(&self) -> Result<Totals> {
        Totals::read(self.usage.get())
    }
}

impl Totals {
    /// Reads inclusive totals, and names the field that is not valid.
    pub(super) fn read(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| {
            let fields: BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap_or_default();
            let is_wrong = |(name, raw): &(&String, &&RawValue)| {
                serde_json::from_value::<Self>(Value::Object(Map::from_iter([((*name).clone(), Value::Null)]))).is_ok()
                    && serde_json::from_str::<Self>(&format!("{{{}:{}}}", Value::from(name.as_str()), raw.get()))
                        .is_err()
            };
            let detail = match fields.iter().find(is_wrong) {
                Some((name, raw)) if name.ends_with("_tokens") || name.ends_with("_tokens_total") => {
                    format!("usage: {name} is {}; give a whole number of zero or more", raw.get())
                }
                Some((name, _)) => format!("usage: {name}: {error}"),
                None => format!("usage: {error}; give inclusive totals by name"),
            };
            Error::new(ErrorKind::InvalidRequest, detail)
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

impl Totals {
    /// Returns the tokens as they were reported: caches, modalities and reasoning stand inside the totals.
    pub(super) fn tokens(&self) -> ReportedUsage {
        ReportedUsage {
            input: self.input_tokens_total,
            cached_input: self.cached_input_tokens,
            cache_write_5m: self.cache_write_5m_tokens,
            cache_write_1h: self.cache_write_1h_tokens,
            input_modalities: ReportedModalities {
                audio: self.input_audio_tokens,
                image: self.input_image_tokens,
                video: self.input_video_tokens,
                cached_audio: self.cached_audio_tokens,
                cached_image: self.cached_image_tokens,
                cached_video: self.cached_video_tokens,
            },
            output: self.output_tokens_total,
            reasoning: self.reasoning_tokens,
            output_audio: self.output_audio_tokens,
            output_image: self.output_image_tokens,
            output_video: self.output_video_tokens,
            ..ReportedUsage::default()
        }
    }
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
