//! The data of genai-prices: providers with their models, each with one set of prices or several rules, and variants.
//!
//! A model is named by its id and by the names that its `match` gives literally. Patterns of names stay behind: they would
//! give a model the prices of another that only looks like it.

mod keys;
mod rules;
mod variants;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::digits;
use super::extent::{self, MOST_PRICES, MOST_RULES, TOO_MANY_PRICES, TOO_MANY_RULES, quoted};
use super::fields::{Fields, List};
use super::{Entry, ImportReport, Imported, NotUnderstood, Origin};
use crate::types::{Capability, Currency, Hours, Meter, ModelName, Offer, OfferPrice, PriceBook, Quantity, Result};
use rules::{Constraint, Rule};
use variants::Variant;

/// The models that a provider bills for no less than ten seconds of sound. The list has no word for it.
const AT_LEAST_TEN_SECONDS: [(&str, &str); 2] = [("groq", "whisper-large-v3"), ("groq", "whisper-large-v3-turbo")];

#[derive(Deserialize)]
struct Provider<'a> {
    id: String,
    #[serde(borrow, default)]
    models: List<&'a RawValue>,
}

/// The fields of a model that say nothing about prices, or that are read apart.
const OTHER_FIELDS: [&str; 12] = [
    "id",
    "match",
    "name",
    "description",
    "context_window",
    "price_comments",
    "deprecated",
    "prices",
    "price_variants",
    "prices_checked",
    "price_discrepancies",
    "collapse",
];

pub(super) fn read(text: &str, origin: &Origin) -> Result<Imported> {
    /// Newer data has the providers beside a list of units.
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        providers: List<Provider<'a>>,
    }
    let what = "the data of genai-prices";
    let List(providers): List<Provider<'_>> = if text.trim_start().starts_with('{') {
        digits::parse::<Wrapped<'_>>(text, what)?.providers
    } else {
        digits::parse(text, what)?
    };
    let mut report = ImportReport::default();
    let mut offers = Vec::new();
    let mut names = BTreeSet::new();
    for provider in &providers {
        for (place, raw) in provider.models.0.iter().enumerate() {
            report.entries += 1;
            extent::check(&report)?;
            let model: Fields<'_> = digits::parse(raw.get(), &format!("{}: models[{place}]", provider.id))?;
            let Some(offer) = offer(&provider.id, &model, origin, &mut report) else { continue };
            if !names.insert((offer.provider.clone(), offer.model.clone())) {
                let reason = "another model of the provider has this id, and the first one is taken";
                report.not_understood.push(digits::not_understood(&offer.name(), "id", raw, reason));
                continue;
            }
            report.prices += offer.prices.len();
            offers.push(offer);
        }
    }
    offers.sort_by(|left, right| (&left.provider, &left.model).cmp(&(&right.provider, &right.model)));
    drop_shared_names(&mut offers, &mut report);
    report.offers = offers.len();
    Ok(Imported { book: PriceBook { offers }, report })
}

fn offer(provider: &str, fields: &Fields<'_>, origin: &Origin, report: &mut ImportReport) -> Option<Offer> {
    let text = |name: &str| fields.get(name).and_then(|raw| digits::words(raw));
    let Some(model) = text("id") else {
        let value = quoted(fields.values().next().map_or("", |raw| raw.get()));
        let (entry, key, reason) = (provider.to_owned(), "id".to_owned(), "the model has no id".to_owned());
        report.not_understood.push(NotUnderstood { entry, key, value, reason });
        return None;
    };
    let entry = ModelName::new(provider, &model).to_string();
    for (name, raw) in fields.iter().filter(|(name, _)| !OTHER_FIELDS.contains(&name.as_str())) {
        report.not_understood.push(digits::not_understood(&entry, name, raw, "the field is not known"));
    }
    let read = of_model(
        provider,
        &model,
        fields.get("prices").copied(),
        fields.get("price_variants").copied(),
        Omission::IsUnknown,
    );
    report.not_understood.extend(read.not_understood);
    if read.prices.is_empty() {
        report.unpriced.push(entry);
        return None;
    }
    let mut aliases = fields.get("match").map(|raw| literal_names(raw)).unwrap_or_default();
    aliases.retain(|alias| *alias != model);
    Some(Offer {
        provider: provider.to_owned(),
        capability: capability(&read.prices),
        model,
        aliases,
        currency: Currency::USD,
        prices: read.prices,
        context_window: fields.get("context_window").and_then(|raw| digits::whole(raw)),
        max_output_tokens: None,
        source: origin.source.clone(),
        checked: origin.checked,
        note: text("price_comments"),
    })
}

/// Takes away names that several models of a provider would have: the model whose id it is keeps it, or the first.
fn drop_shared_names(offers: &mut [Offer], report: &mut ImportReport) {
    let mut taken: BTreeSet<(String, String)> =
        offers.iter().map(|offer| (offer.provider.clone(), offer.model.clone())).collect();
    for offer in offers {
        let entry = offer.name();
        offer.aliases.retain(|alias| {
            let is_free = taken.insert((offer.provider.clone(), alias.clone()));
            if !is_free {
                report.not_understood.push(NotUnderstood {
                    entry: entry.clone(),
                    key: "match".to_owned(),
                    value: quoted(alias),
                    reason: "another model of the provider has this name".to_owned(),
                });
            }
            is_free
        });
    }
}

/// Reads the prices of one model: one set, or a list of rules of which the last that holds wins, with variants among them.
///
/// With `Omission::IsFree`, output that a set leaves out beside a price of input is billed at nothing, as the calculator
/// of genai-prices does it. Fails with `invalid_request` if the text is no JSON.
pub fn read_prices(provider: &str, model: &str, prices: &str, omission: Omission) -> Result<Entry> {
    let raw: &RawValue = digits::parse(prices, "the prices of a model of genai-prices")?;
    Ok(of_model(provider, model, Some(raw), None, omission))
}

/// What it means that a set of prices has one of input and none of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Omission {
    /// Output has no price, which is not a price of nothing.
    #[default]
    IsUnknown,
    /// Output costs nothing.
    IsFree,
}

fn of_model(
    provider: &str,
    model: &str,
    prices: Option<&RawValue>,
    variants: Option<&RawValue>,
    omission: Omission,
) -> Entry {
    let mut reader = Reader { entry: ModelName::new(provider, model).to_string(), omission, ..Reader::default() };
    if let Some(raw) = prices {
        reader.take_prices(raw);
    }
    if let Some(raw) = variants.filter(|raw| !digits::is_null(raw)) {
        reader.take_list(raw, "price_variants");
    }
    let given = prices.or(variants).unwrap_or(RawValue::NULL);
    let mut prices = Vec::new();
    if reader.has_too_many_rules || reader.rules.len() + reader.variants.len() > MOST_RULES {
        reader.refuse("prices", given, TOO_MANY_RULES);
    } else {
        // Rules are told from each other, so what they make can be more than what they are.
        if reader.count() <= MOST_PRICES {
            prices = rules::prices(provider, &reader.rules);
            prices.extend(variants::prices(&reader.variants, &reader.rules));
        }
        if reader.count() > MOST_PRICES || !extent::fits(&prices) {
            reader.refuse("prices", given, TOO_MANY_PRICES);
            prices.clear();
        }
    }
    if AT_LEAST_TEN_SECONDS.contains(&(provider, model)) {
        let sound = |price: &&mut OfferPrice| price.pricing_type == Meter::InputAudioSecond;
        for price in prices.iter_mut().filter(sound) {
            price.rounding.minimum_quantity = Some(Quantity::from(10));
        }
    }
    Entry { prices, not_understood: reader.not_understood }
}

/// What is read of one model.
#[derive(Default)]
struct Reader {
    entry: String,
    omission: Omission,
    rules: Vec<Rule>,
    variants: Vec<Variant>,
    has_too_many_rules: bool,
    not_understood: Vec<NotUnderstood>,
}

/// A rule, or with a context to pick it, a variant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditional<'a> {
    #[serde(default)]
    when: Option<BTreeMap<String, String>>,
    #[serde(borrow, default)]
    constraint: Option<&'a RawValue>,
    #[serde(borrow)]
    prices: Fields<'a>,
}

impl Reader {
    fn take_prices(&mut self, raw: &RawValue) {
        match serde_json::from_str::<Fields<'_>>(raw.get()) {
            Ok(set) => {
                let mut rates = keys::rates(&set, &self.entry, &mut self.not_understood);
                keys::complete(&mut rates, self.omission);
                self.rules.push(Rule { constraint: Constraint::None, rates });
            }
            Err(_) => self.take_list(raw, "prices"),
        }
    }

    fn take_list(&mut self, raw: &RawValue, name: &str) {
        let Ok(List(list)) = serde_json::from_str::<List<&RawValue>>(raw.get()) else {
            self.refuse(name, raw, "it is neither a set of prices nor an array of such");
            return;
        };
        if list.len() > MOST_RULES {
            self.has_too_many_rules = true;
            return;
        }
        for (place, item) in list.into_iter().enumerate() {
            if let Err(reason) = self.take(item) {
                self.refuse(&format!("{name}[{place}]"), item, reason);
            }
        }
    }

    fn take(&mut self, item: &RawValue) -> std::result::Result<(), &'static str> {
        let read = serde_json::from_str::<Conditional<'_>>(item.get());
        let given = read.map_err(|_| "it is not made of prices, a constraint and a context")?;
        let constraint =
            constraint(given.constraint).ok_or("its constraint is neither a start date nor hours of the day")?;
        let choices = given.when.map(|when| {
            let choices: Option<BTreeMap<_, _>> =
                when.iter().map(|(name, value)| variants::choice(name, value)).collect();
            choices.filter(|choices| choices.len() == when.len() && !choices.is_empty())
        });
        let choices = match choices {
            Some(None) => return Err("its context names a property of calls that no price here can look at"),
            Some(choices) => choices,
            None => None,
        };
        let mut rates = keys::rates(&given.prices, &self.entry, &mut self.not_understood);
        if let Some(choices) = choices {
            self.variants.push(Variant { choices, constraint, rates });
        } else {
            keys::complete(&mut rates, self.omission);
            self.rules.push(Rule { constraint, rates });
        }
        Ok(())
    }

    /// Returns how many prices the rules and variants name.
    fn count(&self) -> usize {
        let sets = self.rules.iter().map(|rule| &rule.rates).chain(self.variants.iter().map(|variant| &variant.rates));
        sets.flat_map(|rates| rates.values()).map(|rate| 1 + rate.tiers.len()).sum()
    }

    fn refuse(&mut self, key: &str, raw: &RawValue, reason: &str) {
        self.not_understood.push(digits::not_understood(&self.entry, key, raw, reason));
    }
}

fn constraint(raw: Option<&RawValue>) -> Option<Constraint> {
    #[derive(Deserialize)]
    #[serde(untagged, deny_unknown_fields)]
    enum Given {
        Since { start_date: Date },
        Daily { start_time: String, end_time: String },
    }
    let Some(raw) = raw.filter(|raw| !digits::is_null(raw)) else { return Some(Constraint::None) };
    Some(match serde_json::from_str(raw.get()).ok()? {
        Given::Since { start_date } => Constraint::Since(start_date),
        Given::Daily { start_time, end_time } => {
            let hours = Hours { from: utc_time(&start_time)?, until: utc_time(&end_time)? };
            Constraint::Daily(Some(hours).filter(|hours| hours.from != hours.until)?)
        }
    })
}

/// Reads a time of day in UTC; another offset is not known in the data, and is not guessed at.
fn utc_time(text: &str) -> Option<Time> {
    let local = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    if local.contains(['+', '-']) { None } else { local.parse().ok() }
}

/// Returns the names that a match gives literally.
fn literal_names(raw: &RawValue) -> Vec<String> {
    fn collect(clause: &Value, names: &mut Vec<String>) {
        names.extend(clause.get("equals").and_then(Value::as_str).map(str::to_owned));
        for alternative in clause.get("or").and_then(Value::as_array).into_iter().flatten() {
            collect(alternative, names);
        }
    }
    // Read at once: clauses within clauses, each read anew, would be read as often as they are deep.
    let clause: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    let mut names = Vec::new();
    collect(&clause, &mut names);
    names.sort();
    names.dedup();
    names
}

/// Returns what a model makes, as its prices tell.
fn capability(prices: &[OfferPrice]) -> Capability {
    let has = |meter: Meter| prices.iter().any(|price| price.pricing_type == meter);
    let is_charged =
        |meter: Meter| prices.iter().any(|price| price.pricing_type == meter && !price.unit_price.is_zero());
    if has(Meter::OutputImageToken) {
        Capability::Image
    } else if has(Meter::OutputVideoToken) {
        Capability::Video
    } else if is_charged(Meter::OutputToken) || has(Meter::Page) {
        Capability::Text
    } else if has(Meter::InputAudioSecond) || has(Meter::OutputAudioSecond) || has(Meter::InputCharacter) {
        Capability::Audio
    } else if has(Meter::InputToken) {
        Capability::Embedding
    } else {
        Capability::Text
    }
}

#[cfg(test)]
mod tests;
