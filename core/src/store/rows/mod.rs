//! The frozen rows of version 1, and the way from the plain types to them and back.

mod budget;
mod catalog;
mod ledger;
mod usage;

pub(super) use budget::*;
pub(super) use catalog::*;
pub(super) use ledger::*;
pub(super) use usage::*;

/// Declares frozen rows. Under test each is also written by bincode, to prove that the bytes are the same.
macro_rules! rows {
    ($($(#[$documentation:meta])* $name:ident in $table:literal { $($field:ident: $type:ty,)+ })+) => {$(
        $(#[$documentation])*
        #[derive(Clone, Debug, PartialEq, wincode::SchemaRead, wincode::SchemaWrite)]
        #[cfg_attr(test, derive(bincode::Encode, bincode::Decode))]
        pub(in crate::store) struct $name {
            $(pub(in crate::store) $field: $type,)+
        }

        impl crate::store::codec::Row for $name {
            const TABLE: &'static str = $table;
        }
    )+};
}
use rows;
