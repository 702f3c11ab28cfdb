use serde_json::{Map, Value};

use super::{Entry, Imported, Origin};
use crate::types::Result;

pub(super) fn read(_text: &str, _origin: &Origin) -> Result<Imported> {
    Ok(Imported::default())
}

/// Reads one set of prices: those of a model, or of one of its dated rules.
#[must_use]
pub fn read_prices(_prices: &Map<String, Value>) -> Entry {
    Entry::default()
}
