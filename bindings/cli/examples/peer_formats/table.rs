//! The table, and how its cells are found.

use std::fmt::Write;
use std::sync::Arc;

use jiff::Timestamp;
use tollway::billing::component::Component;
use tollway::billing::price::{BillHead, PriceSet};
use tollway::catalog::import::{Imported, Origin, SourceFormat, import, read_price_map, write};
use tollway::types::{Attribute, Capability, Currency, Facts, Measure, Meter, Offer, PriceBook, Usage, decimal_of};

use super::rows::{ROWS, Row};

/// Where the table stands.
pub(crate) const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/peer-formats.md");

/// The forms, in the order of the columns.
pub(crate) const FORMATS: [SourceFormat; 5] = [
    SourceFormat::Litellm,
    SourceFormat::GenaiPrices,
    SourceFormat::ModelsDev,
    SourceFormat::OpenRouter,
    SourceFormat::Tollway,
];

/// A call, and what it must cost by the prices of its row.
pub(crate) struct Probe {
    /// Properties and numbers of the call, by their names.
    pub(crate) facts: &'static [(&'static str, &'static str)],
    pub(crate) at: &'static str,
    pub(crate) meters: &'static [(Meter, u64)],
    pub(crate) cost: &'static str,
}

const HEAD: &str = "# What price lists can say

Made by `cargo run -p tollway-cli --example peer_formats`, which reads a small list in each form and prices calls by what
the importer makes of it. A test holds this file to what the program writes.

- **billed**: the form says it, and calls cost by it what they should.
- **billed, with words left over**: calls cost what they should, and the import report names something beside it.
- **reported**: the form says it; the import report names it as not read, and nothing is billed by it.
- **in part**: some of the calls cost what they should, and nothing is reported.
- **otherwise**: the form says it, and the calls cost something else.
- **not read**: the import makes no offer of the list.
- *no words*: the form has nothing to say it with.

";

/// Returns the file.
pub(crate) fn markdown() -> String {
    let mut text = HEAD.to_owned();
    let names: Vec<_> = FORMATS.iter().map(|format| format.name()).collect();
    let _ = writeln!(text, "| what is charged by | {} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(FORMATS.len()));
    for row in ROWS {
        let cells: Vec<_> =
            FORMATS.iter().zip(row.samples).map(|(format, sample)| cell(row, *format, sample)).collect();
        let _ = writeln!(text, "| {} | {} |", row.title, cells.join(" | "));
    }
    text
}

fn cell(row: &Row, format: SourceFormat, sample: Option<&str>) -> &'static str {
    let Some(sample) = sample else { return "*no words*" };
    let Some(imported) = read(format, sample) else { return "not read" };
    let Some(offer) = imported.book.offers.first() else {
        return if imported.report.not_understood.is_empty() { "not read" } else { "reported" };
    };
    let right = row.probes.iter().filter(|probe| cost(offer, probe).as_deref() == Some(probe.cost)).count();
    let is_reported = !imported.report.not_understood.is_empty();
    if right == row.probes.len() {
        if is_reported { "billed, with words left over" } else { "billed" }
    } else if is_reported {
        "reported"
    } else if right > 0 {
        "in part"
    } else {
        "otherwise"
    }
}

/// Puts a sample into a list of its form, and reads it.
fn read(format: SourceFormat, sample: &str) -> Option<Imported> {
    let text = match format {
        SourceFormat::Litellm => format!(r#"{{"duck": {{"litellm_provider": "acme", {sample}}}}}"#),
        SourceFormat::GenaiPrices => {
            format!(r#"[{{"id": "acme", "models": [{{"id": "duck", "match": {{"equals": "duck"}}, {sample}}}]}}]"#)
        }
        SourceFormat::ModelsDev => {
            format!(r#"{{"acme": {{"id": "acme", "models": {{"duck": {{"id": "duck", {sample}}}}}}}}}"#)
        }
        SourceFormat::OpenRouter => format!(r#"{{"data": [{{"id": "duck", "pricing": {{{sample}}}}}]}}"#),
        _ => own_list(sample)?,
    };
    let origin = Origin { source: "sample".to_owned(), checked: jiff::civil::date(2026, 11, 1) };
    import(format, &text, &origin, false).ok()
}

fn own_list(sample: &str) -> Option<String> {
    let map = read_price_map(&format!("{{{sample}}}")).ok()?;
    let offer = Offer {
        provider: "acme".to_owned(),
        model: "duck".to_owned(),
        aliases: Vec::new(),
        capability: Capability::Text,
        currency: map.currency,
        prices: map.prices,
        context_window: None,
        max_output_tokens: None,
        source: "sample".to_owned(),
        checked: jiff::civil::date(2026, 11, 1),
        note: None,
    };
    Some(write(&PriceBook { offers: vec![offer] }))
}

/// Returns what a call costs by an offer, with the currency where that is not the dollar.
fn cost(offer: &Offer, probe: &Probe) -> Option<String> {
    let mut facts = Facts::at(probe.at.parse().ok()?);
    for (name, value) in probe.facts {
        match (Attribute::from_name(name), Measure::from_name(name)) {
            (Some(attribute), _) => facts.set(attribute, value),
            (None, measure) => {
                facts.measures.insert(measure?, decimal_of(value)?);
            }
        }
    }
    let terms = offer.prices.iter().map(|price| offer.term(price, Timestamp::MIN));
    let components: Vec<_> = terms.map(|terms| Arc::new(Component::of_terms(terms))).collect();
    let prices = PriceSet::in_force(&components, facts.started_at, Timestamp::MAX).ok()?;
    let usage = Usage {
        meters: probe.meters.iter().map(|(meter, count)| (*meter, (*count).into())).collect(),
        ..Usage::default()
    };
    let head = BillHead { attempt: 1, model: "acme/duck", reported_currency: Currency::USD };
    let bill = prices.bill(head, &usage, &facts).ok()?;
    let text = bill.exact?.to_text();
    Some(match bill.cost?.currency {
        Currency::USD => text,
        currency => format!("{text} {currency}"),
    })
}
