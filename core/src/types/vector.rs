//! Vectors: what an embedding is.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The bytes of one number.
const WIDTH: usize = size_of::<f32>();

/// A vector of 32-bit floating-point numbers.
///
/// It is written as Base64 of its numbers, each in 4 bytes, the lowest first, as providers send it where they are asked to. It is
/// read from that, and from an array of numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vector(pub Vec<f32>);

impl Vector {
    /// Reads a vector of Base64; nothing if it is none, or no whole number of numbers.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (numbers, rest) = bytes.as_chunks::<WIDTH>();
        rest.is_empty().then(|| Self(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
    }

    /// Writes the vector as Base64.
    #[must_use]
    pub fn to_base64(&self) -> String {
        let bytes: Vec<u8> = self.0.iter().flat_map(|number| number.to_le_bytes()).collect();
        STANDARD.encode(bytes)
    }
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_base64())
    }
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vector;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of numbers, or a Base64 string of 32-bit numbers")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vector, E> {
                Vector::from_base64(text).ok_or_else(|| E::custom("the string is no Base64 of 32-bit numbers"))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vector, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = items.next_element::<f32>()? {
                    numbers.push(number);
                }
                Ok(Vector(numbers))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_and_numbers_are_the_same_vector() {
        let vector = Vector(vec![1.0, -0.5, f32::MIN_POSITIVE]);
        let text = serde_json::to_string(&vector).unwrap();
        assert_eq!(text, "\"AACAPwAAAL8AAIAA\"");
        assert_eq!(serde_json::from_str::<Vector>(&text).unwrap(), vector);
        assert_eq!(serde_json::from_str::<Vector>("[1, -0.5, 1.1754943508222875e-38]").unwrap(), vector);
    }

    #[test]
    fn what_is_no_vector_is_refused() {
        for text in ["\"AACAPw=\"", "\"AAA=\"", "{}", "[\"1\"]", "[null]"] {
            assert!(serde_json::from_str::<Vector>(text).is_err(), "{text}");
        }
    }
}
