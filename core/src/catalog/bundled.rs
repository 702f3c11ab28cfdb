//! The catalog that is embedded in the crate.

use std::sync::LazyLock;

use super::Catalog;

/// The text that `scripts/build_catalog.py` writes.
const BUNDLED: &str = include_str!("catalog.jsonl");

/// Returns the catalog that is embedded in the crate. It is opened once, at the first call, and never from the network.
#[must_use]
pub fn bundled() -> &'static Catalog {
    #[expect(clippy::expect_used, reason = "the text is part of the build, and a test opens and verifies it")]
    static CATALOG: LazyLock<Catalog> =
        LazyLock::new(|| Catalog::from_text(BUNDLED).expect("the embedded catalog is valid"));
    &CATALOG
}

/// Returns the text of the embedded catalog, as it would be signed and sent.
#[must_use]
pub fn bundled_text() -> &'static str {
    BUNDLED
}

#[cfg(test)]
#[path = "bundled_bill_tests.rs"]
mod bill_tests;
#[cfg(test)]
#[path = "bundled_tests.rs"]
mod tests;
