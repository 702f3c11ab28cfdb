//! How much the answer of one attempt may bring: what its output limit allows by far, and no more than the setting says.

use serde_json::{Map, Value};

use crate::client::work::plan::Plan;
use crate::provider::MOST_VALUES;
use crate::settings::Settings;
use crate::types::{ChatRequest, Tool};

/// The bytes that an answer may have for each token of its output limit. A chunk for each token takes a hundredth of that with
/// all that gateways put around it, a token with its 20 likeliest others a fifth, and a token of an image about as much.
const BYTES_PER_TOKEN: u64 = 16 << 10;

/// The bytes that an answer may have beside: for its head, its signatures, citations and signs of life.
const BYTES_BESIDE: u64 = 2 << 20;

/// The bytes of an answer for each of its JSON values, where the request asks for probabilities, which are lists of numbers.
const BYTES_PER_VALUE: u64 = 8;

/// Fields of a request that bring nothing into the answer that is no token of it.
const FIELDS_WITHIN: [&str; 12] = [
    "logit_bias",
    "logprobs",
    "metadata",
    "min_p",
    "prompt_cache_key",
    "repetition_penalty",
    "safety_identifier",
    "store",
    "stream_options",
    "top_k",
    "top_logprobs",
    "user",
];

/// How much an answer may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Allowance {
    /// The bytes of its body.
    pub(super) bytes: u64,
    /// The JSON values of a document, and of all that is kept of it.
    pub(super) values: usize,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { bytes: Settings::default().maximum_answer_bytes, values: MOST_VALUES }
    }
}

impl Allowance {
    /// Returns what an attempt allows. `is_limited` tells whether its output limit is one that the provider was told, or that
    /// its model has.
    pub(super) fn of(plan: &Plan, request: &ChatRequest, settings: &Settings, is_limited: bool) -> Self {
        let none = Map::new();
        let body = plan.config.params.get("body").and_then(Value::as_object).unwrap_or(&none);
        let has_work = request.tools.iter().any(|tool| matches!(tool, Tool::Vendor(_)));
        let is_plain = !has_work && [&request.extra, body].iter().all(|fields| is_within(fields));
        let of_output = plan.estimate.output_bound.saturating_mul(BYTES_PER_TOKEN).saturating_add(BYTES_BESIDE);
        let most = settings.maximum_answer_bytes;
        let bytes = if is_limited && is_plain { most.min(of_output) } else { most };
        let asks_probabilities =
            [&request.extra, body].iter().any(|fields| fields.keys().any(|field| field.ends_with("logprobs")));
        let in_bytes = usize::try_from(bytes / BYTES_PER_VALUE).unwrap_or(usize::MAX);
        Self { bytes, values: if asks_probabilities { in_bytes.max(MOST_VALUES) } else { MOST_VALUES } }
    }
}

/// Returns whether what fields of a request bring into the answer is made of its tokens.
fn is_within(fields: &Map<String, Value>) -> bool {
    fields.iter().all(|(field, value)| match value {
        // The fields of one format, which the others leave out.
        Value::Object(own) if field == "anthropic" => is_within(own),
        _ => FIELDS_WITHIN.contains(&field.as_str()),
    })
}
