//! Jina's format, as apps speak it.

pub mod rerank;

/// The ends of its addresses at which work is asked for whose answer comes whole.
pub(super) const WHOLE: &[&str] = &[rerank::PATH];
