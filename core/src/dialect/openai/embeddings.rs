//! OpenAI's format of embeddings, as apps speak it.

use serde_json::{Map, Value, json};

use crate::dialect::field;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::types::{EmbedReply, EmbedRequest, Result};

/// The end of its address.
pub const PATH: &str = "/embeddings";

/// The names that libraries have for the length of the vectors, and for what they are for.
const DIMENSIONS: [&str; 2] = ["output_dimension", "output_dimensionality"];

/// Whether vectors are written as Base64, as OpenAI's libraries ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    is_base64: bool,
}

/// Reads a request. `model` stands over the one that it names.
///
/// Fails with `invalid_request`, naming the field, if the request is wrong.
pub fn decode_request(body: &[u8], model: Option<String>) -> Result<(EmbedRequest, Form)> {
    let mut fields = field::read_body(body)?;
    let is_base64 = match fields.shift_remove("encoding_format").as_ref().and_then(Value::as_str) {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(field::invalid("encoding_format", "must be \"float\" or \"base64\"")),
    };
    for name in DIMENSIONS {
        if let Some(value) = fields.shift_remove(name) {
            fields.entry("dimensions").or_insert(value);
        }
    }
    // Words that other vendors have are passed on to whoever knows them.
    let is_known =
        |value: &Value| matches!(value.as_str(), Some("query" | "document" | "classification" | "clustering"));
    if let Some(kind) = fields.get("input_type").filter(|kind| !is_known(kind)).cloned() {
        fields.shift_remove("input_type");
        let word = kind.as_str().map(|word| word.trim_start_matches("search_").to_owned());
        if let Some(word) = word.filter(|word| is_known(&Value::from(word.as_str()))) {
            fields.insert("input_type".to_owned(), word.into());
        }
    }
    if !fields.contains_key("input") {
        return Err(field::invalid("input", "is missing; give a string, or an array of strings"));
    }
    let mut request: EmbedRequest = field::read("", Value::Object(fields))?;
    request.model = model.or(request.model);
    Ok((request, Form { is_base64 }))
}

/// Writes a reply as a JSON document, with its cost and receipt in the field `tollway`.
#[must_use]
pub fn encode_reply(form: Form, reply: &EmbedReply) -> Vec<u8> {
    let vector = |(vector, index): (&crate::types::Vector, usize)| {
        let written = if form.is_base64 { Value::from(vector.to_base64()) } else { json!(vector.0) };
        json!({"object": "embedding", "index": index, "embedding": written})
    };
    let tokens = reply.usage.input_tokens().unwrap_or_default();
    let mut body = Map::from_iter([
        ("object".to_owned(), "list".into()),
        ("data".to_owned(), reply.embeddings.iter().zip(0..).map(vector).collect()),
        ("model".to_owned(), reply.served_model.as_deref().unwrap_or(&reply.model).into()),
        ("usage".to_owned(), json!({"prompt_tokens": tokens, "total_tokens": tokens})),
    ]);
    body.insert(FIELD.to_owned(), receipt_field(reply));
    Value::Object(body).to_string().into_bytes()
}
