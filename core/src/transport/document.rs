//! Where JSON documents begin and end in a body, whatever its length and its terminator say.

use memchr::memchr2;

/// What some servers write before a body.
pub(super) const BYTE_ORDER_MARK: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Finds the objects that stand side by side in a body, or in one list.
#[derive(Debug, Default)]
pub(super) struct DocumentScanner {
    depth: u32,
    in_text: bool,
    is_escaped: bool,
}

/// What a byte is to the objects of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It stands between two of them.
    Between,
    /// It is a part of one that is not at its end.
    Inside,
    /// It ends one.
    End,
}

impl DocumentScanner {
    /// Takes the next bytes, whatever they are to the objects.
    pub(super) fn take_all(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = self.take_to_end(rest) {
            rest = &rest[end + 1..];
        }
    }

    /// Takes bytes up to the end of an object; returns the place of its last one, if it is among them.
    pub(super) fn take_to_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut place = 0;
        while let Some(byte) = bytes.get(place) {
            if self.in_text && !self.is_escaped {
                // Most of a document is text, in which only two signs matter.
                place += memchr2(b'"', b'\\', &bytes[place..])?;
                self.take(bytes[place]);
            } else if self.take(*byte) == Place::End {
                return Some(place);
            }
            place += 1;
        }
        None
    }

    /// Takes the next byte. Brackets and commas outside every object are those of a list of them.
    pub(super) fn take(&mut self, byte: u8) -> Place {
        if self.in_text {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return Place::Inside;
        }
        match byte {
            b'{' | b'[' if self.depth > 0 || byte == b'{' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                if self.depth == 0 {
                    return Place::End;
                }
            }
            b'"' => self.in_text = self.depth > 0,
            _ => {}
        }
        let is_separator = matches!(byte, b'[' | b']' | b',') || byte.is_ascii_whitespace();
        if self.depth > 0 || !is_separator { Place::Inside } else { Place::Between }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn documents(body: &str) -> Vec<String> {
        let mut scanner = DocumentScanner::default();
        let mut found = Vec::new();
        let mut document = Vec::new();
        for byte in body.bytes() {
            let place = scanner.take(byte);
            if place != Place::Between {
                document.push(byte);
            }
            if place == Place::End {
                found.push(String::from_utf8(std::mem::take(&mut document)).unwrap());
            }
        }
        if !document.is_empty() {
            found.push(format!("open: {}", String::from_utf8(document).unwrap()));
        }
        found
    }

    #[test]
    fn objects_end_at_their_own_brace_whatever_stands_in_texts() {
        for (body, found) in [
            (r#"{"a": "}"}"#, vec![r#"{"a": "}"}"#]),
            (r#" {"a": "\"}{\\"} "#, vec![r#"{"a": "\"}{\\"}"#]),
            (r#"[{"a": [1, {"b": 2}]}, {"c": "]"}]"#, vec![r#"{"a": [1, {"b": 2}]}"#, r#"{"c": "]"}"#]),
            ("{\"a\": 1}\n{\"b\": 2}\n", vec![r#"{"a": 1}"#, r#"{"b": 2}"#]),
            (r#"{"a": 1"#, vec![r#"open: {"a": 1"#]),
            ("[]", vec![]),
        ] {
            assert_eq!(documents(body), found, "{body}");
        }
    }
    proptest! {
        #[test]
        fn looking_for_the_end_finds_what_each_byte_tells(body in r#"[\[\]{}",\\a\n]{0,40}"#, cut in 0_usize..40) {
            let (mut slow, mut fast) = (DocumentScanner::default(), DocumentScanner::default());
            let bytes = body.as_bytes();
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            for part in [first, second] {
                let mut rest = part;
                while let Some(end) = fast.take_to_end(rest) {
                    prop_assert_eq!(rest.iter().position(|byte| slow.take(*byte) == Place::End), Some(end));
                    rest = &rest[end + 1..];
                }
                prop_assert!(rest.iter().all(|byte| slow.take(*byte) != Place::End));
                prop_assert_eq!((slow.depth, slow.in_text, slow.is_escaped), (fast.depth, fast.in_text, fast.is_escaped));
            }
        }
    }
}
