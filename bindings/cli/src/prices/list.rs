//! `tollway prices list`: what is offered.

use std::io::Write;

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
        return Err(Failure::Missing(format!("not_found: {} has no such model", book.name)));
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
    let mut listed = 0;
    for offer in offers {
        listed += 1;
        table.push([
            offer.name(),
            offer.capability.name().to_owned(),
            main_price(&offer, &[Direction::Input]),
            main_price(&offer, &[Direction::Output, Direction::None]),
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

/// Returns the price that holds without conditions, of the plainest meter that goes one of some ways.
fn main_price(offer: &Offer, ways: &[Direction]) -> String {
    let is_plain = |price: &&OfferPrice| {
        price.basis == Basis::Replaces
            && price.conditions.is_empty()
            && price.pricing_type.meter().is_some_and(|meter| {
                ways.contains(&meter.direction()) && matches!(meter.kind(), MeterKind::Plain | MeterKind::Tool)
            })
    };
    // Meters stand in the order in which people read them; of one meter, the price that began last is the present one.
    let plainest = offer.prices.iter().filter(is_plain).min_by_key(|price| {
        (price.pricing_type.meter(), price.expiry_date.is_some(), std::cmp::Reverse(price.effective_date))
    });
    plainest.map(|price| words::price(price, offer.currency)).unwrap_or_default()
}
