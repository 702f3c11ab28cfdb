//! Jina's format.

pub(super) mod rerank;
