//! The answer of `OpenRouter`'s `/models`: one price for each kind of unit as a decimal string, a discount, and overrides.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Time;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::digits;
use super::extent::{self, MOST_RULES, TOO_MANY_RULES};
use super::fields::{Fields, List};
use super::{ImportReport, Imported, NotUnderstood, Origin};
use crate::types::{
    Calendar, Capability, Conditions, Currency, Decimal, Hours, Measure, Meter, Modifier, Offer, OfferPrice, PriceBook,
    Range, Result, Unit,
};

/// The seller that all entries are of.
const PROVIDER: &str = "openrouter";

/// What an image costs at least. Both image keys are documented to be for an image and used for a token of one as well.
const LEAST_OF_AN_IMAGE: Decimal = Decimal::from_parts(1, 0, 0, false, 3);

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: List<&'a RawValue>,
}

fn meter(name: &str, amount: Decimal) -> Option<(Meter, Unit)> {
    let is_token = amount < LEAST_OF_AN_IMAGE;
    Some(match name {
        "prompt" => (Meter::InputToken, Unit::PerToken),
        "completion" => (Meter::OutputToken, Unit::PerToken),
        "internal_reasoning" => (Meter::ReasoningToken, Unit::PerToken),
        "input_cache_read" => (Meter::CachedInputToken, Unit::PerToken),
        "input_cache_write" => (Meter::CacheWrite5mToken, Unit::PerToken),
        "input_cache_write_1h" => (Meter::CacheWrite1hToken, Unit::PerToken),
        "audio" => (Meter::InputAudioToken, Unit::PerToken),
        "audio_output" => (Meter::OutputAudioToken, Unit::PerToken),
        "input_audio_cache" => (Meter::CachedInputAudioToken, Unit::PerToken),
        "image" if !is_token => (Meter::InputImage, Unit::PerImage),
        "image" | "image_token" => (Meter::InputImageToken, Unit::PerToken),
        "image_output" if !is_token => (Meter::Image, Unit::PerImage),
        "image_output" => (Meter::OutputImageToken, Unit::PerToken),
        "request" => (Meter::Request, Unit::PerRequest),
        "web_search" => (Meter::WebSearch, Unit::PerSearch),
        _ => return None,
    })
}

pub(super) fn read(text: &str, origin: &Origin) -> Result<Imported> {
    let answer: Answer<'_> = digits::parse(text, "the models of OpenRouter")?;
    let mut report = ImportReport { entries: answer.data.0.len(), ..ImportReport::default() };
    let mut slugs: BTreeMap<String, usize> = BTreeMap::new();
    for (place, raw) in answer.data.0.iter().enumerate() {
        *slugs.entry(text_of(&fields_of(place, raw)?, "canonical_slug").unwrap_or_default()).or_default() += 1;
    }
    let mut names = BTreeSet::new();
    let mut offers = Vec::new();
    for (place, raw) in answer.data.0.iter().enumerate() {
        extent::check(&report)?;
        let model = &fields_of(place, raw)?;
        let name = text_of(model, "id").unwrap_or_default();
        let mut reader = Reader { entry: format!("{PROVIDER}/{name}"), not_understood: &mut report.not_understood };
        let prices = match model.get("pricing") {
            Some(raw) if !name.is_empty() => reader.prices(raw),
            _ => Vec::new(),
        };
        if prices.is_empty() {
            report.unpriced.push(reader.entry);
            continue;
        }
        if !names.insert(name.clone()) {
            reader.refuse("id", raw, "another entry has this name, and the first one is taken");
            continue;
        }
        report.prices += prices.len();
        let slug = text_of(model, "canonical_slug").filter(|slug| *slug != name && slugs.get(slug) == Some(&1));
        let top = model.get("top_provider").and_then(|raw| serde_json::from_str::<Fields<'_>>(raw.get()).ok());
        offers.push(Offer {
            provider: PROVIDER.to_owned(),
            capability: capability(&prices),
            model: name,
            aliases: slug.into_iter().collect(),
            currency: Currency::USD,
            prices,
            context_window: model.get("context_length").and_then(|raw| digits::whole(raw)),
            max_output_tokens: top.and_then(|top| top.get("max_completion_tokens").and_then(|raw| digits::whole(raw))),
            source: origin.source.clone(),
            checked: origin.checked,
            note: None,
        });
    }
    offers.sort_by(|left, right| left.model.cmp(&right.model));
    report.offers = offers.len();
    Ok(Imported { book: PriceBook { offers }, report })
}

fn fields_of(place: usize, raw: &RawValue) -> Result<Fields<'_>> {
    digits::parse(raw.get(), &format!("data[{place}]"))
}

fn text_of(fields: &Fields<'_>, name: &str) -> Option<String> {
    fields.get(name).and_then(|raw| digits::words(raw))
}

/// An override: when it applies, and the prices that it changes.
struct Override {
    from: Option<Decimal>,
    hours: Option<Hours>,
    amounts: BTreeMap<Meter, (Unit, Decimal)>,
}

struct Reader<'a> {
    entry: String,
    not_understood: &'a mut Vec<NotUnderstood>,
}

impl Reader<'_> {
    fn refuse(&mut self, key: &str, raw: &RawValue, reason: &str) {
        self.not_understood.push(digits::not_understood(&self.entry, key, raw, reason));
    }

    fn prices(&mut self, raw: &RawValue) -> Vec<OfferPrice> {
        let Ok(mut fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            self.refuse("pricing", raw, "it is no table of prices");
            return Vec::new();
        };
        let discount = fields.remove("discount");
        let listed = fields.remove("overrides");
        let List(given): List<&RawValue> =
            listed.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
        if let Some(raw) = listed.filter(|_| given.len() > MOST_RULES) {
            self.refuse("pricing.overrides", raw, TOO_MANY_RULES);
            return Vec::new();
        }
        let mut prices: Vec<OfferPrice> = self
            .amounts("pricing", &fields)
            .into_iter()
            .map(|(meter, (unit, amount))| OfferPrice::new(meter, amount, unit))
            .collect();
        let mut overrides = Vec::new();
        for (place, raw) in given.into_iter().enumerate() {
            overrides.extend(self.read_override(&format!("pricing.overrides[{place}]"), raw));
        }
        prices.extend(overridden(&overrides));
        let ratio = discount.filter(|raw| !digits::is_null(raw)).map(|raw| {
            let part = digits::amount(raw).filter(|part| *part <= Decimal::ONE);
            if part.is_none() {
                self.refuse("pricing.discount", raw, "it is no part between 0 and 1");
            }
            Decimal::ONE - part.unwrap_or_default()
        });
        if let Some(ratio) = ratio.filter(|ratio| *ratio != Decimal::ONE && !prices.is_empty()) {
            prices.push(OfferPrice::modifier(ratio, Modifier { group: "discount".to_owned(), ..Modifier::default() }));
        }
        prices
    }

    /// Reads amounts. Beside the prices of prompt and completion a zero says that there is no price of its own.
    fn amounts(&mut self, place: &str, fields: &Fields<'_>) -> BTreeMap<Meter, (Unit, Decimal)> {
        let is_free =
            |name: &str| fields.get(name).and_then(|raw| digits::amount(raw)).is_some_and(|amount| amount.is_zero());
        let all_free = is_free("prompt") && is_free("completion");
        let mut amounts = BTreeMap::new();
        for (name, raw) in fields.iter().filter(|(_, raw)| !digits::is_null(raw)) {
            let key = format!("{place}.{name}");
            let Some(amount) = digits::amount(raw) else {
                self.refuse(&key, raw, "it is no decimal of zero or more; a router charges what it routes to");
                continue;
            };
            match meter(name, amount) {
                None => self.refuse(&key, raw, "no meter counts what this key prices"),
                Some(_) if amount.is_zero() && !all_free && !matches!(name.as_str(), "prompt" | "completion") => {}
                Some((meter, unit)) => {
                    amounts.insert(meter, (unit, amount));
                }
            }
        }
        amounts
    }

    fn read_override(&mut self, place: &str, raw: &RawValue) -> Option<Override> {
        let Ok(mut fields) = serde_json::from_str::<Fields<'_>>(raw.get()) else {
            self.refuse(place, raw, "it is no override");
            return None;
        };
        let length = fields.remove("min_prompt_tokens").filter(|raw| !digits::is_null(raw));
        let start = fields.remove("utc_start").filter(|raw| !digits::is_null(raw));
        let end = fields.remove("utc_end").filter(|raw| !digits::is_null(raw));
        let from = length.and_then(digits::amount);
        let time = |raw: &RawValue| digits::words(raw).and_then(|text| text.trim_end_matches('Z').parse::<Time>().ok());
        let hours = start.zip(end).and_then(|(start, end)| Some(Hours { from: time(start)?, until: time(end)? }));
        let is_read = from.is_some() == length.is_some()
            && hours.is_some() == (start.is_some() || end.is_some())
            && (from.is_some() || hours.is_some());
        // A condition that is not known must not make its prices those of every call.
        let unknown = fields.keys().any(|name| meter(name, Decimal::ONE).is_none());
        if !is_read || unknown {
            self.refuse(place, raw, "its conditions are not a least length of the prompt or hours of the day alone");
            return None;
        }
        Some(Override { from, hours, amounts: self.amounts(place, &fields) })
    }
}

/// Turns overrides into prices under conditions. The last that applies wins, for each meter alone.
///
/// Where an earlier override and a later one may both apply and look at as many facts, the later one is repeated for where
/// they meet, so that it looks at more.
fn overridden(overrides: &[Override]) -> Vec<OfferPrice> {
    let mut prices = Vec::new();
    for (place, last) in overrides.iter().enumerate() {
        for (meter, (unit, amount)) in &last.amounts {
            let with = |range: Option<Range>, hours: Option<Hours>| {
                let mut conditions = Conditions::default();
                if let Some(range) = range {
                    conditions = conditions.with_range(Measure::InputTokens, range);
                }
                if let Some(hours) = hours {
                    conditions = conditions.with_calendar(Calendar { hours: [hours].into(), ..Calendar::default() });
                }
                OfferPrice::new(*meter, *amount, *unit).when(conditions)
            };
            let alike = |other: &&Override| other.hours == last.hours && other.amounts.contains_key(meter);
            let lengths =
                |others: &[Override]| others.iter().filter(alike).filter_map(|other| other.from).collect::<Vec<_>>();
            let range = last.from.map(|from| {
                let later = lengths(&overrides[place + 1..]).into_iter().filter(|length| *length > from).min();
                Range { from: Some(from), below: later, ..Range::default() }
            });
            let is_hidden =
                last.from.is_some_and(|from| lengths(&overrides[place + 1..]).into_iter().any(|length| length <= from));
            if is_hidden {
                continue;
            }
            prices.push(with(range, last.hours));
            for earlier in overrides[..place].iter().filter(|earlier| earlier.amounts.contains_key(meter)) {
                match (earlier.from, earlier.hours, last.from, last.hours) {
                    (Some(from), None, None, hours @ Some(_)) => {
                        prices.push(with(Some(Range { from: Some(from), ..Range::default() }), hours));
                    }
                    (None, hours @ Some(_), Some(_), None) => prices.push(with(range, hours)),
                    _ => {}
                }
            }
        }
    }
    prices
}

fn capability(prices: &[OfferPrice]) -> Capability {
    let has = |meter: Meter| prices.iter().any(|price| price.pricing_type == meter);
    if has(Meter::Image) || has(Meter::OutputImageToken) { Capability::Image } else { Capability::Text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn imported(pricing: &str) -> Imported {
        let text = format!(
            r#"{{"data": [{{"id": "acme/duck", "canonical_slug": "acme/duck-1", "context_length": 1000,
                "top_provider": {{"max_completion_tokens": 50}}, "pricing": {pricing}}}]}}"#
        );
        read(&text, &Origin { source: "openrouter".to_owned(), checked: "2026-11-01".parse().unwrap() }).unwrap()
    }

    fn shown(imported: &Imported) -> Vec<String> {
        let show = |price: &OfferPrice| {
            let text = format!(
                "{} {} {} {}",
                price.pricing_type,
                price.unit_price,
                price.unit.name(),
                price.conditions.canonical()
            );
            text.trim().to_owned()
        };
        imported.book.offers[0].prices.iter().map(show).collect()
    }

    #[test]
    fn strings_become_prices_of_single_units() {
        let imported = imported(
            r#"{"prompt": "0.0000025", "completion": "0.00001", "request": "0.002", "internal_reasoning": "0", "image": "0.007",
                "image_output": "0.00012", "input_cache_write_1h": "0.000005", "web_search": "0.01", "discount": 0.25, "quack": "1"}"#,
        );
        assert_eq!(
            shown(&imported),
            [
                "input_token 0.0000025 per_token",
                "cache_write_1h_token 0.000005 per_token",
                "output_token 0.00001 per_token",
                "output_image_token 0.00012 per_token",
                "input_image 0.007 per_image",
                "web_search 0.01 per_search",
                "request 0.002 per_request",
                "modifier 0.75 ratio",
            ]
        );
        let offer = &imported.book.offers[0];
        assert_eq!((offer.aliases.as_slice(), offer.max_output_tokens), (&["acme/duck-1".to_owned()][..], Some(50)));
        assert_eq!(imported.report.not_understood[0].key, "pricing.quack");
    }

    #[test]
    fn the_last_override_that_applies_wins() {
        let imported = imported(
            r#"{"prompt": "1", "completion": "1", "overrides": [
                {"min_prompt_tokens": 100, "prompt": "2"}, {"min_prompt_tokens": 200, "prompt": "3"},
                {"utc_start": "16:30", "utc_end": "00:30", "prompt": "4"}, {"moon": "full", "prompt": "5"}]}"#,
        );
        let calendar = r#""calendar":{"hours":[{"from":"16:30:00","until":"00:30:00"}]}"#;
        assert_eq!(
            shown(&imported)[2..],
            [
                r#"input_token 2 per_token {"input_tokens":{"from":100,"below":200}}"#.to_owned(),
                r#"input_token 3 per_token {"input_tokens":{"from":200}}"#.to_owned(),
                format!("input_token 4 per_token {{{calendar}}}"),
                format!(r#"input_token 4 per_token {{"input_tokens":{{"from":100}},{calendar}}}"#),
                format!(r#"input_token 4 per_token {{"input_tokens":{{"from":200}},{calendar}}}"#),
            ]
        );
        assert_eq!(imported.report.not_understood[0].key, "pricing.overrides[3]");
    }

    #[test]
    fn a_router_has_no_price_of_its_own() {
        let imported = imported(r#"{"prompt": "-1", "completion": "-1"}"#);
        assert_eq!(imported.report.unpriced, ["openrouter/acme/duck"]);
        assert_eq!(imported.report.not_understood.len(), 2);
    }
}
