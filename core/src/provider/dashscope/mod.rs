//! Model Studio's own format, for what it does not offer in OpenAI's.

pub(super) mod rerank;
