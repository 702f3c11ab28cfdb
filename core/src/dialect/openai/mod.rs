//! OpenAI's format, as apps speak it.

pub(super) mod chat;
pub mod embeddings;
