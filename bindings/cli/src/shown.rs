//! Output that a terminal shows and does not obey, whatever names and notes it has.

use std::io::{Result, Write};

use tollway::types::is_control;

/// A writer that escapes control characters, line ends excepted, as JSON does; so that JSON text stays JSON text.
pub(crate) struct Shown<W>(pub(crate) W);

impl<W: Write> Write for Shown<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        if !bytes.iter().any(|byte| may_begin_control(*byte)) {
            return self.0.write_all(bytes);
        }
        for chunk in bytes.utf8_chunks() {
            let mut rest = chunk.valid();
            while let Some(place) = rest.find(is_escaped) {
                let (plain, from) = rest.split_at(place);
                self.0.write_all(plain.as_bytes())?;
                let mut characters = from.chars();
                for unit in characters.next().into_iter().flat_map(units) {
                    write!(self.0, "\\u{unit:04x}")?;
                }
                rest = characters.as_str();
            }
            self.0.write_all(rest.as_bytes())?;
            if !chunk.invalid().is_empty() {
                self.0.write_all("\u{fffd}".as_bytes())?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}

fn is_escaped(character: char) -> bool {
    character != '\n' && is_control(character)
}

/// Returns whether a byte is a control character, or the first byte of one, or of none.
fn may_begin_control(byte: u8) -> bool {
    (byte < b' ' && byte != b'\n') || matches!(byte, 0x7f | 0xc2 | 0xd8 | 0xe1 | 0xe2 | 0xef | 0xf3..)
}

fn units(character: char) -> Vec<u16> {
    character.encode_utf16(&mut [0; 2]).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_json_keeps_its_value() {
        let value = serde_json::json!({"name": "a\u{1b}[2J\u{7f}\u{9b}31m\u{202e}\u{e0041} é 漢 🚀", "note": "1\n2"});
        let mut written = Vec::new();
        let mut output = Shown(&mut written);
        serde_json::to_writer(&mut output, &value).unwrap();
        writeln!(output, "\n\u{1b}]0;title\u{7} é").unwrap();
        let text = String::from_utf8(written).unwrap();
        assert!(!text.contains(is_escaped), "{text:?}");
        let (json, line) = text.split_once('\n').unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(json).unwrap(), value);
        assert_eq!(line, "\\u001b]0;title\\u0007 é\n");
    }
}
