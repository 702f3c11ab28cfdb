//! How much a price list may come to. A list that is larger than any list of prices is work and memory for nothing.

use super::ImportReport;
use super::fields::MOST_ENTRIES;
use crate::types::{Error, ErrorKind, OfferPrice, Result};

/// The most prices of one offer. Prices are compared with each other.
pub(super) const MOST_PRICES: usize = 500;
/// The most rules, overrides or windows of one offer, each of which may have to be told from all the others.
pub(super) const MOST_RULES: usize = 64;
/// The most prices of a list.
const MOST_PRICES_OF_ALL: usize = 300_000;
/// The most characters of a value that is quoted.
const LONGEST_QUOTE: usize = 400;

/// Why an offer with more prices than [`MOST_PRICES`] is left out.
pub(super) const TOO_MANY_PRICES: &str = "it makes more than 500 prices of one model; none of them is taken";
/// Why more rules than [`MOST_RULES`] are left out.
pub(super) const TOO_MANY_RULES: &str = "it has more than 64 rules for one model; none of them is taken";

/// Refuses a list that comes to more than a list of prices can.
pub(super) fn check(report: &ImportReport) -> Result<()> {
    for (count, most, what) in [
        (report.entries, MOST_ENTRIES, "entries"),
        (report.prices, MOST_PRICES_OF_ALL, "prices"),
        (report.not_understood.len(), MOST_ENTRIES, "keys that were not understood"),
    ] {
        if count > most {
            let detail = format!("the list has more than {most} {what}; split it");
            return Err(Error::new(ErrorKind::InvalidRequest, detail));
        }
    }
    Ok(())
}

/// Returns whether so many prices can still be told from each other.
pub(super) fn fits(prices: &[OfferPrice]) -> bool {
    prices.len() <= MOST_PRICES
}

/// Returns a value as it is quoted: whole, or its beginning.
pub(super) fn quoted(value: &str) -> String {
    match value.char_indices().nth(LONGEST_QUOTE) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}...", &value[..end]),
    }
}

#[cfg(test)]
#[path = "extent_tests.rs"]
mod tests;
