//! `LiteLLM`'s `model_prices_and_context_window.json`: one object of models, whose prices are keys of flat names.

mod document;
mod keys;
mod ladder;
mod modifiers;
mod off_peak;
mod offers;
mod ranges;
mod search;

use serde_json::{Map, Value};

pub use document::exact_object;
pub(super) use offers::read;

use super::extent::{self, MOST_PRICES, TOO_MANY_PRICES, quoted};
use super::{Entry, NotUnderstood};
use crate::types::Meter;
use document::number;
use keys::Key;
use ladder::Ladders;

/// Providers at which a threshold itself already belongs to the prices above it.
const INCLUSIVE_THRESHOLDS: [&str; 1] = ["xai"];

/// Reads the prices of one entry of a provider.
///
/// The prices are those of [`exact_object`], or any object whose prices are strings of digits: a fraction that went
/// through a float is not understood. Where the entry has a `mode`, it decides what a bare second or query counts.
#[must_use]
pub fn read_entry(provider: &str, model: &str, prices: &Map<String, Value>) -> Entry {
    let mut reader = Reader {
        provider,
        model,
        entry: keys::Entry {
            mode: prices.get("mode").and_then(Value::as_str),
            prices_made_images: prices.contains_key("output_cost_per_image"),
            prices_tokens: prices.contains_key("input_cost_per_token"),
        },
        read: Entry::default(),
    };
    let mut ladders = Ladders::default();
    let speaking = || prices.iter().filter(|(key, value)| keys::speaks_of_prices(key) && !value.is_null());
    if speaking().count() > MOST_PRICES {
        reader.not_understood("", &Value::Null, TOO_MANY_PRICES);
        return reader.read;
    }
    for (key, value) in speaking() {
        reader.plain(key, value, prices, &mut ladders);
    }
    ladders.complete();
    reader.read.prices.extend(ladders.into_prices(INCLUSIVE_THRESHOLDS.contains(&provider)));
    if let Some(table) = prices.get("tiered_pricing").filter(|_| extent::fits(&reader.read.prices)) {
        let base: Vec<Meter> = reader.read.prices.iter().filter_map(|price| price.pricing_type.meter()).collect();
        let read = ranges::read(table, reader.entry, |meter| base.contains(&meter));
        reader.read.prices.extend(read.prices);
        reader.wrong("tiered_pricing", read.wrong);
    }
    match prices.get("off_peak_pricing") {
        Some(Value::Object(block)) if extent::fits(&reader.read.prices) => {
            let wrong = off_peak::add(block, reader.entry, &mut reader.read.prices);
            reader.wrong("off_peak_pricing", wrong);
        }
        Some(other) if !other.is_null() && !other.is_object() => {
            reader.not_understood("off_peak_pricing", other, "it is no object");
        }
        _ => {}
    }
    if !extent::fits(&reader.read.prices) {
        reader.read.prices.clear();
        reader.not_understood("", &Value::Null, TOO_MANY_PRICES);
    }
    reader.read
}

struct Reader<'a> {
    provider: &'a str,
    model: &'a str,
    entry: keys::Entry<'a>,
    read: Entry,
}

impl Reader<'_> {
    fn not_understood(&mut self, key: &str, value: &Value, reason: &str) {
        let text = quoted(&value.as_str().map_or_else(|| value.to_string().into(), std::borrow::Cow::Borrowed));
        self.read.not_understood.push(NotUnderstood {
            entry: self.model.to_owned(),
            key: key.to_owned(),
            value: text,
            reason: reason.to_owned(),
        });
    }

    fn wrong(&mut self, key: &str, wrong: Vec<(String, String, &'static str)>) {
        for (place, value, reason) in wrong {
            self.not_understood(&format!("{key}{place}"), &Value::String(value), reason);
        }
    }

    /// Reads a key that stands for itself.
    fn plain(&mut self, name: &str, value: &Value, all: &Map<String, Value>, ladders: &mut Ladders) {
        let is_each_search = name == "web_search_billing_unit" && value == "per_query";
        if is_each_search || matches!(name, "tiered_pricing" | "off_peak_pricing") {
            return;
        }
        if let Some(reason) = reason_to_leave_out(name, all) {
            return self.not_understood(name, value, reason);
        }
        match name {
            "search_context_cost_per_query" => match search::read(value, self.provider) {
                Some(prices) => self.read.prices.extend(prices),
                None => self.not_understood(name, value, "it is no object of prices by the sizes low, medium and high"),
            },
            "provider_specific_entry" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    let place = format!("{name}.{key}");
                    match modifiers::specific(key, value) {
                        Some(modifier) => self.read.prices.push(modifier),
                        // A word configures how a provider is called, and prices nothing.
                        None if value.is_string() && number(value).is_none() => {}
                        None => self.not_understood(&place, value, "it is no ratio by region or speed"),
                    }
                }
            }
            _ if name.starts_with("regional_") => match modifiers::uplift(name, value) {
                Some(modifier) => self.read.prices.push(modifier),
                None => self.not_understood(name, value, "it is no ratio by region"),
            },
            _ => self.price(name, value, ladders),
        }
    }

    fn price(&mut self, name: &str, value: &Value, ladders: &mut Ladders) {
        let key = Key::of(name);
        let Some((meter, unit)) = keys::meter_of(key.base, self.entry) else {
            return self.not_understood(name, value, "no meter counts what this key prices");
        };
        let Some(price) = number(value).filter(|price| !price.is_sign_negative() || price.is_zero()) else {
            let reason = "it is no exact price of zero or more; give its digits as a string";
            return self.not_understood(name, value, reason);
        };
        if let Err(other) = ladders.add(meter, unit, key.resolution, (key.tier, key.above), price) {
            let reason = format!("another key of the entry prices {meter} at {other}");
            self.not_understood(name, value, &reason);
        }
    }
}

/// Returns why a key that speaks of prices becomes none, where its name alone or its neighbours say so.
fn reason_to_leave_out(name: &str, all: &Map<String, Value>) -> Option<&'static str> {
    let has = |key: &str| all.get(key).is_some_and(|value| !value.is_null());
    let is_again = |key: &str| all.get(key) == all.get(name);
    Some(match name {
        "search_free_requests" => "an allowance of an account is no price of a request",
        "web_search_billing_unit" => "all searches of a prompt count as one, which whoever meters the usage must do",
        "guardrail_cost_per_unit" => "it prices several kinds of units that one meter cannot tell apart",
        "input_dbu_cost_per_token" | "output_dbu_cost_per_token" => {
            "it restates a price in the vendor's own units, which are no currency"
        }
        "input_cost_per_second" if has("cost_per_second") && is_again("cost_per_second") => {
            "it restates cost_per_second, which counts the seconds of computing"
        }
        "input_cost_per_pixel" if has("input_cost_per_image") => "it restates input_cost_per_image by the pixel",
        "output_cost_per_pixel" if has("input_cost_per_pixel") || has("output_cost_per_image") => {
            "another key of the entry prices the same images"
        }
        _ if name.ends_with("s_interval") => "the interval belongs to a kind of embedding, and is no length of a call",
        _ if name.contains("_above_12hr") => "no meter counts tokens that are written to a cache for 12 hours",
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
