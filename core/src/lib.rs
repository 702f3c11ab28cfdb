//! Tollway: an embedded AI gateway with a billing ledger.

pub mod billing;
pub mod client;
pub mod environment;
pub mod provider;
pub mod settings;
pub mod store;
pub mod types;
pub mod vault;
