//! What the tests of all wire formats share.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};

use super::*;
use crate::types::{ChatRequest, Delta, Error, ErrorKind, Result, ToolCallDelta};

/// A target that is put together for one test.
pub(super) struct Subject {
    provider: &'static str,
    model: &'static str,
    base_url: Option<&'static str>,
    key: SecretString,
    params: Map<String, Value>,
}

impl Subject {
    pub(super) fn new(provider: &'static str, model: &'static str) -> Self {
        Self { provider, model, base_url: None, key: SecretString::from("sk-key"), params: Map::new() }
    }

    pub(super) fn at(self, base_url: &'static str) -> Self {
        Self { base_url: Some(base_url), ..self }
    }

    pub(super) fn with(self, params: Value) -> Self {
        let Value::Object(params) = params else { panic!("parameters are an object") };
        validate_params(&params).unwrap();
        Self { params, ..self }
    }

    pub(super) fn target(&self) -> Target<'_> {
        Target {
            vendor: vendor(self.provider),
            provider: self.provider,
            model: self.model,
            base_url: self.base_url,
            api_key: Some(&self.key),
            params: &self.params,
        }
    }

    pub(super) fn try_encode(&self, request: Value, framing: Framing) -> Result<EncodedRequest> {
        let request: ChatRequest = serde_json::from_value(request).unwrap();
        chat_adapter(&self.target())?.encode(&self.target(), &request, None, framing)
    }

    pub(super) fn encode(&self, request: Value) -> Value {
        serde_json::from_slice(&self.try_encode(request, Framing::Json).unwrap().body).unwrap()
    }

    /// Adds a user's message to the fields and encodes them.
    pub(super) fn encode_fields(&self, fields: Value) -> Value {
        self.encode(with_message(fields))
    }

    /// Asserts that a request is refused with these words.
    pub(super) fn refuses(&self, fields: Value, said: &str) {
        let shown = fields.to_string();
        let Err(error) = self.try_encode(with_message(fields), Framing::Json) else { panic!("{shown} is encoded") };
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.detail().contains(said), "{shown}: {error}");
    }

    pub(super) fn url(&self, framing: Framing) -> String {
        self.try_encode(with_message(Value::Object(Map::new())), framing).unwrap().url
    }

    pub(super) fn secret(&self) -> (&'static str, String) {
        let request = self.try_encode(with_message(Value::Object(Map::new())), Framing::Json).unwrap();
        let (name, secret) = request.secret_header.unwrap();
        (name, secret.expose_secret().to_owned())
    }

    pub(super) fn decode(&self, body: &str) -> Result<DecodedChat> {
        let head = ResponseHead { status: 200, headers: [].into() };
        chat_adapter(&self.target())?.decode(&self.target(), &head, body.as_bytes()).map_err(|flaw| flaw.error)
    }

    /// Decodes an answer of status 200 that must be none.
    pub(super) fn flawed(&self, body: &str) -> Flaw {
        let head = ResponseHead { status: 200, headers: [].into() };
        chat_adapter(&self.target()).unwrap().decode(&self.target(), &head, body.as_bytes()).unwrap_err()
    }

    pub(super) fn fails(&self, status: u16, body: &str) -> Error {
        let head = ResponseHead { status, headers: [].into() };
        chat_adapter(&self.target()).unwrap().decode_error(&self.target(), &head, body.as_bytes())
    }

    pub(super) fn stream(&self) -> Box<dyn StreamDecoder> {
        chat_adapter(&self.target())
            .unwrap()
            .decode_stream(&self.target(), &ResponseHead { status: 200, headers: [].into() })
    }

    /// Decodes a whole stream that must hold no error.
    pub(super) fn decode_stream(&self, events: &[Value]) -> (Vec<Delta>, Box<dyn StreamDecoder>) {
        let mut decoder = self.stream();
        let mut deltas = Vec::new();
        for event in events {
            decoder.decode_event(&server_event(event), &mut deltas).unwrap();
        }
        decoder.finish(&mut deltas);
        (deltas, decoder)
    }
}

pub(super) fn server_event(event: &Value) -> ServerEvent {
    let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
    ServerEvent { event: String::new(), data }
}

pub(super) fn calls(deltas: &[Delta]) -> Vec<ToolCallDelta> {
    deltas.iter().flat_map(|delta| delta.tool_calls.clone()).collect()
}

pub(super) fn said(deltas: &[Delta]) -> (String, String) {
    let text = deltas.iter().map(|delta| delta.text.as_str()).collect();
    (text, deltas.iter().map(|delta| delta.reasoning.as_str()).collect())
}

fn with_message(mut fields: Value) -> Value {
    if fields.get("messages").is_none() {
        fields["messages"] = serde_json::json!([{"role": "user", "content": "hi"}]);
    }
    fields
}
