//! The `predict` format of Google's Vertex AI, in which its models of embeddings are asked.

pub(super) mod embeddings;
