//! The arguments of the command.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use tollway::catalog::import::SourceFormat;
use tollway::types::{Attribute, Capability, Decimal, Measure, Quantity, decimal_of};

const COST_EXAMPLES: &str = "\
Examples:
  tollway cost openai/gpt-4o-mini --input-tokens 1200 --cached-input-tokens 1024 --output-tokens 300
  tollway cost openai/gpt-4o-mini --usage '{\"input_token\": 1200, \"output_token\": 300}' --json
  tollway cost acme/duck-2 --input-tokens 300000 --fact service_tier=batch --book book.json
  tollway cost --jsonl < usages.jsonl > costs.jsonl

A line of --jsonl is an object of `format` (the form of its prices: tollway, litellm or genai-prices), `provider`, `model`,
`prices`, `usage`, and an `id`, which comes back with its cost.

It ends with 0 if there is a cost, with 1 if something that was used has no price (which is not zero) or something went
wrong, and with 2 if it was called wrongly.";

/// Prices usage of AI models exactly, and keeps price lists.
#[derive(Debug, Parser)]
#[command(name = "tollway", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prices one usage, or with --jsonl a stream of them.
    #[command(after_help = COST_EXAMPLES, allow_negative_numbers = true)]
    Cost(Box<CostArguments>),
    /// Looks at price lists: the bundled catalog, and files of several forms.
    #[command(subcommand, arg_required_else_help = true)]
    Prices(PricesCommand),
}

#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// Reads one usage with its prices from each line of standard input, and writes one cost or error for each.
    #[arg(long, conflicts_with_all = ["model", "usage", "facts", "at", "book", "json", "totals"])]
    pub(crate) jsonl: bool,
    /// The model, as it is named in the price list, such as openai/gpt-4o-mini.
    #[arg(value_name = "PROVIDER/MODEL", required_unless_present = "jsonl")]
    pub(crate) model: Option<String>,
    /// What was used, as a JSON object of disjoint meters and their quantities; facts of the call may stand beside them.
    #[arg(long, value_name = "JSON", conflicts_with = "totals")]
    pub(crate) usage: Option<String>,
    #[command(flatten)]
    pub(crate) totals: TotalArguments,
    /// What the call was, such as `service_tier=batch` or `thinking=true`; may be given again.
    #[arg(long = "fact", id = "facts", value_name = "NAME=VALUE", value_parser = fact)]
    pub(crate) facts: Vec<Fact>,
    /// When the call was made, such as 2026-11-22T08:00:00Z, or a day in UTC; now if left out.
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    pub(crate) at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) book: BookArguments,
    /// Writes JSON, with every figure as a decimal string.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A usage as providers report it: what is part of a total is named beside it, and not subtracted.
#[derive(Debug, Default, Args)]
#[group(id = "totals", multiple = true)]
pub(crate) struct TotalArguments {
    /// All input tokens, those of caches included.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) input_tokens: Option<u64>,
    /// Those of them that were read from a cache.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) cached_input_tokens: Option<u64>,
    /// Those of them that were written to a 5-minute cache, or to one of unstated lifetime.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) cache_write_5m_tokens: Option<u64>,
    /// Those of them that were written to a 1-hour cache.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) cache_write_1h_tokens: Option<u64>,
    /// Those of them that are sound.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) input_audio_tokens: Option<u64>,
    /// Those of them that are images.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) input_image_tokens: Option<u64>,
    /// Those of them that are videos.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) input_video_tokens: Option<u64>,
    /// All output tokens, reasoning included.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) output_tokens: Option<u64>,
    /// Those of them that were spent on reasoning.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) reasoning_tokens: Option<u64>,
    /// Those of them that are sound.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) output_audio_tokens: Option<u64>,
    /// Those of them that are images.
    #[arg(long, value_name = "N", value_parser = tokens)]
    pub(crate) output_image_tokens: Option<u64>,
    /// Images that were made.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) images: Option<Quantity>,
    /// Seconds of sound that was heard.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) audio_seconds: Option<Quantity>,
    /// Seconds of video that was made.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) video_seconds: Option<Quantity>,
    /// Characters that were spoken.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) characters: Option<Quantity>,
    /// Pages that were read.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) pages: Option<Quantity>,
    /// Searches of the web.
    #[arg(long, value_name = "N", value_parser = quantity)]
    pub(crate) web_searches: Option<Quantity>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PricesCommand {
    /// Lists what is offered.
    List(ListArguments),
    /// Shows every price of one model, with its conditions and its source.
    Show(ShowArguments),
    /// Reads a price list of another form, says what was understood, and writes it in Tollway's own form.
    Import(ImportArguments),
    /// Looks for what seems wrong in a price list; ends with 1 if there is anything.
    Lint(LintArguments),
    /// Compares two price lists.
    Diff(DiffArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Only the models of a provider.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// Only the models that make something.
    #[arg(long, value_name = "KIND", value_parser = capabilities())]
    pub(crate) capability: Option<Capability>,
    #[command(flatten)]
    pub(crate) book: BookArguments,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The model, as it is named in the price list.
    #[arg(value_name = "PROVIDER/MODEL")]
    pub(crate) model: String,
    #[command(flatten)]
    pub(crate) book: BookArguments,
    /// Writes JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// The price list.
    pub(crate) file: PathBuf,
    /// The form of the price list.
    #[arg(long, value_parser = formats())]
    pub(crate) format: SourceFormat,
    /// Fails if any key was not understood.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Where to write the prices in Tollway's own form; they are only counted if it is left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The source that the prices name, with its version; the form and the file's name if left out.
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: Option<String>,
    /// The day on which the source was read; today if left out.
    #[arg(long, value_name = "DATE")]
    pub(crate) checked: Option<Date>,
    /// Writes the report as JSON, with every key that was not understood.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LintArguments {
    /// The price list; the bundled catalog if left out.
    pub(crate) file: Option<PathBuf>,
    /// The form of the price list; `tollway` if left out.
    #[arg(long, value_parser = formats(), requires = "file")]
    pub(crate) format: Option<SourceFormat>,
    /// Writes the findings as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArguments {
    /// The price list to start from.
    pub(crate) old: PathBuf,
    /// The price list to arrive at; the bundled catalog if left out.
    pub(crate) new: Option<PathBuf>,
    /// The form of both; `tollway` if left out.
    #[arg(long, value_parser = formats())]
    pub(crate) format: Option<SourceFormat>,
    /// The form of the second, where it is another.
    #[arg(long, value_name = "FORMAT", value_parser = formats(), requires = "new")]
    pub(crate) new_format: Option<SourceFormat>,
    /// Writes the differences as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which price list to look at.
#[derive(Debug, Default, Args)]
pub(crate) struct BookArguments {
    /// A price list to look at instead of the bundled catalog.
    #[arg(long, value_name = "FILE")]
    pub(crate) book: Option<PathBuf>,
    /// The form of that price list; `tollway` if left out.
    #[arg(long, value_parser = formats(), requires = "book")]
    pub(crate) format: Option<SourceFormat>,
}

/// Something that a call was, which prices may depend on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fact {
    Attribute(Attribute, String),
    Measure(Measure, Decimal),
}

fn fact(text: &str) -> Result<Fact, String> {
    let (name, value) = text.split_once('=').ok_or("give NAME=VALUE, such as service_tier=batch")?;
    if let Some(attribute) = Attribute::from_name(name) {
        return Ok(Fact::Attribute(attribute, value.to_owned()));
    }
    let measure = Measure::from_name(name).ok_or_else(|| {
        let attributes = Attribute::ALL.iter().map(|attribute| attribute.name());
        let known: Vec<_> = attributes.chain(Measure::ALL.iter().map(|measure| measure.name())).collect();
        format!("{name:?} is no fact; known are {}", known.join(", "))
    })?;
    decimal_of(value)
        .map(|value| Fact::Measure(measure, value))
        .ok_or_else(|| format!("{name} is a number, such as {name}=8.5"))
}

fn instant(text: &str) -> Result<Timestamp, String> {
    let midnight = || text.parse::<Date>().and_then(|day| day.to_zoned(TimeZone::UTC)).map(|day| day.timestamp());
    text.parse().or_else(|_| midnight()).map_err(|_| "give an instant such as 2026-11-22T08:00:00Z".to_owned())
}

fn tokens(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "give a whole number of zero or more, such as 1200".to_owned())
}

fn quantity(text: &str) -> Result<Quantity, String> {
    decimal_of(text).and_then(Quantity::new).ok_or_else(|| "give a number of zero or more, such as 8.5".to_owned())
}

fn formats() -> impl TypedValueParser<Value = SourceFormat> {
    let names = PossibleValuesParser::new(SourceFormat::ALL.map(|format| PossibleValue::new(format.name())));
    names.try_map(|name| {
        SourceFormat::ALL.into_iter().find(|format| format.name() == name).ok_or("it is none of the forms")
    })
}

fn capabilities() -> impl TypedValueParser<Value = Capability> {
    let names = PossibleValuesParser::new(Capability::ALL.map(|capability| PossibleValue::new(capability.name())));
    names.try_map(|name| Capability::from_name(&name).ok_or("it is none of the kinds"))
}
