//! Routing: which model configs may serve a request, in which order, and what to do when one fails.

pub mod health;
pub mod prompt_cache;
pub mod retry;
pub mod select;
pub mod snapshot;
