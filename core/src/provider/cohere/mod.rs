//! Cohere's own format, in its second version: embeddings and reranking. Its chats speak OpenAI's.

pub(super) mod embeddings;
pub(super) mod rerank;
mod usage;
