use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::date;

use super::*;
use crate::billing::price::PriceSet;
use crate::types::{Capability, Currency, Decimal, Meter, Offer, PriceTerms, Unit};

fn offer(provider: &str, model: &str) -> Offer {
    bundled().find(provider, model).unwrap_or_else(|| panic!("{provider}/{model}"))
}

fn made() -> Timestamp {
    let midnight = bundled().version().to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    midnight.timestamp()
}

#[test]
fn the_bundled_catalog_matches_its_digest_and_counts() {
    let catalog = bundled();
    catalog.verify().unwrap();
    assert_eq!(catalog.offers().count(), catalog.len());
    assert!(catalog.version() >= date(2026, 11, 22), "{}", catalog.version());
    assert!(!catalog.sources().is_empty());
    for offer in catalog.offers() {
        for name in std::iter::once(&offer.model).chain(&offer.aliases) {
            assert_eq!(catalog.find(&offer.provider, name).as_ref(), Some(&offer));
        }
    }
}

#[test]
fn the_bundled_catalog_is_below_a_megabyte_compressed() {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(BUNDLED.as_bytes()).unwrap();
    let deflated = encoder.finish().unwrap().len();
    println!("{} bytes, {deflated} deflated, {} offers", BUNDLED.len(), bundled().len());
    assert!(deflated < 1_000_000, "{deflated} bytes deflated");
}

#[test]
fn the_bundled_catalog_has_chat_models_and_media_models() {
    let mut counts: BTreeMap<Capability, usize> = BTreeMap::new();
    for offer in bundled().offers() {
        *counts.entry(offer.capability).or_default() += 1;
    }
    println!("{counts:?}");
    for (capability, least) in [
        (Capability::Text, 1_500),
        (Capability::Image, 200),
        (Capability::Audio, 100),
        (Capability::Video, 50),
        (Capability::Embedding, 100),
    ] {
        assert!(counts.get(&capability).is_some_and(|count| *count >= least), "{capability:?}: {counts:?}");
    }
}

/// The meters that the work of a capability is billed by; a price of one of them is enough.
fn billed_by(capability: Capability) -> &'static [Meter] {
    match capability {
        Capability::Image => &[
            Meter::Image,
            Meter::Pixel,
            Meter::InputImage,
            Meter::InputPixel,
            Meter::OutputImageToken,
            Meter::OutputToken,
            Meter::ComputeSecond,
            Meter::Request,
        ],
        Capability::Audio => &[
            Meter::TtsCharacter,
            Meter::InputAudioSecond,
            Meter::OutputAudioSecond,
            Meter::InputToken,
            Meter::OutputToken,
            Meter::ComputeSecond,
            Meter::Job,
            Meter::Request,
        ],
        Capability::Video => &[
            Meter::VideoSecond,
            Meter::InputVideoSecond,
            Meter::OutputVideoToken,
            Meter::OutputToken,
            Meter::ComputeSecond,
            Meter::Request,
        ],
        _ => &[
            Meter::InputToken,
            Meter::InputImage,
            Meter::InputCharacter,
            Meter::SearchUnit,
            Meter::Page,
            Meter::Request,
            Meter::ComputeSecond,
        ],
    }
}

#[test]
fn every_offer_makes_sense() {
    for offer in bundled().offers() {
        let name = offer.name();
        let terms = offer.terms(made());
        assert!(!terms.is_empty(), "{name}: all its prices are over");
        let mut slots: Vec<&PriceTerms> = Vec::new();
        for price in &terms {
            assert_eq!(price.conditions.problem(), None, "{name}");
            assert!(price.expiry_date.is_none_or(|expiry| price.effective_date < expiry), "{name}");
            assert!(price.modifier.is_some() == (price.unit == Unit::Ratio), "{name}");
            let overlaps = |other: &&PriceTerms| {
                other.same_slot(price)
                    && other.expiry_date.is_none_or(|expiry| price.effective_date < expiry)
                    && price.expiry_date.is_none_or(|expiry| other.effective_date < expiry)
            };
            assert!(!slots.iter().any(overlaps), "{name}: two prices of one slot at once, {price:?}");
            slots.push(price);
        }
        let set = PriceSet::of_terms(terms).unwrap();
        assert_eq!(set.currency(), Some(offer.currency), "{name}");
        let is_billed = billed_by(offer.capability).iter().any(|meter| set.has_price(*meter));
        let is_text = offer.capability == Capability::Text;
        assert!(set.prices_text() || (is_billed && !is_text) || is_service(&set), "{name} cannot be billed");
        assert!(!offer.source.is_empty() && offer.source.chars().any(|letter| letter.is_ascii_digit()), "{name}");
        assert!(offer.checked >= date(2025, 1, 1) && offer.checked <= bundled().version(), "{name}");
        assert_eq!(offer.provider, offer.provider.to_lowercase(), "{name}");
        assert!(offer.context_window != Some(0) && offer.max_output_tokens != Some(0), "{name}");
    }
}

/// Returns whether prices are those of a service beside models: of searches, pages, jobs and the like.
fn is_service(set: &PriceSet) -> bool {
    const SERVICES: [Meter; 10] = [
        Meter::SearchUnit,
        Meter::WebSearch,
        Meter::Page,
        Meter::Credit,
        Meter::GuardrailUnit,
        Meter::CodeInterpreterSession,
        Meter::StorageGigabyteDay,
        Meter::ComputeSecond,
        Meter::Request,
        Meter::Job,
    ];
    SERVICES.iter().any(|meter| set.has_price(*meter))
}

#[test]
fn no_price_went_through_a_float() {
    for offer in bundled().offers() {
        for price in &offer.prices {
            let digits = price.unit_price.normalize().mantissa().unsigned_abs().to_string();
            // A price of a pixel that stands for a price of 2^20 of them is exact with more digits.
            let of_a_mebipixel = price.unit_price * Decimal::from(1_048_576);
            let is_exact = digits.len() <= 12 || of_a_mebipixel.normalize().scale() <= 6;
            assert!(is_exact, "{} {}: {}", offer.name(), price.pricing_type, price.unit_price);
        }
    }
}

#[test]
fn the_lists_of_one_seller_in_two_regions_are_kept_apart() {
    let (mainland, international) = (offer("dashscope", "qwen-max"), offer("dashscope-intl", "qwen-max"));
    assert_eq!((mainland.currency, international.currency), (Currency::CNY, Currency::USD));
    let providers: BTreeSet<String> = bundled().offers().map(|offer| offer.provider).collect();
    for provider in ["openai", "anthropic", "gemini", "groq", "mistral", "xai", "doubao", "zhipu", "zai", "moonshot"] {
        assert!(providers.contains(provider), "{provider}");
    }
    for offer in bundled().offers() {
        if ["dashscope", "doubao", "zhipu", "moonshot", "siliconflow"].contains(&offer.provider.as_str()) {
            assert_eq!(offer.currency, Currency::CNY, "{}: a yuan list in another currency", offer.name());
        }
    }
}

#[test]
fn a_model_of_a_known_family_is_not_priced_by_its_family() {
    for model in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"] {
        let mini = offer("openai", model);
        let input =
            mini.prices.iter().find(|price| price.pricing_type == Meter::InputToken && price.conditions.is_empty());
        assert_eq!(input.unwrap().unit_price.to_string(), "0.15");
    }
    for model in ["gpt-4o-mini-tomorrow", "gpt-4o-2099-05-13", "gpt-4o-mini-", "GPT-4o", "gpt-"] {
        assert!(bundled().find("openai", model).is_none(), "{model}");
    }
}

#[test]
fn a_fresh_config_is_priced_at_once_and_not_before() {
    let now = made();
    for offer in bundled().offers() {
        let terms = offer.terms(now);
        assert!(terms.iter().any(|terms| terms.in_force(now)), "{}", offer.name());
        assert!(terms.iter().all(|terms| terms.effective_date >= now && terms.source.contains("checked")));
    }
}
