//! The lines of a stream, none of which is kept beyond a bound.

use std::io::{self, BufRead};

/// The most bytes of a line. One that is longer is passed over and told.
pub(super) const LONGEST_LINE: usize = 16 << 20;

/// Reads lines one after another, into one buffer.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    longest: usize,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    /// A line, with its end if it has one.
    Line(&'a [u8]),
    /// A line that is longer than any may be.
    TooLong,
    /// There are no more lines.
    End,
}

impl<R: BufRead> Lines<R> {
    /// Reads the lines of an input.
    pub(super) const fn new(input: R) -> Self {
        Self { input, line: Vec::new(), longest: LONGEST_LINE }
    }

    /// Reads the next line.
    pub(super) fn next(&mut self) -> io::Result<Read<'_>> {
        self.line.clear();
        let mut is_too_long = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = bytes.iter().position(|byte| *byte == b'\n');
            let (length, is_over) = end.map_or((bytes.len(), bytes.is_empty()), |end| (end + 1, true));
            is_too_long |= self.line.len() + length > self.longest;
            if is_too_long {
                self.line = Vec::new();
            } else {
                self.line.extend_from_slice(&bytes[..length]);
            }
            self.input.consume(length);
            if is_over {
                break;
            }
        }
        Ok(match self.line.is_empty() {
            _ if is_too_long => Read::TooLong,
            true => Read::End,
            false => Read::Line(&self.line),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_the_next_is_read() {
        let mut lines =
            Lines { longest: 4, ..Lines::new(io::BufReader::with_capacity(3, &b"abc\n\nabcd\nabcdefgh\nd"[..])) };
        for expected in [
            Read::Line(b"abc\n"),
            Read::Line(b"\n"),
            Read::TooLong,
            Read::TooLong,
            Read::Line(b"d"),
            Read::End,
            Read::End,
        ] {
            assert_eq!(lines.next().unwrap(), expected);
        }
        let mut endless =
            Lines { longest: 4, ..Lines::new(io::BufReader::new(io::Read::take(io::repeat(b'x'), 1 << 20))) };
        assert_eq!(endless.next().unwrap(), Read::TooLong);
        assert!(endless.line.capacity() < 64 << 10);
    }
}
