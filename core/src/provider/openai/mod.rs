//! OpenAI's format, which most providers speak. Others answer with its errors and its usage too.

pub(super) mod chat;
pub(super) mod embeddings;
pub(super) mod error;
pub(super) mod usage;
mod usage_table;
