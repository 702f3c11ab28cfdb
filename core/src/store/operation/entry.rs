//! Rows on their way from one file to another.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row of a file, as another file takes it. It holds no secret but sealed ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The table.
    pub table: String,
    /// The key, as the file has it.
    pub key: Vec<u8>,
    /// The row, as the file has it, with its version and without its tag.
    pub row: Vec<u8>,
    /// What the row says, for whoever reads it without Tollway; absent where that says nothing without other rows.
    pub shown: Option<Value>,
}

/// What a file says of its records as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// The last record that its rollups count.
    pub digested: u64,
    /// The first record from which on ids have no gap.
    pub first_record: u64,
}
