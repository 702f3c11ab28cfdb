//! The price catalog: what models cost and how much they take and give, as of the day it was checked.
//!
//! A catalog is only asked when a model config is added; the prices are copied into the file, so that a newer catalog
//! changes no past or present cost. `scripts/build_catalog.py` makes the bundled one.

mod bundled;
pub mod import;
pub mod lint;
pub mod snapshot;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

pub use bundled::bundled;

use crate::types::{Capability, Currency, Error, ErrorKind, Meter, PriceTerms, Result, Unit};

/// What is known of one model of one provider.
///
/// Its prices are flat: one price per meter, whatever the length of the input, the time of day or the mode of the call.
/// Where a provider charges more for inputs of more than 128k tokens, `note` says so; models with other conditions are
/// left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CatalogEntry {
    /// The provider's name, in lower case.
    pub provider: String,
    /// The model's name at the provider.
    pub model: String,
    /// Other names of exactly this model at exactly these prices, such as dated ones.
    pub aliases: Vec<String>,
    /// What the model can make.
    pub capability: Capability,
    /// The native currency of all its prices.
    pub currency: Currency,
    /// The unit that all its prices count in.
    pub unit: Unit,
    /// The price of one unit of each meter that has a price of its own.
    pub prices: BTreeMap<Meter, Decimal>,
    /// The most input tokens that it takes, where known.
    pub context_window: Option<u64>,
    /// The most output tokens that it gives, where known.
    pub max_output_tokens: Option<u64>,
    /// Where the prices were read, with the version of that source.
    pub source: String,
    /// The day on which they were read.
    pub checked: Date,
    /// The instant from which the provider has announced other prices.
    pub until: Option<Timestamp>,
    /// What the prices leave out, for people.
    pub note: Option<String>,
}

impl CatalogEntry {
    /// Returns the prices of a config that is added at an instant: they apply from then on, and no price is back-dated.
    ///
    /// The list is empty if the provider's announced change has come, because what it costs since then is not known.
    #[must_use]
    pub fn price_terms(&self, now: Timestamp) -> Vec<PriceTerms> {
        if self.until.is_some_and(|until| until <= now) {
            return Vec::new();
        }
        let terms = |(meter, unit_price): (&Meter, &Decimal)| PriceTerms {
            expiry_date: self.until,
            source: format!("catalog: {}, checked {}", self.source, self.checked),
            ..PriceTerms::new(*meter, *unit_price, self.unit, self.currency, now)
        };
        self.prices.iter().map(terms).collect()
    }
}

/// A set of entries with a version.
#[derive(Debug)]
pub struct Catalog {
    version: Date,
    entries: Vec<CatalogEntry>,
    /// Provider, then model or alias, to the place in `entries`.
    places: HashMap<String, HashMap<String, usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CatalogFile {
    version: Date,
    models: Vec<CatalogEntry>,
}

impl Catalog {
    /// Reads a catalog from its JSON form, whose prices are decimal strings.
    ///
    /// Fails with [`ErrorKind::InvalidRequest`] if it is not in that form or names a model twice.
    pub fn from_json(text: &str) -> Result<Self> {
        let invalid = |what: String| Error::new(ErrorKind::InvalidRequest, format!("the catalog is not valid: {what}"));
        let CatalogFile { version, models } = serde_json::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let mut places: HashMap<String, HashMap<String, usize>> = HashMap::new();
        for (place, entry) in models.iter().enumerate() {
            let names = places.entry(entry.provider.clone()).or_default();
            for name in std::iter::once(&entry.model).chain(&entry.aliases) {
                if names.insert(name.clone(), place).is_some() {
                    return Err(invalid(format!("it names {}/{name} twice", entry.provider)));
                }
            }
        }
        Ok(Self { version, entries: models, places })
    }

    /// Returns the entry of a model by its exact name or an alias that the entry lists; never one of a similar name.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&CatalogEntry> {
        self.places.get(provider)?.get(model).and_then(|place| self.entries.get(*place))
    }

    /// Returns all entries, in the order of provider and model.
    #[must_use]
    pub fn entries(&self) -> &[CatalogEntry] {
        &self.entries
    }

    /// Returns the version: the day on which the catalog was made.
    #[must_use]
    pub fn version(&self) -> Date {
        self.version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{"version": "2026-11-22", "models": [{
        "provider": "acme", "model": "duck-2", "aliases": ["duck-2-2026-01-05"], "capability": "text", "currency": "EUR",
        "unit": "per_1m_tokens", "prices": {"input_token": "0.10", "output_token": "2"}, "max_output_tokens": 4096,
        "source": "list", "checked": "2026-11-20", "until": "2027-01-01T00:00:00Z"
    }]}"#;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_model_is_found_by_its_exact_names_only() {
        let catalog = Catalog::from_json(SMALL).unwrap();
        assert_eq!(catalog.find("acme", "duck-2").unwrap().currency.code(), "EUR");
        assert_eq!(catalog.find("acme", "duck-2-2026-01-05"), catalog.find("acme", "duck-2"));
        for (provider, model) in [
            ("acme", "duck"),
            ("acme", "duck-2-"),
            ("acme", "duck-2-mini"),
            ("acme", "duck-2-2026-01-06"),
            ("acme", "Duck-2"),
            ("acme", ""),
            ("Acme", "duck-2"),
            ("other", "duck-2"),
        ] {
            assert!(catalog.find(provider, model).is_none(), "{provider}/{model}");
        }
    }

    #[test]
    fn prices_apply_from_the_instant_of_adding_until_the_announced_change() {
        let catalog = Catalog::from_json(SMALL).unwrap();
        let entry = catalog.find("acme", "duck-2").unwrap();
        let now = instant("2026-12-24T12:00:00Z");
        let terms = entry.price_terms(now);
        assert_eq!(
            terms.iter().map(|terms| terms.pricing_type).collect::<Vec<_>>(),
            [Meter::InputToken, Meter::OutputToken]
        );
        let input = &terms[0];
        assert_eq!(
            (input.unit_price.to_string().as_str(), input.unit, input.is_active),
            ("0.10", Unit::Per1mTokens, true)
        );
        assert_eq!(input.source, "catalog: list, checked 2026-11-20");
        assert!(input.in_force(now) && input.in_force(instant("2026-12-31T23:59:59Z")));
        assert!(!input.in_force(instant("2026-12-24T11:59:59Z")) && !input.in_force(instant("2027-01-01T00:00:00Z")));
        assert_eq!(entry.price_terms(instant("2027-01-01T00:00:00Z")), []);
    }

    #[test]
    fn a_catalog_that_contradicts_itself_is_refused() {
        for (from, to, says) in [
            ("duck-2-2026-01-05", "duck-2", "acme/duck-2 twice"),
            ("\"max_output_tokens\"", "\"maximum\"", "unknown field"),
            ("input_token", "input_tokens", "unknown variant"),
            ("EUR", "eur", "ISO 4217"),
        ] {
            let error = Catalog::from_json(&SMALL.replace(from, to)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert!(error.detail().contains(says), "{error}");
        }
    }
}
