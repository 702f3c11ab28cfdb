//! The verbs about price lists: files and the bundled catalog against the prices of the model configs.

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tollway::catalog::import::{ImportReport, Imported, Origin, SourceFormat, import, read_file, write, write_file};
use tollway::catalog::lint::{Finding, lint};
use tollway::client::{PriceUpdate, RerateBook, RerateQuery, RerateReport, Tollway};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::store::is_ledger;
use tollway::types::{Error, ErrorKind, PriceBook, Result, UsageFilter};

use super::price_book;
use crate::results::as_it_is;

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

/// What importing a list read, and what it means for the configured models.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PriceImport {
    /// What was read of the list, and what was not.
    report: ImportReport,
    /// What the list means for the configured models, and whether it was taken over.
    update: PriceUpdate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportArguments {
    path: PathBuf,
}

/// How many offers, and how many prices of them, were written to a price list.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub(crate) struct PriceExport {
    /// How many offers.
    offers: usize,
    /// How many prices and modifiers they have.
    prices: usize,
}

as_it_is!(PriceImport, PriceExport);

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
    File(FileArguments),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileArguments {
    path: PathBuf,
    #[serde(default = "own_form")]
    format: SourceFormat,
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
    let book = match arguments.path {
        Some(path) => read_book(path, arguments.format, false, None).await?.book,
        None => own_book(client).await?,
    };
    blocking(move || Ok(lint(&book))).await
}

pub(super) async fn import_file(client: &Tollway, arguments: ImportArguments) -> Result<PriceImport> {
    let ImportArguments { path, format, strict, apply, source } = arguments;
    let Imported { book, report } = read_book(path, format, strict, source).await?;
    let update = if apply { client.apply_prices(&book).await } else { client.propose_prices(&book).await }?;
    Ok(PriceImport { report, update })
}

pub(super) async fn export(client: &Tollway, arguments: ExportArguments) -> Result<PriceExport> {
    let book = own_book(client).await?;
    price_book::check_names(&book)?;
    let counts =
        PriceExport { offers: book.offers.len(), prices: book.offers.iter().map(|offer| offer.prices.len()).sum() };
    blocking(move || write_file(&arguments.path, &write(&book), is_ledger, &SystemEnvironment)).await?;
    Ok(counts)
}

pub(super) async fn update_from_catalog(client: &Tollway, arguments: UpdateArguments) -> Result<PriceUpdate> {
    client.update_from_catalog(arguments.apply).await
}

pub(super) async fn rerate(client: &Tollway, arguments: RerateArguments) -> Result<RerateReport> {
    let RerateArguments { since, until, filter, book, apply } = arguments;
    let book = match book {
        BookArguments::AsKnownNow => RerateBook::AsKnownNow,
        BookArguments::InForceNow => RerateBook::InForceNow,
        BookArguments::File(FileArguments { path, format }) => {
            RerateBook::Book(read_book(path, format, false, None).await?.book)
        }
    };
    client.rerate(RerateQuery { since, until, filter, book }, apply).await
}

/// Returns the prices of the file as a book.
async fn own_book(client: &Tollway) -> Result<PriceBook> {
    let now = SystemEnvironment.now();
    price_book::of_file(&client.model_configs().await?, &client.prices(None).await?, now)
}

/// Reads a list. Offers that do not say where they come from name the source, or the form and the file.
async fn read_book(path: PathBuf, format: SourceFormat, strict: bool, source: Option<String>) -> Result<Imported> {
    blocking(move || {
        let text = read_file(&path)?;
        let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let source = source.unwrap_or_else(|| format!("{} {file}", format.name()));
        let checked = SystemEnvironment.now().to_zoned(TimeZone::UTC).date();
        import(format, &text, &Origin { source, checked }, strict)
    })
    .await
}

/// Does work that would hold up the runtime's threads on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.map_err(|error| Error::new(ErrorKind::Internal, format!("reading a price list ended early: {error}")))?
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

    #[test]
    fn a_missing_price_list_is_named_in_the_error() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let path = PathBuf::from("/nowhere/prices.json");
        let error = runtime.block_on(read_book(path, SourceFormat::Tollway, false, None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.detail().starts_with("/nowhere/prices.json cannot be read"), "{error}");
    }
}
