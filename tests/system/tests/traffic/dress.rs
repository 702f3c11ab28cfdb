//! How the events of a stream are written out: line ends, gaps, comments, and where they end.

use super::format::Event;
use super::random::Random;
use super::spelling::spelled;

/// The look of a stream of events.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a separate thing that a stream can have")]
pub(crate) struct Dress {
    line_end: &'static str,
    /// Whether a blank line stands between events.
    has_blank_lines: bool,
    has_space: bool,
    has_comments: bool,
    has_dataless_events: bool,
    has_byte_order_mark: bool,
}

/// A stream that is written out.
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    /// The end of the first event with a piece of the answer.
    pub(crate) produced_at: Option<usize>,
    /// The end of the first event that says that the provider failed.
    pub(crate) failed_at: Option<usize>,
    /// The end of the last event, before the comments that may follow it.
    pub(crate) last_at: usize,
}

impl Dress {
    pub(crate) fn random(random: &mut Random) -> Self {
        let is_plain = random.chance(50);
        let mut some = |percent| !is_plain && random.chance(percent);
        Self {
            line_end: if some(40) { "\r\n" } else { "\n" },
            has_blank_lines: !some(20),
            has_space: !some(30),
            has_comments: some(40),
            has_dataless_events: some(30),
            has_byte_order_mark: some(15),
        }
    }

    pub(crate) fn words(&self) -> String {
        let Self { line_end, has_blank_lines, has_space, has_comments, has_dataless_events, has_byte_order_mark } =
            self;
        format!(
            "events (line end {line_end:?}, blank lines {has_blank_lines}, space {has_space}, comments {has_comments}, \
             dataless {has_dataless_events}, byte order mark {has_byte_order_mark})"
        )
    }

    pub(crate) fn write(&self, events: &[Event], random: &mut Random) -> Written {
        let mut written = Written { bytes: Vec::new(), produced_at: None, failed_at: None, last_at: 0 };
        let line = |bytes: &mut Vec<u8>, text: &[u8]| {
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(self.line_end.as_bytes());
        };
        if self.has_byte_order_mark {
            written.bytes.extend_from_slice("\u{FEFF}".as_bytes());
        }
        for event in events {
            if self.has_comments && random.chance(40) {
                line(&mut written.bytes, b": still at work");
                if self.has_blank_lines {
                    line(&mut written.bytes, b"");
                }
            }
            if self.has_dataless_events && self.has_blank_lines && random.chance(30) {
                line(&mut written.bytes, random.pick(&["event: ping", "id: 7", "retry: 100", ""]).as_bytes());
                line(&mut written.bytes, b"");
            }
            if let Some(name) = event.name {
                line(&mut written.bytes, format!("event: {name}").as_bytes());
            }
            let mut data = if self.has_space { b"data: ".to_vec() } else { b"data:".to_vec() };
            data.extend(spelled(&event.data));
            line(&mut written.bytes, &data);
            if self.has_blank_lines {
                line(&mut written.bytes, b"");
            }
            let end = written.bytes.len();
            if event.is_content {
                written.produced_at.get_or_insert(end);
            }
            if event.is_error {
                written.failed_at.get_or_insert(end);
            }
            written.last_at = end;
        }
        if self.has_comments && random.chance(30) {
            line(&mut written.bytes, b": that was all");
        }
        written
    }
}
