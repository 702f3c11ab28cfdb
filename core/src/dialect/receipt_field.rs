//! What a call cost, as the field `tollway` of an answer and as `x-tollway-*` headers.

use serde_json::{Value, json};

use crate::types::ChatReply;

/// The name of the field that an answer carries its cost and receipt in.
pub(super) const FIELD: &str = "tollway";

/// Returns what the field `tollway` holds: amounts are decimal texts.
pub(super) fn receipt_field(reply: &ChatReply) -> Value {
    json!({
        "request_id": reply.request_id,
        "model": format!("{}/{}", reply.provider, reply.model),
        "cost": reply.cost,
        "currency": reply.currency,
        "cost_status": reply.cost_status,
        "receipt": reply.receipt,
        "attempts": reply.attempts,
        "replayed": reply.replayed,
    })
}

/// Returns the headers of a call whose cost is not known yet.
#[must_use]
pub fn call_headers(request_id: &str, target: Option<&str>) -> Vec<(String, String)> {
    let mut headers = vec![("x-tollway-request-id".to_owned(), request_id.to_owned())];
    headers.extend(target.map(|target| ("x-tollway-model".to_owned(), ascii(target))));
    headers
}

/// Returns the headers of a whole reply. The receipt is JSON; characters beyond ASCII are escaped in it.
#[must_use]
pub fn reply_headers(reply: &ChatReply) -> Vec<(String, String)> {
    let mut headers = call_headers(&reply.request_id, Some(&format!("{}/{}", reply.provider, reply.model)));
    let receipt = serde_json::to_string(&reply.receipt).unwrap_or_default();
    let cost = reply.cost.map(|cost| cost.to_string());
    let currency = reply.currency.map(|currency| currency.to_string());
    for (name, value) in [
        ("x-tollway-cost", cost),
        ("x-tollway-currency", currency),
        ("x-tollway-cost-status", Some(reply.cost_status.name().to_owned())),
        ("x-tollway-attempts", Some(reply.attempts.len().to_string())),
        ("x-tollway-replayed", reply.replayed.then(|| "true".to_owned())),
        ("x-tollway-receipt", Some(ascii(&receipt))),
    ] {
        headers.extend(value.map(|value| (name.to_owned(), value)));
    }
    headers
}

/// Escapes what a header cannot carry, as JSON does.
fn ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') => escaped.push(char::from(byte)),
            _ => escaped.push_str(&format!("\\u{unit:04x}")),
        }
    }
    escaped
}
