//! Ollama's own format, for hosts that do not offer OpenAI's beside it.

pub(super) mod embeddings;
