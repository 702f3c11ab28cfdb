//! OpenAI's format, as apps speak it.

pub(super) mod chat;
pub mod embeddings;

/// The ends of its addresses at which work is asked for whose answer comes whole.
pub(super) const WHOLE: &[&str] = &[embeddings::PATH];
