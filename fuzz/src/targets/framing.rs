//! The framing of streamed answers.

use bytes::Bytes;
use futures_executor::block_on;
use futures_util::stream;
use tollway::provider::ServerEvent;
use tollway::transport::EventReader;

pub(super) const WORDS: &[&str] = &[
    "data: ",
    "event: ",
    "\n\n",
    "\r\n",
    "\r",
    ": ping",
    "[DONE]",
    "error: ",
    "id: 1",
    "data:{}\n\n",
    "\u{feff}",
    "retry: 5",
];

/// Reads a body as a stream of events, in pieces of the size that its first byte says; the same events come whatever the size.
pub fn framing(bytes: &[u8]) {
    let Some((size, body)) = bytes.split_first() else { return };
    let whole = events(body, body.len().max(1));
    assert_eq!(events(body, usize::from(*size).max(1)), whole, "the events depend on how the body is cut");
}

/// Reads the events of a body that comes in pieces of a size.
pub(super) fn events(body: &[u8], size: usize) -> Vec<ServerEvent> {
    let pieces: Vec<_> = body.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    let mut reader = EventReader::new(stream::iter(pieces));
    let mut events = Vec::new();
    block_on(async {
        while let Some(event) = reader.next().await {
            match event {
                Ok(event) => events.push(event),
                Err(_) => break,
            }
        }
    });
    events
}
