//! Reading of the JSON documents that providers write, with the faults that other readers forgive.
//!
//! Python's and JavaScript's readers take what the standard does not: half a surrogate pair, NaN and Infinity, numbers beyond
//! every range, raw control characters, a mark of the byte order, bytes that are no UTF-8. An answer that has them was produced
//! all the same. It is read with U+FFFD where a character is not known, and null where a number is none.

use std::borrow::Cow;

use serde_json::Value;

use super::json::get;

/// The most levels that a document is read to. What lies deeper becomes a text: the reader's own limit is 128, and a tree that
/// is deeper than the stack would end the process.
const DEEPEST: usize = crate::types::MOST_LEVELS;

/// The longest document that is read with its faults. What mends one needs several times its size.
const LONGEST_FAULTY: usize = 8 << 20;

/// The most texts that wait for the second half of a pair, and the longest place of one that does: each that waits is looked for
/// among all texts that follow.
const MOST_HALVES: usize = 64;
const LONGEST_PLACE: usize = 1 << 10;

/// Stand for the halves of surrogate pairs in a document under repair. They are private characters, and none that stands there
/// by itself is taken for one.
const HALVES: u32 = 0x0010_0000;

/// A document, and the text that it was read from, in which numbers have their digits.
pub(super) struct Document<'a> {
    pub(super) value: Value,
    pub(super) text: Cow<'a, [u8]>,
}

/// The names under which gateways hand on what stands behind them.
const ENVELOPES: [&str; 4] = ["data", "result", "response", "body"];

impl Document<'_> {
    /// Takes an answer out of the envelope that some gateways put around it: `marks` are fields of an answer.
    pub(super) fn opened(mut self, marks: &[&str]) -> Self {
        let is_answer = |value: &Value| marks.iter().any(|mark| get(value, mark).is_some());
        if !is_answer(&self.value) {
            let name = ENVELOPES.iter().find(|name| get(&self.value, name).is_some_and(is_answer));
            if let Some(inner) = name.and_then(|name| self.value.get_mut(*name)) {
                self.value = inner.take();
            }
        }
        self
    }
}

/// Reads a document that stands by itself.
pub(super) fn read(text: &[u8]) -> serde_json::Result<Document<'_>> {
    let mut reader = DocumentReader::default();
    let mut document = reader.read(text)?;
    for (path, _) in reader.halves {
        append(&mut document.value, &path);
    }
    Ok(document)
}

/// Reads the documents of a stream one after another. A pair of surrogates may be split over two of them.
#[derive(Debug, Default)]
pub(super) struct DocumentReader {
    /// Texts that ended in the first half of a pair, by their place, with that half.
    halves: Vec<(String, u16)>,
}

impl DocumentReader {
    /// Reads the next document.
    pub(super) fn read<'a>(&mut self, text: &'a [u8]) -> serde_json::Result<Document<'a>> {
        let read = str::from_utf8(text).map_or_else(|_| serde_json::from_slice(text), serde_json::from_str);
        let problem = match read {
            Ok(value) => {
                let mut document = Document { value, text: Cow::Borrowed(text) };
                if !self.halves.is_empty() {
                    self.join(&mut document.value, &mut String::new(), false);
                }
                return Ok(document);
            }
            Err(problem) if text.len() > LONGEST_FAULTY => return Err(problem),
            Err(problem) => problem,
        };
        let whole = String::from_utf8_lossy(text);
        let whole = whole.strip_prefix('\u{feff}').unwrap_or(&whole);
        let marks_halves = !whole.chars().any(|character| half(character).is_some());
        let repaired = Repair { left: whole, written: String::with_capacity(whole.len()), marks_halves }.run();
        // What is wrong is said of the document as it came.
        let mut value: Value = serde_json::from_str(&repaired).map_err(|_| problem)?;
        self.join(&mut value, &mut String::new(), marks_halves);
        Ok(Document { value, text: Cow::Owned(repaired.into_bytes()) })
    }

    /// Returns whether a text of the last document ended in the first half of a pair.
    pub(super) fn is_amid_pair(&self) -> bool {
        !self.halves.is_empty()
    }

    /// Takes the texts whose last character stayed a half, as no more documents come: the number of the answer that each is a
    /// part of, and whether it is reasoning. Of other texts nothing is told.
    pub(super) fn take_cut_texts(&mut self) -> Vec<(u32, bool)> {
        let told = |path: &str| {
            let number = path.split('/').find_map(|step| step.strip_prefix('#')?.parse().ok()).unwrap_or_default();
            match path.rsplit('/').next()? {
                "reasoning_content" | "reasoning" | "thinking" => Some((number, true)),
                "content" | "text" => Some((number, false)),
                _ => None,
            }
        };
        std::mem::take(&mut self.halves).iter().filter_map(|(path, _)| told(path)).collect()
    }

    /// Joins halves of pairs across documents, and replaces those that have no other half.
    fn join(&mut self, value: &mut Value, path: &mut String, has_marks: bool) {
        let length = path.len();
        match value {
            Value::String(text) => self.join_text(text, path, has_marks),
            Value::Array(items) => {
                for (place, item) in items.iter_mut().enumerate() {
                    // Choices and calls are told apart by their own numbers, wherever they stand in a list.
                    let number = item.get("index").and_then(Value::as_u64);
                    path.push_str(&number.map_or_else(|| format!("/{place}"), |number| format!("/#{number}")));
                    self.join(item, path, has_marks);
                    path.truncate(length);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields.iter_mut() {
                    path.push('/');
                    path.push_str(name);
                    self.join(field, path, has_marks);
                    path.truncate(length);
                }
            }
            _ => {}
        }
    }

    fn join_text(&mut self, text: &mut String, path: &str, has_marks: bool) {
        if text.is_empty() {
            return;
        }
        let first = self.halves.iter().position(|(place, _)| place == path);
        let first = first.map(|place| self.halves.swap_remove(place).1);
        if first.is_none() && !has_marks {
            return;
        }
        let mut units: Vec<u16> = first.into_iter().collect();
        for character in text.chars() {
            match half(character).filter(|_| has_marks) {
                Some(half) => units.push(half),
                None => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
            }
        }
        let may_wait = self.halves.len() < MOST_HALVES && path.len() <= LONGEST_PLACE;
        if let Some(last) = units.pop_if(|last| may_wait && is_first_half(*last)) {
            self.halves.push((path.to_owned(), last));
        }
        *text = String::from_utf16_lossy(&units);
    }
}

/// Returns the half of a pair that a private character stands for.
fn half(character: char) -> Option<u16> {
    let unit = u16::try_from(u32::from(character).checked_sub(HALVES)?).ok()?;
    is_half(unit).then_some(unit)
}

fn is_half(unit: u16) -> bool {
    (0xD800..0xE000).contains(&unit)
}

fn is_first_half(unit: u16) -> bool {
    (0xD800..0xDC00).contains(&unit)
}

/// Appends the mark of an unknown character to the text at a place.
fn append(value: &mut Value, path: &str) {
    let mut place = value;
    for step in path.split('/').skip(1) {
        let next = match place {
            Value::Array(items) => {
                let number = step.strip_prefix('#').and_then(|number| number.parse::<u64>().ok());
                let is_meant = |item: &&mut Value| item.get("index").and_then(Value::as_u64) == number;
                match number {
                    Some(_) => items.iter_mut().find(is_meant),
                    None => step.parse::<usize>().ok().and_then(|place| items.get_mut(place)),
                }
            }
            Value::Object(fields) => fields.get_mut(step),
            _ => None,
        };
        match next {
            Some(next) => place = next,
            None => return,
        }
    }
    if let Value::String(text) = place {
        text.push(char::REPLACEMENT_CHARACTER);
    }
}

/// Writes a document anew, without its faults.
struct Repair<'a> {
    left: &'a str,
    written: String,
    /// Whether halves of pairs are kept as private characters; they are replaced otherwise.
    marks_halves: bool,
}

impl Repair<'_> {
    fn run(mut self) -> String {
        let mut depth = 0_usize;
        while let Some(first) = self.left.chars().next() {
            match first {
                '"' => self.text(),
                '{' | '[' if depth == DEEPEST => self.fold(),
                '{' | '[' => {
                    depth += 1;
                    self.copy(1);
                }
                '}' | ']' => {
                    depth = depth.saturating_sub(1);
                    self.copy(1);
                }
                _ if is_word(first) => self.word(),
                _ => self.copy(first.len_utf8()),
            }
        }
        self.written
    }

    /// Copies so many bytes, which end between two characters.
    fn copy(&mut self, length: usize) {
        let (copied, left) = self.left.split_at(length);
        self.written.push_str(copied);
        self.left = left;
    }

    /// Writes a number or a word; what is no number to the standard becomes null, and what no number holds a text.
    fn word(&mut self) {
        let end = self.left.find(|character| !is_word(character)).unwrap_or(self.left.len());
        let (word, left) = self.left.split_at(end);
        let bare = word.trim_start_matches(['-', '+']).to_ascii_lowercase();
        if matches!(bare.as_str(), "nan" | "infinity" | "inf") {
            self.written.push_str("null");
        } else if word.parse::<f64>().is_ok_and(f64::is_infinite) {
            self.written.push('"');
            self.written.push_str(word);
            self.written.push('"');
        } else {
            self.written.push_str(word);
        }
        self.left = left;
    }

    /// Writes a text, from its first quote to its last.
    fn text(&mut self) {
        self.copy(1);
        while let Some(character) = self.left.chars().next() {
            match character {
                '"' => return self.copy(1),
                '\\' if self.left.starts_with("\\u") => self.escape(),
                '\\' => {
                    let escaped = self.left.chars().nth(1).map_or(0, char::len_utf8);
                    self.copy(1 + escaped);
                }
                _ if character.is_ascii_control() => {
                    let digits = [u32::from(character) >> 4, u32::from(character) & 15];
                    self.written.push_str("\\u00");
                    self.written.extend(digits.into_iter().filter_map(|digit| char::from_digit(digit, 16)));
                    self.left = &self.left[1..];
                }
                _ => self.copy(character.len_utf8()),
            }
        }
    }

    /// Writes an escaped code unit, and with the first half of a pair the second.
    fn escape(&mut self) {
        let unit = |text: &str| {
            let digits = text.strip_prefix("\\u")?.get(..4)?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| is_hex)
        };
        let Some(first) = unit(self.left) else { return self.copy(2) };
        if !is_half(first) {
            return self.copy(6);
        }
        let second = unit(&self.left[6..]).filter(|second| is_half(*second) && !is_first_half(*second));
        if second.is_some() && is_first_half(first) {
            return self.copy(12);
        }
        let mark = char::from_u32(HALVES + u32::from(first)).filter(|_| self.marks_halves);
        self.written.push(mark.unwrap_or(char::REPLACEMENT_CHARACTER));
        self.left = &self.left[6..];
    }

    /// Writes what lies too deep as a text.
    fn fold(&mut self) {
        let mut inner = Repair { left: self.left, written: String::new(), marks_halves: false };
        let mut depth = 0_usize;
        while let Some(first) = inner.left.chars().next() {
            if first == '"' {
                inner.text();
            } else {
                match first {
                    '{' | '[' => depth += 1,
                    '}' | ']' => depth -= 1,
                    _ => {}
                }
                inner.copy(first.len_utf8());
            }
            if depth == 0 {
                break;
            }
        }
        self.left = inner.left;
        self.written.push_str(&Value::String(inner.written).to_string());
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '+' | '.')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value(text: impl AsRef<[u8]>) -> Value {
        read(text.as_ref()).unwrap().value
    }

    /// Returns the texts at `/t` of the documents of a stream.
    fn texts(documents: &[&str]) -> Vec<String> {
        let mut reader = DocumentReader::default();
        let read = |text: &&str| reader.read(text.as_bytes()).unwrap().value["t"].as_str().unwrap().to_owned();
        documents.iter().map(read).collect()
    }

    #[test]
    fn malformed_json_that_other_readers_accept_is_read() {
        for (text, read) in [
            (r#"{"t": "a\ud83d b"}"#, json!({"t": "a\u{fffd} b"})),
            (r#"{"t": "a\ude00"}"#, json!({"t": "a\u{fffd}"})),
            (r#"{"t": "a\ud83d"}"#, json!({"t": "a\u{fffd}"})),
            (
                r#"{"t": ["a\uD83D", {"index": 3, "x": "\ud83d"}]}"#,
                json!({"t": ["a\u{fffd}", {"index": 3, "x": "\u{fffd}"}]}),
            ),
            (r#"{"t": "\ud83d\ud83d\ude00\ude00"}"#, json!({"t": "\u{fffd}😀\u{fffd}"})),
            (r#"{"t": "\\ud83d \u00e4 \ud83d\ude00", "n": NaN}"#, json!({"t": "\\ud83d ä 😀", "n": null})),
            (
                r#"{"n": [NaN, Infinity, -Infinity, 1, -2.5e3, true, null]}"#,
                json!({"n": [null, null, null, 1, -2500.0, true, null]}),
            ),
            (r#"{"n": 1e999, "m": -1e999}"#, json!({"n": "1e999", "m": "-1e999"})),
            ("{\"t\": \"a\tb\nc\u{0}\"}", json!({"t": "a\tb\nc\u{0}"})),
            ("\u{feff}{\"t\": 1}", json!({"t": 1})),
            ("{\"t\": \"\u{10d83d}\\ud83d\"}", json!({"t": "\u{10d83d}\u{fffd}"})),
        ] {
            assert_eq!(value(text), read, "{text}");
        }
        assert_eq!(value(b"{\"t\": \"Hi \xc4\xe3\"}"), json!({"t": "Hi \u{fffd}\u{fffd}"}));
    }

    #[test]
    fn json_that_no_reader_accepts_is_refused_with_its_first_fault() {
        for text in ["", "{", r#"{"a": "#, r#"{"a" 1}"#, r#"{"t": "\ud8"#, "{\"t\": \"\\u12", "<html>", r#"{"a": NaN"#]
        {
            let Err(problem) = read(text.as_bytes()) else { panic!("{text} is read") };
            let own = serde_json::from_str::<Value>(text).unwrap_err();
            assert_eq!(problem.to_string(), own.to_string(), "{text}");
        }
    }

    #[test]
    fn the_number_of_waiting_surrogate_halves_is_bounded() {
        let name = "n".repeat(LONGEST_PLACE);
        for (document, waiting) in [
            (format!("[{}\"\"]", r#""\ud83d","#.repeat(100_000)), MOST_HALVES),
            (format!("{{\"{name}\": [{}\"\"]}}", r#""\ud83d","#.repeat(100_000)), 0),
        ] {
            let mut reader = DocumentReader::default();
            reader.read(document.as_bytes()).unwrap();
            assert_eq!(reader.halves.len(), waiting);
            // A second of work at the most, as the second document is looked through for few.
            reader.read(document.as_bytes()).unwrap();
        }
    }

    #[test]
    fn a_long_malformed_document_is_refused() {
        let document = |length: usize| format!("{{\"n\": NaN, \"t\": \"{}\"}}", "x".repeat(length));
        assert!(read(document(1 << 20).as_bytes()).is_ok());
        assert!(read(document(LONGEST_FAULTY).as_bytes()).is_err());
    }

    #[test]
    fn a_surrogate_pair_split_over_two_documents_is_joined() {
        for (documents, read) in [
            ([r#"{"t": "Hi \ud83d"}"#, r#"{"t": "\ude00 there"}"#], ["Hi ", "😀 there"]),
            ([r#"{"t": "Hi \ud83d"}"#, r#"{"t": " there"}"#], ["Hi ", "\u{fffd} there"]),
            ([r#"{"t": "Hi \ud83d"}"#, r#"{"t": "\ud83d\ude00"}"#], ["Hi ", "\u{fffd}😀"]),
            ([r#"{"t": "Hi"}"#, r#"{"t": "\ude00 there"}"#], ["Hi", "\u{fffd} there"]),
        ] {
            assert_eq!(texts(&documents), read, "{documents:?}");
        }
        let between = [r#"{"t": "\ud83d"}"#, r#"{"t": "", "x": "y"}"#, r#"{"t": "\ude00"}"#];
        assert_eq!(texts(&between), ["", "", "😀"]);
    }

    #[test]
    fn a_surrogate_half_without_its_other_half_is_returned_at_the_end() {
        let mut reader = DocumentReader::default();
        for document in [
            r#"{"choices": [{"index": 2, "delta": {"content": "a\ud83d"}}]}"#,
            r#"{"choices": [{"index": 0, "delta": {"reasoning_content": "a\ud83d"}}]}"#,
            r#"{"delta": {"text": "a\ud83d"}, "id": "x\ud83d"}"#,
        ] {
            reader.read(document.as_bytes()).unwrap();
        }
        assert_eq!(reader.take_cut_texts(), [(2, false), (0, true), (0, false)]);
        assert_eq!(reader.take_cut_texts(), []);
    }

    #[test]
    fn surrogate_halves_of_two_choices_are_not_joined() {
        let mut reader = DocumentReader::default();
        let mut text = |index: u32, text: &str| {
            let document = format!(r#"{{"choices": [{{"index": {index}, "t": "{text}"}}]}}"#);
            reader.read(document.as_bytes()).unwrap().value["choices"][0]["t"].as_str().unwrap().to_owned()
        };
        assert_eq!(text(0, r"a\ud83d"), "a");
        assert_eq!(text(1, "b"), "b");
        assert_eq!(text(0, r"\ude00"), "😀");
    }

    #[test]
    fn what_lies_too_deep_becomes_a_string_and_the_rest_is_read() {
        for depth in [130, 5_000, 200_000] {
            let deep = format!("{}\"}}\"{}", "{\"a\":".repeat(depth), "}".repeat(depth));
            let read = value(format!(r#"{{"deep": {deep}, "usage": {{"tokens": 7}}}}"#));
            assert_eq!(read["usage"]["tokens"], 7, "{depth}");
            let mut inner = &read["deep"];
            while inner.is_object() {
                inner = &inner["a"];
            }
            assert!(inner.as_str().unwrap().starts_with("{\"a\":{"), "{depth}");
        }
        assert!(read("[".repeat(200_000).as_bytes()).is_err());
    }

    proptest! {
        #[test]
        fn a_well_formed_document_is_unchanged(text in ".{0,20}", number: i64) {
            let document = json!({"t": [text, number], "u": {"v": text}});
            prop_assert_eq!(value(document.to_string()), document.clone());
            let with_fault = document.to_string().replacen('{', "{\"n\": NaN, ", 1);
            let mut read = value(with_fault);
            read.as_object_mut().unwrap().shift_remove("n");
            prop_assert_eq!(read, document);
        }

        #[test]
        fn no_bytes_make_the_document_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), text in r#"[\\u{}"\[\]:,dD83e0-9NaIfn+-]{0,60}"#) {
            let _ = read(&bytes);
            let _ = read(text.as_bytes());
        }
    }
}
