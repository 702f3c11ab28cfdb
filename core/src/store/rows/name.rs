//! Rows of names: what many rows say is kept once, and stands in them as a number.

use super::rows;

rows! {
    /// A row of `names`: a text, or other bytes, in a space of names of its own.
    NameRow in "names" as compact {
        space: u64,
        value: Vec<u8>,
        members: u64,
    }
}
