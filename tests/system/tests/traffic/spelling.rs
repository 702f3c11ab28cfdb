//! Spellings of texts and numbers that JSON forbids, or that only some readers take.
//!
//! A document is made with stand-ins, which are characters of private use, and spelled once it is written out.

use super::random::Random;

/// How a stand-in is spelled on the wire, and how it reads.
struct Spelling {
    stand_in: char,
    wire: &'static [u8],
    reads: &'static str,
}

/// The first half of a pair of surrogates, escaped.
pub(crate) const FIRST_HALF: char = '\u{E000}';
/// The second half.
pub(crate) const SECOND_HALF: char = '\u{E001}';
/// A number whose text is replaced as a whole, quotes included.
const ODD_NUMBERS: [(&str, &str); 5] = [
    ("\u{E010}", "NaN"),
    ("\u{E011}", "Infinity"),
    ("\u{E012}", "-Infinity"),
    ("\u{E013}", "1e999"),
    ("\u{E014}", "123456789012345678901234567890.5e-7"),
];

/// A value that is nested deeper than most readers go.
pub(crate) const DEEP: &str = "\u{E015}";
const DEPTH: usize = 3_000;

const SPELLINGS: [Spelling; 8] = [
    Spelling { stand_in: FIRST_HALF, wire: br"\ud83d", reads: "\u{FFFD}" },
    Spelling { stand_in: SECOND_HALF, wire: br"\ude00", reads: "\u{FFFD}" },
    Spelling { stand_in: '\u{E002}', wire: b"\xff", reads: "\u{FFFD}" },
    Spelling { stand_in: '\u{E003}', wire: b"\xe4\xb8", reads: "\u{FFFD}" },
    Spelling { stand_in: '\u{E004}', wire: b"\x01", reads: "\u{1}" },
    Spelling { stand_in: '\u{E005}', wire: b"\t", reads: "\t" },
    Spelling { stand_in: '\u{E006}', wire: b"\\u00e9", reads: "\u{E9}" },
    Spelling { stand_in: '\u{E007}', wire: br"\uDBFF", reads: "\u{FFFD}" },
];

/// Returns a text with one odd spelling in it.
pub(crate) fn odd_text(random: &mut Random, text: &str) -> String {
    let stand_in = random.pick(&SPELLINGS).stand_in;
    match random.below(3) {
        0 => format!("{text}{stand_in}"),
        1 => format!("{stand_in}{text}"),
        _ => format!("{text}{stand_in}{text}"),
    }
}

/// Returns a value that is spelled as a number which many readers refuse.
pub(crate) fn odd_number(random: &mut Random) -> serde_json::Value {
    serde_json::Value::from(random.pick(&ODD_NUMBERS).0)
}

/// Spells a document out.
pub(crate) fn spelled(document: &str) -> Vec<u8> {
    let mut document = document.to_owned();
    for (stand_in, number) in ODD_NUMBERS {
        document = document.replace(&format!("\"{stand_in}\""), number);
    }
    if document.contains(DEEP) {
        let deep = format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH));
        document = document.replace(&format!("\"{DEEP}\""), &deep);
    }
    let mut bytes = Vec::with_capacity(document.len());
    let mut buffer = [0; 4];
    for character in document.chars() {
        match SPELLINGS.iter().find(|spelling| spelling.stand_in == character) {
            Some(spelling) => bytes.extend_from_slice(spelling.wire),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    bytes
}

/// Returns how a text with stand-ins reads.
pub(crate) fn read(text: &str) -> String {
    let mut read = text.to_owned();
    for spelling in &SPELLINGS {
        read = read.replace(spelling.stand_in, spelling.reads);
    }
    comparable(&read)
}

/// Makes readings equal that are equally right: halves of a pair may be joined, and what is no text is one sign or several.
pub(crate) fn comparable(text: &str) -> String {
    let mut comparable = text.replace('\u{1F600}', "\u{FFFD}");
    while comparable.contains("\u{FFFD}\u{FFFD}") {
        comparable = comparable.replace("\u{FFFD}\u{FFFD}", "\u{FFFD}");
    }
    comparable
}
