//! The verbs about price lists: files and the bundled catalog against the prices of the model configs.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::Deserialize;
use tollway::catalog::import::SourceFormat;
use tollway::catalog::lint::Finding;
use tollway::client::{
    PriceExport, PriceImport, PriceListFile, PriceUpdate, RerateBook, RerateQuery, RerateReport, Tollway,
};
use tollway::types::{Result, UsageFilter};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LintArguments {
    /// The list; the prices of the file where absent.
    #[serde(default)]
    path: Option<PathBuf>,
    #[serde(default = "own_form")]
    format: SourceFormat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImportArguments {
    path: PathBuf,
    format: SourceFormat,
    #[serde(default)]
    strict: bool,
    #[serde(default)]
    apply: bool,
    #[serde(default)]
    source: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportArguments {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpdateArguments {
    #[serde(default)]
    apply: bool,
}

/// Prices to bill again by: a name, or a list.
#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BookArguments {
    #[default]
    AsKnownNow,
    InForceNow,
    File(PriceListFile),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RerateArguments {
    since: Timestamp,
    #[serde(default)]
    until: Option<Timestamp>,
    #[serde(default)]
    filter: UsageFilter,
    #[serde(default)]
    book: BookArguments,
    #[serde(default)]
    apply: bool,
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
    let RerateArguments { since, until, filter, book, apply } = arguments;
    let book = match book {
        BookArguments::AsKnownNow => RerateBook::AsKnownNow,
        BookArguments::InForceNow => RerateBook::InForceNow,
        BookArguments::File(file) => RerateBook::Book(client.read_price_list(file).await?.book),
    };
    client.rerate(RerateQuery { since, until, filter, book }, apply).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::parse;

    fn book(text: &str) -> std::result::Result<BookArguments, crate::ErrorInfo> {
        let text = format!(r#"{{"since": "2026-11-01T00:00:00Z", "book": {text}}}"#);
        parse::<RerateArguments>("prices.rerate", &text).map(|arguments| arguments.book)
    }

    #[test]
    fn rerating_takes_a_named_set_of_prices_or_a_file() {
        assert!(matches!(book(r#""as_known_now""#), Ok(BookArguments::AsKnownNow)));
        assert!(matches!(book(r#""in_force_now""#), Ok(BookArguments::InForceNow)));
        let Ok(BookArguments::File(file)) = book(r#"{"file": {"path": "prices.json", "format": "litellm"}}"#) else {
            panic!("a file")
        };
        assert_eq!((file.path, file.format), (PathBuf::from("prices.json"), SourceFormat::Litellm));
        let wrong = book(r#""yesterday""#).map(drop).unwrap_err();
        assert!(wrong.detail.starts_with("prices.rerate: book"), "{}", wrong.detail);
    }
}
