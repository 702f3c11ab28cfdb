//! The frozen rows, and the way from the plain types to them and back.

mod account;
mod budget;
mod catalog;
mod exchange;
mod ledger;
mod movements;
mod name;
mod packed_hold;
mod packed_record;
mod pool;
mod price;
mod quota;
mod rollup;
mod state;
mod usage;
mod usage_version_2;
mod version_1;
mod version_2;
mod version_3;

pub(super) use account::*;
pub(super) use budget::*;
pub(super) use catalog::*;
pub(super) use exchange::*;
pub(super) use ledger::*;
pub(super) use movements::*;
pub(super) use name::*;
pub(super) use packed_record::PackedRecordRow;
pub(super) use pool::*;
pub(super) use price::*;
pub(super) use quota::*;
pub(super) use rollup::*;
pub(super) use state::*;
pub(super) use usage::*;
pub(super) use version_3::BudgetBalanceRow;

/// Declares frozen rows. One that comes `after` another is of the next version, and reads the other's bytes too. One of which there
/// are many has the layout of small numbers: `as compact`. Under test each is also written by bincode, to prove that the bytes are the same.
macro_rules! rows {
    ($(
        $(#[$documentation:meta])*
        $name:ident in $table:literal $(as $layout:ident)? $(after $before:ident)? { $($field:ident: $type:ty,)+ }
    )+) => {$(
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, wincode::SchemaRead, wincode::SchemaWrite)]
        #[cfg_attr(test, derive(bincode::Encode, bincode::Decode))]
        pub(in crate::store) struct $name {
            $(pub(in crate::store) $field: $type,)+
        }

        impl crate::store::codec::Row for $name {
            type Layout = crate::store::rows::layout!($($layout)?);
            const TABLE: &'static str = $table;
            $(
                const VERSION: u8 = <$before as crate::store::codec::Row>::VERSION + 1;

                fn of_earlier(version: u8, fields: &[u8]) -> crate::types::Result<Self> {
                    crate::store::codec::decode_as::<$before>(version, fields).map(Self::from)
                }
            )?
        }
    )+};
}
use rows;

/// Names the layout of a row.
macro_rules! layout {
    () => {
        crate::store::codec::FixedLayout
    };
    (compact) => {
        crate::store::codec::CompactLayout
    };
}
use layout;
