//! What all calls take: a request, fields of it that only some providers know, and the choices of the caller.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tollway::types::{CallOptions, ErrorKind, check_levels};

use super::{Arguments, invalid, invalid_at, parse};
use crate::error::ErrorInfo;

/// A request and the choices of its caller, read from `{"request": {...}, "extra": {...}, "options": {...}}`.
pub(super) struct Call<Request> {
    pub(super) request: Request,
    pub(super) options: CallOptions,
}

/// What a call can ask for.
pub(super) trait Asked: DeserializeOwned {
    /// Reads the request of a verb.
    fn read(verb: &str, text: &str) -> Result<Self, ErrorInfo> {
        parse(verb, text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(borrow, default)]
    options: Option<&'a RawValue>,
}

// In a box, because a request is large, and is moved on its way.
impl<Request: Asked> Arguments for Box<Call<Request>> {
    fn read(verb: &str, text: &str) -> Result<Self, ErrorInfo> {
        // Once and of the whole: each of its parts is read by itself, with levels of its own.
        check_levels(&format!("the JSON of {verb}"), text.as_bytes())?;
        let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| invalid(verb, &error))?;
        let options = parts.options.map_or("{}", RawValue::get);
        let options: CallOptions = parse(verb, if options == "null" { "{}" } else { options })?;
        if options.idempotency_key.as_deref() == Some("") {
            return refuse(
                verb,
                "idempotency_key is empty, and would make all calls with it one; give a key, or leave it out",
            );
        }
        let request = match parts.extra {
            Some(extra) if !extra.is_empty() => Request::read(verb, &with_extra(verb, parts.request.get(), extra)?)?,
            _ => Request::read(verb, parts.request.get())?,
        };
        Ok(Self::new(Call { request, options }))
    }
}

/// Puts further fields into a request.
fn with_extra(verb: &str, request: &str, extra: Map<String, Value>) -> Result<String, ErrorInfo> {
    let mut fields: Map<String, Value> = parse(verb, request)?;
    for (name, value) in extra {
        if fields.contains_key(&name) {
            return refuse(verb, &format!("extra holds {name:?}, which the request has too; give it once"));
        }
        fields.insert(name, value);
    }
    serde_json::to_string(&fields).map_err(|error| invalid(verb, &error))
}

/// Reads a request of which something was rewritten.
pub(super) fn rewritten<Request: DeserializeOwned>(
    verb: &str,
    fields: Map<String, Value>,
) -> Result<Request, ErrorInfo> {
    serde_path_to_error::deserialize(Value::Object(fields))
        .map_err(|error| invalid_at(verb, &error.path().to_string(), error.inner()))
}

pub(super) fn refuse<T>(verb: &str, detail: &str) -> Result<T, ErrorInfo> {
    Err(ErrorInfo::new(ErrorKind::InvalidRequest, format!("{verb}: {detail}")))
}

/// Says of a call that it takes what a struct describes.
#[cfg(feature = "schema")]
macro_rules! described_by {
    ($call:ty, $parameters:ty) => {
        impl schemars::JsonSchema for $call {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                <$parameters as schemars::JsonSchema>::schema_name()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <$parameters as schemars::JsonSchema>::json_schema(generator)
            }
        }
    };
}

#[cfg(feature = "schema")]
pub(super) use described_by;

#[cfg(test)]
mod tests {
    use tollway::types::RerankRequest;

    use super::*;

    fn read(text: &str) -> Result<Box<Call<RerankRequest>>, ErrorInfo> {
        Box::read("rerank", text)
    }

    #[test]
    fn extra_fields_are_those_of_the_request() {
        let call =
            read(r#"{"request": {"query": "q", "documents": []}, "extra": {"truncate": "END", "top_n": 3}}"#).unwrap();
        assert_eq!(call.request.extra.get("truncate"), Some(&"END".into()));
        assert_eq!(call.request.top_n, Some(3));
        assert!(call.options.user.is_none());
    }

    #[test]
    fn a_field_is_given_once() {
        let text = r#"{"request": {"query": "q", "documents": [], "top_n": 1}, "extra": {"top_n": 3}}"#;
        let error = read(text).map(drop).unwrap_err();
        assert_eq!(&*error.detail, r#"rerank: extra holds "top_n", which the request has too; give it once"#);
    }

    #[test]
    fn what_is_wrong_in_a_request_is_named() {
        let error = read(r#"{"request": {"query": "q", "documents": "d"}}"#).map(drop).unwrap_err();
        assert!(error.detail.starts_with("rerank: documents: "), "{}", error.detail);
        let error = read(r#"{"request": {}, "users": 1}"#).map(drop).unwrap_err();
        assert!(error.detail.contains("unknown field `users`"), "{}", error.detail);
    }
}
