//! The client: the only module that knows all others, and the way of a call.
//!
//! A call runs in a task of its own, tracked until its settlement is in the file, so that a caller who drops the future
//! or the stream still gets a bill.

mod administration;
mod attempt;
mod call;
mod drop_in;
mod engine;
mod events;
mod open;
#[cfg(test)]
mod testing;
mod work;

pub use administration::{
    Archive, Backup, Compaction, Configured, ConfiguredModel, LedgerExport, LedgerImport, PriceExport, PriceImport,
    PriceListFile, PriceProposal, PriceUpdate, PricesFrom, ProposalKind, RerateBook, RerateLine, RerateQuery,
    RerateReport, compact, import_file, restore,
};
pub use drop_in::{FetchBody, FetchResponse};
pub use engine::Tollway;
pub use work::chat::{Answering, ChatStream};
