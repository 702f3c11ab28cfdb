//! The price keys of genai-prices, and the meters that they are for.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::digits;
use super::super::fields::Fields;
use super::super::tiers;
use super::Omission;
use crate::catalog::import::NotUnderstood;
use crate::types::{Decimal, Meter, OfferPrice, Range, Unit, exact_amount};

/// What one meter costs in one set: a price, and those of longer inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    pub(super) unit: Unit,
    pub(super) base: Decimal,
    /// The price of the whole quantity by the input length beyond which it holds.
    pub(super) tiers: BTreeMap<Decimal, Decimal>,
}

/// One set of prices.
pub(super) type Rates = BTreeMap<Meter, Rate>;

impl Rate {
    /// Returns its prices: the first for any input, and each other from its length on up to the next.
    pub(super) fn prices(&self, meter: Meter) -> Vec<OfferPrice> {
        tiers::prices(meter, self.unit, Some(self.base), &self.tiers)
    }

    /// Returns its prices, the first of which has a range too, so that each looks at the length of the input.
    pub(super) fn prices_by_length(&self, meter: Meter) -> Vec<OfferPrice> {
        let mut prices = self.prices(meter);
        let first = Range { from: Some(Decimal::ZERO), up_to: self.tiers.keys().next().copied(), ..Range::default() };
        prices[0].conditions = tiers::of_length(first);
        prices
    }
}

/// What a key is for: meters, and whether a key for fewer of them comes before it.
struct Key {
    meters: &'static [Meter],
    unit: Unit,
    is_general: bool,
}

fn key(name: &str) -> Option<Key> {
    let token = |meters| Key { meters, unit: Unit::Per1mTokens, is_general: false };
    let plain = |meters, unit| Key { meters, unit, is_general: false };
    Some(match name {
        "input_mtok" => token(&[Meter::InputToken]),
        "output_mtok" => token(&[Meter::OutputToken]),
        "cache_read_mtok" => token(&[Meter::CachedInputToken]),
        "cache_write_5m_mtok" => token(&[Meter::CacheWrite5mToken]),
        "cache_write_1h_mtok" => token(&[Meter::CacheWrite1hToken]),
        // Writes of every lifetime that has no price of its own; the 1-hour ones fall back to the 5-minute ones.
        "cache_write_mtok" => Key { meters: &[Meter::CacheWrite5mToken], unit: Unit::Per1mTokens, is_general: true },
        "input_audio_mtok" => token(&[Meter::InputAudioToken]),
        "cache_audio_read_mtok" => token(&[Meter::CachedInputAudioToken]),
        "cache_audio_write_mtok" => token(&[Meter::CacheWriteAudioToken]),
        "input_image_mtok" => token(&[Meter::InputImageToken]),
        "cache_image_read_mtok" => token(&[Meter::CachedInputImageToken]),
        "input_video_mtok" => token(&[Meter::InputVideoToken]),
        "cache_video_read_mtok" => token(&[Meter::CachedInputVideoToken]),
        "output_audio_mtok" => token(&[Meter::OutputAudioToken]),
        "output_image_mtok" => token(&[Meter::OutputImageToken]),
        "output_video_mtok" => token(&[Meter::OutputVideoToken]),
        "output_reasoning_mtok" => token(&[Meter::ReasoningToken]),
        "output_citation_mtok" => token(&[Meter::CitationToken]),
        "input_mchars" => plain(&[Meter::InputCharacter], Unit::Per1mCharacters),
        "input_audio_hours" => plain(&[Meter::InputAudioSecond], Unit::PerHour),
        "output_audio_hours" => plain(&[Meter::OutputAudioSecond], Unit::PerHour),
        // Sound of either direction that has no price of its own.
        "audio_hours" => {
            Key { meters: &[Meter::InputAudioSecond, Meter::OutputAudioSecond], unit: Unit::PerHour, is_general: true }
        }
        "input_gpixels" => plain(&[Meter::InputPixel], Unit::PerMegapixel),
        "input_document_kpages" => plain(&[Meter::Page], Unit::Per1kPages),
        "input_annotated_document_kpages" => plain(&[Meter::AnnotatedPage], Unit::Per1kPages),
        "input_text_messages_kcount" => plain(&[Meter::TextMessage], Unit::Per1kMessages),
        "rerank_searches_kcount" => plain(&[Meter::SearchUnit], Unit::Per1kSearches),
        "web_searches_kcount" => plain(&[Meter::WebSearch], Unit::Per1kSearches),
        "storage_searches_kcount" => plain(&[Meter::FileSearch], Unit::Per1kSearches),
        "requests_kcount" => plain(&[Meter::Request], Unit::Per1kRequests),
        _ => return None,
    })
}

/// Reads one set of prices.
pub(super) fn rates(prices: &Fields<'_>, entry: &str, not_understood: &mut Vec<NotUnderstood>) -> Rates {
    let mut rates = Rates::new();
    let mut general = Vec::new();
    let longer_writes = prices.contains_key("cache_write_5m_mtok") && !prices.contains_key("cache_write_1h_mtok");
    for (name, raw) in prices.iter().filter(|(_, raw)| !digits::is_null(raw)) {
        let mut refuse = |reason: &str| not_understood.push(digits::not_understood(entry, name, raw, reason));
        let Some(key) = key(name) else {
            refuse("no meter counts what this key prices");
            continue;
        };
        let Some(rate) = rate(name, raw, key.unit, &mut refuse) else { continue };
        if key.is_general {
            general.extend(key.meters.iter().map(|meter| (*meter, rate.clone())));
            if name == "cache_write_mtok" && longer_writes {
                general.push((Meter::CacheWrite1hToken, rate));
            }
        } else {
            rates.extend(key.meters.iter().map(|meter| (*meter, rate.clone())));
        }
    }
    for (meter, rate) in general {
        rates.entry(meter).or_insert(rate);
    }
    rates
}

/// Adds what a set means by leaving it out, where that is free: output beside a price of input.
pub(super) fn complete(rates: &mut Rates, omission: Omission) {
    if omission == Omission::IsUnknown {
        return;
    }
    if rates.contains_key(&Meter::InputToken) && !rates.keys().any(|meter| meter.is_output()) {
        let free = Rate { unit: Unit::Per1mTokens, base: Decimal::ZERO, tiers: BTreeMap::new() };
        rates.insert(Meter::OutputToken, free);
    }
}

fn rate(name: &str, raw: &RawValue, unit: Unit, refuse: &mut impl FnMut(&str)) -> Option<Rate> {
    /// A price that jumps with the length of the input.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tiered<'a> {
        #[serde(borrow)]
        base: &'a RawValue,
        #[serde(borrow)]
        tiers: Vec<Tier<'a>>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Tier<'a> {
        #[serde(borrow)]
        start: &'a RawValue,
        #[serde(borrow)]
        price: &'a RawValue,
    }
    // A price of a thousand million pixels is a thousand times that of a million.
    let per_unit = |raw: &RawValue| match digits::amount(raw) {
        Some(amount) if name == "input_gpixels" => exact_amount(amount, 1, 1_000).ok(),
        amount => amount,
    };
    if let Some(base) = per_unit(raw) {
        return Some(Rate { unit, base, tiers: BTreeMap::new() });
    }
    let read = || {
        let tiered: Tiered<'_> = serde_json::from_str(raw.get()).ok()?;
        let base = per_unit(tiered.base)?;
        let tiers: Option<BTreeMap<Decimal, Decimal>> =
            tiered.tiers.iter().map(|tier| Some((digits::amount(tier.start)?, per_unit(tier.price)?))).collect();
        Some(Rate { unit, base, tiers: tiers.filter(|kept| kept.len() == tiered.tiers.len())? })
    };
    let rate = read();
    if rate.is_none() {
        refuse("it is neither a decimal of zero or more nor a base with tiers that begin at different lengths");
    }
    rate
}
