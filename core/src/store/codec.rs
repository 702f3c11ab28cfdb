//! The codec of rows: a version byte, then the fields in one of bincode's layouts.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as NameError, StrDeserializer};
use wincode::config::{Config, Configuration};
use wincode::int_encoding::{LittleEndian, VarInt};
use wincode::len::BincodeLen;
use wincode::{SchemaRead, SchemaWrite};

use super::failure::{damaged, newer};
use super::row_key::TAG_LENGTH;
use crate::types::{Currency, Error, ErrorKind, Quantity, Result};

/// Versions beyond this one will never be written; they are damage.
const LATEST_CONCEIVABLE: u8 = 32;
/// The largest field of a row. It bounds what a damaged length can make the reader allocate.
const LARGEST_FIELD: usize = 256 << 20;

/// The layout of rows of which there are few: each number has the width of its type.
pub(super) type FixedLayout = Configuration<true, LARGEST_FIELD>;
/// The layout of rows of which there are many: a small number takes one byte.
pub(super) type CompactLayout = Configuration<true, LARGEST_FIELD, BincodeLen, LittleEndian, VarInt>;

/// A layout of rows.
pub(super) trait Layout: Config {
    /// The layout.
    const LAYOUT: Self;
}

impl Layout for FixedLayout {
    const LAYOUT: Self = Configuration::default().with_preallocation_size_limit::<LARGEST_FIELD>();
}

impl Layout for CompactLayout {
    const LAYOUT: Self =
        Configuration::default().with_preallocation_size_limit::<LARGEST_FIELD>().with_varint_encoding();
}

/// A frozen row: its fields and their order never change; a change is a new version. Every version is read for ever.
pub(super) trait Row:
    SchemaWrite<Self::Layout, Src = Self> + for<'de> SchemaRead<'de, Self::Layout, Dst = Self> + Sized
{
    /// The layout of its fields.
    type Layout: Layout;
    /// The table that holds it, for errors.
    const TABLE: &'static str;
    /// The version that it is written in.
    const VERSION: u8 = 1;

    /// Reads the fields that an earlier version wrote.
    fn of_earlier(version: u8, _fields: &[u8]) -> Result<Self> {
        Err(damaged(Self::TABLE, &format!("a row has the version {version}, which never was")))
    }
}

/// Writes a row.
pub(super) fn encode<R: Row>(row: &R) -> Result<Vec<u8>> {
    let fields = wincode::config::serialize(row, R::Layout::LAYOUT).map_err(|error| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("a row of {} cannot be written ({error}); a field may hold at most 256 MiB", R::TABLE),
        )
    })?;
    // The tag of the row comes behind it.
    let mut bytes = Vec::with_capacity(1 + fields.len() + TAG_LENGTH);
    bytes.push(R::VERSION);
    bytes.extend_from_slice(&fields);
    Ok(bytes)
}

/// Reads a row of any version that was ever written.
pub(super) fn decode<R: Row>(bytes: &[u8]) -> Result<R> {
    match bytes.split_first() {
        Some((&version, fields)) => decode_as(version, fields),
        None => Err(damaged(R::TABLE, "a row has no version")),
    }
}

/// Reads the fields of a row of a version.
pub(super) fn decode_as<R: Row>(version: u8, fields: &[u8]) -> Result<R> {
    if version == R::VERSION {
        return wincode::config::deserialize_exact(fields, R::Layout::LAYOUT)
            .map_err(|error| damaged(R::TABLE, &format!("a row does not decode: {error}")));
    }
    match version {
        0 => Err(damaged(R::TABLE, "a row has no version")),
        _ if version < R::VERSION => R::of_earlier(version, fields),
        _ if version <= LATEST_CONCEIVABLE => Err(newer(R::TABLE, &format!("row version {version}"))),
        _ => Err(damaged(R::TABLE, "a row has no version")),
    }
}

/// The bytes of a decimal; its scale is kept.
pub(super) type DecimalBytes = [u8; 16];

/// Returns the microseconds of an instant; what is below them is cut off.
pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// Returns the instant of microseconds.
pub(super) fn time(table: &str, micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| damaged(table, "an instant is out of range"))
}

/// Returns an instant as rows keep it.
pub(super) fn kept(instant: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(instant.as_microsecond()).unwrap_or(instant)
}

/// Reads a decimal.
pub(super) fn decimal(table: &str, bytes: DecimalBytes) -> Result<Decimal> {
    // The flags come first: a sign bit, a scale of at most 28, and nothing else.
    let [low, high, scale, sign, ..] = bytes;
    if low != 0 || high != 0 || u32::from(scale) > Decimal::MAX_SCALE || sign & 0x7F != 0 {
        return Err(damaged(table, "a decimal is malformed"));
    }
    Ok(Decimal::deserialize(bytes))
}

/// Reads a quantity.
pub(super) fn quantity(table: &str, bytes: DecimalBytes) -> Result<Quantity> {
    Quantity::new(decimal(table, bytes)?).ok_or_else(|| damaged(table, "a quantity is below zero"))
}

/// Reads a currency code.
pub(super) fn currency(table: &str, code: &str) -> Result<Currency> {
    code.parse().map_err(|_| damaged(table, "a currency code is malformed"))
}

/// Returns the stable name of a variant, as JSON has it.
pub(super) fn name_of<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => Ok(name),
        _ => Err(Error::new(ErrorKind::Internal, "a value that is kept by its name has none; report this defect")),
    }
}

/// Returns the variant of a stable name.
pub(super) fn from_name<T: DeserializeOwned>(table: &str, name: &str) -> Result<T> {
    T::deserialize(StrDeserializer::<NameError>::new(name)).map_err(|_| newer(table, &format!("the name {name:?}")))
}

#[cfg(test)]
#[path = "codec_tests.rs"]
mod tests;
