//! Searches of the web, whose price may depend on how much context they bring.

use serde_json::Value;

use super::document::number;
use crate::types::{Attribute, Conditions, Decimal, Meter, OfferPrice, Unit};

/// The sizes, with the key of each.
const SIZES: [(&str, &str); 3] = [
    ("low", "search_context_size_low"),
    ("medium", "search_context_size_medium"),
    ("high", "search_context_size_high"),
];

/// Reads `search_context_cost_per_query`; nothing where a key or a value of it is not known.
///
/// A search of unstated size has the size that the vendor takes by default: medium, but low at Perplexity.
pub(super) fn read(value: &Value, provider: &str) -> Option<Vec<OfferPrice>> {
    let fields = value.as_object()?;
    if fields.keys().any(|key| SIZES.iter().all(|(_, known)| known != key)) {
        return None;
    }
    let mut known: Vec<(&str, Decimal)> = Vec::new();
    for (size, key) in SIZES {
        if let Some(value) = fields.get(key) {
            known.push((size, number(value)?));
        }
    }
    let usual = if provider == "perplexity" { "low" } else { "medium" };
    let (_, price) = *known.iter().find(|(size, _)| *size == usual).or(known.first())?;
    let plain = |price| OfferPrice::new(Meter::WebSearch, price, Unit::PerSearch);
    let sized = known
        .iter()
        .filter(|(_, other)| *other != price)
        .map(|(size, price)| plain(*price).when(Conditions::default().with_choice(Attribute::SearchSize, size)));
    Some(std::iter::once(plain(price)).chain(sized).collect())
}
