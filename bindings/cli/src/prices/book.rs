//! The price list that a command looks at: the bundled catalog, or a file.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use tollway::catalog::import::{ImportReport, Origin, SourceFormat, import, read_file};
use tollway::catalog::{Catalog, bundled};
use tollway::environment::{Environment, SystemEnvironment};
use tollway::provider::seller;
use tollway::types::{Error, ErrorKind, ModelName, Offer, PriceBook};

use crate::arguments::BookArguments;
use crate::failure::Failure;

/// How many names are offered in place of one that is not there.
const MOST_HINTS: usize = 3;
/// How many letters a name must share with one that is not there to be offered in its place.
const LEAST_SHARED: usize = 4;

/// A price list.
pub(crate) struct Book {
    /// What it is called, for people.
    pub(crate) name: String,
    contents: Contents,
}

enum Contents {
    Catalog(&'static Catalog),
    File(PriceBook, ImportReport),
}

impl Book {
    /// Opens the bundled catalog.
    pub(crate) fn catalog() -> Self {
        let catalog = bundled();
        Self { name: format!("the bundled catalog of {}", catalog.version()), contents: Contents::Catalog(catalog) }
    }

    /// Reads a file; a form that is not stated is Tollway's own.
    pub(crate) fn file(path: &Path, format: Option<SourceFormat>) -> Result<Self, Failure> {
        let format_or_own = format.unwrap_or(SourceFormat::Tollway);
        let origin = Origin { source: default_source(path, format_or_own), checked: today() };
        let imported = import(format_or_own, &read_file(path)?, &origin, false).map_err(|error| match format {
            Some(_) => error,
            None => {
                error.with_detail_suffix("; if the file is of another form than Tollway's own, name it with --format")
            }
        })?;
        Ok(Self { name: path.display().to_string(), contents: Contents::File(imported.book, imported.report) })
    }

    /// Opens what the arguments name.
    pub(crate) fn open(arguments: &BookArguments) -> Result<Self, Failure> {
        match &arguments.book {
            Some(path) => Self::file(path, arguments.format),
            None => Ok(Self::catalog()),
        }
    }

    /// Opens a file, or the bundled catalog where there is none.
    pub(crate) fn file_or_catalog(path: Option<&PathBuf>, format: Option<SourceFormat>) -> Result<Self, Failure> {
        path.map_or_else(|| Ok(Self::catalog()), |path| Self::file(path, format))
    }

    /// Returns all offers, in the order of provider and model.
    pub(crate) fn offers(&self) -> Box<dyn Iterator<Item = Offer> + '_> {
        match &self.contents {
            Contents::Catalog(catalog) => Box::new(catalog.offers()),
            Contents::File(book, _) => Box::new(book.offers.iter().cloned()),
        }
    }

    /// Returns how many keys of the file were not understood.
    pub(crate) fn not_understood(&self) -> usize {
        match &self.contents {
            Contents::Catalog(_) => 0,
            Contents::File(_, report) => report.not_understood.len(),
        }
    }

    /// Returns all of it as one book.
    pub(crate) fn into_book(self) -> PriceBook {
        match self.contents {
            Contents::Catalog(catalog) => PriceBook { offers: catalog.offers().collect() },
            Contents::File(book, _) => book,
        }
    }

    /// Returns the offer of `provider/model`, by its exact name or an alias that it lists.
    ///
    /// Fails if there is none; an offer of a similar name is named, and never taken.
    pub(crate) fn find(&self, name: &str) -> Result<Offer, Failure> {
        if !name.contains('/') {
            let detail = format!("{name:?} is not of the form PROVIDER/MODEL, such as openai/gpt-4o-mini");
            return Err(Error::new(ErrorKind::InvalidRequest, detail).into());
        }
        let found = name.match_indices('/').find_map(|(place, _)| self.get(&name[..place], &name[place + 1..]));
        found.ok_or_else(|| {
            let hints = self.hints(name);
            let hint = if hints.is_empty() { String::new() } else { format!("; there is {}", hints.join(", ")) };
            Failure::Missing(format!("not_found: {} has no {name}, and no price is borrowed{hint}", self.name))
        })
    }

    fn get(&self, provider: &str, model: &str) -> Option<Offer> {
        // A provider has one name among sellers, and may have others among people.
        let seller = seller(provider);
        let is_it = |offer: &&Offer| {
            [provider, seller].contains(&offer.provider.as_str())
                && (offer.model == model || offer.aliases.iter().any(|alias| alias == model))
        };
        match &self.contents {
            Contents::Catalog(catalog) => catalog.find(seller, model),
            Contents::File(book, _) => book.offers.iter().find(is_it).cloned(),
        }
    }

    fn hints(&self, name: &str) -> Vec<String> {
        let ModelName { provider, model } = ModelName::parse(name).unwrap_or(ModelName::new("", ""));
        let closeness = |offer: &Offer| match (offer.provider == provider, offer.model == model) {
            (_, true) => usize::MAX,
            (true, false) => shared(&offer.model, model),
            (false, false) => 0,
        };
        let mut close: Vec<_> = self.offers().map(|offer| (closeness(&offer), offer.name())).collect();
        close.retain(|(closeness, _)| *closeness >= LEAST_SHARED);
        close.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
        close.into_iter().take(MOST_HINTS).map(|(_, name)| name).collect()
    }
}

fn shared(left: &str, right: &str) -> usize {
    left.chars().zip(right.chars()).take_while(|(left, right)| left.eq_ignore_ascii_case(right)).count()
}

/// Returns what offers name as their source where nothing else is said: the form and the file.
pub(crate) fn default_source(path: &Path, format: SourceFormat) -> String {
    let file = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!("{} {file}", format.name())
}

/// Returns the day that it is in UTC.
pub(crate) fn today() -> Date {
    SystemEnvironment.now().to_zoned(TimeZone::UTC).date()
}
