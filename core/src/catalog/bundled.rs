//! The catalog that is embedded in the crate.

use std::sync::LazyLock;

use super::Catalog;

/// The JSON that `scripts/build_catalog.py` writes.
const BUNDLED: &str = include_str!("catalog.json");

/// Returns the catalog that is embedded in the crate. It is read once, at the first call, and never from the network.
#[must_use]
pub fn bundled() -> &'static Catalog {
    #[expect(clippy::expect_used, reason = "the text is part of the build, and a test reads it")]
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::from_json(BUNDLED).expect("the embedded catalog is valid"));
    &CATALOG
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use jiff::civil::date;
    use rust_decimal::Decimal;
    use serde_json::Value;

    use super::*;
    use crate::types::{Capability, Currency, Meter, Unit};

    #[test]
    fn the_embedded_catalog_is_read_whole() {
        let raw: Value = serde_json::from_str(BUNDLED).unwrap();
        let catalog = bundled();
        assert_eq!(catalog.entries().len(), raw["models"].as_array().unwrap().len());
        assert!(catalog.entries().len() >= 60, "{}", catalog.entries().len());
        assert_eq!(catalog.version().to_string(), raw["version"].as_str().unwrap());
        for entry in catalog.entries() {
            assert_eq!(catalog.find(&entry.provider, &entry.model), Some(entry));
            for alias in &entry.aliases {
                assert_eq!(catalog.find(&entry.provider, alias), Some(entry));
            }
        }
    }

    #[test]
    fn every_entry_makes_sense() {
        for entry in bundled().entries() {
            let name = format!("{}/{}", entry.provider, entry.model);
            let prices = &entry.prices;
            assert_eq!((entry.capability, entry.unit), (Capability::Text, Unit::Per1mTokens), "{name}");
            assert!([Currency::USD, Currency::CNY].contains(&entry.currency), "{name}");
            assert!(prices.values().all(|price| *price > Decimal::ZERO), "{name}: a price of zero is not a fact");
            let input = prices[&Meter::InputToken];
            assert!(input <= prices[&Meter::OutputToken], "{name}");
            assert!(prices.get(&Meter::CachedInputToken).is_none_or(|cached| *cached <= input), "{name}");
            let write = prices.get(&Meter::CacheWrite5mToken);
            assert!(write.is_none_or(|write| *write >= input), "{name}");
            assert!(
                prices.get(&Meter::CacheWrite1hToken).is_none_or(|longer| write.is_some_and(|write| longer >= write))
            );
            assert!(!entry.source.is_empty() && entry.source.chars().any(|letter| letter.is_ascii_digit()), "{name}");
            assert!(entry.checked >= date(2026, 1, 1) && entry.checked <= bundled().version(), "{name}");
            assert!(entry.provider == entry.provider.to_lowercase() && !entry.model.is_empty(), "{name}");
            assert!(entry.context_window != Some(0) && entry.max_output_tokens != Some(0), "{name}");
        }
    }

    #[test]
    fn no_price_went_through_a_float() {
        let raw: Value = serde_json::from_str(BUNDLED).unwrap();
        for entry in raw["models"].as_array().unwrap() {
            for (meter, price) in entry["prices"].as_object().unwrap() {
                let text = price.as_str().expect("a price is a string");
                assert!(text.len() <= 12, "{} {meter}: {text}", entry["model"]);
                assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{text}");
                let decimal: Decimal = text.parse().unwrap();
                assert_eq!(decimal.normalize().to_string(), text);
            }
        }
    }

    #[test]
    fn the_lists_of_one_seller_in_two_regions_are_kept_apart() {
        let mainland = bundled().find("dashscope", "qwen-max").unwrap();
        let international = bundled().find("dashscope-intl", "qwen-max").unwrap();
        assert_eq!((mainland.currency, international.currency), (Currency::CNY, Currency::USD));
        let providers: BTreeSet<&str> = bundled().entries().iter().map(|entry| entry.provider.as_str()).collect();
        for provider in
            ["openai", "anthropic", "gemini", "groq", "mistral", "xai", "doubao", "zhipu", "zai", "moonshot"]
        {
            assert!(providers.contains(provider), "{provider}");
        }
    }

    #[test]
    fn a_model_of_a_known_family_is_not_priced_by_its_family() {
        for model in ["gpt-4o-mini", "gpt-4o-mini-2024-07-18"] {
            assert_eq!(bundled().find("openai", model).unwrap().prices[&Meter::InputToken].to_string(), "0.15");
        }
        for model in ["gpt-4o-mini-tomorrow", "gpt-4o-2024-05-13", "gpt-4o-audio-preview", "gpt-4", "gpt-"] {
            assert!(bundled().find("openai", model).is_none(), "{model}");
        }
        assert!(bundled().find("azure", "gpt-4o").is_none(), "another seller has its own list");
    }

    #[test]
    fn a_fresh_config_is_priced_at_once() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        for entry in bundled().entries() {
            let terms = entry.price_terms(now);
            assert_eq!(terms.len(), entry.prices.len(), "{}", entry.model);
            assert!(
                terms.iter().all(|terms| terms.in_force(now)
                    && terms.pricing_type.meter().is_some_and(|meter| terms.unit.fits(meter)))
            );
        }
    }
}
