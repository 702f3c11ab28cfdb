//! Tollway's own form of price lists, and the prices of one offer as a line of `tollway cost` gives them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::digits;
use super::extent::{self, MOST_PRICES, quoted};
use super::fields::{Fields, List};
use super::{ImportReport, Imported, Origin};
use crate::types::{
    Basis, Conditions, Currency, Error, ErrorKind, ModelName, Modifier, Offer, OfferPrice, PriceBook, PricingType,
    Result, Rounding, Unit,
};

/// The name of the form, as it stands in a list.
const FORMAT: &str = "tollway-prices";
/// The newest version of the form, which is the one that is written.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u32,
    offers: &'a [Offer],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head<'a> {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
    #[serde(borrow)]
    offers: List<&'a RawValue>,
}

/// The prices of one offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceMap {
    /// The currency of all of them.
    pub currency: Currency,
    /// The prices and modifiers.
    pub prices: Vec<OfferPrice>,
}

/// Reads a list. Its offers say themselves where they come from, so that the origin of the file is not asked.
pub(super) fn read(text: &str, _origin: &Origin) -> Result<Imported> {
    let head: Head<'_> = digits::parse(text, "the price list")?;
    if head.format != FORMAT || head.version == 0 {
        return Err(invalid(format!("the list does not begin with \"format\": {FORMAT:?} and \"version\": {VERSION}")));
    }
    if head.version > VERSION {
        let detail =
            format!("the list is of version {}, and this Tollway reads up to {VERSION}; upgrade it", head.version);
        return Err(invalid(detail));
    }
    let mut report = ImportReport { entries: head.offers.0.len(), ..ImportReport::default() };
    let mut offers: Vec<Offer> = Vec::with_capacity(head.offers.0.len());
    let mut names = BTreeSet::new();
    for (place, raw) in head.offers.0.iter().enumerate() {
        let offer: Offer = digits::parse(raw.get(), &format!("offers[{place}]"))?;
        check_count(&offer.name(), &offer.prices)?;
        report.prices += offer.prices.len();
        extent::check(&report)?;
        for price in &offer.prices {
            if let Some(problem) = problem(price) {
                return Err(invalid(format!("{}: {}: {problem}", offer.name(), price.pricing_type)));
            }
        }
        for name in std::iter::once(&offer.model).chain(&offer.aliases) {
            if !names.insert((offer.provider.clone(), name.clone())) {
                return Err(invalid(format!("{} is named twice; keep one", ModelName::new(&offer.provider, name))));
            }
        }
        offers.push(offer);
    }
    report.offers = offers.len();
    report.unpriced = offers.iter().filter(|offer| offer.prices.is_empty()).map(Offer::name).collect();
    Ok(Imported { book: PriceBook { offers }, report })
}

/// Writes a book in Tollway's own form; reading it gives the same book.
#[must_use]
pub fn write(book: &PriceBook) -> String {
    // Maps with text as keys and plain values: there is nothing in it that JSON cannot hold.
    let written = Written { format: FORMAT, version: VERSION, offers: &book.offers };
    let mut text = serde_json::to_string_pretty(&written).unwrap_or_default();
    text.push('\n');
    text
}

/// A price as a map gives it: the meter stands outside, and the unit price may be a number.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given<'a> {
    #[serde(default)]
    pricing_type: Option<PricingType>,
    #[serde(borrow)]
    unit_price: &'a RawValue,
    #[serde(default)]
    unit: Option<Unit>,
    #[serde(default)]
    currency: Option<Currency>,
    #[serde(default)]
    conditions: Conditions,
    #[serde(default)]
    basis: Basis,
    #[serde(default)]
    rounding: Rounding,
    #[serde(default)]
    modifier: Option<Modifier>,
    #[serde(default)]
    effective_date: Option<Timestamp>,
    #[serde(default)]
    expiry_date: Option<Timestamp>,
}

/// Reads the prices of one offer: a list of prices, or a map of meters, and of `modifier`, each to a price or several.
///
/// A `currency` stands beside the meters or in any price, and is USD where it stands nowhere. Fails with `invalid_request`
/// that names the price, and with `currency_mismatch` if there are two currencies.
pub fn read_price_map(text: &str) -> Result<PriceMap> {
    let mut reader = MapReader { currency: None, prices: Vec::new() };
    if text.trim_start().starts_with('[') {
        let List(prices): List<&RawValue> = digits::parse(text, "the prices")?;
        for (place, raw) in prices.into_iter().enumerate() {
            reader.take(None, raw, &format!("prices[{place}]"))?;
        }
    } else {
        for (name, raw) in digits::parse::<Fields<'_>>(text, "the prices")? {
            if name == "currency" {
                reader.agree(digits::parse(raw.get(), "currency")?)?;
                continue;
            }
            let Some(pricing_type) = PricingType::from_name(&name) else {
                return Err(invalid(format!("{name:?} is neither a meter nor \"modifier\"; see the list of meters")));
            };
            if raw.get().starts_with('[') {
                for item in digits::parse::<List<&RawValue>>(raw.get(), &name)?.0 {
                    reader.take(Some(pricing_type), item, &name)?;
                }
            } else {
                reader.take(Some(pricing_type), raw, &name)?;
            }
        }
    }
    Ok(PriceMap { currency: reader.currency.unwrap_or(Currency::USD), prices: reader.prices })
}

struct MapReader {
    currency: Option<Currency>,
    prices: Vec<OfferPrice>,
}

impl MapReader {
    fn agree(&mut self, currency: Currency) -> Result<()> {
        let known = *self.currency.get_or_insert(currency);
        if known == currency {
            return Ok(());
        }
        let detail = format!("prices of one offer are in {known} and in {currency}; give all of them in one currency");
        Err(Error::new(ErrorKind::CurrencyMismatch, detail))
    }

    fn take(&mut self, outside: Option<PricingType>, raw: &RawValue, name: &str) -> Result<()> {
        let given: Given<'_> = digits::parse(raw.get(), name)?;
        let pricing_type = match (outside, given.pricing_type) {
            (Some(outside), Some(inside)) if outside != inside => {
                return Err(invalid(format!("{name}: its pricing_type is {inside}; leave that out")));
            }
            (outside, inside) => outside.or(inside).ok_or_else(|| invalid(format!("{name}: give a pricing_type")))?,
        };
        if let Some(currency) = given.currency {
            self.agree(currency)?;
        }
        let unit_price = digits::amount(given.unit_price).ok_or_else(|| {
            invalid(format!("{name}: unit_price {} is no decimal of zero or more", quoted(given.unit_price.get())))
        })?;
        let is_modifier = pricing_type == PricingType::MODIFIER;
        let unit = given.unit.or(is_modifier.then_some(Unit::Ratio));
        let price = OfferPrice {
            pricing_type,
            unit_price,
            unit: unit.ok_or_else(|| invalid(format!("{name}: give a unit, such as \"per_1m_tokens\"")))?,
            conditions: given.conditions,
            basis: given.basis,
            rounding: given.rounding,
            modifier: given.modifier,
            effective_date: given.effective_date,
            expiry_date: given.expiry_date,
        };
        if let Some(problem) = problem(&price) {
            return Err(invalid(format!("{name}: {problem}")));
        }
        self.prices.push(price);
        check_count(name, &self.prices)
    }
}

/// Refuses more prices than can be told from each other.
fn check_count(name: &str, prices: &[OfferPrice]) -> Result<()> {
    if extent::fits(prices) {
        return Ok(());
    }
    Err(invalid(format!("{name}: a model has at most {MOST_PRICES} prices; leave out those that no longer apply")))
}

/// Returns what is wrong with a price.
fn problem(price: &OfferPrice) -> Option<String> {
    let amount = price.unit_price;
    if amount.is_sign_negative() && !amount.is_zero() {
        return Some(format!("unit_price {amount} is below zero; give zero or more"));
    }
    match (price.pricing_type.meter(), &price.modifier) {
        (None, None) => return Some("give `modifier` with its group".to_owned()),
        (None, Some(_)) if price.unit != Unit::Ratio => return Some("the unit of a modifier is \"ratio\"".to_owned()),
        (Some(_), Some(_)) => return Some("only the pricing type \"modifier\" has `modifier`".to_owned()),
        (Some(meter), None) if !price.unit.fits(meter) => {
            let units = Unit::ALL.iter().filter(|unit| unit.fits(meter)).map(|unit| unit.name());
            let units: Vec<_> = units.collect();
            return Some(format!("{} does not count {meter}; give one of {}", price.unit.name(), units.join(", ")));
        }
        _ => {}
    }
    let is_over = price.effective_date.zip(price.expiry_date).is_some_and(|(from, until)| until <= from);
    if is_over {
        return Some("expiry_date is not after effective_date".to_owned());
    }
    price.conditions.problem()
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}

#[cfg(test)]
#[path = "tollway_tests.rs"]
mod tests;
