//! `tollway cost PROVIDER/MODEL`: what one usage costs by the bundled catalog or a price list.

use std::borrow::Cow;
use std::io::Write;

use serde::Serialize;
use serde_json::value::RawValue;
use tollway::billing::meter::disjoint;
use tollway::billing::price::{Bill, BillHead};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{
    CostStatus, Currency, Error, ErrorKind, Facts, Measure, Meter, Offer, ReceiptLine, ReportedModalities,
    ReportedUsage, UsageFlag, printable,
};

use super::cache::Prepared;
use super::line::{Format, Line};
use super::tollway_format;
use crate::arguments::{CostArguments, Fact, TotalArguments};
use crate::failure::Failure;
use crate::prices::book::Book;
use crate::prices::{words, write_json};
use crate::table::{Side, Table};

/// What is written as JSON.
#[derive(Serialize)]
struct Answer<'a> {
    model: String,
    /// In full, or with 34 significant digits where no decimal can hold it; absent if unpriced.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<String>,
    currency: Currency,
    cost_status: CostStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    lines: &'a [ReceiptLine],
    #[serde(skip_serializing_if = "<[UsageFlag]>::is_empty")]
    flags: &'a [UsageFlag],
    /// The instant whose prices were taken.
    at: String,
    source: &'a str,
    checked: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
}

/// Prices one usage; returns whether it has a cost.
pub(super) fn run(arguments: &CostArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let offer = Book::open(&arguments.book)?.find(arguments.model.as_deref().unwrap_or_default())?;
    let (name, prepared) = (offer.name(), Prepared::new(&offer)?);
    let (reported, facts) = consumed(arguments, &prepared)?;
    let usage = disjoint(&reported);
    if usage.meters.is_empty() {
        let detail = "nothing is said of what was used; give --input-tokens and --output-tokens, or --usage";
        return Err(Error::new(ErrorKind::InvalidRequest, detail).into());
    }
    let head = BillHead { attempt: 1, model: &name, reported_currency: offer.currency };
    let bill = prepared.prices(facts.started_at)?.bill(head, &usage, &facts)?;
    let mut flags = usage.flags;
    if !bill.covers_tier {
        flags.push(UsageFlag::OtherServiceTier);
        flags.sort_unstable();
    }
    if arguments.json {
        write_answer(&offer, &facts, &bill, &flags, output)?;
    } else {
        write_text(&offer, &facts, &bill, &flags, output)?;
    }
    Ok(bill.cost.is_some())
}

/// Reads what was used, and what the call was.
fn consumed(arguments: &CostArguments, prepared: &Prepared) -> Result<(ReportedUsage, Facts), Failure> {
    let (reported, mut facts) = match &arguments.usage {
        Some(text) => described(text, prepared)?,
        None => (reported(&arguments.totals), Facts::at(SystemEnvironment.now())),
    };
    if let Some(at) = arguments.at {
        facts.started_at = at;
    }
    for fact in &arguments.facts {
        match fact {
            Fact::Attribute(attribute, value) => facts.set(*attribute, value),
            Fact::Measure(measure, value) => {
                facts.measures.insert(*measure, *value);
            }
        }
    }
    if let Some(seconds) = arguments.totals.audio_seconds.xor(arguments.totals.video_seconds) {
        facts.measures.entry(Measure::Duration).or_insert(seconds.get());
    }
    Ok((reported, facts))
}

/// Reads a usage in the form that lines of `--jsonl` have it in.
fn described(text: &str, prepared: &Prepared) -> Result<(ReportedUsage, Facts), Failure> {
    let usage: &RawValue = serde_json::from_str(text).map_err(|error| {
        let detail = format!("--usage must be a JSON object, such as {{\"input_token\": 1200}}: {error}");
        Error::new(ErrorKind::InvalidRequest, detail)
    })?;
    let line = Line {
        id: None,
        format: Format::Tollway,
        provider: Cow::Borrowed(""),
        model: Cow::Borrowed(""),
        prices: RawValue::NULL,
        price_rules: None,
        price_context: None,
        usage,
    };
    tollway_format::usage(&line, prepared).map_err(|error| {
        let meters: Vec<_> = Meter::ALL.iter().map(|meter| meter.name()).collect();
        let detail = format!("--usage: {}; meters are {}", error.detail(), meters.join(", "));
        Error::new(error.kind(), detail).into()
    })
}

fn reported(totals: &TotalArguments) -> ReportedUsage {
    let counts = [
        (Meter::Image, totals.images),
        (Meter::InputAudioSecond, totals.audio_seconds),
        (Meter::VideoSecond, totals.video_seconds),
        (Meter::TtsCharacter, totals.characters),
        (Meter::Page, totals.pages),
        (Meter::WebSearch, totals.web_searches),
    ];
    ReportedUsage {
        input: totals.input_tokens,
        cached_input: totals.cached_input_tokens,
        cache_write_5m: totals.cache_write_5m_tokens,
        cache_write_1h: totals.cache_write_1h_tokens,
        input_modalities: ReportedModalities {
            audio: totals.input_audio_tokens,
            image: totals.input_image_tokens,
            video: totals.input_video_tokens,
            ..ReportedModalities::default()
        },
        output: totals.output_tokens,
        reasoning: totals.reasoning_tokens,
        output_audio: totals.output_audio_tokens,
        output_image: totals.output_image_tokens,
        counts: counts.into_iter().filter_map(|(meter, count)| Some(meter).zip(count)).collect(),
        ..ReportedUsage::default()
    }
}

fn write_answer(
    offer: &Offer,
    facts: &Facts,
    bill: &Bill,
    flags: &[UsageFlag],
    output: &mut impl Write,
) -> Result<(), Failure> {
    let answer = Answer {
        model: offer.name(),
        cost: bill.exact.as_ref().map(ToString::to_string),
        currency: offer.currency,
        cost_status: bill.cost_status,
        error: bill.cost.is_none().then(|| super::unpriced(bill)),
        lines: &bill.lines,
        flags,
        at: facts.started_at.to_string(),
        source: &offer.source,
        checked: offer.checked.to_string(),
        note: offer.note.as_deref(),
    };
    write_json(output, &answer)
}

fn write_text(
    offer: &Offer,
    facts: &Facts,
    bill: &Bill,
    flags: &[UsageFlag],
    output: &mut impl Write,
) -> Result<(), Failure> {
    let mut table = Table::new([
        ("meter", Side::Left),
        ("quantity", Side::Right),
        ("billed", Side::Right),
        ("price", Side::Left),
        ("times", Side::Left),
        ("amount", Side::Right),
    ]);
    for line in &bill.lines {
        let meter = line.meter.map_or("", Meter::name);
        let label = line.note.as_ref().map_or_else(|| meter.to_owned(), |note| format!("{meter} ({note})"));
        let price = line.unit_price.zip(line.unit).map(|(price, unit)| words::unit_price(price, unit, offer.currency));
        let times = line.modifiers.iter().map(|modifier| format!("{} {}", modifier.ratio.normalize(), modifier.group));
        table.push([
            label,
            line.quantity.to_string(),
            line.billed_quantity.map(|quantity| quantity.to_string()).unwrap_or_default(),
            price.unwrap_or_else(|| "none".to_owned()),
            times.collect::<Vec<_>>().join(", "),
            line.amount.map_or_else(|| "unpriced".to_owned(), |amount| amount.normalize().to_string()),
        ]);
    }
    writeln!(output, "{}", printable(&offer.name()))?;
    table.write(output)?;
    match &bill.exact {
        Some(exact) => writeln!(output, "\ntotal  {exact} {}", offer.currency)?,
        None => writeln!(output, "\n{}", super::unpriced(bill))?,
    }
    let (at, source, checked) = (facts.started_at.strftime("%Y-%m-%dT%H:%M:%SZ"), &offer.source, offer.checked);
    writeln!(output, "Prices at {at}, from {source}, checked {checked}.")?;
    for flag in flags {
        writeln!(output, "Note: {}.", flag_text(*flag))?;
    }
    if let Some(note) = &offer.note {
        writeln!(output, "Note: {}", printable(note))?;
    }
    Ok(())
}

/// Says what a flag means for the figure above it.
fn flag_text(flag: UsageFlag) -> String {
    match flag {
        UsageFlag::OtherServiceTier => {
            "there is no price of the tier that was served; the cost is at others".to_owned()
        }
        UsageFlag::CachedExceedsInput => "more tokens of caches than input tokens were given; they were cut".to_owned(),
        UsageFlag::ReasoningExceedsOutput => "more reasoning than output tokens were given".to_owned(),
        UsageFlag::ModalityExceedsTotal => {
            "more tokens of sound, images or videos were given than all; they were cut".to_owned()
        }
        UsageFlag::OverlapUnknown => {
            "how much sound, image or video was cached is not said; as little as possible was assumed".to_owned()
        }
        other => serde_json::to_value(other).ok().and_then(|name| name.as_str().map(words::words)).unwrap_or_default(),
    }
}
