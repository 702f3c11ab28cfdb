//! Gemini's format.

pub(super) mod chat;
pub(super) mod embeddings;
mod error;
mod usage;
