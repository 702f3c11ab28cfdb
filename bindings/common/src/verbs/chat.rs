//! The verb `chat`.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tollway::client::Tollway;
use tollway::types::{CallOptions, ChatReply, ChatRequest, ErrorKind, check_levels};

use super::{Arguments, invalid, invalid_at, parse};
use crate::error::ErrorInfo;

/// A chat request and the choices of its caller.
pub(super) struct ChatArguments(pub(super) ChatRequest, pub(super) CallOptions);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts<'a> {
    #[serde(borrow)]
    request: &'a RawValue,
    #[serde(borrow, default)]
    options: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
}

impl Arguments for Box<ChatArguments> {
    fn read(verb: &str, text: &str) -> Result<Self, ErrorInfo> {
        arguments(verb, text).map(|(request, options)| Self::new(ChatArguments(request, options)))
    }
}

/// What a chat call takes beside its messages: what the model is asked, and what Tollway does with the call.
///
/// A tool is a function of yours, or one that a vendor defines, as its own documentation writes it:
/// `{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}`, `{"google_search": {}}`. The format that has it takes it as
/// it is; a model of another one refuses it by name. Work that the provider charges for needs a price and a stated maximum where money
/// is capped.
#[cfg(feature = "schema")]
#[derive(Deserialize, schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use: shells put the parts where the verb has them")]
pub(super) struct ChatParameters {
    #[serde(flatten)]
    request: ChatRequest,
    /// Fields that only some providers know, by their own names. Where money is capped, one that Tollway does not know has no price.
    #[serde(default)]
    extra: Option<Map<String, Value>>,
    #[serde(flatten)]
    options: CallOptions,
}

pub(super) async fn chat(client: &Tollway, arguments: Box<ChatArguments>) -> tollway::types::Result<ChatReply> {
    let ChatArguments(request, options) = *arguments;
    client.chat(request, options).await
}

/// Reads `{"request": {...}, "options": {...}}`, where `messages` may be one text, which a user says.
pub(crate) fn chat_arguments(text: &str) -> Result<(ChatRequest, CallOptions), ErrorInfo> {
    arguments("chat", text)
}

fn arguments(verb: &str, text: &str) -> Result<(ChatRequest, CallOptions), ErrorInfo> {
    // Once and of the whole: each of its parts is read by itself, with levels of its own.
    check_levels(&format!("the JSON of {verb}"), text.as_bytes())?;
    let parts: Parts<'_> = serde_json::from_str(text).map_err(|error| invalid(verb, &error))?;
    let options = parts.options.map_or("{}", RawValue::get);
    let options: CallOptions = parse(verb, if options == "null" { "{}" } else { options })?;
    let request = parts.request.get();
    let peek: Peek<'_> = serde_json::from_str(request).map_err(|error| invalid(verb, &error))?;
    let request: ChatRequest = if peek.messages.get().starts_with('"') {
        let mut fields: Map<String, Value> = parse(verb, request)?;
        if let Some(messages) = fields.get_mut("messages") {
            *messages = json!([{"role": "user", "content": messages.take()}]);
        }
        serde_path_to_error::deserialize(Value::Object(fields))
            .map_err(|error| invalid_at(verb, &error.path().to_string(), error.inner()))?
    } else if peek.messages.get().starts_with('[') {
        parse(verb, request)?
    } else {
        return refuse(verb, r#"messages must be a string, or an array such as [{"role": "user", "content": "Hi"}]"#);
    };
    if request.messages.is_empty() {
        return refuse(verb, "messages is empty; give at least one message");
    }
    if options.idempotency_key.as_deref() == Some("") {
        return refuse(
            verb,
            "idempotency_key is empty, and would make all calls with it one; give a key, or leave it out",
        );
    }
    Ok((request, options))
}

fn refuse<T>(verb: &str, detail: &str) -> Result<T, ErrorInfo> {
    Err(ErrorInfo::new(ErrorKind::InvalidRequest, format!("{verb}: {detail}")))
}

#[cfg(test)]
mod tests {
    use tollway::types::{Content, Message};

    use super::*;

    #[test]
    fn a_string_is_one_message_of_the_user() {
        let (request, options) = chat_arguments(
            r#"{"request": {"messages": "Hi", "top_k": 5}, "options": {"user": "alice", "timeout": 1.5}}"#,
        )
        .unwrap();
        let [Message::User(message)] = request.messages.as_slice() else { panic!("one message of the user") };
        assert_eq!(message.content, Content::Text("Hi".to_owned()));
        assert_eq!(request.extra.get("top_k"), Some(&json!(5)));
        assert_eq!(options.user.as_deref(), Some("alice"));
    }

    #[test]
    fn a_list_of_messages_is_read_as_it_is() {
        let text = r#"{"request": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}], "max_tokens": 5}}"#;
        let (request, _) = chat_arguments(text).unwrap();
        assert_eq!(request.messages.len(), 2);
        assert_eq!(request.max_tokens, Some(5));
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (text, part) in [
            (r#"{"request": {"messages": []}}"#, "messages is empty"),
            (r#"{"request": {"messages": null}}"#, "messages must be a string, or an array"),
            (r#"{"request": {"messages": {"role": "user"}}}"#, "messages must be a string, or an array"),
            (
                r#"{"request": {"messages": ["Hi"]}}"#,
                "messages[0]: invalid type: string \"Hi\", expected a message such as",
            ),
            (
                r#"{"request": {"messages": [{"role": "user", "content": 5}]}}"#,
                "messages[0]: `content` must be a string",
            ),
            (r#"{"request": {"messages": "Hi", "stop": 5}}"#, "stop: must be a string, or an array of strings"),
            (r#"{"request": {"messages": "Hi", "tool_choice": 5}}"#, "tool_choice: must be \"auto\""),
            (r#"{"request": {"messages": "Hi"}, "options": {"idempotency_key": ""}}"#, "idempotency_key is empty"),
            (r#"{"request": {}}"#, "missing field `messages`"),
            (r#"{"request": {"messages": "Hi", "max_tokens": "x"}}"#, "max_tokens"),
            (r#"{"request": {"messages": [{"role": "clown"}]}}"#, "clown"),
            (r#"{"request": {"messages": "Hi"}, "options": {"usr": "alice"}}"#, "unknown field `usr`"),
            (r#"{"request": {"messages": "Hi"}, "user": "alice"}"#, "unknown field `user`"),
        ] {
            let error = chat_arguments(text).unwrap_err();
            assert_eq!(error.code, "invalid_request");
            assert!(error.detail.contains(part), "{}", error.detail);
        }
    }
}
