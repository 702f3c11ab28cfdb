//! `tollway cost`: what a usage costs, with the lines that make it.

mod cache;
mod genai_prices;
mod line;
mod lines;
mod litellm;
mod single;
mod tollway_format;

use std::io::{BufRead, Write};

use serde::Serialize;
use serde_json::value::RawValue;
use tollway::billing::meter::disjoint;
use tollway::billing::price::{Bill, BillHead};
use tollway::types::{Currency, Error, ErrorKind, Meter, ModelName, ReceiptLine, Result, UsageFlag, check_levels};

use crate::arguments::CostArguments;
use crate::failure::Failure;
use cache::Cache;
use line::{Format, Line};
use lines::{LONGEST_LINE, Lines, Read};

/// What some programs write before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How many characters of a reason are written.
const LONGEST_REASON: usize = 2_000;

/// What is written for a line that has a cost.
#[derive(Serialize)]
struct Priced<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    /// In full, or with 34 significant digits where no decimal can hold it.
    cost: String,
    currency: Currency,
    lines: &'a [ReceiptLine],
    #[serde(skip_serializing_if = "<[UsageFlag]>::is_empty")]
    flags: &'a [UsageFlag],
}

/// What is written for a line that has none.
#[derive(Serialize)]
struct Refused<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    error: String,
}

/// Runs the command; returns whether everything had a cost.
pub(crate) fn run(
    arguments: &CostArguments,
    input: impl BufRead,
    output: &mut impl Write,
) -> std::result::Result<bool, Failure> {
    if arguments.jsonl {
        return stream(input, output);
    }
    single::run(arguments, output)
}

fn stream(input: impl BufRead, output: &mut impl Write) -> std::result::Result<bool, Failure> {
    let mut cache = Cache::default();
    let mut lines = Lines::new(input);
    // A line is written at once: whatever takes it may look through every piece for its end.
    let mut answer = Vec::new();
    let mut all_priced = true;
    let mut is_first = true;
    loop {
        let text = match lines.next()? {
            Read::End => return Ok(all_priced),
            Read::Line(line) => {
                text_of(if is_first { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line) } else { line })
            }
            Read::TooLong => {
                let most = LONGEST_LINE >> 20;
                Err(invalid(format!("the line is longer than {most} MiB; give one usage and its prices")))
            }
        };
        is_first = false;
        if text.as_ref().is_ok_and(|text| text.trim_ascii().is_empty()) {
            continue;
        }
        answer.clear();
        all_priced &= match text {
            Ok(text) => one(text, &mut cache, &mut answer)?,
            Err(error) => refuse(None, &error, &mut answer)?,
        };
        answer.push(b'\n');
        output.write_all(&answer)?;
    }
}

fn text_of(line: &[u8]) -> Result<&str> {
    std::str::from_utf8(line).map_err(|error| {
        invalid(format!("the line is no UTF-8 text from byte {} on; write it as UTF-8", error.valid_up_to()))
    })
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, detail)
}

/// Prices one line; returns whether it has a cost.
fn one(text: &str, cache: &mut Cache, output: &mut Vec<u8>) -> std::result::Result<bool, Failure> {
    let line = match check_levels("the line", text.as_bytes()).and_then(|()| Line::read(text)) {
        Ok(line) => line,
        Err(error) => return refuse(line::id(text), &error, output),
    };
    let (bill, flags) = match price(&line, cache) {
        Ok(priced) => priced,
        Err(error) => return refuse(line.id, &error, output),
    };
    let Some((exact, cost)) = bill.exact.as_ref().zip(bill.cost) else {
        write_json(output, &Refused { id: line.id, error: unpriced(&bill) })?;
        return Ok(false);
    };
    let (cost, currency) = (exact.to_text(), cost.currency);
    write_json(output, &Priced { id: line.id, cost, currency, lines: &bill.lines, flags: &flags })?;
    Ok(true)
}

/// Writes why a line has no cost. What it quotes of the line is cut, since a line may be of any length.
fn refuse(id: Option<&RawValue>, reason: &Error, output: &mut Vec<u8>) -> std::result::Result<bool, Failure> {
    let mut error = format!("{}: {}", reason.code(), reason.detail());
    if let Some((end, _)) = error.char_indices().nth(LONGEST_REASON) {
        error.truncate(end);
        error.push_str(" ...");
    }
    write_json(output, &Refused { id, error })?;
    Ok(false)
}

fn price(line: &Line<'_>, cache: &mut Cache) -> Result<(Bill, Vec<UsageFlag>)> {
    let prepared = cache.get(line)?;
    let (reported, facts) = match line.format {
        Format::Litellm => litellm::usage(line, prepared)?,
        Format::GenaiPrices => genai_prices::usage(line, prepared)?,
        Format::Tollway => tollway_format::usage(line, prepared)?,
    };
    let usage = disjoint(&reported);
    let model = ModelName::new(&line.provider, &line.model).to_string();
    let head = BillHead { attempt: 1, model: &model, reported_currency: Currency::USD };
    let bill = prepared.prices(facts.started_at)?.bill(head, &usage, &facts)?;
    Ok((bill, usage.flags))
}

fn unpriced(bill: &Bill) -> String {
    let without: Vec<_> =
        bill.lines.iter().filter(|line| line.amount.is_none()).filter_map(|line| line.meter).map(Meter::name).collect();
    if without.is_empty() {
        "unpriced: nothing is known of what was used, or there is no price at all".to_owned()
    } else {
        format!("unpriced: there is no price for {}", without.join(", "))
    }
}

fn write_json(output: &mut Vec<u8>, value: &impl Serialize) -> std::result::Result<(), Failure> {
    serde_json::to_writer(output, value).map_err(|error| Failure::Output(error.into()))
}
