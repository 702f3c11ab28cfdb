//! Reports: what the ledger adds up to.

mod summary;

pub use summary::{Summary, SummaryQuery, SummaryRow};
