//! Lines with prices in the form of genai-prices.

use jiff::civil::Date;
use tollway::billing::price::PriceSet;
use tollway::catalog::import::{Omission, read_genai_prices};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{
    Attribute, Capability, Currency, Decimal, Error, ErrorKind, Facts, Measure, Meter, Offer, Quantity, ReportedUsage,
    Result,
};

use super::cache::Prepared;
use super::line::{Line, Number, Totals};

/// Reads the prices of a line.
///
/// All dated rules are read where they are given, unless a context picked from them what stands in `prices`.
pub(super) fn prepare(line: &Line<'_>) -> Result<Prepared> {
    let is_given = |raw: &&serde_json::value::RawValue| raw.get() != "null";
    let prices = match (line.price_rules.filter(is_given), line.price_context.filter(is_given)) {
        (Some(rules), None) => rules,
        _ => line.prices,
    };
    let entry = read_genai_prices(&line.provider, &line.model, prices.get(), Omission::IsFree)?;
    if let Some(key) = entry.not_understood.first() {
        return Err(Error::new(
            ErrorKind::InvalidRequest,
            format!("prices: {:?} = {} was not understood: {}; correct or remove it", key.key, key.value, key.reason),
        ));
    }
    Prepared::new(&Offer {
        provider: line.provider.clone().into_owned(),
        model: line.model.clone().into_owned(),
        aliases: Vec::new(),
        capability: Capability::Text,
        currency: Currency::USD,
        prices: entry.prices,
        context_window: None,
        max_output_tokens: None,
        source: "genai-prices".to_owned(),
        checked: Date::default(),
        note: None,
    })
}

/// Reads the usage of a line. A line without a timestamp is of now.
pub(super) fn usage(line: &Line<'_>, prices: &Prepared) -> Result<(ReportedUsage, Facts)> {
    let totals: Totals = serde_json::from_str(line.usage.get())
        .map_err(|error| Error::new(ErrorKind::InvalidRequest, format!("usage: {error}")))?;
    let facts = facts(&totals);
    let prices = prices.prices(facts.started_at)?;
    let mut reported = totals.tokens();
    if prices.has_price(Meter::CitationToken) {
        cited(&totals, &mut reported);
    }
    let has_tokens = reported.input.unwrap_or_default() > 0 || reported.output.unwrap_or_default() > 0;
    count(&totals, &prices, has_tokens, &mut reported);
    Ok((reported, facts))
}

/// Takes the cited tokens, which are a part of the output, out of it into their meter, which is not.
pub(super) fn cited(totals: &Totals, reported: &mut ReportedUsage) {
    if let Some(cited) = totals.citation_tokens {
        reported.output = reported.output.map(|output| output.saturating_sub(cited));
        reported.counts.insert(Meter::CitationToken, cited.into());
    }
}

fn facts(totals: &Totals) -> Facts {
    let mut facts = Facts::at(totals.timestamp.unwrap_or_else(|| SystemEnvironment.now()));
    for (attribute, value) in [
        (Attribute::ServiceTier, &totals.service_tier),
        (Attribute::Speed, &totals.speed),
        (Attribute::Size, &totals.image_size),
        (Attribute::Quality, &totals.image_quality),
        (Attribute::Resolution, &totals.resolution),
        (Attribute::Region, &totals.inference_geo),
    ] {
        if let Some(value) = value {
            facts.set(attribute, value);
        }
    }
    for (measure, number) in [(Measure::Duration, totals.seconds), (Measure::MaxResults, totals.max_results)] {
        facts.measures.extend(number.map(|number| (measure, number.0.get())));
    }
    facts
}

/// Adds what is no token.
///
/// With `describes`, seconds, characters, images and pages without a price only describe a call that is billed otherwise.
pub(super) fn count(totals: &Totals, prices: &PriceSet, describes: bool, reported: &mut ReportedUsage) {
    let of_time = [Meter::InputAudioSecond, Meter::OutputAudioSecond, Meter::VideoSecond, Meter::InputVideoSecond];
    let time = of_time.into_iter().find(|meter| prices.has_price(*meter)).unwrap_or(Meter::InputAudioSecond);
    let computing = totals.wall_clock_ms.and_then(|number| Quantity::new(number.0.get() / Decimal::from(1_000)));
    let annotated = totals.annotated_pages.map(|pages| pages.0).unwrap_or_default();
    let plain_pages = totals.pages.map(|pages| Number(pages.0.saturating_sub(annotated)));
    for (meter, number) in [
        (time, totals.seconds),
        (Meter::TtsCharacter, totals.characters),
        (Meter::ComputeSecond, computing.map(Number)),
        (Meter::Image, totals.images),
        (Meter::Page, plain_pages),
        (Meter::AnnotatedPage, totals.annotated_pages),
    ] {
        let Some(Number(quantity)) = number.filter(|number| !number.0.is_zero()) else { continue };
        if !describes || prices.has_price(meter) {
            reported.counts.insert(meter, quantity);
        }
    }
    for (meter, number) in [
        (Meter::WebSearch, totals.web_searches),
        (Meter::FileSearch, totals.file_searches),
        (Meter::SearchUnit, totals.rerank_search_units),
        (Meter::TextMessage, totals.text_messages),
    ] {
        reported.counts.extend(number.filter(|number| !number.0.is_zero()).map(|number| (meter, number.0)));
    }
    if prices.has_price(Meter::Request) {
        let requests = totals.requests.map_or(Quantity::ONE, |number| number.0);
        reported.counts.insert(Meter::Request, requests.max(Quantity::ONE));
    }
}
