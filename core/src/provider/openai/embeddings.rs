//! OpenAI embeddings, which most providers speak.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::{error, usage};
use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, Written, base_url, of_input, put_choices};
use crate::provider::endpoint::{assemble, join_query};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target};
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedUsage, Result};

const PATH: &str = "/embeddings";

/// The fields of which every answer has at least one.
const FIELDS: [&str; 4] = ["data", "usage", "object", "model"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let mut body = request.extra.clone();
        // How vectors are written is between us and the provider.
        body.shift_remove("encoding_format");
        body.insert("model".to_owned(), target.model.into());
        let input = inputs.iter().map(|input| match input {
            EmbedInput::Text(text) => Value::from(text.as_str()),
            EmbedInput::Tokens(tokens) => Value::from(tokens.as_slice()),
        });
        body.insert("input".to_owned(), input.collect());
        put_choices(target, request, &mut body);
        if let Some((field, word)) = target.vendor.embeddings.base64 {
            body.insert(field.to_owned(), word.into());
        }
        assemble(target, url(target)?, &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        match serde_json::from_slice::<Answer>(body) {
            Ok(answer) if answer.error.is_none() => answer.decoded(target, head, body),
            _ => Err(flaw(target, head, body)),
        }
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        error::decode_error(target, head, body)
    }
}

/// An answer. Its vectors are read without a tree, since they are nearly all of it.
#[derive(Deserialize)]
struct Answer {
    data: Vec<Item>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    usage: Option<Map<String, Value>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Written,
}

impl Answer {
    fn decoded(
        mut self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        let usage = self.usage.and_then(|found| read_usage(target, &Value::Object(found), body));
        // Hosts that do not number the vectors have them in the order of the inputs.
        self.data.sort_by_key(|item| item.index.unwrap_or_default());
        let is_bytes = target.vendor.embeddings.is_bytes;
        let vectors: Option<Vec<_>> = self.data.into_iter().map(|item| item.embedding.vector(is_bytes)).collect();
        let Some(vectors) = vectors else {
            let unreadable = Flaw::unreadable(target, head, "a vector is no Base64 of 32-bit numbers");
            return Err(Flaw { usage: usage.map(Box::new), ..unreadable });
        };
        Ok(DecodedEmbeddings { model: self.model, vectors, usage })
    }
}

fn url(target: &Target<'_>) -> Result<String> {
    let (base, query) = base_url(target)?;
    Ok(join_query(&format!("{}{PATH}", base.strip_suffix(PATH).unwrap_or(base)), query))
}

fn read_usage(target: &Target<'_>, found: &Value, body: &[u8]) -> Option<ReportedUsage> {
    let cost = usage::stated_cost(target.vendor, found, body);
    usage::read(target.vendor, found, cost).map(of_input)
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["data"]) {
        Ok(document) => document,
        Err(flaw) => return flaw,
    };
    let usage = usage::find(&document.value).and_then(|found| read_usage(target, found, &document.text));
    if let Some(error) = error::embedded(target, head, &document.value) {
        return Flaw::stated(error, usage);
    }
    let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no vectors that can be read");
    Flaw { usage: usage.map(Box::new), ..flaw }
}
