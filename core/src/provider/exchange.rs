//! What goes out and what comes back, whatever the wire format and the kind of work.

use std::sync::Arc;

use secrecy::SecretString;

/// A request that is ready to be sent.
pub struct EncodedRequest {
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The headers that are no secret.
    pub headers: Vec<(String, String)>,
    /// The header that carries the API key.
    pub secret_header: Option<(&'static str, SecretString)>,
    /// The JSON body.
    pub body: Vec<u8>,
}

/// How an answer's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON document.
    Json,
    /// Server-sent events.
    EventStream,
}

/// One event of a stream, after framing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerEvent {
    /// The event's name; empty or `message` where the format names none.
    pub event: String,
    /// The data lines, joined.
    pub data: String,
}

/// What an answer's headers said.
#[derive(Clone, Debug, Default)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Arc<[(String, String)]>,
}

impl ResponseHead {
    /// Returns the value of a header by its lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }
}
