//! What a call cost, as the field `tollway` of an answer and as `x-tollway-*` headers.

use serde_json::{Value, json};

use crate::types::{CallReply, ModelName};

/// The name of the field that an answer carries its cost and receipt in.
pub(super) const FIELD: &str = "tollway";

/// Returns what the field `tollway` holds: amounts are decimal strings.
pub(super) fn receipt_field(reply: &impl CallReply) -> Value {
    let bill = reply.bill();
    json!({
        "request_id": bill.request_id,
        "model": ModelName::new(bill.provider, bill.model).to_string(),
        "cost": bill.cost,
        "currency": bill.currency,
        "cost_status": bill.cost_status,
        "receipt": bill.receipt,
        "attempts": bill.attempts,
        "replayed": bill.replayed,
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
pub fn reply_headers(reply: &impl CallReply) -> Vec<(String, String)> {
    let reply = reply.bill();
    let mut headers = call_headers(reply.request_id, Some(&ModelName::new(reply.provider, reply.model).to_string()));
    let receipt = serde_json::to_string(reply.receipt).unwrap_or_default();
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
            _ => escaped.extend(format!("\\u{unit:04x}").chars()),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ChatReply, CostStatus, Meter, Receipt, ReceiptLine, Usage};

    fn reply() -> ChatReply {
        let line = ReceiptLine {
            attempt: 1,
            model: "acme/größe".to_owned(),
            meter: Some(Meter::OutputToken),
            note: Some("\u{1F600}\n".to_owned()),
            quantity: 7_u64.into(),
            billed_quantity: None,
            unit_price: None,
            unit: None,
            price_id: None,
            modifiers: Vec::new(),
            amount: Some("0.10".parse().unwrap()),
            currency: Some("USD".parse().unwrap()),
        };
        ChatReply {
            request_id: "0199-a".to_owned(),
            id: None,
            provider: "acme".to_owned(),
            model: "größe".to_owned(),
            served_model: None,
            text: String::new(),
            reasoning: None,
            tool_calls: Vec::new(),
            finish_reason: None,
            provider_finish_reason: None,
            choices: Vec::new(),
            usage: Usage::default(),
            cost: Some("0.10".parse().unwrap()),
            currency: Some("USD".parse().unwrap()),
            cost_status: CostStatus::Computed,
            receipt: Receipt::from_lines(vec![line]).unwrap(),
            attempts: Vec::new(),
            service_tier: None,
            output_limit: None,
            replayed: false,
        }
    }

    #[test]
    fn amounts_are_decimal_texts() {
        let field = receipt_field(&reply());
        assert_eq!(
            (&field["cost"], &field["currency"], &field["cost_status"]),
            (&json!("0.10"), &json!("USD"), &json!("computed"))
        );
        assert_eq!(field["receipt"]["lines"][0]["amount"], "0.10");
        assert_eq!((&field["model"], &field["replayed"]), (&json!("acme/größe"), &json!(false)));
        let unpriced = ChatReply { cost: None, currency: None, cost_status: CostStatus::Unpriced, ..reply() };
        assert_eq!(
            (&receipt_field(&unpriced)["cost"], &receipt_field(&unpriced)["cost_status"]),
            (&Value::Null, &json!("unpriced"))
        );
    }

    #[test]
    fn headers_are_ascii_and_the_receipt_in_them_is_the_fields() {
        let reply = reply();
        let headers = reply_headers(&reply);
        assert!(
            headers.iter().all(|(_, value)| value.bytes().all(|byte| (b' '..=b'~').contains(&byte))),
            "{headers:?}"
        );
        let header = |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("x-tollway-request-id"), Some("0199-a"));
        assert_eq!(header("x-tollway-model"), Some("acme/gr\\u00f6\\u00dfe"));
        assert_eq!((header("x-tollway-cost"), header("x-tollway-currency")), (Some("0.10"), Some("USD")));
        assert_eq!((header("x-tollway-cost-status"), header("x-tollway-attempts")), (Some("computed"), Some("0")));
        assert_eq!(header("x-tollway-replayed"), None);
        let receipt: Value = serde_json::from_str(header("x-tollway-receipt").unwrap()).unwrap();
        assert_eq!(receipt, receipt_field(&reply)["receipt"]);
        let replayed = reply_headers(&ChatReply { replayed: true, cost: None, currency: None, ..reply });
        assert!(replayed.contains(&("x-tollway-replayed".to_owned(), "true".to_owned())));
        assert!(!replayed.iter().any(|(name, _)| name == "x-tollway-cost"));
        assert_eq!(call_headers("r", None), [("x-tollway-request-id".to_owned(), "r".to_owned())]);
    }
}
