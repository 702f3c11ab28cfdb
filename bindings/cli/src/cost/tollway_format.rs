//! Lines in Tollway's own form: prices by meter, and a usage as totals or as disjoint meters, with facts beside it.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tollway::catalog::import::read_price_map;
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{
    Attribute, Capability, Decimal, Error, ErrorKind, Facts, Measure, Meter, Offer, Quantity, ReportedUsage, Result,
};

use super::cache::Prepared;
use super::genai_prices::{cited, count};
use super::line::{Line, Number, Totals};

/// Numbers of a call that look like meters, and the meters. As facts they would pick a tier, and bill nothing.
const LOOKALIKES: [(&str, &str); 2] = [("input_tokens", "input_token"), ("output_tokens", "output_token")];

/// Reads the prices of a line.
pub(super) fn prepare(line: &Line<'_>) -> Result<Prepared> {
    let map = read_price_map(line.prices.get())?;
    Prepared::new(&Offer {
        provider: line.provider.clone().into_owned(),
        model: line.model.clone().into_owned(),
        aliases: Vec::new(),
        capability: Capability::Text,
        currency: map.currency,
        prices: map.prices,
        context_window: None,
        max_output_tokens: None,
        source: "line".to_owned(),
        checked: Date::default(),
        note: None,
    })
}

/// Reads the usage of a line. A line without a timestamp is of now.
///
/// Names of meters give disjoint quantities, names of attributes and measures give facts, and the rest are totals.
pub(super) fn usage(line: &Line<'_>, prices: &Prepared) -> Result<(ReportedUsage, Facts)> {
    let fields: BTreeMap<String, &RawValue> = read(line.usage.get(), "usage")?;
    let mut facts = Facts::at(Timestamp::UNIX_EPOCH);
    let mut started_at = None;
    let mut meters: BTreeMap<Meter, Quantity> = BTreeMap::new();
    let mut totals = Map::new();
    if let Some((total, meter)) = LOOKALIKES.iter().find(|(total, _)| fields.contains_key(*total)) {
        return Err(invalid(&format!(
            "usage: {total} is no meter; give {meter}, or {total}_total with what is part of it"
        )));
    }
    for (name, raw) in fields.into_iter().filter(|(_, raw)| raw.get() != "null") {
        if name == "timestamp" {
            started_at = Some(read(raw.get(), &name)?);
        } else if name == "first_token_at" {
            facts.first_token_at = Some(read(raw.get(), &name)?);
        } else if name == "completed_at" {
            facts.completed_at = Some(read(raw.get(), &name)?);
        } else if let Some(attribute) = Attribute::from_name(&name) {
            facts.set(attribute, &word(raw, &name)?);
        } else if let Some(measure) = Measure::from_name(&name) {
            facts.measures.insert(measure, number(raw, &name)?);
        } else if let Some(meter) = Meter::from_name(&name) {
            meters.insert(meter, read::<Number>(raw.get(), &name)?.0);
        } else {
            // A number that is no whole one is kept as its digits.
            let value = match read(raw.get(), &name)? {
                Value::Number(whole) if whole.is_u64() => Value::Number(whole),
                Value::Number(_) => Value::String(raw.get().to_owned()),
                other => other,
            };
            totals.insert(name, value);
        }
    }
    facts.started_at = started_at.unwrap_or_else(|| SystemEnvironment.now());
    let totals = Totals::read(&Value::Object(totals).to_string())?;
    let has_both = totals.input_tokens_total.is_some() || totals.output_tokens_total.is_some();
    if has_both && meters.keys().any(|meter| meter.is_input() || meter.is_output()) {
        return Err(invalid("usage: tokens are given as totals and as meters; give one of the two"));
    }
    if let Some(size) = &totals.image_size {
        facts.set(Attribute::Size, size);
    }
    if let Some(quality) = &totals.image_quality {
        facts.set(Attribute::Quality, quality);
    }
    if let Some(seconds) = totals.seconds {
        facts.measures.entry(Measure::Duration).or_insert(seconds.0.get());
    }
    let mut reported = totals.tokens();
    let set = prices.prices(facts.started_at)?;
    cited(&totals, &mut reported);
    count(&totals, &set, false, &mut reported);
    reported.counts.extend(meters);
    Ok((reported, facts))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str, name: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| invalid(&format!("{name}: {error}")))
}

fn word(raw: &RawValue, name: &str) -> Result<String> {
    match read(raw.get(), name)? {
        Value::String(word) => Ok(word),
        Value::Bool(flag) => Ok(flag.to_string()),
        _ => Err(invalid(&format!("usage: {name} must be a word, true or false"))),
    }
}

fn number(raw: &RawValue, name: &str) -> Result<Decimal> {
    read::<Number>(raw.get(), name).map(|number| number.0.get())
}

fn invalid(detail: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}
