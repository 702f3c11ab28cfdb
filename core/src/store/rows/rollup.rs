//! Rows of rollups: what records of one stretch of time add up to.

use super::rows;
use crate::store::codec::Row;
use crate::store::pack::{Packer, Unpacker};
use crate::types::Result;

rows! {
    /// A row of `usage_rollups`: the records of a month by its days, or those of a day by its hours.
    RollupRow in "usage_rollups" as compact {
        classes: Vec<RollupClassRow>,
    }
    /// Records that ended alike. Those of the first five fields that are numbers are those of names; where there is no cost, there is no
    /// currency. What is packed is the sum of all slots, so that who wants no more need not read them, and the slots.
    RollupClassRow in "usage_rollups" as compact {
        is_adjustment: bool,
        usage_type: u64,
        status: u64,
        cost_status: u64,
        currency: u64,
        packed: Vec<u8>,
    }
}

/// What the records of a day of the month, or of an hour of the day, add up to. Requests are those that may be charged for.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct RollupSlotRow {
    pub(in crate::store) slot: u8,
    pub(in crate::store) records: u64,
    pub(in crate::store) requests: u64,
    pub(in crate::store) input_tokens: i128,
    pub(in crate::store) output_tokens: i128,
    pub(in crate::store) other_tokens: i128,
    pub(in crate::store) cost: Option<SumRow>,
    pub(in crate::store) meters: Vec<(u64, Option<SumRow>)>,
}

/// An exact sum: a number with so many decimals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::store) struct SumRow {
    pub(in crate::store) mantissa: i128,
    pub(in crate::store) scale: u8,
}

/// What a slot is called that is the sum of all: no month has so many days.
pub(in crate::store) const ALL_SLOTS: u8 = 31;
/// Bits beside the number of a slot that say what it has.
const HAS_COST: u8 = 1 << 5;
const HAS_OTHERS: u8 = 1 << 6;
const HAS_METERS: u8 = 1 << 7;

impl RollupClassRow {
    /// Packs slots, and the sum of all of them.
    pub(in crate::store) fn pack(&mut self, all: &RollupSlotRow, slots: &[RollupSlotRow]) {
        let mut packer = Packer::default();
        all.pack(&mut packer);
        for slot in slots {
            slot.pack(&mut packer);
        }
        self.packed = packer.into_bytes();
    }

    /// Returns the sum of all slots.
    pub(in crate::store) fn all(&self) -> Result<RollupSlotRow> {
        RollupSlotRow::unpack(&mut Unpacker::new(RollupRow::TABLE, &self.packed))
    }

    /// Returns the slots, in their order.
    pub(in crate::store) fn slots(&self) -> Result<Vec<RollupSlotRow>> {
        let mut unpacker = Unpacker::new(RollupRow::TABLE, &self.packed);
        let mut slots = Vec::new();
        while !unpacker.is_at_end() {
            let slot = RollupSlotRow::unpack(&mut unpacker)?;
            if slot.slot != ALL_SLOTS {
                slots.push(slot);
            }
        }
        Ok(slots)
    }
}

impl RollupSlotRow {
    fn pack(&self, packer: &mut Packer) {
        let bits = [
            (HAS_COST, self.cost.is_some()),
            (HAS_OTHERS, self.other_tokens != 0),
            (HAS_METERS, !self.meters.is_empty()),
        ];
        let slot = self.slot & ALL_SLOTS;
        packer.byte(bits.into_iter().filter(|(_, is_set)| *is_set).fold(slot, |all, (bit, _)| all | bit));
        packer.number(self.records);
        packer.distance(self.records.cast_signed(), self.requests.cast_signed());
        packer.wide_signed(self.input_tokens);
        packer.wide_signed(self.output_tokens);
        if self.other_tokens != 0 {
            packer.wide_signed(self.other_tokens);
        }
        if let Some(cost) = &self.cost {
            cost.pack(packer);
        }
        if !self.meters.is_empty() {
            packer.number(self.meters.len() as u64);
            for (meter, sum) in &self.meters {
                packer.number(*meter);
                packer.byte(sum.is_some().into());
                if let Some(sum) = sum {
                    sum.pack(packer);
                }
            }
        }
    }

    fn unpack(unpacker: &mut Unpacker<'_>) -> Result<Self> {
        let bits = unpacker.byte()?;
        let has = |bit: u8| bits & bit != 0;
        let records = unpacker.number()?;
        let requests = unpacker.distance(records.cast_signed())?.cast_unsigned();
        let (input_tokens, output_tokens) = (unpacker.wide_signed()?, unpacker.wide_signed()?);
        let other_tokens = if has(HAS_OTHERS) { unpacker.wide_signed()? } else { 0 };
        let cost = has(HAS_COST).then(|| SumRow::unpack(unpacker)).transpose()?;
        let mut meters = Vec::new();
        if has(HAS_METERS) {
            for _ in 0..unpacker.count()? {
                let meter = unpacker.number()?;
                let sum = (unpacker.byte()? != 0).then(|| SumRow::unpack(unpacker)).transpose()?;
                meters.push((meter, sum));
            }
        }
        let slot = bits & ALL_SLOTS;
        Ok(Self { slot, records, requests, input_tokens, output_tokens, other_tokens, cost, meters })
    }
}

impl SumRow {
    fn pack(self, packer: &mut Packer) {
        packer.byte(self.scale);
        packer.wide_signed(self.mantissa);
    }

    fn unpack(unpacker: &mut Unpacker<'_>) -> Result<Self> {
        Ok(Self { scale: unpacker.byte()?, mantissa: unpacker.wide_signed()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_read_back_and_their_sum_without_them() {
        let sum = SumRow { mantissa: -(1 << 70), scale: 18 };
        let slot = |slot| RollupSlotRow {
            slot,
            records: 250,
            requests: 251,
            input_tokens: 70_000,
            output_tokens: 1 << 40,
            other_tokens: -3,
            cost: Some(sum),
            meters: vec![(16, Some(sum)), (1 << 40, None)],
        };
        let bare = RollupSlotRow { other_tokens: 0, cost: None, meters: Vec::new(), ..slot(30) };
        let mut class = RollupClassRow {
            is_adjustment: false,
            usage_type: 16,
            status: 17,
            cost_status: 18,
            currency: 0,
            packed: Vec::new(),
        };
        class.pack(&slot(ALL_SLOTS), &[slot(0), bare.clone()]);
        assert_eq!(class.all().unwrap(), slot(ALL_SLOTS));
        assert_eq!(class.slots().unwrap(), [slot(0), bare]);
        class.packed.pop();
        assert!(class.slots().is_err());
    }
}
