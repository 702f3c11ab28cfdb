//! Transport: the HTTP client, how far a request came, and the framing of answers.

mod compression;
mod connection;
mod document;
mod http;
mod intake;
mod progress;
mod proxy;
mod sse;

pub use http::{HttpClient, HttpResponse};
pub use progress::{Progress, Stage};
pub use proxy::Proxies;
pub use sse::{EventReader, Step};
