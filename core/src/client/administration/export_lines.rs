//! The lines of an export: a head, a line for each row, and an end that says how many there were.
//!
//! Each is a JSON object that begins with its number and ends with a check: the first 16 hexadecimal digits of the SHA-256 of the line up
//! to that field. So a line that was changed, is missing or came twice is found where it stands, and a file that was cut has no end.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::unwritable;
use crate::environment::regular_file::open_regular;
use crate::store::{Entry, Marks};
use crate::types::{Error, ErrorKind, Result, read_json};

/// What the first line says that the file is, before the number of its form.
const FORMAT: &str = "tollway-export-";
/// The form that is written, and the latest that is read.
const VERSION: u32 = 1;
/// What stands before the check of a line.
const CHECK: &str = ",\"check\":\"";
/// How many digits a check has.
const CHECK_DIGITS: usize = 16;
/// The longest line that is read, in bytes.
const LONGEST: u64 = 1 << 30;

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    format: String,
    /// When it was exported.
    pub(super) exported_at: Timestamp,
    /// What the file said of its records.
    #[serde(flatten)]
    pub(super) marks: Marks,
    /// What the secrets are sealed under, itself sealed under the passphrase, in Base64; absent where they were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) envelope: Option<String>,
}

/// What the last line says: how many rows of each table there are, and the SHA-256 of all lines before it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct End {
    pub(super) rows: BTreeMap<String, u64>,
    pub(super) sha256: String,
}

/// A row.
#[derive(Serialize, Deserialize)]
struct RowLine {
    table: String,
    /// What it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shows: Option<Value>,
    /// The secrets of a model config that were left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<String>,
    /// The key and the row as files have them.
    key: String,
    row: String,
}

#[derive(Serialize)]
struct EndLine<'a> {
    end: &'a End,
}

/// A line with its number.
#[derive(Serialize)]
struct Numbered<'a, T> {
    line: u64,
    #[serde(flatten)]
    content: &'a T,
}

/// A line that was read.
#[derive(Deserialize)]
struct AnyLine {
    line: u64,
    #[serde(default)]
    end: Option<End>,
    #[serde(flatten)]
    rest: serde_json::Map<String, Value>,
}

/// A row with what was left out of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Carried {
    pub(super) entry: Entry,
    pub(super) left_out: Vec<String>,
}

/// Lines that are written.
pub(super) struct Written {
    file: BufWriter<File>,
    shown: String,
    lines: u64,
    rows: BTreeMap<String, u64>,
    digest: Sha256,
}

impl Written {
    /// Writes the first line.
    pub(super) fn begin(file: File, path: &Path, at: Timestamp, marks: Marks, envelope: Option<&[u8]>) -> Result<Self> {
        let mut written = Self {
            file: BufWriter::new(file),
            shown: path.display().to_string(),
            lines: 0,
            rows: BTreeMap::new(),
            digest: Sha256::new(),
        };
        let envelope = envelope.map(|bytes| STANDARD.encode(bytes));
        written.line(&Head { format: format!("{FORMAT}{VERSION}"), exported_at: at, marks, envelope })?;
        Ok(written)
    }

    fn line<T: Serialize>(&mut self, content: &T) -> Result<()> {
        self.lines += 1;
        let mut text = serde_json::to_string(&Numbered { line: self.lines, content })
            .map_err(|error| Error::new(ErrorKind::Internal, format!("a row cannot be written as JSON: {error}")))?;
        // The brace at the end comes behind the check.
        text.pop();
        let check = check_of(&text);
        text.push_str(CHECK);
        text.push_str(&check);
        text.push_str("\"}\n");
        self.digest.update(&text);
        self.file.write_all(text.as_bytes()).map_err(|error| unwritable(&self.shown, &error))
    }

    /// Writes the line of a row.
    pub(super) fn row(&mut self, carried: Carried) -> Result<()> {
        let Carried { entry: Entry { table, key, row, shown }, left_out } = carried;
        *self.rows.entry(table.clone()).or_default() += 1;
        self.line(&RowLine { table, shows: shown, left_out, key: hex::encode(key), row: STANDARD.encode(row) })
    }

    /// Writes the last line, and makes all of them durable. Returns what it says.
    pub(super) fn end(mut self) -> Result<End> {
        let end = End { rows: self.rows.clone(), sha256: hex::encode(self.digest.clone().finalize()) };
        self.line(&EndLine { end: &end })?;
        let done = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        done.map(|()| end).map_err(|error| unwritable(&self.shown, &error))
    }
}

/// Lines that are read.
pub(super) struct Lines {
    file: BufReader<File>,
    shown: String,
    /// How many were read.
    read: u64,
    rows: BTreeMap<String, u64>,
    /// Of the first line and those of rows.
    digest: Sha256,
    end: Option<End>,
}

impl Lines {
    /// Opens an export and reads its first line.
    ///
    /// Fails with `not_found`, with `not_a_tollway_file` if it is no export, with `newer_file`, with `corrupted_file`, or with `storage`.
    pub(super) fn open(path: &Path) -> Result<(Self, Head)> {
        let shown = path.display().to_string();
        let file = open_regular(path).map_err(|error| unreadable(&shown, &error))?.ok_or_else(|| foreign(&shown))?;
        let digest = Sha256::new();
        let mut lines = Self { file: BufReader::new(file), shown, read: 0, rows: BTreeMap::new(), digest, end: None };
        let head = lines.head()?;
        Ok((lines, head))
    }

    fn head(&mut self) -> Result<Head> {
        let bytes = self.bytes()?;
        self.digest.update(&bytes);
        let text = str::from_utf8(&bytes).map_err(|_| foreign(&self.shown))?;
        let format = serde_json::from_str::<Value>(text).ok();
        let format = format.as_ref().and_then(|head| head.get("format")).and_then(Value::as_str);
        // One that is cut within its first line still begins as an export does.
        let begins = text.starts_with("{\"line\":1,\"format\":\"tollway-export-");
        match format.and_then(|format| format.strip_prefix(FORMAT)).map(str::parse::<u32>) {
            Some(Ok(version)) if version > VERSION => Err(Error::new(
                ErrorKind::NewerFile,
                format!(
                    "{} has the form {FORMAT}{version}, and this version of Tollway reads up to {VERSION}; upgrade Tollway",
                    self.shown
                ),
            )),
            Some(Ok(_)) => self.checked(&bytes).and_then(|text| self.parsed(&text)),
            _ if begins => Err(self.damaged("it was changed, or cut off")),
            _ => Err(foreign(&self.shown)),
        }
    }

    /// Reads the next rows, at most so many. Returns none after the last.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<Carried>> {
        let mut rows = Vec::new();
        while self.end.is_none() && rows.len() < most {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                return Err(
                    self.damaged("it is missing: the file was cut off, for its last line says how many there are")
                );
            }
            let line: AnyLine = self.checked(&bytes).and_then(|text| self.parsed(&text))?;
            if line.line != self.read {
                return Err(
                    self.damaged(&format!("it says that it is line {}: lines are missing, or come twice", line.line))
                );
            }
            if let Some(end) = line.end {
                self.finish(end)?;
            } else {
                self.digest.update(&bytes);
                rows.push(self.row(line.rest)?);
            }
        }
        Ok(rows)
    }

    /// Returns the number of the line that is read next.
    pub(super) fn next_line(&self) -> u64 {
        self.read + 1
    }

    /// Returns what the last line said, once it was read.
    pub(super) fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    fn finish(&mut self, end: End) -> Result<()> {
        if end.rows != self.rows || end.sha256 != hex::encode(self.digest.clone().finalize()) {
            return Err(self.damaged("it says that other lines stand before it"));
        }
        if !self.bytes()?.is_empty() {
            return Err(self.damaged("it comes behind the last one"));
        }
        self.end = Some(end);
        Ok(())
    }

    /// Reads a line; nothing at the end of the file.
    fn bytes(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = self.file.by_ref().take(LONGEST).read_until(b'\n', &mut bytes);
        read.map_err(|error| unreadable(&self.shown, &error))?;
        self.read += 1;
        Ok(bytes)
    }

    /// Returns the text of a line up to its check, which must be the one that it was written with, as an object.
    fn checked(&self, bytes: &[u8]) -> Result<String> {
        let whole = bytes.strip_suffix(b"\"}\n").and_then(|line| str::from_utf8(line).ok());
        let parts = whole.and_then(|line| line.rsplit_once(CHECK));
        match parts {
            Some((text, check)) if check == check_of(text) => Ok(format!("{text}}}")),
            _ => Err(self.damaged("it was changed, or cut off")),
        }
    }

    fn parsed<T: serde::de::DeserializeOwned>(&self, text: &str) -> Result<T> {
        read_json("it", text).map_err(|error| self.damaged(error.detail()))
    }

    fn row(&mut self, fields: serde_json::Map<String, Value>) -> Result<Carried> {
        let line: RowLine =
            serde_json::from_value(Value::Object(fields)).map_err(|error| self.damaged(&error.to_string()))?;
        let (Ok(key), Ok(row)) = (hex::decode(&line.key), STANDARD.decode(&line.row)) else {
            return Err(self.damaged("its key is not hexadecimal, or its row not Base64"));
        };
        *self.rows.entry(line.table.clone()).or_default() += 1;
        Ok(Carried { entry: Entry { table: line.table, key, row, shown: line.shows }, left_out: line.left_out })
    }

    fn damaged(&self, problem: &str) -> Error {
        Error::new(
            ErrorKind::CorruptedFile,
            format!("line {} of {} is not as it was written: {problem}; export it again", self.read, self.shown),
        )
    }
}

fn check_of(text: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(text));
    digits.truncate(CHECK_DIGITS);
    digits
}

fn foreign(shown: &str) -> Error {
    let detail = format!("{shown} is no export of Tollway; nothing was changed; give the path of one");
    Error::new(ErrorKind::NotATollwayFile, detail)
}

fn unreadable(shown: &str, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::new(ErrorKind::NotFound, format!("{shown} does not exist; give the path of an export"));
    }
    Error::new(ErrorKind::Storage, format!("{shown} cannot be read: {error}; check the path"))
}
