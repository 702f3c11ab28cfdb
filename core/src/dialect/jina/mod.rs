//! Jina's format, as apps speak it.

pub mod rerank;
