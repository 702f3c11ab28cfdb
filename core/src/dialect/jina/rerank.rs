//! The formats of reranking of Jina, Cohere and Voyage, as apps speak them: they differ in few names, and an answer has those of all.

use serde_json::{Map, Value, json};

use crate::dialect::field;
use crate::dialect::receipt_field::{FIELD, receipt_field};
use crate::types::{Error, Meter, RerankReply, RerankRequest, Result};

/// The end of its address.
pub const PATH: &str = "/rerank";

/// Whether results have the text of their documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    has_documents: bool,
}

/// Reads a request. `model` stands over the one that it names.
///
/// Fails with `invalid_request`, naming the field, if the request is wrong.
pub fn decode_request(body: &[u8], model: Option<String>) -> Result<(RerankRequest, Form)> {
    let mut fields = field::read_body(body)?;
    let has_documents = field::take_flag(&mut fields, "return_documents")?;
    if let Some(most) = fields.shift_remove("top_k") {
        fields.entry("top_n").or_insert(most);
    }
    let Some(Value::Array(documents)) = fields.get_mut("documents") else {
        return Err(field::invalid("documents", "must be an array of strings"));
    };
    for (document, place) in documents.iter_mut().zip(0..) {
        *document = text_of(document).ok_or_else(|| not_text(place))?;
    }
    if !fields.contains_key("query") {
        return Err(field::invalid("query", "is missing; say what the documents are searched for"));
    }
    let mut request: RerankRequest = field::read("", Value::Object(fields))?;
    request.model = model.or(request.model);
    Ok((request, Form { has_documents }))
}

/// Returns the text of a document, which may be an object that holds it.
fn text_of(document: &mut Value) -> Option<Value> {
    match document.take() {
        Value::Object(mut fields) => fields.shift_remove("text").filter(Value::is_string),
        text @ Value::String(_) => Some(text),
        _ => None,
    }
}

fn not_text(place: usize) -> Error {
    field::invalid(&format!("documents[{place}]"), "must be a string, or an object with one under `text`")
}

/// Writes a reply as a JSON document, with its cost and receipt in the field `tollway`.
#[must_use]
pub fn encode_reply(form: Form, reply: &RerankReply) -> Vec<u8> {
    let results: Vec<Value> = reply
        .results
        .iter()
        .map(|result| {
            let mut written = json!({"index": result.index, "relevance_score": result.relevance_score});
            if form.has_documents {
                written["document"] = json!({"text": result.document});
            }
            written
        })
        .collect();
    let searches = reply.usage.get(Meter::SearchUnit);
    let tokens = reply.usage.input_tokens();
    let mut body = Map::from_iter([
        ("id".to_owned(), reply.request_id.as_str().into()),
        ("object".to_owned(), "list".into()),
        ("model".to_owned(), reply.served_model.as_deref().unwrap_or(&reply.model).into()),
        ("results".to_owned(), results.clone().into()),
        ("data".to_owned(), results.into()),
        ("usage".to_owned(), json!({"total_tokens": tokens.unwrap_or_default()})),
        (
            "meta".to_owned(),
            json!({"api_version": {"version": "2"}, "billed_units": {"search_units": searches, "input_tokens": tokens}}),
        ),
    ]);
    body.insert(FIELD.to_owned(), receipt_field(reply));
    Value::Object(body).to_string().into_bytes()
}
