//! Framing of streamed answers: bytes in, events out.
//!
//! The parser is our own. The ones at hand follow the browser's rule that an event without a blank line after it is
//! thrown away at the end of the stream; here such an event may be the one that holds the usage, and must be read.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use memchr::memchr2;

use super::document::{BYTE_ORDER_MARK, DocumentScanner, Place};
use crate::provider::ServerEvent;
use crate::types::{Error, Result};

/// The most bytes that are made events at once. The shortest events are of a few bytes, and all of a piece wait together.
const PIECE: usize = 64 << 10;

/// The most bytes that are read behind the end of an answer.
const MOST_DISCARDED: usize = 64 << 10;

/// What came of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event.
    Event(ServerEvent),
    /// Bytes that make no event yet, or never will: a comment, an empty line, an event without data. They say that the
    /// provider is alive.
    Life,
}

/// Reads the events of a streamed answer. Dropping it closes the connection.
///
/// Server-sent events are read whatever their line ends, and also where no blank line stands between two of them. A provider
/// that answers a streamed call with JSON documents is understood too, in a list, line by line, or with just one: each is an
/// event as soon as it is whole.
pub struct EventReader {
    chunks: Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>,
    /// What came and was not parsed yet.
    unparsed: Bytes,
    parser: Parser,
    /// What ended the body, and is told after the events that came whole before it.
    fault: Option<Error>,
    is_ended: bool,
}

impl EventReader {
    /// Makes a reader of a body's chunks.
    #[must_use]
    pub fn new(chunks: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        let (unparsed, parser) = (Bytes::new(), Parser::default());
        Self { chunks: Box::pin(chunks), unparsed, parser, fault: None, is_ended: false }
    }

    /// Waits for the next event; nothing at the end. After an error there is nothing more.
    ///
    /// It is cancel safe: dropping the future loses no bytes and no event, and the next call goes on where it stood.
    pub async fn next(&mut self) -> Option<Result<ServerEvent>> {
        loop {
            match self.step().await? {
                Ok(Step::Event(event)) => return Some(Ok(event)),
                Ok(Step::Life) => {}
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Takes an event that came already, without waiting.
    pub fn take_ready(&mut self) -> Option<ServerEvent> {
        self.parser.events.pop_front()
    }

    /// Reads what follows an answer that is complete, if it is little, so that the connection can be used again.
    pub async fn discard(mut self) {
        let mut left = MOST_DISCARDED;
        if self.is_ended {
            return;
        }
        while let Some(Ok(chunk)) = self.chunks.next().await {
            let Some(rest) = left.checked_sub(chunk.len()) else { return };
            left = rest;
        }
    }

    /// Waits for the next event, or for bytes that bring none; nothing at the end. After an error there is nothing more.
    ///
    /// Cancel safe, as [`Self::next`] is.
    pub async fn step(&mut self) -> Option<Result<Step>> {
        loop {
            if let Some(event) = self.take_ready() {
                return Some(Ok(Step::Event(event)));
            }
            if self.is_ended {
                return self.fault.take().map(Err);
            }
            if self.unparsed.is_empty() {
                match self.chunks.next().await {
                    Some(Ok(chunk)) => self.unparsed = chunk,
                    Some(Err(error)) => {
                        self.is_ended = true;
                        self.fault = Some(error);
                        self.parser.break_off();
                        continue;
                    }
                    None => {
                        self.is_ended = true;
                        self.parser.finish();
                        continue;
                    }
                }
            }
            let piece = self.unparsed.split_to(self.unparsed.len().min(PIECE));
            self.parser.push(&piece);
            if self.parser.events.is_empty() {
                return Some(Ok(Step::Life));
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
    Documents,
}

/// An incremental parser.
#[derive(Default)]
struct Parser {
    shape: Shape,
    /// The line under way, or the document.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return, whose line feed may still come.
    is_after_return: bool,
    event: String,
    data: Option<String>,
    /// What the data of the event under way begins with, blanks left out.
    first: Option<u8>,
    /// What is known of the documents of a body, or of an event with several lines of data.
    scanner: Option<DocumentScanner>,
    /// Whether no blank lines stand between events, so that none is waited for.
    is_dense: bool,
    events: VecDeque<ServerEvent>,
}

impl Parser {
    fn push(&mut self, chunk: &[u8]) {
        match self.shape {
            Shape::Documents => self.push_documents(chunk),
            Shape::Events => self.push_lines(chunk),
            Shape::Unknown => {
                self.line.extend_from_slice(chunk);
                let mut start = 0;
                if self.line.starts_with(&BYTE_ORDER_MARK) {
                    start = BYTE_ORDER_MARK.len();
                } else if BYTE_ORDER_MARK.starts_with(&self.line) {
                    return;
                }
                let Some(blanks) = self.line[start..].iter().position(|byte| !byte.is_ascii_whitespace()) else {
                    // Blanks say nothing; they must not be looked at again with each piece.
                    self.line.truncate(start);
                    return;
                };
                // No field of an event begins with these.
                let is_document = matches!(self.line[start + blanks], b'{' | b'[');
                self.shape = if is_document { Shape::Documents } else { Shape::Events };
                let body = self.line.split_off(start + blanks);
                self.line.clear();
                self.push(&body);
            }
        }
    }

    fn push_documents(&mut self, chunk: &[u8]) {
        let mut scanner = self.scanner.take().unwrap_or_default();
        for byte in chunk {
            let place = scanner.take(*byte);
            if place != Place::Between {
                self.line.push(*byte);
            }
            if place == Place::End {
                self.end_document();
            }
        }
        self.scanner = Some(scanner);
    }

    fn end_document(&mut self) {
        let document = std::mem::take(&mut self.line);
        let data = String::from_utf8(document).unwrap_or_else(|error| lossy(error.as_bytes()));
        self.events.push_back(ServerEvent { event: String::new(), data });
    }

    fn push_lines(&mut self, mut rest: &[u8]) {
        if rest.is_empty() {
            return;
        }
        if std::mem::take(&mut self.is_after_return) {
            rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        }
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
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
        // A gateway that writes before the provider leaves the mark of the byte order in the middle.
        let bytes = bytes.strip_prefix(&BYTE_ORDER_MARK[..]).unwrap_or(&bytes);
        let line = str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        // Some servers leave the name of the only field out.
        let is_bare = line.starts_with('{');
        let (field, value) = if is_bare { ("data", &*line) } else { line.split_once(':').unwrap_or((&line, "")) };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => {
                if self.data.is_some() && !self.event.is_empty() {
                    self.dispatch();
                }
                value.clone_into(&mut self.event);
            }
            "data" => self.add_data(value),
            // The one that llama.cpp writes where it fails within an answer.
            "error" => {
                self.dispatch();
                self.events.push_back(ServerEvent { event: "error".to_owned(), data: value.to_owned() });
            }
            // Comments have no field name; ids and retry times mean nothing for a call that is not resumed.
            _ => {}
        }
    }

    /// Adds a line of data: to the event under way, unless that has a whole document already, as it has where a server leaves
    /// the blank line between two events out.
    fn add_data(&mut self, value: &str) {
        let Some(data) = &mut self.data else {
            let is_last = value.trim() == "[DONE]";
            self.first = first(value);
            self.data = Some(value.to_owned());
            if is_last || (self.is_dense && is_whole(value)) {
                self.dispatch();
            }
            return;
        };
        let scanner = self.scanner.get_or_insert_with(|| {
            let mut scanner = DocumentScanner::default();
            scanner.take_all(data.as_bytes());
            scanner
        });
        if scanner.take(b' ') == Place::Between && self.first == Some(b'{') {
            self.dispatch();
            self.is_dense = true;
            return self.add_data(value);
        }
        scanner.take_all(value.as_bytes());
        self.first = self.first.or_else(|| first(value));
        data.push('\n');
        data.push_str(value);
    }

    fn dispatch(&mut self) {
        self.scanner = None;
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
            Shape::Documents if self.line.is_empty() => {}
            Shape::Documents => self.end_document(),
        }
    }

    /// Reads what waits for an end where the body broke off: an event that is whole without it, and no other.
    fn break_off(&mut self) {
        if self.shape != Shape::Events {
            return;
        }
        if !self.line.is_empty() {
            self.end_line();
        }
        if self.data.as_deref().is_some_and(is_whole) {
            self.dispatch();
        }
        self.data = None;
    }
}

/// Returns the first byte of a text that is not blank.
fn first(text: &str) -> Option<u8> {
    text.trim_start().bytes().next()
}

/// Returns whether data is a whole object, or the mark of an end.
fn is_whole(data: &str) -> bool {
    let data = data.trim();
    let mut scanner = DocumentScanner::default();
    let ends = data.bytes().map(|byte| scanner.take(byte) == Place::End);
    data == "[DONE]" || (data.starts_with('{') && ends.last() == Some(true))
}

/// Returns bytes as text; what is no UTF-8 is replaced.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
#[path = "sse_tests.rs"]
mod tests;
