//! Prices that were read before: lines of one stream name the same ones again and again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::value::RawValue;
use tollway::billing::component::Component;
use tollway::billing::price::PriceSet;
use tollway::types::{Offer, OfferPrice, Result};

use super::line::{Format, Line};

/// The instant of a call that no one knows. No hours of a day are said to hold then.
pub(super) const UNKNOWN_INSTANT: Timestamp = Timestamp::MIN;

/// How many price lists are kept; beyond that the cache begins anew.
const MOST: usize = 16_384;
/// How many bytes the texts of those may have.
const MOST_BYTES: usize = 16 << 20;

/// Prices by the text that they were read from.
#[derive(Default)]
pub(super) struct Cache {
    prepared: HashMap<(Format, String), Prepared>,
    /// The bytes of all texts.
    bytes: usize,
}

/// The prices of a line, ready to be applied.
pub(super) struct Prepared {
    components: Vec<Arc<Component>>,
    /// All of them at once, where none has a date.
    undated: Option<PriceSet>,
    /// Those that hold whatever the hour, where some do not.
    timeless: Option<PriceSet>,
    /// What counts mean under prices in `LiteLLM`'s form.
    pub(super) litellm: super::litellm::Reading,
}

impl Prepared {
    /// Takes prices; those without a date apply at any time.
    pub(super) fn new(offer: &Offer) -> Result<Self> {
        let timeless = offer.prices.iter().any(|price| price.conditions.calendar.is_some()).then(|| {
            let prices = offer.prices.iter().filter(|price| price.conditions.calendar.is_none());
            PriceSet::of_terms(prices.map(|price| offer.term(price, Timestamp::MIN)))
        });
        let timeless = timeless.transpose()?;
        let litellm = super::litellm::Reading::default();
        let is_dated = |price: &OfferPrice| price.effective_date.is_some() || price.expiry_date.is_some();
        let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
        if !offer.prices.iter().any(is_dated) {
            return Ok(Self { components: Vec::new(), undated: Some(PriceSet::of_terms(terms)?), timeless, litellm });
        }
        Ok(Self {
            components: terms.map(|terms| Arc::new(Component::of_terms(terms))).collect(),
            undated: None,
            timeless,
            litellm,
        })
    }

    /// Returns the prices in force at an instant.
    pub(super) fn prices(&self, at: Timestamp) -> Result<std::borrow::Cow<'_, PriceSet>> {
        if let Some(prices) = self.timeless.as_ref().filter(|_| at == UNKNOWN_INSTANT) {
            return Ok(std::borrow::Cow::Borrowed(prices));
        }
        match &self.undated {
            Some(prices) => Ok(std::borrow::Cow::Borrowed(prices)),
            None => PriceSet::in_force(&self.components, at, Timestamp::MAX).map(std::borrow::Cow::Owned),
        }
    }
}

impl Cache {
    /// Returns the prices of a line.
    pub(super) fn get(&mut self, line: &Line<'_>) -> Result<&Prepared> {
        if self.prepared.len() >= MOST || self.bytes >= MOST_BYTES {
            *self = Self::default();
        }
        let key = [&line.provider, &line.model, line.prices.get(), text(line.price_rules), text(line.price_context)]
            .join("\n");
        match self.prepared.entry((line.format, key)) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let prepared = match line.format {
                    Format::Litellm => super::litellm::prepare(line)?,
                    Format::GenaiPrices => super::genai_prices::prepare(line)?,
                    Format::Tollway => super::tollway_format::prepare(line)?,
                };
                self.bytes += entry.key().1.len();
                Ok(entry.insert(prepared))
            }
        }
    }
}

fn text(value: Option<&RawValue>) -> &str {
    value.map_or("", RawValue::get)
}
