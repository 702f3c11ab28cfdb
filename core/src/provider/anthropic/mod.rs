//! Anthropic's format.

pub(super) mod chat;
mod error;
mod usage;
