//! The verb `chat`.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use tollway::client::Tollway;
use tollway::types::{CallOptions, ChatReply, ChatRequest, Result};

use super::call::{Asked, Call, refuse, rewritten};
use super::table::verbs;
use super::{Arguments, invalid, parse};
use crate::error::ErrorInfo;

verbs! {
    /// Makes a call and returns the whole reply, once its cost is in the ledger.
    ///
    /// * `budget_exceeded` if a budget that applies would be passed.
    "chat"(messages) => chat(Box<Call<ChatRequest>>) -> ChatReply;
}

/// What a chat call takes beside its messages: what the model is asked, and what Tollway does with the call.
///
/// A tool is a function of yours, or one that a vendor defines, as its own documentation writes it:
/// `{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}`, `{"google_search": {}}`. The format that has it takes it as
/// it is; a model of another one refuses it by name. Work that the provider charges for needs a price and a stated maximum where money
/// is capped.
#[cfg(feature = "schema")]
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is of use")]
struct ChatParameters {
    /// What the model is asked.
    request: ChatRequest,
    /// Fields that only some providers know, by their own names. Where money is capped, one that Tollway does not know has no price.
    extra: Option<Map<String, Value>>,
    /// What Tollway does with the call.
    options: Option<CallOptions>,
}

#[cfg(feature = "schema")]
super::call::described_by!(Call<ChatRequest>, ChatParameters);

pub(super) async fn chat(client: &Tollway, arguments: Box<Call<ChatRequest>>) -> Result<ChatReply> {
    client.chat(arguments.request, arguments.options).await
}

/// Reads the arguments of a chat.
pub(crate) fn chat_arguments(text: &str) -> std::result::Result<(ChatRequest, CallOptions), ErrorInfo> {
    Box::<Call<ChatRequest>>::read("chat", text).map(|call| (call.request, call.options))
}

#[derive(Deserialize)]
struct Peek<'a> {
    #[serde(borrow)]
    messages: &'a RawValue,
}

impl Asked for ChatRequest {
    /// Reads a request, where `messages` may be one text, which a user says.
    fn read(verb: &str, text: &str) -> std::result::Result<Self, ErrorInfo> {
        let peek: Peek<'_> = serde_json::from_str(text).map_err(|error| invalid(verb, &error))?;
        let request: Self = if peek.messages.get().starts_with('"') {
            let mut fields: Map<String, Value> = parse(verb, text)?;
            if let Some(messages) = fields.get_mut("messages") {
                *messages = json!([{"role": "user", "content": messages.take()}]);
            }
            rewritten(verb, fields)?
        } else if peek.messages.get().starts_with('[') {
            parse(verb, text)?
        } else {
            return refuse(
                verb,
                r#"messages must be a string, or an array such as [{"role": "user", "content": "Hi"}]"#,
            );
        };
        if request.messages.is_empty() {
            return refuse(verb, "messages is empty; give at least one message");
        }
        Ok(request)
    }
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
