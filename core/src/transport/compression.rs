//! Bodies that come compressed though nobody asked for it.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::write::{MultiGzDecoder, ZlibDecoder};

/// Decompresses the pieces of a body in the two ways that servers and the gateways before them use unasked.
pub(super) enum Decompressor {
    Gzip(MultiGzDecoder<Vec<u8>>),
    Deflate(ZlibDecoder<Vec<u8>>),
}

impl Decompressor {
    /// Makes one for a way that is known.
    pub(super) fn of(encoding: &str) -> Option<Self> {
        match encoding.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip(MultiGzDecoder::new(Vec::new()))),
            "deflate" => Some(Self::Deflate(ZlibDecoder::new(Vec::new()))),
            _ => None,
        }
    }

    /// Takes the next piece and returns what it brings, which may be nothing.
    pub(super) fn take(&mut self, piece: &[u8]) -> io::Result<Bytes> {
        let written = match self {
            Self::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()).map(|()| decoder.get_mut()),
            Self::Deflate(decoder) => {
                decoder.write_all(piece).and_then(|()| decoder.flush()).map(|()| decoder.get_mut())
            }
        };
        Ok(std::mem::take(written?).into())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    #[test]
    fn compressed_bodies_are_read_however_they_are_split() {
        let text = "data: {\"a\": 1}\n\n".repeat(20);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text.as_bytes()).unwrap();
        let mut deflate = ZlibEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(text.as_bytes()).unwrap();
        for (encoding, body) in [("GZIP", gzip.finish().unwrap()), ("deflate", deflate.finish().unwrap())] {
            for size in [1, 7, 4_096] {
                let mut decompressor = Decompressor::of(encoding).unwrap();
                let pieces: Vec<Bytes> = body.chunks(size).map(|piece| decompressor.take(piece).unwrap()).collect();
                assert_eq!(pieces.concat(), text.as_bytes(), "{encoding} in pieces of {size}");
            }
        }
        assert!(Decompressor::of("br").is_none());
        assert!(Decompressor::of("gzip").unwrap().take(b"{\"no\": \"gzip\"}").is_err());
    }

    #[test]
    fn a_flush_between_events_brings_the_event() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(b"data: 1\n\n").unwrap();
        gzip.flush().unwrap();
        let first = std::mem::take(gzip.get_mut());
        assert_eq!(Decompressor::of("gzip").unwrap().take(&first).unwrap(), "data: 1\n\n");
    }
}
