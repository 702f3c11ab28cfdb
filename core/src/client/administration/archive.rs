//! Archive: records of past months are written to a file of their own, and leave the ledger. What they add up to stays.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{blocking, unwritable};
use crate::client::engine::{Tollway, invalid, unexpected};
use crate::store::{NewFile, Operation, Outcome};
use crate::types::{Error, ErrorKind, RecordPlace, Result, UsageRecord, UsageRecordId};

/// What the first line of an archive says that it is.
const FORMAT: &str = "tollway-archive-1";
/// How many records are read at a time, and how many leave the file in one commit.
const READ_AT_ONCE: usize = 2_048;
const GONE_AT_ONCE: usize = 512;

/// What was archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Archive {
    /// How many records were archived.
    pub records: u64,
    /// The instant before which they were settled: the first of its month, in UTC.
    pub before: Timestamp,
    /// The SHA-256 of all lines but the last, in hexadecimal digits. The last line says it too.
    pub sha256: String,
}

/// The first line of an archive.
#[derive(Serialize)]
struct Head<'a> {
    format: &'a str,
    before: Timestamp,
}

/// The last line of an archive.
#[derive(Serialize)]
struct Foot<'a> {
    records: u64,
    sha256: &'a str,
}

/// Lines under way.
struct Lines {
    encoder: GzEncoder<BufWriter<File>>,
    digest: Sha256,
    shown: String,
}

impl Lines {
    fn new(file: File, path: &Path) -> Self {
        let encoder = GzEncoder::new(BufWriter::new(file), Compression::default());
        Self { encoder, digest: Sha256::new(), shown: path.display().to_string() }
    }

    fn line<T: Serialize>(&mut self, value: &T) -> Result<()> {
        let mut line = serde_json::to_vec(value)
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a record cannot be written as JSON: {error}")))?;
        line.push(b'\n');
        self.digest.update(&line);
        self.encoder.write_all(&line).map_err(|error| unwritable(&self.shown, &error))
    }

    fn records(&mut self, records: &[UsageRecord]) -> Result<()> {
        records.iter().try_for_each(|record| self.line(record))
    }

    /// Writes the last line, and makes all of them durable. Returns the check sum of the others.
    fn end(mut self, records: u64) -> Result<String> {
        let sha256 = hex::encode(self.digest.clone().finalize());
        self.line(&Foot { records, sha256: &sha256 })?;
        let ended = self.encoder.finish().and_then(|file| file.into_inner().map_err(io::IntoInnerError::into_error));
        ended.and_then(|file| file.sync_all()).map(|()| sha256).map_err(|error| unwritable(&self.shown, &error))
    }
}

/// Returns the first instant of the month of an instant, in UTC.
fn month_of(instant: Timestamp) -> Result<Timestamp> {
    let zoned = instant.to_zoned(TimeZone::UTC);
    let first = zoned.first_of_month().and_then(|first| first.start_of_day());
    first.map(|first| first.timestamp()).map_err(|error| invalid(format!("field `before`: {error}")))
}

impl Tollway {
    /// Writes the records of the whole months (in UTC) before an instant to a new file, as lines of JSON, compressed, with a check sum; then
    /// they leave the ledger, a few hundreds at a time, while calls go on.
    ///
    /// Sums, budgets, quotas and pools stay as they are. Records that have no price yet stay in the ledger, and so do those whose
    /// settlement may still come. What is broken off leaves records in the ledger that are in the file too, and nothing else. Fails with
    /// `storage` if anything is at the path, or it cannot be written; with `invalid_request` if the month of `before` has not begun.
    pub async fn archive(&self, before: Timestamp, path: &Path) -> Result<Archive> {
        self.engine.check()?;
        let before = month_of(before)?;
        if before > self.engine.environment.now() {
            return Err(invalid(
                "field `before` lies in a month that has not begun; only whole months that are past are archived",
            ));
        }
        // What the rollups do not count yet would leave no trace in them.
        while let Outcome::Digested { more: true } = self.engine.store.apply(Operation::Digest).await? {}
        let (place, world) = (path.to_owned(), Arc::clone(&self.engine.environment));
        let made = blocking(move || NewFile::make_where_nothing_is(&place, world.as_ref()));
        let (file, mut lines) = made.await.map(|(new, file)| (new, Lines::new(file, path)))?;
        lines.line(&Head { format: FORMAT, before })?;
        let (mut ids, mut after): (Vec<UsageRecordId>, Option<RecordPlace>) = (Vec::new(), None);
        loop {
            let (records, next) = self.engine.store.archivable(before, after, READ_AT_ONCE).await?;
            ids.extend(records.iter().map(|record| record.id));
            lines = blocking(move || lines.records(&records).map(|()| lines)).await?;
            match next {
                Some(_) => after = next,
                None => break,
            }
        }
        let records = ids.len() as u64;
        let sha256 = blocking(move || {
            let sha256 = lines.end(records)?;
            file.put().map(|()| sha256)
        });
        let sha256 = sha256.await?;
        for some in ids.chunks(GONE_AT_ONCE) {
            let forget = Operation::ForgetArchived { records: some.to_vec(), before };
            match self.engine.store.apply(forget).await? {
                Outcome::Forgotten(_) => {}
                other => return Err(unexpected(&other)),
            }
        }
        Ok(Archive { records, before, sha256 })
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
