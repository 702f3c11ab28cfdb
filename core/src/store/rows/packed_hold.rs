//! What a record moved in an account, packed.

use super::HoldRow;
use super::packed_record::{Reader, Writer};
use crate::store::names::TEXTS;
use crate::types::Result;

/// Bits that say what a hold has, beside the kind of its account.
const CLOSES: u8 = 1 << 2;
const HAS_EXCHANGE: u8 = 1 << 3;
const HAS_PART: u8 = 1 << 4;
const HAS_BUCKET: u8 = 1 << 5;
/// Its bucket begins with a minute, as those of all windows do.
const WHOLE_MINUTE: u8 = 1 << 6;
/// The kind of its account is too great for the two bits below, and follows.
const OTHER_KIND: u8 = 1 << 7;
/// How many kinds of accounts the lowest bits tell apart, and how many microseconds a minute has.
const KINDS: u8 = 4;
const MINUTE: i64 = 60_000_000;

pub(super) fn pack_hold(writer: &mut Writer<'_>, hold: &HoldRow) -> Result<()> {
    let minutes = hold.bucket.filter(|bucket| bucket % MINUTE == 0).map(|bucket| bucket / MINUTE);
    let bits = [
        (CLOSES, hold.closes),
        (HAS_EXCHANGE, hold.exchange.is_some()),
        (HAS_PART, !hold.part.is_empty()),
        (HAS_BUCKET, hold.bucket.is_some()),
        (WHOLE_MINUTE, minutes.is_some()),
        (OTHER_KIND, hold.kind >= KINDS),
    ];
    let kind = if hold.kind < KINDS { hold.kind } else { 0 };
    writer.packer.byte(bits.into_iter().filter(|(_, is_set)| *is_set).fold(kind, |all, (bit, _)| all | bit));
    if hold.kind >= KINDS {
        writer.packer.byte(hold.kind);
    }
    writer.packer.number(hold.account);
    if !hold.part.is_empty() {
        writer.name(TEXTS, Some(&hold.part))?;
    }
    if let Some(start) = minutes.or(hold.bucket) {
        writer.packer.signed(start);
    }
    writer.word(&hold.unit)?;
    writer.packer.decimal_bytes(hold.amount);
    hold.exchange.as_ref().map_or(Ok(()), |exchange| writer.exchange(exchange))
}

pub(super) fn unpack_hold(reader: &mut Reader<'_, '_>) -> Result<HoldRow> {
    let bits = reader.unpacker.byte()?;
    let is_set = |bit: u8| bits & bit != 0;
    let kind = if is_set(OTHER_KIND) { reader.unpacker.byte()? } else { bits % KINDS };
    let account = reader.unpacker.number()?;
    let part = if is_set(HAS_PART) { reader.word()? } else { String::new() };
    let start = is_set(HAS_BUCKET).then(|| reader.unpacker.signed()).transpose()?;
    Ok(HoldRow {
        kind,
        account,
        part,
        bucket: start.map(|start| if is_set(WHOLE_MINUTE) { start.wrapping_mul(MINUTE) } else { start }),
        unit: reader.word()?,
        amount: reader.unpacker.decimal_bytes()?,
        closes: is_set(CLOSES),
        exchange: is_set(HAS_EXCHANGE).then(|| reader.exchange()).transpose()?,
    })
}
