//! Lint: what looks wrong in a price book, before anything is billed by it.

use serde::{Deserialize, Serialize};

use crate::types::PriceBook;

/// Something that looks wrong in a price book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The offer, as `provider/model`.
    pub offer: String,
    /// The stable name of the rule.
    pub rule: String,
    /// What is wrong, with the figures.
    pub detail: String,
}

/// Looks through a price book, in its order.
#[must_use]
pub fn lint(_book: &PriceBook) -> Vec<Finding> {
    Vec::new()
}
