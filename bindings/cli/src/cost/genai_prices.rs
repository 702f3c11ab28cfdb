use tollway::types::{Error, ErrorKind, Facts, ReportedUsage, Result};

use super::cache::Prepared;
use super::line::Line;

/// Reads the prices of a line.
pub(super) fn prepare(_line: &Line<'_>) -> Result<Prepared> {
    Err(Error::new(ErrorKind::InvalidRequest, "this form is not read yet"))
}

/// Reads the usage of a line.
pub(super) fn usage(_line: &Line<'_>, _prices: &Prepared) -> Result<(ReportedUsage, Facts)> {
    Err(Error::new(ErrorKind::InvalidRequest, "this form is not read yet"))
}
