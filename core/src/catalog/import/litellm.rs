use serde_json::{Map, Value};

use super::{Entry, Imported, Origin};
use crate::types::Result;

pub(super) fn read(_text: &str, _origin: &Origin) -> Result<Imported> {
    Ok(Imported::default())
}

/// Reads the prices of one entry of a provider.
#[must_use]
pub fn read_entry(_provider: &str, _model: &str, _prices: &Map<String, Value>) -> Entry {
    Entry::default()
}
