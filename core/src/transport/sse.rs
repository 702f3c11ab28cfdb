//! Framing of streamed answers: bytes in, events out.
//!
//! The parser is our own. The ones at hand follow the browser's rule that an event without a blank line after it is
//! thrown away at the end of the stream; here such an event may be the one that holds the usage, and must be read.

use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use serde_json::value::RawValue;

use crate::provider::ServerEvent;
use crate::types::{Error, ErrorKind, Result};

/// The most bytes that may wait for the end of an event.
const MAXIMUM_EVENT: usize = 64 << 20;

const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Reads the events of a streamed answer. Dropping it closes the connection.
///
/// Server-sent events are read whatever their line ends. A provider that answers a streamed call with one JSON document
/// is understood too: a list gives an event for each item, anything else is one event.
pub struct EventReader {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    parser: Parser,
    is_ended: bool,
}

impl EventReader {
    /// Makes a reader of a body's chunks.
    #[must_use]
    pub fn new(chunks: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self { chunks: Box::pin(chunks), parser: Parser::default(), is_ended: false }
    }

    /// Waits for the next event; nothing at the end. After an error there is nothing more.
    ///
    /// It is cancel safe: dropping the future loses no bytes and no event, and the next call goes on where it stood.
    pub async fn next(&mut self) -> Option<Result<ServerEvent>> {
        loop {
            if let Some(event) = self.parser.events.pop_front() {
                return Some(Ok(event));
            }
            if self.is_ended {
                return None;
            }
            match self.chunks.next().await {
                Some(Ok(chunk)) => self.parser.push(&chunk),
                Some(Err(error)) => {
                    self.is_ended = true;
                    return Some(Err(error));
                }
                None => {
                    self.is_ended = true;
                    self.parser.finish();
                }
            }
            if self.parser.waiting() > MAXIMUM_EVENT {
                self.is_ended = true;
                let detail = format!("an event of the stream is longer than {MAXIMUM_EVENT} bytes");
                return Some(Err(Error::new(ErrorKind::ProviderUnavailable, detail)));
            }
        }
    }
}

/// What a body turned out to be.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Shape {
    /// Nothing but blanks has come.
    #[default]
    Unknown,
    Events,
    Json,
}

/// An incremental parser.
#[derive(Default)]
struct Parser {
    shape: Shape,
    /// The line under way, or the whole document.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, whose line feed may still come.
    is_after_return: bool,
    event: String,
    data: Option<String>,
    events: VecDeque<ServerEvent>,
}

impl Parser {
    fn push(&mut self, chunk: &[u8]) {
        match self.shape {
            Shape::Json => self.line.extend_from_slice(chunk),
            Shape::Events => self.push_lines(chunk),
            Shape::Unknown => {
                self.line.extend_from_slice(chunk);
                let mut start = 0;
                if self.line.starts_with(&BYTE_ORDER_MARK) {
                    start = BYTE_ORDER_MARK.len();
                } else if BYTE_ORDER_MARK.starts_with(&self.line) {
                    return;
                }
                let Some(first) = self.line[start..].iter().find(|byte| !byte.is_ascii_whitespace()) else { return };
                // No field of an event begins with these.
                self.shape = if matches!(first, b'{' | b'[') { Shape::Json } else { Shape::Events };
                let body = self.line.split_off(start);
                self.line.clear();
                self.push(&body);
            }
        }
    }

    fn push_lines(&mut self, mut rest: &[u8]) {
        if rest.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_after_return) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            self.line.extend_from_slice(&rest[..end]);
            let is_return = rest[end] == b'\r';
            rest = &rest[end + 1..];
            if is_return {
                self.is_after_return = rest.is_empty();
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            self.end_line();
        }
        self.line.extend_from_slice(rest);
    }

    fn end_line(&mut self) {
        let bytes = std::mem::take(&mut self.line);
        if bytes.is_empty() {
            return self.dispatch();
        }
        let line = String::from_utf8_lossy(&bytes);
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments have no field name; ids and retry times mean nothing for a call that is not resumed.
            _ => {}
        }
    }

    fn dispatch(&mut self) {
        let event = std::mem::take(&mut self.event);
        self.events.extend(self.data.take().map(|data| ServerEvent { event, data }));
    }

    /// Reads what waits for an end that did not come.
    fn finish(&mut self) {
        match self.shape {
            Shape::Unknown => {}
            Shape::Events => {
                if !self.line.is_empty() {
                    self.end_line();
                }
                self.dispatch();
            }
            Shape::Json => {
                let document = std::mem::take(&mut self.line);
                let event = |data: String| ServerEvent { event: String::new(), data };
                match serde_json::from_slice::<Vec<&RawValue>>(&document) {
                    Ok(items) => self.events.extend(items.into_iter().map(|item| event(item.get().to_owned()))),
                    Err(_) => self.events.push_back(event(String::from_utf8_lossy(&document).into_owned())),
                }
            }
        }
    }

    fn waiting(&self) -> usize {
        self.line.len() + self.data.as_ref().map_or(0, String::len)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    fn event(event: &str, data: &str) -> ServerEvent {
        ServerEvent { event: event.to_owned(), data: data.to_owned() }
    }

    /// Reads a body that comes in pieces of a size.
    fn read(body: &[u8], size: usize) -> Vec<ServerEvent> {
        let pieces: Vec<Result<Bytes>> = body.chunks(size).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut reader = EventReader::new(stream::iter(pieces));
            let mut events = Vec::new();
            while let Some(event) = reader.next().await {
                events.push(event.unwrap());
            }
            events
        })
    }

    fn assert_read(body: &str, events: &[ServerEvent]) {
        for size in 1..=body.len().max(1) {
            assert_eq!(read(body.as_bytes(), size), events, "{body:?} in pieces of {size}");
        }
    }

    #[test]
    fn every_line_end_is_understood_wherever_it_is_split() {
        let events = [event("", "a"), event("x", "b")];
        for end in ["\n", "\r\n", "\r"] {
            assert_read(&"data: a||event: x|data:b||".replace('|', end), &events);
        }
    }

    #[test]
    fn comments_blank_lines_and_unknown_fields_are_passed_over() {
        let body = ": OPENROUTER PROCESSING\n\n\n:HTTP_STATUS/200\nid: 7\nretry: 5\ndata:{\"a\": 1}\n\nevent: ping\n\n";
        assert_read(body, &[event("", "{\"a\": 1}")]);
    }

    #[test]
    fn data_lines_are_joined_and_only_one_blank_is_taken_off() {
        assert_read("data: a\ndata:  b\ndata\n\n", &[event("", "a\n b\n")]);
    }

    #[test]
    fn letters_of_many_bytes_may_be_split() {
        assert_read("data: 费用 €😀\n\n", &[event("", "费用 €😀")]);
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        assert_read("\u{feff}data: a\n\n", &[event("", "a")]);
        assert_read("\u{feff}{\"a\":1}", &[event("", "{\"a\":1}")]);
    }

    #[test]
    fn the_last_event_is_read_without_a_blank_line() {
        for tail in ["", "\n", "\r", "\r\n", "\n\n"] {
            assert_read(&format!("data: a\n\ndata: b{tail}"), &[event("", "a"), event("", "b")]);
        }
    }

    #[test]
    fn a_json_document_is_understood() {
        assert_read("\n [{\"a\": 1}\n,\r\n{\"b\": [2]}] ", &[event("", "{\"a\": 1}"), event("", "{\"b\": [2]}")]);
        assert_read("{\"a\": 1}\n", &[event("", "{\"a\": 1}\n")]);
        assert_read("[{\"a\": 1}, {\"b\"", &[event("", "[{\"a\": 1}, {\"b\"")]);
        assert_read("", &[]);
        assert_read(" \n", &[]);
    }

    #[tokio::test]
    async fn a_dropped_wait_loses_nothing() {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel::<Result<Bytes>>();
        let chunks = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
        let mut reader = EventReader::new(chunks);
        sender.send(Ok(Bytes::from_static(b"data: a"))).unwrap();
        assert!(futures_util::FutureExt::now_or_never(reader.next()).is_none());
        sender.send(Ok(Bytes::from_static(b"b\n\n"))).unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap(), event("", "ab"));
    }

    #[tokio::test]
    async fn nothing_follows_an_error() {
        let chunks = vec![
            Ok(Bytes::from_static(b"data: a\n\ndata: b")),
            Err(Error::new(ErrorKind::ProviderUnavailable, "gone")),
            Ok(Bytes::from_static(b"\n\n")),
        ];
        let mut reader = EventReader::new(stream::iter(chunks));
        assert_eq!(reader.next().await.unwrap().unwrap(), event("", "a"));
        assert!(reader.next().await.unwrap().is_err());
        assert!(reader.next().await.is_none());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(body in "(data|event|:|: |x|[{]|€|\r|\n|\r\n){0,40}", size in 1_usize..9) {
            prop_assert_eq!(read(body.as_bytes(), size), read(body.as_bytes(), usize::MAX));
        }
    }
}
