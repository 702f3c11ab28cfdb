//! Rows of what the file says of itself as a whole.

use super::rows;
use super::version_1::LedgerStateRowV1;

rows! {
    /// The state of the file. Each table has its place among the signed tables, its number of rows and the sum of their tags.
    LedgerStateRow in "meta" after LedgerStateRowV1 {
        tables: Vec<(u8, u64, [u8; 16])>,
        head_record: u64,
        head_link: [u8; 16],
        first_record: u64,
        digested_record: u64,
    }
    /// A head that the ledger had.
    LedgerHeadRow in "ledger_heads" {
        link: [u8; 16],
    }
}
