//! What a provider says, before anyone else reads it: without the secrets of its config, without control characters, and cut.
//!
//! A provider has the key, and a careless one repeats it in its errors, whole or in parts, as it came or encoded. What it says
//! goes into errors, records and logs, whose readers must not have the key.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::Target;
use super::params::secret_headers;
use crate::types::{Completion, Delta, ReportedUsage, cut, is_control, printable};

/// The most characters of a provider's message that an error keeps.
pub const LONGEST_MESSAGE: usize = 1_000;

/// The most characters of a provider's word that is kept: a code, an id, a name of a model or of a tier.
pub const LONGEST_WORD: usize = 256;

/// The most bytes of a message that are looked at.
const LONGEST_LOOK: usize = 64 << 10;

/// How many characters in a row of a secret are hidden. Fewer say nothing, and stand in other words.
const WINDOW: usize = 8;

/// The least bytes of a secret that is worth hiding. One of a few letters, such as a local server's key, would tear words.
const SHORTEST_SECRET: usize = 4;

/// What stands in the place of the API key.
const API_KEY: &str = "[api key]";

/// What stands in the place of another secret.
const SECRET: &str = "[secret]";

/// How often what is escaped may be escaped again.
const MOST_ESCAPES: usize = 4;

/// What must not be told of what a provider says; by default nothing.
#[derive(Default)]
pub struct Redactor {
    /// The secrets as they are and in other codes, folded, each behind a zero.
    forms: Zeroizing<Vec<u8>>,
    /// Where the forms of the API key end and those of other secrets begin.
    end_of_key: usize,
    /// The secrets that are shorter than a window, folded.
    short: Vec<Zeroizing<Vec<u8>>>,
    /// A bit for each window of the forms, so that most of what is no secret is known at a glance.
    seen: Zeroizing<Vec<u64>>,
}

/// A byte of a text whose escapes are undone, and where it stands in the text.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    start: usize,
    end: usize,
}

impl Redactor {
    /// Takes the secrets of a target: its API key, and those of its headers that carry one.
    #[must_use]
    pub fn of(target: &Target<'_>) -> Self {
        let key = target.api_key.map(|key| key.expose_secret().as_bytes());
        let others = secret_headers(target.params).map(|(_, value)| value.as_bytes());
        let secrets: Vec<_> = key.into_iter().chain(others).filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
        // Nothing of it may be moved, because what is moved leaves a copy behind.
        let room = secrets.iter().map(|secret| secret.len() * 7 + 64).sum();
        let mut redactor = Self {
            forms: Zeroizing::new(Vec::with_capacity(room)),
            end_of_key: 0,
            short: Vec::new(),
            seen: Zeroizing::new(Vec::new()),
        };
        for (place, secret) in secrets.iter().enumerate() {
            redactor.add(secret);
            if place == 0 && key.is_some_and(|key| key == *secret) {
                redactor.end_of_key = redactor.forms.len();
            }
        }
        redactor.note_windows();
        redactor
    }

    fn add(&mut self, secret: &[u8]) {
        if secret.len() < WINDOW {
            self.short.push(Zeroizing::new(secret.to_vec()));
            return;
        }
        self.add_form(secret);
        self.add_form(Zeroizing::new(hex::encode(secret)).as_bytes());
        // The same bytes have three forms in base64, by how many stand before them; its ends hold bits of other bytes.
        for before in 0..3 {
            let mut whole = Zeroizing::new(Vec::with_capacity(secret.len() + 2));
            whole.resize(before, 0);
            whole.extend_from_slice(secret);
            let coded = Zeroizing::new(STANDARD_NO_PAD.encode(&*whole));
            let first = (before * 8).div_ceil(6);
            let last = whole.len() * 8 / 6;
            self.add_form(coded.as_bytes().get(first..last).unwrap_or_default());
        }
    }

    fn add_form(&mut self, form: &[u8]) {
        self.forms.push(0);
        self.forms.extend(form.iter().copied().map(folded));
    }

    fn note_windows(&mut self) {
        if self.forms.is_empty() {
            return;
        }
        let mut seen = vec![0_u64; 256];
        for window in self.forms.windows(WINDOW) {
            let bit = bit_of(number(window));
            seen[bit / 64] |= 1 << (bit % 64);
        }
        self.seen = Zeroizing::new(seen);
    }

    /// Returns a message of the provider's as it may be told.
    #[must_use]
    pub fn message(&self, text: &str) -> String {
        let end = text.floor_char_boundary(LONGEST_LOOK);
        self.told(text[..end].trim(), LONGEST_MESSAGE)
    }

    /// Returns a word of the provider's, such as a code or an id, as it may be told.
    #[must_use]
    pub fn word(&self, text: &str) -> String {
        let end = text.floor_char_boundary(LONGEST_LOOK);
        self.told(&text[..end], LONGEST_WORD)
    }

    /// Secrets go before anything is cut or escaped, since either would hide a part of one.
    fn told(&self, text: &str, most: usize) -> String {
        cut(&printable(&self.without_secrets(text)), most).into_owned()
    }

    /// Takes the secrets out of a text, and leaves everything else as it is.
    #[must_use]
    pub fn without_secrets(&self, text: &str) -> String {
        let mut hidden = self.places(text);
        if hidden.is_empty() {
            return text.to_owned();
        }
        hidden.sort_by_key(|(range, _)| range.start);
        let mut told = String::with_capacity(text.len());
        let mut end = 0;
        for (range, mark) in hidden {
            // What overlaps, or follows at once, is the same secret.
            if range.start > end || (range.start == 0 && end == 0) {
                told.push_str(text.get(end..range.start).unwrap_or_default());
                told.push_str(mark);
            }
            end = end.max(range.end);
        }
        told.push_str(text.get(end..).unwrap_or_default());
        told
    }

    /// Takes the secrets out of a body. One that has none stays as it is, though it be no text.
    #[must_use]
    pub fn told_bytes(&self, body: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&body);
        if self.places(&text).is_empty() { body } else { self.without_secrets(&text).into_bytes() }
    }

    /// Takes the secrets out of what a provider says of an answer besides its content, and makes it printable.
    pub fn redact_completion(&self, completion: &mut Completion) {
        for word in [&mut completion.id, &mut completion.model, &mut completion.service_tier] {
            self.redact_word(word);
        }
        for choice in &mut completion.choices {
            self.redact_word(&mut choice.provider_finish_reason);
        }
    }

    /// Does for a piece of an answer what [`Self::redact_completion`] does for the whole.
    pub fn redact_delta(&self, delta: &mut Delta) {
        self.redact_word(&mut delta.provider_finish_reason);
    }

    /// Does for what was reported as consumed what [`Self::redact_completion`] does for the answer.
    pub fn redact_usage(&self, usage: &mut ReportedUsage) {
        self.redact_word(&mut usage.search_size);
        for iteration in &mut usage.iterations {
            iteration.kind = self.word(&iteration.kind);
            self.redact_word(&mut iteration.model);
        }
    }

    fn redact_word(&self, word: &mut Option<String>) {
        // Most words are told as they are.
        if let Some(word) = word
            && (word.len() > LONGEST_WORD || word.contains(is_control) || !self.places(word).is_empty())
        {
            *word = self.word(word);
        }
    }

    /// Finds the secrets in a text, and in what it is when its escapes are undone.
    fn places(&self, text: &str) -> Vec<(Range<usize>, &'static str)> {
        let mut found = Vec::new();
        if self.forms.is_empty() && self.short.is_empty() {
            return found;
        }
        let plain = text.bytes().enumerate().map(|(start, byte)| Unit { byte, start, end: start + 1 });
        self.search(plain.clone(), &mut found);
        if memchr::memchr3(b'%', b'\\', b'&', text.as_bytes()).is_none() {
            return found;
        }
        let mut units: Vec<_> = plain.collect();
        for _ in 0..MOST_ESCAPES {
            let Some(decoded) = unescaped(&units) else { break };
            self.search(decoded.iter().copied(), &mut found);
            units = decoded;
        }
        found
    }

    fn search(&self, units: impl Iterator<Item = Unit> + Clone, found: &mut Vec<(Range<usize>, &'static str)>) {
        // Lines may be broken anywhere.
        let units = units.filter(|unit| !matches!(unit.byte, b'\r' | b'\n'));
        for secret in &self.short {
            search_whole(secret, units.clone(), found);
        }
        if self.forms.is_empty() {
            return;
        }
        let mut starts = [0; WINDOW];
        let mut window = 0_u64;
        for (place, unit) in units.enumerate() {
            starts[place % WINDOW] = unit.start;
            window = (window << 8) | u64::from(folded(unit.byte));
            let start = starts[(place + 1) % WINDOW];
            if place + 1 >= WINDOW
                && let Some(mark) = self.mark_of(window)
            {
                match found.last_mut() {
                    Some((last, _)) if last.start <= start && start <= last.end => last.end = last.end.max(unit.end),
                    _ => found.push((start..unit.end, mark)),
                }
            }
        }
    }

    /// Returns whether a window is a part of a secret, and what stands in its place then.
    fn mark_of(&self, window: u64) -> Option<&'static str> {
        let bit = bit_of(window);
        if self.seen[bit / 64] & (1 << (bit % 64)) == 0 {
            return None;
        }
        let place = self.forms.windows(WINDOW).position(|known| number(known) == window)?;
        Some(if place < self.end_of_key { API_KEY } else { SECRET })
    }
}

/// Writes a byte as it is compared: in lower case, and base64 in one of its two alphabets.
fn folded(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte.to_ascii_lowercase(),
    }
}

fn number(window: &[u8]) -> u64 {
    window.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// Returns the place of a window among 16,384 bits.
fn bit_of(window: u64) -> usize {
    usize::try_from(window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 50).unwrap_or_default()
}

/// Finds a secret that is too short for windows.
fn search_whole(secret: &[u8], units: impl Iterator<Item = Unit>, found: &mut Vec<(Range<usize>, &'static str)>) {
    let units: Vec<_> = units.collect();
    for window in units.windows(secret.len()) {
        if let (Some(first), Some(last)) = (window.first(), window.last())
            && window.iter().map(|unit| unit.byte).eq(secret.iter().copied())
        {
            found.push((first.start..last.end, API_KEY));
        }
    }
}

/// Undoes one layer of escapes: of addresses, of JSON and of HTML. Nothing if there is none.
fn unescaped(units: &[Unit]) -> Option<Vec<Unit>> {
    let mut decoded = Vec::with_capacity(units.len());
    let mut place = 0;
    while let Some(unit) = units.get(place) {
        let rest = &units[place..];
        let (byte, length) = escape(rest).unwrap_or((unit.byte, 1));
        let end = rest.get(length - 1).map_or(unit.end, |last| last.end);
        decoded.push(Unit { byte, start: unit.start, end });
        place += length;
    }
    (decoded.len() < units.len()).then_some(decoded)
}

/// Reads an escape at the beginning of a text; returns what it stands for, and how many bytes it takes.
fn escape(units: &[Unit]) -> Option<(u8, usize)> {
    let byte = |place: usize| units.get(place).map(|unit| unit.byte);
    let digit = |place: usize, radix: u32| byte(place).and_then(|byte| char::from(byte).to_digit(radix));
    let hexadecimal = |from: usize, digits: usize| {
        (from..from + digits).try_fold(0, |value, place| Some(value * 16 + digit(place, 16)?))
    };
    // What is no ASCII is no part of a secret.
    let ascii = |value: u32| u8::try_from(value).ok().filter(u8::is_ascii).unwrap_or(u8::MAX);
    match (byte(0)?, byte(1)?) {
        (b'%', _) => Some((ascii(hexadecimal(1, 2)?), 3)),
        (b'\\', b'u') => hexadecimal(2, 4).map(|value| (ascii(value), 6)),
        (b'\\', b'x') => hexadecimal(2, 2).map(|value| (ascii(value), 4)),
        (b'\\', b'n' | b'r') => Some((b'\n', 2)),
        (b'\\', escaped @ (b'"' | b'\\' | b'/' | b'\'')) => Some((escaped, 2)),
        (b'&', b'#') => {
            let (from, radix) = if matches!(byte(2), Some(b'x' | b'X')) { (3, 16) } else { (2, 10) };
            let digits = (from..from + 8).take_while(|place| digit(*place, radix).is_some()).count();
            let value = (from..from + digits)
                .try_fold(0_u32, |value, place| value.checked_mul(radix)?.checked_add(digit(place, radix)?))?;
            (digits > 0 && byte(from + digits) == Some(b';')).then(|| (ascii(value), from + digits + 1))
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "redaction_tests.rs"]
mod tests;
