//! The header of a catalog: its first line.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::types::{Error, ErrorKind, Result};

/// The name of the form; another form has another name.
const FORMAT: &str = "tollway-catalog/1";

/// A source of facts of a catalog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogSource {
    /// The name, such as that of a package.
    pub name: String,
    /// Its version, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The day of its data.
    pub date: Date,
    /// The licence of its data, where it states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
}

impl CatalogSource {
    /// Returns the name with the version, as offers state it.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.version {
            Some(version) => format!("{} {version}", self.name),
            None => self.name.clone(),
        }
    }
}

/// What the header line says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    format: String,
    pub(super) version: Date,
    pub(super) offers: usize,
    pub(super) sources: Vec<CatalogSource>,
    pub(super) digest: String,
}

impl Header {
    pub(super) fn of(text: &str) -> Result<Self> {
        let line = text.lines().next().unwrap_or_default();
        let header: Self = serde_json::from_str(line).map_err(|error| invalid(format!("header line: {error}")))?;
        if header.format == FORMAT {
            return Ok(header);
        }
        Err(invalid(format!("its form is {:?}; this version reads {FORMAT:?}", header.format)))
    }
}

/// Returns what follows the header line.
pub(super) fn rest_of(text: &str) -> &str {
    text.split_once('\n').map_or("", |(_, rest)| rest)
}

/// Makes the error of a text that is no catalog.
pub(super) fn invalid(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("the catalog is not valid: {what}"))
}
