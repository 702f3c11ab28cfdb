//! How an answer is put on the wire: its framing, its pieces, where it is cut, and how it ends.

use super::random::Random;

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    /// A length that is smaller than the body by so many bytes.
    Shorter(usize),
    /// A length that is greater than the body by so many bytes.
    Longer(usize),
    Chunked,
    /// Chunks of which the last, empty one is missing.
    ChunkedWithoutLast,
    /// The end of the connection is the end of the body.
    UntilClosed,
}

/// What the server does when it has written what it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It waits for the next request on the connection.
    KeepAlive,
    Close,
    Reset,
    /// It says nothing more until the client goes.
    Silence,
}

/// The bytes of one answer, and where its body is in them.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) bytes: Vec<u8>,
    pub(crate) head_length: usize,
    pub(crate) framing: Framing,
    pub(crate) end: End,
    /// How many of the bytes are written; all where nothing is cut.
    pub(crate) written: usize,
    /// Where each piece ends, and the milliseconds before it.
    pub(crate) pieces: Vec<(usize, u64)>,
    /// The runs of the body in the bytes: where each begins there, and its length.
    runs: Vec<(usize, usize)>,
    body_length: usize,
}

impl Delivery {
    /// Makes a delivery in which anything may be wrong. A body that is a stream with a last mark may be left open behind it.
    pub(crate) fn random(
        random: &mut Random,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
        is_marked_stream: bool,
    ) -> Self {
        let framing = match random.below(20) {
            0 => Framing::Shorter(random.place(body.len().min(40)) + usize::from(!body.is_empty())),
            1 => Framing::Longer(random.place(40) + 1),
            2 => Framing::ChunkedWithoutLast,
            3..=5 => Framing::UntilClosed,
            6..=12 => Framing::Chunked,
            _ => Framing::Length,
        };
        let is_cut = random.chance(25);
        let end = match framing {
            _ if is_cut => *random.pick(&[End::Close, End::Close, End::Reset, End::Reset, End::Silence]),
            _ if is_marked_stream && random.chance(10) => *random.pick(&[End::Silence, End::Reset]),
            Framing::Length | Framing::Chunked if random.chance(70) => End::KeepAlive,
            Framing::Longer(_) | Framing::ChunkedWithoutLast => {
                *random.pick(&[End::Close, End::Close, End::Reset, End::Silence])
            }
            Framing::UntilClosed => *random.pick(&[End::Close, End::Close, End::Close, End::Reset, End::Silence]),
            _ => End::Close,
        };
        let mut made = Self::framed(random, status, content_type, body, (framing, end));
        if is_cut {
            // Any byte of the head or of the body.
            made.written = random.place(made.bytes.len());
            if random.chance(70) {
                made.written = made.written.max(random.place(made.bytes.len())).max(made.head_length);
            }
        }
        made.split(random);
        if random.chance(3) {
            made.delay(random.between(50, 200));
        }
        made
    }

    /// Makes a delivery that nothing is wrong with.
    pub(crate) fn faultless(random: &mut Random, status: u16, content_type: Option<&str>, body: &[u8]) -> Self {
        let framing = *random.pick(&[Framing::Length, Framing::Chunked]);
        let mut made = Self::framed(random, status, content_type, body, (framing, End::KeepAlive));
        made.split(random);
        made
    }

    fn framed(
        random: &mut Random,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
        (framing, end): (Framing, End),
    ) -> Self {
        let length = match framing {
            Framing::Length => Some(body.len()),
            Framing::Shorter(bytes) => Some(body.len() - bytes),
            Framing::Longer(bytes) => Some(body.len() + bytes),
            _ => None,
        };
        let told = match (length, framing) {
            (Some(length), _) => format!("content-length: {length}"),
            (None, Framing::UntilClosed) => "cache-control: no-cache".to_owned(),
            _ => "transfer-encoding: chunked".to_owned(),
        };
        let mut lines = vec![format!("HTTP/1.1 {status} X")];
        lines.extend(content_type.map(|content_type| format!("content-type: {content_type}")));
        if status == 429 || status == 503 {
            lines.push("retry-after-ms: 5".to_owned());
        }
        if end != End::KeepAlive {
            // No client sends another request on a connection that is about to go: nobody could tell what became of it.
            lines.push("connection: close".to_owned());
        }
        lines.extend([told, "\r\n".to_owned()]);
        let head = lines.join("\r\n");
        let mut bytes = head.into_bytes();
        let head_length = bytes.len();
        let mut runs = Vec::new();
        if matches!(framing, Framing::Chunked | Framing::ChunkedWithoutLast) {
            let mut rest = body;
            while !rest.is_empty() {
                let size = if random.chance(30) { rest.len() } else { random.place(rest.len().min(200)) + 1 };
                bytes.extend_from_slice(format!("{size:x}\r\n").as_bytes());
                runs.push((bytes.len(), size));
                bytes.extend_from_slice(&rest[..size]);
                bytes.extend_from_slice(b"\r\n");
                rest = &rest[size..];
            }
            if framing == Framing::Chunked {
                bytes.extend_from_slice(b"0\r\n\r\n");
            }
        } else {
            let visible = if let Framing::Shorter(fewer) = framing { body.len() - fewer } else { body.len() };
            runs.push((bytes.len(), visible));
            bytes.extend_from_slice(body);
        }
        let written = bytes.len();
        let body_length = body.len();
        Self { bytes, head_length, framing, end, written, pieces: Vec::new(), runs, body_length }
    }

    fn split(&mut self, random: &mut Random) {
        let count = if random.chance(40) { 0 } else { random.between(1, 6) };
        let mut ends: Vec<usize> = (0..count).map(|_| random.place(self.written.max(1))).collect();
        if random.chance(5) && self.written < 400 {
            ends = (1..self.written).collect();
        }
        ends.push(self.written);
        ends.sort_unstable();
        ends.dedup();
        let pause = |random: &mut Random| if random.chance(10) { random.between(1, 40) } else { 0 };
        let pauses = ends.len() < 20;
        self.pieces = ends.into_iter().map(|end| (end, if pauses { pause(random) } else { 0 })).collect();
    }

    /// Makes the first piece come after so many milliseconds.
    fn delay(&mut self, milliseconds: u64) {
        if let Some(first) = self.pieces.first_mut() {
            first.1 = milliseconds;
        }
    }

    /// Returns whether a client has the head when so many bytes were written.
    pub(crate) const fn has_head(&self, written: usize) -> bool {
        written >= self.head_length
    }

    /// Returns how many bytes of the body a client has when so many bytes were written.
    pub(crate) fn visible(&self, written: usize) -> usize {
        self.runs.iter().map(|(start, length)| written.saturating_sub(*start).min(*length)).sum()
    }

    /// Returns whether a client that has so many bytes sees the body end as its framing says.
    pub(crate) fn is_ended(&self, written: usize) -> bool {
        let is_all = written == self.bytes.len();
        match self.framing {
            Framing::Shorter(fewer) => self.visible(written) == self.body_length - fewer,
            Framing::Length | Framing::Chunked => is_all,
            Framing::UntilClosed => self.end == End::Close,
            Framing::Longer(_) | Framing::ChunkedWithoutLast => false,
        }
    }

    pub(crate) fn words(&self) -> String {
        let cut = if self.written == self.bytes.len() {
            String::new()
        } else if self.written < self.head_length {
            format!(", cut after {} bytes of the head", self.written)
        } else {
            format!(", cut after {} bytes of the body", self.visible(self.written))
        };
        format!("{:?}{cut}, then {:?}", self.framing, self.end)
    }
}
