//! `tollway prices show`: every price of one model.

use std::io::Write;

use tollway::types::{Offer, OfferPrice, printable};

use super::book::Book;
use super::{words, write_json};
use crate::arguments::ShowArguments;
use crate::failure::Failure;
use crate::table::{Side, Table};

pub(super) fn run(arguments: &ShowArguments, output: &mut impl Write) -> Result<bool, Failure> {
    let book = Book::open(&arguments.book)?;
    let offer = book.find(&arguments.model)?;
    if arguments.json {
        write_json(output, &offer)?;
    } else {
        write_head(&offer, output)?;
        write_prices(&offer, output)?;
    }
    Ok(true)
}

fn write_head(offer: &Offer, output: &mut impl Write) -> Result<(), Failure> {
    writeln!(output, "{}", printable(&offer.name()))?;
    let limit = |name: &str, limit: Option<u64>| limit.map(|limit| (name.to_owned(), format!("{limit} tokens")));
    let aliases = (!offer.aliases.is_empty()).then(|| ("also named".to_owned(), offer.aliases.join(", ")));
    let facts = [
        Some(("makes".to_owned(), offer.capability.name().to_owned())),
        aliases,
        limit("takes at most", offer.context_window),
        limit("gives at most", offer.max_output_tokens),
        Some(("source".to_owned(), offer.source.clone())),
        Some(("checked".to_owned(), offer.checked.to_string())),
        offer.note.as_ref().map(|note| ("note".to_owned(), note.clone())),
    ];
    for (name, value) in facts.into_iter().flatten() {
        writeln!(output, "  {name:<15}{}", printable(&value))?;
    }
    writeln!(output)?;
    Ok(())
}

fn write_prices(offer: &Offer, output: &mut impl Write) -> Result<(), Failure> {
    if offer.prices.is_empty() {
        writeln!(output, "There is no price.")?;
        return Ok(());
    }
    let mut table =
        Table::new([("meter", Side::Left), ("price", Side::Left), ("when", Side::Left), ("further", Side::Left)]);
    let mut prices: Vec<&OfferPrice> = offer.prices.iter().collect();
    // Modifiers come last, because they work on what stands above them.
    prices.sort_by_key(|price| (price.pricing_type, price.conditions.weight(), price.effective_date));
    for price in prices {
        table.push([
            words::subject(price),
            words::price(price, offer.currency),
            words::conditions(&price.conditions),
            words::extras(price, offer.currency),
        ]);
    }
    table.write(output)?;
    Ok(())
}
