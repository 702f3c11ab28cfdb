//! Voyage's format. Its embeddings are OpenAI's, with words of its own.

pub(super) mod rerank;
