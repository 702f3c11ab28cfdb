//! Rows of the journal of accounts: what moved a balance, some dozens of movements in each.

use rust_decimal::Decimal;

use super::rows;
use crate::store::codec::Row;
use crate::store::pack::{Packer, Unpacker};
use crate::types::{Result, exact_add};

/// How many movements a row holds.
const AT_ONCE: u64 = if cfg!(test) { 3 } else { 32 };

rows! {
    /// A row of `account_movements`.
    MovementsRow in "account_movements" as compact {
        packed: Vec<u8>,
    }
}

/// A movement: what changed what was settled in a balance, and what that was then.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Movement {
    pub(in crate::store) cause: u8,
    pub(in crate::store) amount: Decimal,
    pub(in crate::store) balance: Decimal,
    pub(in crate::store) record_id: u64,
    pub(in crate::store) created_at: i64,
}

/// Returns the number that a row begins with which holds a movement of a number.
pub(in crate::store) fn first_of_row(number: u64) -> u64 {
    let place = number.saturating_sub(1);
    place - place % AT_ONCE + 1
}

impl MovementsRow {
    /// Returns a row without movements.
    pub(in crate::store) fn empty() -> Self {
        Self { packed: Vec::new() }
    }

    /// Returns the row with more movements behind its own.
    pub(in crate::store) fn with(&self, more: &[Movement]) -> Result<Self> {
        let mut movements = self.movements()?;
        movements.extend_from_slice(more);
        let mut packer = Packer::default();
        let (mut record, mut at) = (0_u64, 0);
        for (place, movement) in movements.iter().enumerate() {
            packer.byte(movement.cause);
            packer.decimal(movement.amount);
            if place == 0 {
                // The others follow from it.
                packer.decimal(movement.balance);
            }
            packer.distance(record.cast_signed(), movement.record_id.cast_signed());
            packer.distance(at, movement.created_at);
            (record, at) = (movement.record_id, movement.created_at);
        }
        Ok(Self { packed: packer.into_bytes() })
    }

    /// Returns what was settled after the last movement of a row that begins with a number, and the number of that movement.
    pub(in crate::store) fn last(&self, first: u64) -> Result<Option<(Decimal, u64)>> {
        let movements = self.movements()?;
        let number = first.saturating_add(movements.len() as u64).saturating_sub(1);
        Ok(movements.last().map(|last| (last.balance, number)))
    }

    /// Returns the movements, oldest first.
    pub(in crate::store) fn movements(&self) -> Result<Vec<Movement>> {
        let mut unpacker = Unpacker::new(Self::TABLE, &self.packed);
        let mut movements: Vec<Movement> = Vec::new();
        while !unpacker.is_at_end() {
            let (cause, amount) = (unpacker.byte()?, unpacker.decimal()?);
            let last = movements.last();
            let (record, at) = last.map_or((0, 0), |last| (last.record_id.cast_signed(), last.created_at));
            let balance = match last {
                None => unpacker.decimal()?,
                Some(last) => exact_add(last.balance, amount)?,
            };
            let record_id = unpacker.distance(record)?.cast_unsigned();
            let created_at = unpacker.distance(at)?;
            movements.push(Movement { cause, amount, balance, record_id, created_at });
        }
        Ok(movements)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movements_are_read_back_with_what_was_settled_after_each() {
        let movement = |amount: &str, balance: &str, record_id, created_at| Movement {
            cause: 3,
            amount: amount.parse().unwrap(),
            balance: balance.parse().unwrap(),
            record_id,
            created_at,
        };
        let all = [
            movement("0.10", "5.10", 7, i64::MIN),
            movement("-0.1", "5.00", u64::MAX, i64::MAX),
            movement("2", "7.00", 0, 0),
        ];
        let row = MovementsRow::empty().with(&all[..1]).unwrap().with(&all[1..]).unwrap();
        assert_eq!(row.movements().unwrap(), all);
        let cut = MovementsRow { packed: row.packed[..row.packed.len() - 1].to_vec() };
        assert!(cut.movements().is_err());
    }

    #[test]
    fn a_row_begins_with_every_so_manyth_movement() {
        let firsts: Vec<u64> = (1..=7).map(first_of_row).collect();
        assert_eq!(firsts, [1, 1, 1, 4, 4, 4, 7]);
    }
}
