//! Vertex AI embeddings.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::provider::embeddings::{DecodedEmbeddings, EmbeddingAdapter, base_url, of_input, texts};
use crate::provider::endpoint::{assemble, join_query, model_in_path};
use crate::provider::json::{count, field, items};
use crate::provider::{EncodedRequest, Flaw, Framing, ResponseHead, Target, openai};
use crate::types::{EmbedInput, EmbedRequest, Error, ReportedUsage, Result, Vector};

/// The fields of which every answer has at least one.
const FIELDS: [&str; 3] = ["predictions", "metadata", "deployedModelId"];

/// The format.
pub(in crate::provider) struct Embeddings;

impl EmbeddingAdapter for Embeddings {
    fn encode(&self, target: &Target<'_>, request: &EmbedRequest, inputs: &[EmbedInput]) -> Result<EncodedRequest> {
        let task = request
            .input_type
            .map(|kind| kind.word(["RETRIEVAL_QUERY", "RETRIEVAL_DOCUMENT", "CLASSIFICATION", "CLUSTERING"]));
        let one = |text: &str| {
            let mut one = Map::from_iter([("content".to_owned(), Value::from(text))]);
            if let Some(task) = task {
                one.insert("task_type".to_owned(), task.into());
            }
            Value::Object(one)
        };
        let mut parameters = request.extra.clone();
        if let Some(dimensions) = request.dimensions {
            parameters.insert("outputDimensionality".to_owned(), dimensions.into());
        }
        let instances: Vec<Value> = texts(target, inputs)?.into_iter().map(one).collect();
        let body =
            Map::from_iter([("instances".to_owned(), instances.into()), ("parameters".to_owned(), parameters.into())]);
        let (base, query) = base_url(target)?;
        let url = format!("{base}/publishers/google/models/{}:predict", model_in_path(target)?);
        assemble(target, join_query(&url, query), &[], body, Framing::Json)
    }

    fn decode(
        &self,
        target: &Target<'_>,
        head: &ResponseHead,
        body: &[u8],
    ) -> std::result::Result<DecodedEmbeddings, Flaw> {
        let Ok(Answer { predictions }) = serde_json::from_slice::<Answer>(body) else {
            return Err(flaw(target, head, body));
        };
        // Each vector counts its own tokens.
        let counts = predictions.iter().map(|prediction| prediction.embeddings.statistics.token_count);
        let input = counts.sum::<Option<u64>>();
        let usage = input.map(|input| of_input(ReportedUsage { input: Some(input), ..ReportedUsage::default() }));
        let vectors = predictions.into_iter().map(|prediction| prediction.embeddings.values).collect();
        Ok(DecodedEmbeddings { model: None, vectors, usage })
    }

    fn decode_error(&self, target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Error {
        openai::error::decode_error(target, head, body)
    }
}

/// An answer. Its vectors are read without a tree, since they are nearly all of it.
#[derive(Deserialize)]
struct Answer {
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Item,
}

#[derive(Deserialize)]
struct Item {
    values: Vector,
    #[serde(default)]
    statistics: Statistics,
}

#[derive(Default, Deserialize)]
struct Statistics {
    #[serde(default)]
    token_count: Option<u64>,
}

fn read_usage(answer: &Value) -> Option<ReportedUsage> {
    let count_of = |prediction: &Value| {
        let statistics = field(field(prediction, "embeddings")?, "statistics")?;
        count(statistics, "token_count")
    };
    let input = items(answer, "predictions").iter().map(count_of).sum::<Option<u64>>().filter(|input| *input > 0);
    input.map(|input| of_input(ReportedUsage { input: Some(input), ..ReportedUsage::default() }))
}

/// Says what is wrong with an answer, and keeps what it says of its usage.
fn flaw(target: &Target<'_>, head: &ResponseHead, body: &[u8]) -> Flaw {
    let document = match Flaw::read(target, head, body, &["predictions"]) {
        Ok(document) => document,
        Err(flaw) => return flaw,
    };
    let usage = read_usage(&document.value);
    if let Some(error) = openai::error::embedded(target, head, &document.value) {
        return Flaw::stated(error, usage);
    }
    let flaw = Flaw::without_answer(target, head, &document, &FIELDS, "its body has no vectors that can be read");
    Flaw { usage: usage.map(Box::new), ..flaw }
}
