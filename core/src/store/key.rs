//! Keys as bytes, in the order and the layout that the format of the file has.
//!
//! Numbers are little-endian. A key of several parts has the lengths of its texts first, but for the last part, which runs to the end.

use std::cmp::Ordering;
use std::fmt::Debug;
use std::ops::{Bound, RangeBounds};

/// What a part of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// An `i32`.
    Int32,
    /// An `i64`.
    Int64,
    /// A `u64`.
    Number,
    /// A text.
    Text,
}

impl Part {
    /// Returns how many bytes it has, unless that differs.
    const fn width(self) -> Option<usize> {
        match self {
            Self::Int32 => Some(4),
            Self::Int64 | Self::Number => Some(8),
            Self::Text => None,
        }
    }

    fn compare(self, left: &[u8], right: &[u8]) -> Ordering {
        match self {
            Self::Int32 => <i32 as Element>::read(left).cmp(&<i32 as Element>::read(right)),
            Self::Int64 => <i64 as Element>::read(left).cmp(&<i64 as Element>::read(right)),
            Self::Number => <u64 as Element>::read(left).cmp(&<u64 as Element>::read(right)),
            Self::Text => left.cmp(right),
        }
    }
}

/// The type of a part of a key.
pub(super) trait Element: 'static {
    /// What it is.
    const PART: Part;
    /// The part itself.
    type Of<'a>: Copy + Debug;
    /// Its bytes.
    type Bytes<'a>: AsRef<[u8]>;

    /// Returns the bytes of a part.
    fn bytes(part: Self::Of<'_>) -> Self::Bytes<'_>;
    /// Reads a part; nothing if its bytes are none.
    fn read(bytes: &[u8]) -> Option<Self::Of<'_>>;
}

macro_rules! numbers {
    ($($number:ty: $part:ident;)+) => {$(
        impl Element for $number {
            const PART: Part = Part::$part;
            type Of<'a> = Self;
            type Bytes<'a> = [u8; size_of::<$number>()];

            fn bytes(part: Self::Of<'_>) -> Self::Bytes<'_> {
                part.to_le_bytes()
            }

            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )+};
}

numbers! {
    i32: Int32;
    i64: Int64;
    u64: Number;
}

impl Element for &'static str {
    const PART: Part = Part::Text;
    type Of<'a> = &'a str;
    type Bytes<'a> = &'a [u8];

    fn bytes(part: Self::Of<'_>) -> Self::Bytes<'_> {
        part.as_bytes()
    }

    fn read(bytes: &[u8]) -> Option<&str> {
        str::from_utf8(bytes).ok()
    }
}

/// The type of a key: one part, or several.
pub(super) trait Key: 'static {
    /// What its parts are.
    const PARTS: &'static [Part];
    /// The key itself.
    type Of<'a>: Copy + Debug;
    /// Its bytes.
    type Bytes<'a>: AsRef<[u8]>;

    /// Returns the bytes of a key.
    fn bytes(key: Self::Of<'_>) -> Self::Bytes<'_>;
    /// Reads a key; nothing if its bytes are none.
    fn read(bytes: &[u8]) -> Option<Self::Of<'_>>;
}

impl<E: Element> Key for E {
    const PARTS: &'static [Part] = &[E::PART];
    type Of<'a> = E::Of<'a>;
    type Bytes<'a> = E::Bytes<'a>;

    fn bytes(key: Self::Of<'_>) -> Self::Bytes<'_> {
        E::bytes(key)
    }

    fn read(bytes: &[u8]) -> Option<Self::Of<'_>> {
        E::read(bytes)
    }
}

macro_rules! keys {
    ($(($($element:ident),+);)+) => {$(
        impl<$($element: Element),+> Key for ($($element,)+) {
            const PARTS: &'static [Part] = &[$($element::PART),+];
            type Of<'a> = ($($element::Of<'a>,)+);
            type Bytes<'a> = Vec<u8>;

            fn bytes(key: Self::Of<'_>) -> Self::Bytes<'_> {
                #[expect(non_snake_case, reason = "each part is named as its type")]
                let ($($element,)+) = key;
                join(Self::PARTS, &[$($element::bytes($element).as_ref()),+])
            }

            fn read(bytes: &[u8]) -> Option<Self::Of<'_>> {
                let mut parts = split(Self::PARTS, bytes)?.into_iter();
                Some(($($element::read(parts.next()?)?,)+))
            }
        }
    )+};
}

keys! {
    (A, B);
    (A, B, C);
    (A, B, C, D);
    (A, B, C, D, E);
}

/// Lengths below this one take a byte; others take two or four, behind a byte that says so.
const SHORT: u8 = 254;

fn join(kinds: &[Part], parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 5).sum());
    for (_, part) in kinds.iter().zip(parts).take(kinds.len() - 1).filter(|(kind, _)| kind.width().is_none()) {
        match (u8::try_from(part.len()), u16::try_from(part.len())) {
            (Ok(short), _) if short < SHORT => bytes.push(short),
            (_, Ok(middle)) => {
                bytes.push(SHORT);
                bytes.extend_from_slice(&middle.to_le_bytes());
            }
            _ => {
                bytes.push(u8::MAX);
                // The storage refuses a key of four GiB long before.
                bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes());
            }
        }
    }
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Splits a key into its parts; nothing if it is none.
fn split<'a>(kinds: &[Part], bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let (last, leading) = kinds.split_last()?;
    let mut rest = bytes;
    let mut lengths = Vec::with_capacity(leading.len());
    for kind in leading {
        lengths.push(match kind.width() {
            Some(width) => width,
            None => length(&mut rest)?,
        });
    }
    let mut parts = Vec::with_capacity(kinds.len());
    for length in lengths {
        let (part, others) = rest.split_at_checked(length)?;
        parts.push(part);
        rest = others;
    }
    parts.push(rest);
    last.width().is_none_or(|width| rest.len() == width).then_some(parts)
}

fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    let (length, rest) = match *first {
        SHORT => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length).into(), rest))?,
        u8::MAX => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, rest)
        }
        short => (short.into(), rest),
    };
    *bytes = rest;
    Some(length)
}

/// Compares two keys of one table, part by part.
pub(super) fn compare(kinds: &[Part], left: &[u8], right: &[u8]) -> Ordering {
    if let [kind] = kinds {
        return kind.compare(left, right);
    }
    let (Some(left), Some(right)) = (split(kinds, left), split(kinds, right)) else { return left.cmp(right) };
    let parts = kinds.iter().zip(left.into_iter().zip(right));
    parts.map(|(kind, (left, right))| kind.compare(left, right)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The ends of a range of keys, as bytes.
pub(super) struct Ends<'a, K: Key> {
    from: Bound<K::Bytes<'a>>,
    to: Bound<K::Bytes<'a>>,
}

impl<'a, K: Key> Ends<'a, K> {
    /// Returns the ends of a range.
    pub(super) fn of(range: &impl RangeBounds<K::Of<'a>>) -> Self {
        let bytes = |bound: Bound<&K::Of<'a>>| bound.map(|key| K::bytes(*key));
        Self { from: bytes(range.start_bound()), to: bytes(range.end_bound()) }
    }

    /// Returns the first and the last of them.
    pub(super) fn as_bytes(&self) -> (Bound<&[u8]>, Bound<&[u8]>) {
        (self.from.as_ref().map(AsRef::as_ref), self.to.as_ref().map(AsRef::as_ref))
    }
}
