//! Transport: the HTTP client and the framing of streams.

mod http;
mod sse;

pub use http::{HttpClient, HttpResponse};
pub use sse::EventReader;
