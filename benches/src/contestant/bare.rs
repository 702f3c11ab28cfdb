//! The bare client: the bytes that the engine sends, without the engine, and answers read but not understood.

use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::{Contestant, Work};
use crate::protocol::{Failure, Recorded, Setup, Shape};

/// Headers that the client sets by itself.
const OWN_HEADERS: [&str; 4] = ["host", "content-length", "accept", "user-agent"];

pub(super) struct Bare {
    client: Client,
    requests: Vec<Prepared>,
}

struct Prepared {
    shape: Shape,
    url: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Bare {
    pub(super) fn new(setup: &Setup) -> Result<Self, Failure> {
        // A provider that was installed before serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let requests = setup.recorded.iter().map(|recorded| Prepared::new(&setup.mock, recorded));
        Ok(Self { client: Client::builder().build()?, requests: requests.collect::<Result<_, _>>()? })
    }
}

impl Prepared {
    fn new(mock: &str, recorded: &Recorded) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        for (name, value) in recorded.headers.iter().filter(|(name, _)| !OWN_HEADERS.contains(&name.as_str())) {
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
        let url = format!("{mock}{}", recorded.path);
        Ok(Self { shape: recorded.shape, url, headers, body: serde_json::to_vec(&recorded.body)? })
    }
}

impl Contestant for Bare {
    fn once(&self, shape: Shape) -> Work<'_, ()> {
        Box::pin(async move {
            let prepared = self.requests.iter().find(|prepared| prepared.shape == shape);
            let prepared = prepared.ok_or_else(|| Failure::new(format!("no request of {shape:?} was recorded")))?;
            let request = self.client.post(&prepared.url).headers(prepared.headers.clone()).body(prepared.body.clone());
            let mut response = request.send().await?.error_for_status()?;
            let mut length = 0;
            while let Some(chunk) = response.chunk().await? {
                length += chunk.len();
            }
            if length == 0 { Err(Failure::new("the answer was empty")) } else { Ok(()) }
        })
    }

    fn records(&self) -> Work<'_, Option<u64>> {
        Box::pin(async { Ok(None) })
    }
}
