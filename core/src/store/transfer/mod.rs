//! What is taken from one file to another: all rows but what is made anew, such as indexes, tags and the chain of records.
//!
//! Idempotency keys stay behind: what they answer again lies in no record, and calls that repeat go to the file that had them.

mod carried;
mod tables;

use std::collections::BTreeMap;

use self::carried::{Bringing, Carrier};
use self::tables::CARRIERS;
use super::codec::{decode, encode};
use super::failure::damaged;
use super::key::Key as _;
use super::ledger::Ledger;
use super::reading::{Reader, key_of};
use super::rows::ModelConfigRow;
use super::tables::MODEL_CONFIGS;
use super::{Entry, Marks};
use crate::types::{Error, ErrorKind, ModelConfig, Result};

/// What is in a file that another file takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cargo {
    /// What it says of its records as a whole.
    pub marks: Marks,
    /// How many rows each table has, where the file keeps count.
    pub rows: BTreeMap<String, u64>,
}

/// Returns what is in a file.
pub(super) fn cargo(reader: &Reader<'_>) -> Result<Cargo> {
    let state = reader.state()?;
    let counted = CARRIERS.iter().filter(|carrier| carrier.is_counted);
    Ok(Cargo {
        marks: Marks { digested: state.digested(), first_record: state.first_record() },
        rows: counted.map(|carrier| (carrier.name.to_owned(), state.sum(carrier.name).rows)).collect(),
    })
}

/// Reads up to so many rows, those that come after the one at a key of a table. Each needs only what comes before it.
pub(super) fn read(reader: &Reader<'_>, after: Option<&(String, Vec<u8>)>, most: usize) -> Result<Vec<Entry>> {
    let first = match after {
        Some((table, _)) => place(table)?,
        None => 0,
    };
    let mut entries = Vec::new();
    for (place, carrier) in CARRIERS.iter().enumerate().skip(first) {
        let after = after.filter(|_| place == first).map(|(_, key)| key.as_slice());
        (carrier.read)(reader, after, most, &mut entries)?;
        if entries.len() >= most {
            break;
        }
    }
    Ok(entries)
}

/// Takes rows in, of a file that is new. Fails with `corrupted_file` if one is not as it was read; the error names its place among them,
/// from `first` on.
pub(super) fn bring(ledger: &mut Ledger<'_>, entries: &[Entry], marks: Marks, first: u64) -> Result<()> {
    if ledger.state().head().record == 0 {
        // Before the first record comes, or it would be counted twice.
        ledger.state().set_digested(marks.digested);
    }
    let mut bringing = Bringing::new(marks.digested);
    for (line, entry) in (first..).zip(entries) {
        let carrier = place(&entry.table).and_then(carrier);
        carrier.and_then(|carrier| (carrier.bring)(ledger, &mut bringing, entry)).map_err(|error| at(line, &error))?;
    }
    bringing.end(ledger)
}

/// Ends taking rows in.
pub(super) fn end(ledger: &mut Ledger<'_>, marks: Marks) -> Result<()> {
    if let Some(last) = marks.first_record.checked_sub(1) {
        ledger.state().leave_gaps_until(last);
    }
    ledger.configuration_changed()
}

fn at(line: u64, error: &Error) -> Error {
    Error::new(ErrorKind::CorruptedFile, format!("line {line} is not as it was written: {}", error.detail()))
}

fn place(table: &str) -> Result<usize> {
    let place = CARRIERS.iter().position(|carrier| carrier.name == table);
    place.ok_or_else(|| damaged(table, "there is no such table, or it is not taken to another file"))
}

fn carrier(place: usize) -> Result<&'static Carrier> {
    CARRIERS.get(place).ok_or_else(|| damaged("meta", "there is no such table"))
}

impl Entry {
    /// Returns the model config that it is, if it is one.
    pub fn model_config(&self) -> Result<Option<ModelConfig>> {
        if self.table != MODEL_CONFIGS.shape().name {
            return Ok(None);
        }
        let id = key_of::<u64>(MODEL_CONFIGS.shape(), &self.key)?;
        decode::<ModelConfigRow>(&self.row)?.model_config(id).map(Some)
    }

    /// Makes one of a model config.
    pub fn of_model_config(config: &ModelConfig) -> Result<Self> {
        Ok(Self {
            table: MODEL_CONFIGS.shape().name.to_owned(),
            key: u64::bytes(config.id.get()).to_vec(),
            row: encode(&ModelConfigRow::new(config))?,
            shown: carried::json(config)?,
        })
    }
}
