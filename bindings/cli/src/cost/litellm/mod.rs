//! Lines in `LiteLLM`'s form: its prices, read as its own cost calculator reads them.

mod batch;
mod peer;
mod price_map;
mod reading;

use serde_json::Value;
use tollway::catalog::import::{exact_object, read_litellm_entry};
use tollway::types::{
    Attribute, Currency, Decimal, Error, ErrorKind, Facts, Measure, Meter, Offer, Quantity, ReportedUsage, Result,
    decimal_of,
};

use super::cache::{Prepared, UNKNOWN_INSTANT};
use super::line::{Line, Number, Totals};
pub(super) use reading::Reading;

/// How many results a search returns that does not say.
const USUAL_RESULTS: u64 = 10;

/// Reads the prices of a line.
pub(super) fn prepare(line: &Line<'_>) -> Result<Prepared> {
    let mut prices = exact_object(line.prices.get())?;
    let is_wrong = |value: &Value| value.as_str().is_some_and(|text| decimal_of(text).is_none());
    if let Some((key, value)) = prices.iter().find(|(key, value)| key.contains("cost") && is_wrong(value)) {
        let detail = format!("{key} is {value}, which is no exact price; give a number of at most 28 digits");
        return Err(Error::new(ErrorKind::InvalidRequest, detail));
    }
    let reading = peer::rewrite(&line.provider, &line.model, &mut prices);
    let entry = read_litellm_entry(&line.provider, &line.model, &prices);
    let offer = Offer {
        provider: line.provider.clone().into_owned(),
        model: line.model.clone().into_owned(),
        aliases: Vec::new(),
        capability: tollway::types::Capability::Text,
        currency: Currency::USD,
        prices: entry.prices,
        context_window: None,
        max_output_tokens: None,
        source: "the line".to_owned(),
        checked: jiff::civil::Date::MIN,
        note: None,
    };
    let mut prepared = Prepared::new(&offer)?;
    prepared.litellm = reading;
    Ok(prepared)
}

/// Reads the usage of a line.
pub(super) fn usage(line: &Line<'_>, prices: &Prepared) -> Result<(ReportedUsage, Facts)> {
    let totals = line.totals()?;
    let reading = prices.litellm;
    let mut usage = tokens(&totals);
    let mut count = |meter: Meter, quantity: Option<Number>| {
        if let Some(Number(quantity)) = quantity.filter(|number| !number.0.is_zero()) {
            usage.counts.insert(meter, quantity);
        }
    };
    count(reading.seconds, totals.seconds);
    count(reading.characters, totals.characters);
    count(reading.searches, reading.billed_searches(totals.web_searches));
    count(Meter::SearchUnit, totals.rerank_search_units);
    count(Meter::FileSearch, totals.file_searches);
    count(Meter::TextMessage, totals.text_messages);
    count(Meter::Page, totals.pages);
    count(Meter::AnnotatedPage, totals.annotated_pages);
    if let Some(meter) = reading.wall_clock {
        let seconds = totals.wall_clock_ms.and_then(|Number(ms)| Quantity::new(ms.get() * Decimal::new(1, 3)));
        count(meter, seconds.map(Number));
    }
    if reading.prices_citations {
        count(Meter::CitationToken, totals.citation_tokens.map(|tokens| Number(tokens.into())));
    }
    // Images that tokens were billed for are not billed again.
    if totals.output_tokens_total.unwrap_or_default() == 0 {
        count(reading.images, reading.billed_images(&totals));
    }
    Ok((usage, facts(line, &totals, reading)))
}

fn tokens(totals: &Totals) -> ReportedUsage {
    // The peer takes nothing for cached of a modality unless that is reported.
    let cached = |part: Option<u64>, all: Option<u64>| part.or(all.map(|_| 0));
    let mut reported = totals.tokens();
    let modalities = &mut reported.input_modalities;
    modalities.cached_audio = cached(modalities.cached_audio, modalities.audio);
    modalities.cached_image = cached(modalities.cached_image, modalities.image);
    modalities.cached_video = cached(modalities.cached_video, modalities.video);
    reported
}

fn facts(line: &Line<'_>, totals: &Totals, reading: Reading) -> Facts {
    let mut facts = Facts::at(totals.timestamp.unwrap_or(UNKNOWN_INSTANT));
    if let Some(tier) = totals.service_tier.as_deref().and_then(|tier| peer::tier(&line.provider, tier)) {
        facts.set(Attribute::ServiceTier, tier);
    }
    if let Some(speed) = &totals.speed {
        facts.set(Attribute::Speed, speed);
    }
    for region in [&totals.data_residency, &totals.inference_geo].into_iter().flatten() {
        facts.set(Attribute::Region, region);
    }
    if let Some(location) = &totals.vertex_location {
        let scope = if location.eq_ignore_ascii_case("global") { "global" } else { "regional" };
        facts.set(Attribute::EndpointScope, scope);
    }
    if let Some(resolution) = &totals.resolution {
        facts.set(Attribute::Resolution, resolution.trim());
    }
    if reading.prices_results {
        let results = totals.max_results.map_or(Decimal::from(USUAL_RESULTS), |Number(results)| results.get());
        facts.measures.insert(Measure::MaxResults, results);
    }
    facts
}

#[cfg(test)]
mod tests;
