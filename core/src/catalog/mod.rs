//! The price catalog: what sellers charge for models, as of the day it was checked.
//!
//! A catalog is asked when a model config is added and when prices are updated on request; prices are copied into the
//! file, so that a newer catalog changes no past or present cost. `scripts/build_catalog.py` makes the bundled one.
//!
//! It is a text: a header line, then one line for each offer. Opening one finds the lines and the names in them; the rest
//! of a line is read when its offer is asked for.

mod bundled;
mod header;
pub mod import;
mod line;
pub mod lint;
mod names;

use std::borrow::Cow;

use jiff::civil::Date;
use sha2::{Digest, Sha256};

pub use bundled::{bundled, bundled_text};
pub use header::CatalogSource;

use crate::types::{Offer, Result};
use header::{Header, invalid};
use names::Names;

/// A set of offers with a version, the sources of its facts, and a digest.
#[derive(Debug)]
pub struct Catalog {
    text: Cow<'static, str>,
    header: Header,
    names: Names,
}

impl Catalog {
    /// Opens a catalog from its text: reads the header and finds the offers, which are read when they are asked for.
    ///
    /// Fails with [`ErrorKind::InvalidRequest`](crate::types::ErrorKind::InvalidRequest) if it is not in that form, names a model twice, or holds another number
    /// of offers than it states. [`Self::verify`] reads all the rest as well.
    pub fn from_text(text: impl Into<Cow<'static, str>>) -> Result<Self> {
        let text = text.into();
        let header = Header::of(&text)?;
        let names = Names::of(&text)?;
        if names.lines() != header.offers {
            return Err(invalid(format!(
                "the header states {} offers and {} lines follow; take the whole file",
                header.offers,
                names.lines()
            )));
        }
        Ok(Self { text, header, names })
    }

    /// Returns the offer of a model by its exact name or an alias that the offer lists; never one of a similar name.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<Offer> {
        let line = self.names.line_of(&self.text, provider, model)?;
        line::read(line, &self.header).ok()
    }

    /// Returns the names of all models that a provider sells, aliases included, in their order; none for one that sells
    /// nothing here.
    pub fn models_of<'a>(&'a self, provider: &str) -> impl Iterator<Item = &'a str> {
        self.names.models_of(&self.text, provider)
    }

    /// Returns all offers, in the order of provider and model. Lines that cannot be read, which [`Self::verify`] names,
    /// are left out.
    pub fn offers(&self) -> impl Iterator<Item = Offer> {
        self.names.each_line(&self.text).filter_map(|line| line::read(line, &self.header).ok())
    }

    /// Returns the number of offers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.lines()
    }

    /// Returns whether there are no offers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the version: the day on which the catalog was made.
    #[must_use]
    pub fn version(&self) -> Date {
        self.header.version
    }

    /// Returns the sources of its facts, with their versions and dates.
    #[must_use]
    pub fn sources(&self) -> &[CatalogSource] {
        &self.header.sources
    }

    /// Returns the digest that the header states: the SHA-256 of [`Self::signed_bytes`], in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.header.digest
    }

    /// Returns the bytes that the digest is made of and that a signature would be over: all lines after the header.
    #[must_use]
    pub fn signed_bytes(&self) -> &[u8] {
        header::rest_of(&self.text).as_bytes()
    }

    /// Checks that the lines are those of the stated digest and that every one of them can be read.
    ///
    /// Fails with [`ErrorKind::InvalidRequest`](crate::types::ErrorKind::InvalidRequest), naming the line.
    pub fn verify(&self) -> Result<()> {
        let computed = hex::encode(Sha256::digest(self.signed_bytes()));
        if computed != self.digest() {
            return Err(invalid(format!(
                "its digest is {computed}, not {} as its header states; take an unchanged copy",
                self.digest()
            )));
        }
        self.names.each_line(&self.text).try_for_each(|line| line::read(line, &self.header).map(|_| ()))
    }
}

#[cfg(test)]
mod tests;
