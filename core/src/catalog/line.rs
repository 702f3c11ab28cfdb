//! One line of a catalog: an offer, written small.
//!
//! Prices under one set of conditions, with the same dates, basis and rounding, stand in one group. A price counts in the
//! usual unit of its meter's family unless its key names another, as in `input_token@per_1k_tokens`.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::header::Header;
use super::header::invalid;
use crate::types::{
    Basis, Capability, Conditions, Currency, Family, Meter, Modifier, Offer, OfferPrice, PricingType, Result, Rounding,
    Unit, decimal_of,
};

/// The fields of a line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The provider.
    p: String,
    /// The model.
    m: String,
    /// The aliases.
    #[serde(default)]
    a: Vec<String>,
    /// The capability; text where absent.
    #[serde(default)]
    k: Capability,
    /// The currency; dollars where absent.
    #[serde(default = "dollars")]
    c: Currency,
    /// The context window.
    #[serde(default)]
    i: Option<u64>,
    /// The most output tokens.
    #[serde(default)]
    o: Option<u64>,
    /// The sources: places in the header's list, or words.
    s: Sources,
    /// The day on which they were read; that of the catalog where absent.
    #[serde(default)]
    d: Option<Date>,
    /// The note.
    #[serde(default)]
    n: Option<String>,
    /// The groups of prices.
    x: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Sources {
    Listed(Vec<usize>),
    Words(String),
}

/// Prices that share everything but their meter.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    /// When they apply.
    #[serde(default)]
    w: Conditions,
    /// Their basis.
    #[serde(default)]
    b: Basis,
    /// Their rounding.
    #[serde(default)]
    r: Rounding,
    /// The first instant at which they apply.
    #[serde(default)]
    f: Option<Timestamp>,
    /// The first instant at which they no longer apply.
    #[serde(default)]
    t: Option<Timestamp>,
    /// The price of each meter.
    #[serde(default)]
    q: Map<String, Value>,
    /// In place of prices, a modifier: its ratio and what it multiplies.
    #[serde(default)]
    z: Option<(String, Modifier)>,
}

const fn dollars() -> Currency {
    Currency::USD
}

/// Returns the unit that prices of a meter count in where none is named: a million of what comes in millions, else one.
fn usual_unit(meter: Meter) -> Option<Unit> {
    let size = match meter.family() {
        Family::Token | Family::Character | Family::TokenHour => 1_000_000,
        _ => 1,
    };
    Unit::ALL.iter().copied().find(|unit| unit.fits(meter) && unit.size() == size)
}

/// Reads a line.
pub(super) fn read(line: &str, header: &Header) -> Result<Offer> {
    let about = |what: String| invalid(format!("line {:?}: {what}", line.chars().take(80).collect::<String>()));
    let line: Line = serde_json::from_str(line).map_err(|error| about(error.to_string()))?;
    let mut prices = Vec::new();
    for group in line.x {
        group.read(&mut prices).map_err(about)?;
    }
    let source = match line.s {
        Sources::Words(words) => words,
        Sources::Listed(places) => {
            let label = |place: usize| header.sources.get(place).map(super::CatalogSource::label);
            let labels: Option<Vec<String>> = places.into_iter().map(label).collect();
            labels.ok_or_else(|| about("a source that the header does not list".to_owned()))?.join(", ")
        }
    };
    Ok(Offer {
        provider: line.p,
        model: line.m,
        aliases: line.a,
        capability: line.k,
        currency: line.c,
        prices,
        context_window: line.i,
        max_output_tokens: line.o,
        source,
        checked: line.d.unwrap_or(header.version),
        note: line.n,
    })
}

impl Group {
    fn read(self, prices: &mut Vec<OfferPrice>) -> std::result::Result<(), String> {
        let first = prices.len();
        if let Some((ratio, modifier)) = &self.z {
            let ratio = decimal_of(ratio).ok_or_else(|| format!("the ratio {ratio:?} is not a decimal"))?;
            prices.push(OfferPrice::modifier(ratio, modifier.clone()));
        }
        for (key, price) in &self.q {
            let (name, unit) = key.split_once('@').map_or((key.as_str(), None), |(name, unit)| (name, Some(unit)));
            let meter = Meter::from_name(name).ok_or_else(|| format!("{name:?} is not a meter"))?;
            let unit = unit.map_or_else(|| usual_unit(meter), Unit::from_name);
            let unit = unit.filter(|unit| unit.fits(meter)).ok_or_else(|| format!("{key:?} has no unit that fits"))?;
            let unit_price = price.as_str().and_then(decimal_of);
            let unit_price =
                unit_price.ok_or_else(|| format!("the price {price} of {key:?} is not a decimal string"))?;
            prices.push(OfferPrice::new(PricingType::Meter(meter), unit_price, unit));
        }
        for price in &mut prices[first..] {
            price.conditions = self.w.clone();
            price.basis = self.b;
            price.rounding = self.r;
            price.effective_date = self.f;
            price.expiry_date = self.t;
        }
        if prices.len() == first { Err("a group without prices".to_owned()) } else { Ok(()) }
    }
}
