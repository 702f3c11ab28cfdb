//! Packed bytes: seven bits of a number in each byte, so that a small number takes one, and a decimal as few as its digits need.

use rust_decimal::Decimal;

use super::codec::{DecimalBytes, decimal};
use super::failure::damaged;
use crate::types::Result;

/// What stands in the place of a decimal's scale where its bytes are no decimal's, and follow as they are.
const RAW: u8 = 0xFF;
/// The bit beside a scale that says that the decimal is below zero.
const NEGATIVE: u8 = 0x20;

/// Bytes under way.
#[derive(Default)]
pub(super) struct Packer(Vec<u8>);

impl Packer {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Returns how many bytes there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn number(&mut self, number: u64) {
        self.wide(number.into());
    }

    pub(super) fn wide(&mut self, mut number: u128) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// Packs a number that may be below zero: a small one takes one byte, whichever its sign.
    pub(super) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    /// Packs a number of any size that may be below zero, as [`Self::signed`] does.
    pub(super) fn wide_signed(&mut self, number: i128) {
        self.wide(((number << 1) ^ (number >> 127)).cast_unsigned());
    }

    /// Packs how far a number lies behind another; they wrap around, so that any two will do.
    pub(super) fn distance(&mut self, from: i64, to: i64) {
        self.signed(to.wrapping_sub(from));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Packs bytes whose number is known.
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub(super) fn decimal(&mut self, value: Decimal) {
        let scale = u8::try_from(value.scale()).unwrap_or_default();
        self.0.push(scale | if value.is_sign_negative() { NEGATIVE } else { 0 });
        self.wide(value.mantissa().unsigned_abs());
    }

    /// Packs the bytes of a decimal; what are none stay as they are.
    pub(super) fn decimal_bytes(&mut self, bytes: DecimalBytes) {
        if let Ok(value) = decimal("", bytes) {
            self.decimal(value);
        } else {
            self.0.push(RAW);
            self.0.extend_from_slice(&bytes);
        }
    }
}

/// Packed bytes that are read.
pub(super) struct Unpacker<'b> {
    table: &'static str,
    rest: &'b [u8],
}

impl<'b> Unpacker<'b> {
    /// Reads the bytes of a row of a table.
    pub(super) fn new(table: &'static str, rest: &'b [u8]) -> Self {
        Self { table, rest }
    }

    fn malformed<T>(&self) -> Result<T> {
        Err(damaged(self.table, "packed bytes are malformed"))
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails if there are more bytes.
    pub(super) fn end(self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { self.malformed() }
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        let Some((byte, rest)) = self.rest.split_first() else { return self.malformed() };
        self.rest = rest;
        Ok(*byte)
    }

    pub(super) fn wide(&mut self) -> Result<u128> {
        let mut number = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let part = u128::from(byte & 0x7F);
            if part << shift >> shift != part {
                return self.malformed();
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        self.malformed()
    }

    pub(super) fn number(&mut self) -> Result<u64> {
        self.wide()?.try_into().or_else(|_| self.malformed())
    }

    pub(super) fn signed(&mut self) -> Result<i64> {
        let number = self.number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn wide_signed(&mut self) -> Result<i128> {
        let number = self.wide()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    /// Reads a number by how far it lies behind another.
    pub(super) fn distance(&mut self, from: i64) -> Result<i64> {
        Ok(from.wrapping_add(self.signed()?))
    }

    /// Reads how many of something follow, each of at least one byte.
    pub(super) fn count(&mut self) -> Result<usize> {
        match usize::try_from(self.number()?) {
            Ok(count) if count <= self.rest.len() => Ok(count),
            _ => self.malformed(),
        }
    }

    pub(super) fn raw(&mut self, length: usize) -> Result<&'b [u8]> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else { return self.malformed() };
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'b [u8]> {
        let length = self.count()?;
        self.raw(length)
    }

    pub(super) fn text(&mut self) -> Result<String> {
        let bytes = self.bytes()?;
        str::from_utf8(bytes).map(str::to_owned).or_else(|_| self.malformed())
    }

    pub(super) fn decimal_bytes(&mut self) -> Result<DecimalBytes> {
        let scale = self.byte()?;
        if scale == RAW {
            let bytes = self.raw(16)?;
            return bytes.try_into().or_else(|_| self.malformed());
        }
        let mantissa = self.wide()?;
        let value = i128::try_from(mantissa)
            .ok()
            .and_then(|mantissa| Decimal::try_from_i128_with_scale(mantissa, u32::from(scale & !NEGATIVE)).ok());
        let Some(mut value) = value else { return self.malformed() };
        value.set_sign_negative(scale & NEGATIVE != 0);
        Ok(value.serialize())
    }

    pub(super) fn decimal(&mut self) -> Result<Decimal> {
        let bytes = self.decimal_bytes()?;
        decimal(self.table, bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_packed_is_read_back(
            number: u64, wide: u128, signed: i64, from: i64, text: String, raw: [u8; 16],
            mantissa in 0..1_i128 << 96, scale in 0..29_u32, negative: bool,
        ) {
            let mut value = Decimal::from_i128_with_scale(mantissa, scale);
            value.set_sign_negative(negative);
            let mut packer = Packer::default();
            packer.number(number);
            packer.wide(wide);
            packer.signed(signed);
            packer.wide_signed(wide.cast_signed());
            packer.distance(from, signed);
            packer.text(&text);
            packer.decimal(value);
            packer.decimal_bytes(raw);
            let bytes = packer.into_bytes();
            let mut unpacker = Unpacker::new("t", &bytes);
            prop_assert_eq!(unpacker.number().unwrap(), number);
            prop_assert_eq!(unpacker.wide().unwrap(), wide);
            prop_assert_eq!(unpacker.signed().unwrap(), signed);
            prop_assert_eq!(unpacker.wide_signed().unwrap(), wide.cast_signed());
            prop_assert_eq!(unpacker.distance(from).unwrap(), signed);
            prop_assert_eq!(unpacker.text().unwrap(), text);
            prop_assert_eq!(unpacker.decimal_bytes().unwrap(), value.serialize());
            prop_assert_eq!(unpacker.decimal_bytes().unwrap(), raw);
            prop_assert!(unpacker.end().is_ok());
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut unpacker = Unpacker::new("t", &bytes);
            while !unpacker.is_at_end() && unpacker.decimal_bytes().is_ok() && unpacker.text().is_ok() {}
        }
    }

    #[test]
    fn small_numbers_take_one_byte() {
        for number in [0, 63, -64] {
            let mut packer = Packer::default();
            packer.signed(number);
            assert_eq!(packer.len(), 1, "{number}");
        }
    }
}
