//! Price lists in files: read and looked through, held against the configured models, taken over, and written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::price_book;
use super::price_updates::PriceUpdate;
use crate::catalog::import::{ImportReport, Imported, Origin, SourceFormat, import, read_file, write, write_file};
use crate::catalog::lint::{Finding, lint};
use crate::client::engine::Tollway;
use crate::environment::log::logged_as_here;
use crate::store::is_ledger;
use crate::types::{Error, ErrorKind, PriceBook, Result};

/// A price list in a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceListFile {
    /// Where it is.
    pub path: PathBuf,
    /// The form that it has; Tollway's own where absent.
    #[serde(default = "own_form")]
    pub format: SourceFormat,
    /// What its offers name as their source, where they do not say it; the form and the name of the file where absent.
    #[serde(default)]
    pub source: Option<String>,
    /// Whether a key that is not understood is an error.
    #[serde(default)]
    pub strict: bool,
}

fn own_form() -> SourceFormat {
    SourceFormat::Tollway
}

impl PriceListFile {
    /// Names a list, whose keys that are not understood are left out.
    pub fn new(path: impl Into<PathBuf>, format: SourceFormat) -> Self {
        Self { path: path.into(), format, source: None, strict: false }
    }
}

/// What importing a list read, and what it means for the configured models.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceImport {
    /// What was read of the list, and what was not.
    pub report: ImportReport,
    /// What the list means for the configured models, and whether it was taken over.
    pub update: PriceUpdate,
}

/// How many offers, and how many prices of them, were written to a price list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PriceExport {
    /// How many offers.
    pub offers: usize,
    /// How many prices and modifiers they have.
    pub prices: usize,
}

impl Tollway {
    /// Reads a price list and changes nothing. Fails with `storage` if the file cannot be read, and with `invalid_request` if it is
    /// not of its form or, where that is asked, if a key was not understood.
    pub async fn read_price_list(&self, file: PriceListFile) -> Result<Imported> {
        self.engine.check()?;
        let environment = Arc::clone(&self.engine.environment);
        blocking(move || {
            let PriceListFile { path, format, source, strict } = file;
            let text = read_file(&path)?;
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let source = source.unwrap_or_else(|| format!("{} {name}", format.name()));
            let checked = environment.now().to_zoned(TimeZone::UTC).date();
            import(format, &text, &Origin { source, checked }, strict)
        })
        .await
    }

    /// Reads a price list, and says what it means for the configured models; takes it over if `apply` is set.
    pub async fn import_prices(&self, file: PriceListFile, apply: bool) -> Result<PriceImport> {
        let Imported { book, report } = self.read_price_list(file).await?;
        let update = if apply { self.apply_prices(&book).await } else { self.propose_prices(&book).await }?;
        Ok(PriceImport { report, update })
    }

    /// Looks for what is wrong in a price list, or in the prices of the configured models where none is given.
    pub async fn lint_prices(&self, file: Option<PriceListFile>) -> Result<Vec<Finding>> {
        let book = match file {
            Some(file) => self.read_price_list(file).await?.book,
            None => self.price_book().await?,
        };
        blocking(move || Ok(lint(&book))).await
    }

    /// Returns the prices of the configured models that are in force or begin later, as a book.
    ///
    /// Fails with `invalid_request` if a config's prices are in two currencies, which an offer cannot say.
    pub async fn price_book(&self) -> Result<PriceBook> {
        let now = self.engine.environment.now();
        price_book::of_file(&self.model_configs().await?, &self.prices(None).await?, now)
    }

    /// Writes [`Self::price_book`] to a file in Tollway's own form, aside first and then in its place; never over a ledger.
    ///
    /// Fails with `invalid_request` if two configs of one model have different prices, of which a list holds one.
    pub async fn export_prices(&self, path: &Path) -> Result<PriceExport> {
        let book = self.price_book().await?;
        price_book::check_names(&book)?;
        let prices = book.offers.iter().map(|offer| offer.prices.len()).sum();
        let counts = PriceExport { offers: book.offers.len(), prices };
        let (path, environment) = (path.to_owned(), Arc::clone(&self.engine.environment));
        blocking(move || write_file(&path, &write(&book), is_ledger, environment.as_ref())).await?;
        Ok(counts)
    }
}

/// Does work that would hold up the runtime's threads on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(logged_as_here(work)).await;
    ended.map_err(|error| Error::new(ErrorKind::Internal, format!("reading a price list ended early: {error}")))?
}

#[cfg(test)]
#[path = "price_lists_tests.rs"]
mod tests;
