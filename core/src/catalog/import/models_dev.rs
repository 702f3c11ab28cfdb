//! The `api.json` of models.dev: providers with their models, whose `cost` is in dollars for a million tokens.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::digits;
use super::extent::{self, MOST_PRICES, TOO_MANY_PRICES};
use super::fields::{Fields, List};
use super::{ImportReport, Imported, NotUnderstood, Origin, tiers};
use crate::types::{
    Attribute, Capability, Conditions, Currency, Decimal, Meter, ModelName, Offer, OfferPrice, PriceBook, Result, Unit,
};

/// The length that the older field for long inputs is named after.
const OLDER_LENGTH: u64 = 200_000;

/// Why one of two entries of one name is left out.
const LISTED_TWICE: &str = "another entry has this name, and the last one is taken";

/// The fields of a model that say nothing about prices, or that are read apart.
const OTHER_FIELDS: [&str; 25] = [
    "id",
    "name",
    "family",
    "description",
    "attachment",
    "reasoning",
    "reasoning_options",
    "temperature",
    "tool_call",
    "structured_output",
    "interleaved",
    "knowledge",
    "release_date",
    "last_updated",
    "modalities",
    "open_weights",
    "limit",
    "cost",
    "status",
    "experimental",
    "provider",
    "options",
    "headers",
    "variants",
    "license",
];

fn meter(name: &str) -> Option<Meter> {
    Some(match name {
        "input" => Meter::InputToken,
        "output" => Meter::OutputToken,
        "reasoning" => Meter::ReasoningToken,
        "cache_read" => Meter::CachedInputToken,
        "cache_write" => Meter::CacheWrite5mToken,
        "input_audio" => Meter::InputAudioToken,
        "output_audio" => Meter::OutputAudioToken,
        _ => return None,
    })
}

pub(super) fn read(text: &str, origin: &Origin) -> Result<Imported> {
    let mut providers: Fields<'_> = digits::parse(text, "the data of models.dev")?;
    let mut report = ImportReport::default();
    for (provider, raw) in providers.take_replaced() {
        report.not_understood.push(digits::not_understood(&provider, "", raw, LISTED_TWICE));
    }
    let mut offers = Vec::new();
    for (provider, raw) in providers {
        let fields: Fields<'_> = digits::parse(raw.get(), &provider)?;
        let Some(models) = fields.get("models") else {
            report.not_understood.push(digits::not_understood(&provider, "models", raw, "the provider has no models"));
            continue;
        };
        let name_of = |model: &str| ModelName::new(&provider, model).to_string();
        let mut models: Fields<'_> = digits::parse(models.get(), &provider)?;
        for (model, raw) in models.take_replaced() {
            report.not_understood.push(digits::not_understood(&name_of(&model), "", raw, LISTED_TWICE));
        }
        for (model, raw) in models {
            report.entries += 1;
            extent::check(&report)?;
            let reader = Reader { entry: name_of(&model), not_understood: &mut report.not_understood };
            match reader.offer(&provider, &model, raw, origin) {
                Some(offer) => {
                    report.prices += offer.prices.len();
                    offers.push(offer);
                }
                None => report.unpriced.push(name_of(&model)),
            }
        }
    }
    report.offers = offers.len();
    Ok(Imported { book: PriceBook { offers }, report })
}

/// The prices of one table: those of any length, and those of each length on.
#[derive(Default)]
struct Table {
    base: BTreeMap<Meter, Decimal>,
    tiers: BTreeMap<Meter, BTreeMap<Decimal, Decimal>>,
}

struct Reader<'a> {
    entry: String,
    not_understood: &'a mut Vec<NotUnderstood>,
}

impl Reader<'_> {
    fn offer(mut self, provider: &str, model: &str, raw: &RawValue, origin: &Origin) -> Option<Offer> {
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            self.refuse("", raw, "it is no model");
            return None;
        };
        for (name, raw) in fields.iter().filter(|(name, _)| !OTHER_FIELDS.contains(&name.as_str())) {
            self.refuse(name, raw, "the field is not known");
        }
        let cost = fields.get("cost").filter(|raw| !digits::is_null(raw))?;
        let mut prices = self.table("cost", cost).prices();
        if let Some(raw) = fields.get("experimental") {
            prices.extend(self.modes(raw));
        }
        if !extent::fits(&prices) {
            self.refuse("cost", cost, TOO_MANY_PRICES);
            return None;
        }
        let limit = |name: &str| {
            let limits: Fields<'_> = serde_json::from_str(fields.get("limit")?.get()).ok()?;
            digits::whole(limits.get(name)?).filter(|limit| *limit > 0)
        };
        (!prices.is_empty()).then(|| Offer {
            provider: provider.to_owned(),
            model: model.to_owned(),
            aliases: Vec::new(),
            capability: fields.get("modalities").map(|raw| capability(raw)).unwrap_or_default(),
            currency: Currency::USD,
            prices,
            context_window: limit("context"),
            max_output_tokens: limit("output"),
            source: origin.source.clone(),
            checked: origin.checked,
            note: None,
        })
    }

    fn refuse(&mut self, key: &str, raw: &RawValue, reason: &str) {
        self.not_understood.push(digits::not_understood(&self.entry, key, raw, reason));
    }

    /// Reads a table of prices with the tiers in it.
    fn table(&mut self, place: &str, raw: &RawValue) -> Table {
        let mut table = Table::default();
        let Ok(fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            self.refuse(place, raw, "it is no table of prices");
            return table;
        };
        for (name, raw) in fields.iter().filter(|(_, raw)| !digits::is_null(raw)) {
            let key = format!("{place}.{name}");
            match (meter(name), digits::amount(raw)) {
                (Some(meter), Some(amount)) => {
                    table.base.insert(meter, amount);
                }
                (Some(_), None) => self.refuse(&key, raw, "it is no number of zero or more"),
                (None, _) if name == "tiers" => {
                    let List(tiers) = serde_json::from_str::<List<&RawValue>>(raw.get()).unwrap_or_default();
                    if tiers.len() > MOST_PRICES {
                        self.refuse(&key, raw, TOO_MANY_PRICES);
                        return Table::default();
                    }
                    for (tier, raw) in tiers.into_iter().enumerate() {
                        self.tier(&format!("{key}[{tier}]"), raw, None, &mut table);
                    }
                }
                // The older name of what `tiers` says too; where both are there, `tiers` counts.
                (None, _) if name == "context_over_200k" => {
                    if !fields.contains_key("tiers") {
                        self.tier(&key, raw, Some(OLDER_LENGTH.into()), &mut table);
                    }
                }
                (None, _) => self.refuse(&key, raw, "no meter counts what this key prices"),
            }
        }
        table
    }

    fn tier(&mut self, place: &str, raw: &RawValue, length: Option<Decimal>, table: &mut Table) {
        let Ok(mut fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            self.refuse(place, raw, "it is no table of prices");
            return;
        };
        let stated = fields.remove("tier").and_then(|raw| {
            let tier: Fields<'_> = serde_json::from_str(raw.get()).ok()?;
            let is_length = tier.len() == 2 && digits::words(tier.get("type")?)? == "context";
            digits::amount(tier.get("size")?).filter(|_| is_length)
        });
        let Some(length) = stated.or(length) else {
            self.refuse(place, raw, "its tier is not one of the length of the context");
            return;
        };
        for (name, raw) in fields.iter().filter(|(_, raw)| !digits::is_null(raw)) {
            match meter(name).zip(digits::amount(raw)) {
                Some((meter, amount)) => {
                    table.tiers.entry(meter).or_default().insert(length, amount);
                }
                None => self.refuse(&format!("{place}.{name}"), raw, "no meter counts what this key prices"),
            }
        }
    }

    /// Reads modes of the model that are sold at other prices, where what asks for them is a speed or a tier.
    fn modes(&mut self, raw: &RawValue) -> Vec<OfferPrice> {
        let fields: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
        let Some(modes) = fields.get("modes").and_then(|raw| serde_json::from_str::<Fields<'_>>(raw.get()).ok()) else {
            return Vec::new();
        };
        let mut prices = Vec::new();
        for (name, raw) in modes {
            if !extent::fits(&prices) {
                break;
            }
            let mode: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
            let Some(cost) = mode.get("cost") else { continue };
            let key = format!("experimental.modes.{name}");
            let Some((attribute, value)) = mode.get("provider").and_then(|raw| asked_by(raw)) else {
                self.refuse(&key, raw, "what asks for the mode is neither a speed nor a service tier");
                continue;
            };
            let choice = Conditions::default().with_choice(attribute, &value);
            prices.extend(self.table(&format!("{key}.cost"), cost).prices().into_iter().map(|price| {
                let conditions = Conditions { ranges: price.conditions.ranges.clone(), ..choice.clone() };
                price.when(conditions)
            }));
        }
        prices
    }
}

impl Table {
    fn prices(&self) -> Vec<OfferPrice> {
        let mut meters: Vec<Meter> = self.base.keys().chain(self.tiers.keys()).copied().collect();
        meters.sort();
        meters.dedup();
        let none = BTreeMap::new();
        let of = |meter: &Meter| {
            let tiers = self.tiers.get(meter).unwrap_or(&none);
            tiers::prices(*meter, Unit::Per1mTokens, self.base.get(meter).copied(), tiers)
        };
        meters.iter().flat_map(of).collect()
    }
}

/// Returns the speed or tier that the body of a request asks for.
fn asked_by(raw: &RawValue) -> Option<(Attribute, String)> {
    let provider: Fields<'_> = serde_json::from_str(raw.get()).ok()?;
    let body: Fields<'_> = serde_json::from_str(provider.get("body")?.get()).ok()?;
    let asked = |name: &str| body.get(name).and_then(|raw| digits::words(raw));
    match asked("service_tier") {
        Some(tier) => Some((Attribute::ServiceTier, tier)),
        None => asked("speed").map(|speed| (Attribute::Speed, speed)),
    }
}

fn capability(raw: &RawValue) -> Capability {
    let modalities: Fields<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let output: Vec<String> =
        modalities.get("output").and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let makes = |name: &str| output.iter().any(|output| output == name);
    match () {
        () if makes("text") => Capability::Text,
        () if makes("video") => Capability::Video,
        () if makes("image") => Capability::Image,
        () if makes("audio") => Capability::Audio,
        () => Capability::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = r#"{"acme": {"id": "acme", "name": "Acme", "models": {
        "duck": {"id": "duck", "modalities": {"input": ["text"], "output": ["text"]}, "limit": {"context": 1000, "output": 0},
            "cost": {"input": 1.5, "output": 6, "reasoning": 7, "cache_read": 0.15, "cache_write": 2, "quack": 3,
                "tiers": [{"tier": {"type": "context", "size": 200}, "input": 3}, {"tier": {"type": "context", "size": 100}, "input": 2},
                    {"tier": {"type": "moon", "size": 1}, "input": 9}],
                "context_over_200k": {"input": 4}},
            "experimental": {"modes": {"fast": {"cost": {"input": 12}, "provider": {"body": {"speed": "fast"}}},
                "odd": {"cost": {"input": 13}}}}},
        "goose": {"id": "goose", "cost": {"input": 1, "output": 2, "context_over_200k": {"input": 4, "output": 5}}},
        "free": {"id": "free", "colour": "grey"}}}}"#;

    fn imported() -> Imported {
        let origin = Origin { source: "models.dev".to_owned(), checked: "2026-11-01".parse().unwrap() };
        read(SAMPLE, &origin).unwrap()
    }

    fn shown(offer: &Offer) -> Vec<String> {
        let show = |price: &OfferPrice| {
            format!("{} {} {}", price.pricing_type, price.unit_price, price.conditions.canonical())
        };
        offer.prices.iter().map(|price| show(price).trim().to_owned()).collect()
    }

    #[test]
    fn costs_become_prices_with_their_tiers_and_modes() {
        let book = imported().book;
        let duck = &book.offers[0];
        assert_eq!((duck.context_window, duck.max_output_tokens), (Some(1_000), None));
        assert_eq!(
            shown(duck),
            [
                "input_token 1.5",
                r#"input_token 2 {"input_tokens":{"above":100,"up_to":200}}"#,
                r#"input_token 3 {"input_tokens":{"above":200}}"#,
                "cached_input_token 0.15",
                "cache_write_5m_token 2",
                "output_token 6",
                "reasoning_token 7",
                r#"input_token 12 {"speed":["fast"]}"#,
            ]
        );
        assert!(shown(&book.offers[1]).contains(&r#"output_token 5 {"input_tokens":{"above":200000}}"#.to_owned()));
    }

    #[test]
    fn costs_that_are_not_understood_are_reported() {
        let report = imported().report;
        assert_eq!((report.entries, report.offers, report.unpriced.as_slice()), (3, 2, &["acme/free".to_owned()][..]));
        let keys: Vec<_> = report.not_understood.iter().map(|key| key.key.as_str()).collect();
        assert_eq!(keys, ["cost.quack", "cost.tiers[2]", "experimental.modes.odd", "colour"]);
    }
}
