//! What can be called and what it costs: the configuration in memory and the bundled price catalog.

pub mod snapshot;
