//! The verbs about price lists: files and the bundled catalog against the prices of the model configs.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use tollway::catalog::import::SourceFormat;
use tollway::catalog::lint::Finding;
use tollway::client::{
    PriceExport, PriceImport, PriceListFile, PriceUpdate, RerateBook, RerateQuery, RerateReport, Tollway,
};
use tollway::types::Result;

use super::table::verbs;
use super::usage::RecordFilter;

verbs! {
    /// Looks for what seems wrong in a price list, or in the prices of this file.
    ///
    /// * `storage` if the list cannot be read.
    /// * `invalid_request` if the list is not of the format.
    "prices.lint"(path) => lint_prices(LintArguments) -> Vec<Finding>;
    /// Reads a price list, and returns what of it was understood and what it means for the configured models.
    ///
    /// Nothing changes unless `apply` is true; then new prices apply from now on. Prices that were set by hand are never touched.
    ///
    /// * `storage` if the list cannot be read.
    /// * `invalid_request` if the list is not of the format, or with `strict` a key was not understood.
    "prices.import_file"(path) => import_file(ImportArguments) -> PriceImport;
    /// Writes the prices of this file that are in force, and those that begin later, as a price list.
    ///
    /// * `storage` if the list cannot be written.
    /// * `invalid_request` if two configs of one model have different prices, of which a list holds one.
    "prices.export"(path) => export(ExportArguments) -> PriceExport;
    /// Compares the prices of the configured models with the bundled catalog; with `apply`, takes them over.
    ///
    /// New prices apply from now on. Prices that were set by hand are never touched, and models that the catalog no longer has keep
    /// theirs; both are reported.
    "prices.update_from_catalog" => update_from_catalog(UpdateArguments) -> PriceUpdate;
    /// Bills past calls again at other prices, and returns what would differ.
    ///
    /// With `apply`, each difference becomes a record that adjusts the call's own, which never changes; budgets move by it. What was
    /// applied once makes no difference again.
    ///
    /// * `storage` if the list cannot be read.
    /// * `invalid_request` if the list is not of the format, or a field of the selection is wrong.
    "prices.rerate"(since) => rerate(RerateArguments) -> RerateReport;
}

/// In which form a price list is written.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PriceLintOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct LintArguments {
    /// The list; the prices of the file where left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: Option<PathBuf>,
    /// The format of the list.
    #[serde(default = "own_form")]
    format: SourceFormat,
}

/// How to read a price list.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PriceImportOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct ImportArguments {
    /// The list.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
    /// The format of the list.
    format: SourceFormat,
    /// Whether a key that was not understood is an error.
    #[serde(default)]
    strict: bool,
    /// Whether to take the prices over, from now on.
    #[serde(default)]
    apply: bool,
    /// What the prices name as their source, such as the list's name and version.
    #[serde(default)]
    source: Option<String>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(super) struct ExportArguments {
    /// Where to write the list.
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    path: PathBuf,
}

/// What to do with the prices of the catalog.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CatalogUpdateOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateArguments {
    /// Whether to take them over, from now on.
    #[serde(default)]
    apply: bool,
}

/// How to bill past calls again.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "RerateOptions"))]
#[serde(deny_unknown_fields)]
pub(super) struct RerateArguments {
    /// The first instant of the calls.
    since: Timestamp,
    /// The first instant after them; now where left out.
    #[serde(default)]
    until: Option<Timestamp>,
    /// Which calls.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(extend("spread" = true)))]
    filter: RecordFilter,
    /// `as_known_now` (the prices in force at each call, by what is known now), `in_force_now` (those of today), or the path of a
    /// price list.
    #[serde(default = "as_known_now")]
    #[cfg_attr(feature = "schema", schemars(extend("format" = "path")))]
    book: PathBuf,
    /// The format of that list.
    #[serde(default = "own_form")]
    format: SourceFormat,
    /// Whether to write the differences as adjustments.
    #[serde(default)]
    apply: bool,
}

impl RerateArguments {
    /// Returns the prices that are meant, where they are not in a list.
    fn named_book(&self) -> Option<RerateBook> {
        match self.book.to_str() {
            Some("as_known_now") => Some(RerateBook::AsKnownNow),
            Some("in_force_now") => Some(RerateBook::InForceNow),
            _ => None,
        }
    }
}

fn as_known_now() -> PathBuf {
    "as_known_now".into()
}

fn own_form() -> SourceFormat {
    SourceFormat::Tollway
}

pub(super) async fn lint_prices(client: &Tollway, arguments: LintArguments) -> Result<Vec<Finding>> {
    let LintArguments { path, format } = arguments;
    client.lint_prices(path.map(|path| PriceListFile::new(path, format))).await
}

pub(super) async fn import_file(client: &Tollway, arguments: ImportArguments) -> Result<PriceImport> {
    let ImportArguments { path, format, strict, apply, source } = arguments;
    client.import_prices(PriceListFile { path, format, source, strict }, apply).await
}

pub(super) async fn export(client: &Tollway, arguments: ExportArguments) -> Result<PriceExport> {
    client.export_prices(&arguments.path).await
}

pub(super) async fn update_from_catalog(client: &Tollway, arguments: UpdateArguments) -> Result<PriceUpdate> {
    client.update_from_catalog(arguments.apply).await
}

pub(super) async fn rerate(client: &Tollway, arguments: RerateArguments) -> Result<RerateReport> {
    let book = match arguments.named_book() {
        Some(book) => book,
        None => {
            RerateBook::Book(client.read_price_list(PriceListFile::new(arguments.book, arguments.format)).await?.book)
        }
    };
    let RerateArguments { since, until, filter, apply, .. } = arguments;
    client.rerate(RerateQuery { since, until, filter: filter.into(), book }, apply).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::parse;

    #[test]
    fn rerating_takes_a_named_set_of_prices_or_a_list() {
        let read = |more: &str| {
            let text = format!(r#"{{"since": "2026-11-01T00:00:00Z"{more}}}"#);
            parse::<RerateArguments>("prices.rerate", &text).unwrap()
        };
        assert!(matches!(read("").named_book(), Some(RerateBook::AsKnownNow)));
        assert!(matches!(read(r#", "book": "as_known_now""#).named_book(), Some(RerateBook::AsKnownNow)));
        assert!(matches!(read(r#", "book": "in_force_now""#).named_book(), Some(RerateBook::InForceNow)));
        let list = read(r#", "book": "prices.json", "format": "litellm""#);
        assert!(list.named_book().is_none());
        assert_eq!((list.book, list.format), (PathBuf::from("prices.json"), SourceFormat::Litellm));
    }
}
