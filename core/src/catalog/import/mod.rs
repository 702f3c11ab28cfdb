//! Importers: price lists of others, from files that the user gives, as offers. Nothing is fetched.
//!
//! Every key of a list that is understood becomes a price or a modifier. Every other is named in the report with the reason,
//! and nothing is dropped in silence.

mod digits;
mod extent;
mod fields;
mod file;
mod genai_prices;
mod litellm;
mod models_dev;
mod openrouter;
mod tiers;
mod tollway;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use file::{MOST_BYTES, read_file, write_file};
pub use genai_prices::{Omission, read_prices as read_genai_prices};
pub use litellm::{exact_object, read_entry as read_litellm_entry};
pub use tollway::{PriceMap, read_price_map, write};

use crate::types::{Error, ErrorKind, OfferPrice, PriceBook, Result};

/// A form that price lists come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PriceFormat"))]
#[non_exhaustive]
pub enum SourceFormat {
    /// Tollway's own.
    #[serde(rename = "tollway")]
    Tollway,
    /// `LiteLLM`'s `model_prices_and_context_window.json`.
    #[serde(rename = "litellm")]
    Litellm,
    /// The data of genai-prices.
    #[serde(rename = "genai-prices")]
    GenaiPrices,
    /// The `api.json` of models.dev.
    #[serde(rename = "models.dev", alias = "models-dev")]
    ModelsDev,
    /// The answer of `OpenRouter`'s `/models`.
    #[serde(rename = "openrouter")]
    OpenRouter,
}

impl SourceFormat {
    /// Every form.
    pub const ALL: [Self; 5] = [Self::Tollway, Self::Litellm, Self::GenaiPrices, Self::ModelsDev, Self::OpenRouter];

    /// Returns the stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tollway => "tollway",
            Self::Litellm => "litellm",
            Self::GenaiPrices => "genai-prices",
            Self::ModelsDev => "models.dev",
            Self::OpenRouter => "openrouter",
        }
    }
}

/// Where a list comes from: what its offers name as their source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The name and version of the source, such as `litellm 1.106.2`.
    pub source: String,
    /// The day on which it was read.
    pub checked: Date,
}

/// What an importer made of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Imported {
    /// The offers.
    pub book: PriceBook,
    /// What was read and what was not.
    pub report: ImportReport,
}

/// What was read of a list and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImportReport {
    /// How many entries the list has.
    pub entries: usize,
    /// How many offers were made of them.
    pub offers: usize,
    /// How many prices and modifiers the offers have.
    pub prices: usize,
    /// The keys that were not understood, each with its entry and the reason.
    pub not_understood: Vec<NotUnderstood>,
    /// Entries that carry no price at all, which is not a price of zero.
    pub unpriced: Vec<String>,
}

/// A key of a list that became no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NotUnderstood {
    /// The entry.
    pub entry: String,
    /// The key, with its place inside the entry.
    pub key: String,
    /// The value, as it stands in the list; its first 400 characters where it is longer.
    pub value: String,
    /// Why it was not understood.
    pub reason: String,
}

/// The prices of one entry, with what of it was not understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// The prices and modifiers.
    pub prices: Vec<OfferPrice>,
    /// The keys that were not understood.
    pub not_understood: Vec<NotUnderstood>,
}

/// Reads a price list.
///
/// Fails with `invalid_request` if the text is not of the form, nests deeper or holds more than a list of prices can, or, when
/// `strict`, if any key of it was not understood.
pub fn import(format: SourceFormat, text: &str, origin: &Origin, strict: bool) -> Result<Imported> {
    let imported = match format {
        SourceFormat::Tollway => tollway::read(text, origin),
        SourceFormat::Litellm => litellm::read(text, origin),
        SourceFormat::GenaiPrices => genai_prices::read(text, origin),
        SourceFormat::ModelsDev => models_dev::read(text, origin),
        SourceFormat::OpenRouter => openrouter::read(text, origin),
    };
    let imported = imported.map_err(|error| {
        let forms: Vec<_> = SourceFormat::ALL.iter().map(|form| form.name()).collect();
        error.with_detail_suffix(&format!(
            "; check that it is of the form {}, among {}",
            format.name(),
            forms.join(", ")
        ))
    })?;
    match imported.report.not_understood.first() {
        Some(first) if strict => Err(Error::new(
            ErrorKind::InvalidRequest,
            format!(
                "{} keys were not understood, the first {:?} of {:?} ({}); import without `strict` to leave them out",
                imported.report.not_understood.len(),
                first.key,
                first.entry,
                first.reason
            ),
        )),
        _ => Ok(imported),
    }
}
