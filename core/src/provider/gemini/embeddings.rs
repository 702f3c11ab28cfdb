//! Gemini batchEmbedContents.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::error;
use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, base_url, of_input, put_choices, texts};
use crate::provider::endpoint::{assemble, join_query, model_in_path, with_version};
use crate::provider::json::{count, field, items, text};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target};
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedModalities, ReportedUsage, Result, Vector};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 3] = ["embeddings", "embedding", "usageMetadata"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let model = model_in_path(target)?;
        let one = |text: &str| {
            let mut one = request.extra.clone();
            one.insert("model".to_owned(), format!("models/{}", target.model).into());
            one.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
            put_choices(target, request, &mut one);
            Value::Object(one)
        };
        let requests: Vec<Value> = texts(target, inputs)?.into_iter().map(one).collect();
        let body = Map::from_iter([("requests".to_owned(), requests.into())]);
        let (base, query) = base_url(target)?;
        let url = format!("{}/models/{model}:batchEmbedContents", with_version(base, "v1beta"));
        assemble(target, join_query(&url, query), &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        match serde_json::from_slice::<Answer>(body) {
            Ok(Answer { embeddings, embedding, usage, error: None })
                if !embeddings.is_empty() || embedding.is_some() =>
            {
                let vectors = embeddings.into_iter().chain(embedding).map(|item| item.values).collect();
                let usage = usage.as_ref().and_then(read_usage);
                Ok(DecodedEmbeddings { model: None, vectors, usage })
            }
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
    #[serde(default)]
    embeddings: Vec<Item>,
    #[serde(default)]
    embedding: Option<Item>,
    #[serde(default, rename = "usageMetadata")]
    usage: Option<Value>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Item {
    values: Vector,
}

/// Reads a usage object, whose details have another name than those of chats. The first model reports none.
fn read_usage(usage: &Value) -> Option<ReportedUsage> {
    let details = ["promptTokenDetails", "promptTokensDetails"].iter().flat_map(|name| items(usage, name));
    let mut of_kind = ReportedModalities::default();
    for detail in details {
        let tokens = count(detail, "tokenCount");
        match text(detail, "modality") {
            Some("AUDIO") => of_kind.audio = of_kind.audio.max(tokens),
            Some("IMAGE") => of_kind.image = of_kind.image.max(tokens),
            Some("VIDEO") => of_kind.video = of_kind.video.max(tokens),
            _ => {}
        }
    }
    let input = count(usage, "promptTokenCount");
    let total = count(usage, "totalTokenCount");
    input.or(total)?;
    Some(of_input(ReportedUsage { input, total, input_modalities: of_kind, ..ReportedUsage::default() }))
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["embeddings"]) {
        Ok(document) => document,
        Err(flaw) => return flaw,
    };
    let usage = field(&document.value, "usageMetadata").and_then(read_usage);
    if let Some(error) = error::embedded(target, head, &document.value) {
        return Flaw::stated(error, usage);
    }
    let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no vectors that can be read");
    Flaw { usage: usage.map(Box::new), ..flaw }
}
