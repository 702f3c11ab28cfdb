//! `tollway prices list`: what is offered.

use std::io::Write;

use jiff::Timestamp;
use tollway::environment::{Environment, SystemEnvironment};
use tollway::types::{Basis, Direction, MeterKind, Offer, OfferPrice};

use super::book::Book;
use super::{count, words, write_json_lines};
use crate::arguments::ListArguments;
use crate::failure::Failure;
use crate::table::{Side, Table};

pub(super) fn run(arguments: &ListArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let book = Book::open(&arguments.book)?;
    let is_asked = |offer: &Offer| {
        arguments.provider.as_ref().is_none_or(|provider| offer.provider == *provider)
            && arguments.capability.is_none_or(|capability| offer.capability == capability)
    };
    let mut offers = book.offers().filter(is_asked).peekable();
    if offers.peek().is_none() {
        return Err(Failure::Missing(format!(
            "not_found: {} has no model of that provider and capability; leave an option out to see what there is",
            book.name
        )));
    }
    if arguments.json {
        write_json_lines(output, offers)?;
        return Ok(true);
    }
    let mut table = Table::new([
        ("model", Side::Left),
        ("makes", Side::Left),
        ("input", Side::Left),
        ("output", Side::Left),
        ("prices", Side::Right),
        ("checked", Side::Left),
    ]);
    let (mut listed, now) = (0, SystemEnvironment.now());
    for offer in offers {
        listed += 1;
        table.push([
            offer.name(),
            offer.capability.name().to_owned(),
            main_price(&offer, &[Direction::Input], now),
            main_price(&offer, &[Direction::Output, Direction::None], now),
            offer.prices.len().to_string(),
            offer.checked.to_string(),
        ]);
    }
    table.write(output)?;
    writeln!(
        output,
        "\n{} in {}; prices with conditions are counted, and `prices show` lists them",
        count(listed, "model"),
        book.name
    )?;
    Ok(true)
}

/// Returns the price that holds without conditions at an instant, of the plainest meter that goes one of some ways.
fn main_price(offer: &Offer, ways: &[Direction], now: Timestamp) -> String {
    let is_plain = |price: &&OfferPrice| {
        price.basis == Basis::Replaces
            && price.effective_date.is_none_or(|from| from <= now)
            && price.expiry_date.is_none_or(|end| now < end)
            && price.conditions.is_empty()
            && price.pricing_type.meter().is_some_and(|meter| {
                ways.contains(&meter.direction()) && matches!(meter.kind(), MeterKind::Plain | MeterKind::Tool)
            })
    };
    // Meters stand in the order in which people read them; of one meter, the price that began last is the one meant.
    let plainest = offer
        .prices
        .iter()
        .filter(is_plain)
        .min_by_key(|price| (price.pricing_type.meter(), std::cmp::Reverse(price.effective_date)));
    plainest.map(|price| words::price(price, offer.currency)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_price_of_the_instant_is_listed() {
        let text = r#"{"provider": "acme", "model": "duck", "currency": "USD", "source": "list 1", "checked": "2026-11-20",
            "prices": [
                {"pricing_type": "cached_input_token", "unit_price": "1", "unit": "per_1m_tokens"},
                {"pricing_type": "input_token", "unit_price": "2", "unit": "per_1m_tokens",
                    "expiry_date": "2026-01-01T00:00:00Z"},
                {"pricing_type": "input_token", "unit_price": "3", "unit": "per_1m_tokens",
                    "effective_date": "2026-01-01T00:00:00Z"},
                {"pricing_type": "input_token", "unit_price": "4", "unit": "per_1m_tokens",
                    "conditions": {"service_tier": "batch"}},
                {"pricing_type": "web_search", "unit_price": "0.01", "unit": "per_search"}]}"#;
        let offer: Offer = serde_json::from_str(text).unwrap();
        let at = |way, at: &str| main_price(&offer, &[way], at.parse().unwrap());
        assert_eq!(at(Direction::Input, "2025-12-31T23:59:59Z"), "2 USD per 1M tokens");
        assert_eq!(at(Direction::Input, "2026-01-01T00:00:00Z"), "3 USD per 1M tokens");
        assert_eq!(at(Direction::None, "2026-01-01T00:00:00Z"), "0.01 USD per search");
        assert_eq!(at(Direction::Output, "2026-01-01T00:00:00Z"), "");
    }
}
