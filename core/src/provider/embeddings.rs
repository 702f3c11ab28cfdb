//! Embeddings: how they are asked for, and what comes back. Each format has the same functions in the same order.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::endpoint::{self, invalid};
use super::exchange::{EncodedRequest, ResponseHead};
use super::flaw::Flaw;
use super::target::Target;
use super::vendor::Embeddings;
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedUsage, Result, Vector};

/// What an answer brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecodedEmbeddings {
    /// The model that the provider says it served.
    pub model: Option<String>,
    /// The vectors, in the order of the inputs.
    pub vectors: Vec<Vector>,
    /// What it consumed; absent if the provider did not say.
    pub usage: Option<ReportedUsage>,
}

/// A format of embeddings.
pub trait EmbeddingAdapter: Send + Sync {
    /// Encodes a request for some of its inputs.
    ///
    /// Fails with `invalid_request`, naming the field, if the format cannot express it.
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest>;

    /// Decodes an answer of status 200. An error in its body, or a body that is no answer, is a flaw.
    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw>;

    /// Decodes the answer of a status that is not a success.
    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error;
}

/// Returns how many inputs, and how many tokens, one request to a target takes. The parameter `most_inputs` stands over what is
/// known of the provider.
#[must_use]
pub fn embedding_limits(target: &Target<'_>) -> (usize, u64) {
    let Embeddings { most_inputs, most_tokens, .. } = target.vendor.embeddings;
    let stated = target.params.get("most_inputs").and_then(Value::as_u64);
    let stated = stated.map(|stated| usize::try_from(stated).unwrap_or(usize::MAX));
    // Whoever states the one limit of a host knows that it takes as much.
    let most_tokens = if stated.is_some() { most_tokens.max(300_000) } else { most_tokens };
    (stated.unwrap_or(most_inputs).max(1), most_tokens)
}

/// Returns the address that paths are appended to, without a slash at its end, and its query.
pub(super) fn base_url<'a>(target: &Target<'a>) -> Result<(&'a str, Option<&'a str>)> {
    let own = target.vendor.embeddings.base_url.filter(|_| target.base_url.is_none());
    own.map_or_else(|| endpoint::base_url(target), Ok).map(endpoint::split_query)
}

/// Returns the texts of inputs; fails with `invalid_request` for tokens, which only OpenAI's format takes.
pub(super) fn texts<'a>(target: &Target<'_>, inputs: &'a [EmbedInput]) -> Result<Vec<&'a str>> {
    let text = |input: &'a EmbedInput| match input {
        EmbedInput::Text(text) => Ok(text.as_str()),
        EmbedInput::Tokens(_) => {
            Err(invalid(target, format!("field `input`: {} takes no token numbers; give strings", target.full_name())))
        }
    };
    inputs.iter().map(text).collect()
}

/// Puts in the fields of a request that the target's vendor has a name for.
pub(super) fn put_choices(target: &Target<'_>, request: &EmbedRequest, body: &mut Map<String, Value>) {
    let Embeddings { dimensions_field, input_type, .. } = target.vendor.embeddings;
    if let Some(dimensions) = request.dimensions {
        body.insert(dimensions_field.to_owned(), dimensions.into());
    }
    if let (Some((field, words)), Some(kind)) = (input_type, request.input_type)
        && !kind.word(words).is_empty()
    {
        body.insert(field.to_owned(), kind.word(words).into());
    }
}

/// Completes what is reported of an answer that has no output: what is not told apart is input.
pub(super) fn of_input(reported: ReportedUsage) -> ReportedUsage {
    ReportedUsage { input: reported.input.or(reported.total), output: reported.output.or(Some(0)), ..reported }
}

/// A vector as it is written: numbers, or Base64.
pub(super) enum Written {
    /// Numbers.
    Numbers(Vector),
    /// Base64.
    Text(String),
}

impl Written {
    /// Returns the vector; nothing if the text is none. `is_bytes` tells that each number is one byte.
    pub(super) fn vector(self, is_bytes: bool) -> Option<Vector> {
        match self {
            Self::Numbers(vector) => Some(vector),
            Self::Text(text) if is_bytes => {
                let bytes = STANDARD.decode(text).ok()?;
                Some(Vector(bytes.into_iter().map(|byte| f32::from(byte.cast_signed())).collect()))
            }
            Self::Text(text) => Vector::from_base64(&text),
        }
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Written;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of numbers, or a Base64 string")
            }

            fn visit_str<E>(self, text: &str) -> std::result::Result<Written, E> {
                Ok(Written::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Written, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = items.next_element()? {
                    numbers.push(number);
                }
                Ok(Written::Numbers(Vector(numbers)))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}
